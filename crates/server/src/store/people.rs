//! Rooms, guests, names and read markers: the writes that nobody asks for by an operation.

use madang_protocol::{Entry, EntryKind, RoomId, Seq, UnixMs, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::batch::{Batch, Failure};
use super::cache_update::CacheUpdate;
use super::rows::{self, NO_KEY, RoomKey, SEQ_MAX, seq_from_column, seq_of};
use super::{MAX_ROOMS, Newcomer, ReadMarker, Renamed, StoreError, UNREAD_MAX, UNREAD_SEEN, lookalikes};

/// Opens a room, with its first entry.
pub(super) fn open_room(
    batch: &mut Batch<'_>,
    room: RoomId,
    title: String,
    by: UserId,
    at: UnixMs,
) -> Result<Entry, Failure> {
    let author = batch.author(&by)?;
    // An id is never used again, not even of a closed room.
    let (taken, rooms): (bool, u32) = batch
        .sql
        .prepare_cached(
            "SELECT exists (SELECT 1 FROM rooms WHERE id = ?1),
                    (SELECT count(*) FROM rooms WHERE closed_at IS NULL)",
        )?
        .query_row([room.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if taken {
        return Err(StoreError::Taken.into());
    }
    if rooms >= MAX_ROOMS {
        return Err(StoreError::TooManyRooms.into());
    }
    let entry = Entry { room, seq: 1, at, by, cmid: None, what: EntryKind::Opened { title } };
    let key = insert_room(batch.sql, author.key, &entry)?;
    batch.entered(key, entry.clone(), author, None)?;
    Ok(entry)
}

/// The rows of a new room and of its first entry, which is by the person with the key `by`.
pub(super) fn insert_room(sql: &Connection, by: i64, opened: &Entry) -> rusqlite::Result<RoomKey> {
    sql.prepare_cached("INSERT INTO rooms (id, title, head, last_at) VALUES (?1, ?2, 1, ?3)")?
        .execute(params![opened.room.as_str(), opened.what.text(), opened.at])?;
    let key = RoomKey(sql.last_insert_rowid());
    rows::insert_entry(sql, key, by, opened)?;
    Ok(key)
}

/// Makes a guest and their login. To a newcomer nothing is new: what was there when they came is read.
pub(super) fn add_guest(
    batch: &mut Batch<'_>,
    user: &UserId,
    token_hash: [u8; 32],
    at: UnixMs,
) -> Result<(), Failure> {
    let sql = batch.sql;
    let taken: bool = sql
        .prepare_cached(
            "SELECT exists (SELECT 1 FROM users WHERE id = ?1) OR exists (SELECT 1 FROM logins WHERE token_hash = ?2)",
        )?
        .query_row(params![user.as_str(), token_hash], |row| row.get(0))?;
    if taken {
        return Err(StoreError::Taken.into());
    }
    let arrived = batch.turn()?;
    batch.insert_guest(&Newcomer { user: user.clone(), token_hash, made_at: at, arrived })
}

/// Gives a person another name.
pub(super) fn rename(
    batch: &mut Batch<'_>,
    user: &UserId,
    name: &str,
    at: UnixMs,
) -> Result<Renamed, Failure> {
    let key = batch.author(user)?.key;
    let others = lookalikes::name(batch, key, name, at)?;
    Ok(Renamed { person: lookalikes::tell(batch, key, at)?, others })
}

/// Moves a read marker forward, at most to the head. A newcomer whose marker stays where it is stays one.
pub(super) fn mark_read(
    batch: &mut Batch<'_>,
    user: &UserId,
    room: &RoomId,
    seq: Seq,
    newcomer: Option<&Newcomer>,
) -> Result<ReadMarker, Failure> {
    let reader = match (batch.author(user), newcomer) {
        (Err(Failure::Refused(_)), Some(newcomer)) => {
            let (room, head) = batch.room(room).map(|room| (room.key, room.head))?;
            let old = initial_marker(batch.sql, room, head, newcomer.arrived)?;
            if seq.min(head) <= old {
                return Ok(ReadMarker { seq: old, unread: unread(batch.sql, room, old, NO_KEY)?, head });
            }
            batch.insert_guest(newcomer)?;
            batch.author(user)?.key
        }
        (found, _) => found?.key,
    };
    let room = batch.room(room)?;
    let old: Option<i64> = batch
        .sql
        .prepare_cached("SELECT seq FROM read_markers WHERE user = ?1 AND room = ?2")?
        .query_row([reader, room.key.0], |row| row.get(0))
        .optional()?;
    let old = match old {
        Some(old) => seq_from_column(old),
        None => {
            let arrived = "SELECT arrived FROM users WHERE key = ?1";
            let arrived = batch.sql.prepare_cached(arrived)?.query_row([reader], |row| row.get(0))?;
            initial_marker(batch.sql, room.key, room.head, arrived)?
        }
    };
    let seq = seq.min(room.head).max(old);
    if seq > old {
        batch
            .sql
            .prepare_cached(
                "INSERT OR REPLACE INTO read_markers (user, room, seq, moved) VALUES (?1, ?2, ?3, 1)",
            )?
            .execute(params![reader, room.key.0, seq.cast_signed()])?;
        batch.note(CacheUpdate::Read { key: reader, room: room.key, seq });
    }
    Ok(ReadMarker { seq, unread: unread(batch.sql, room.key, seq, reader)?, head: room.head })
}

/// The read marker in a room where none was kept: before the first of the newest [`UNREAD_SEEN`] messages that came
/// after the reader did, or at the head. As the cache has it.
fn initial_marker(sql: &Connection, room: RoomKey, head: Seq, arrived: i64) -> rusqlite::Result<Seq> {
    if arrived < 0 {
        return Ok(0);
    }
    let mut statement = sql.prepare_cached(
        "SELECT pos, turn FROM messages WHERE pos > ?1 AND pos <= ?2 ORDER BY pos DESC LIMIT ?3",
    )?;
    let mut rows = statement.query(params![room.pos(0), room.pos(SEQ_MAX), UNREAD_SEEN])?;
    let mut marker = head;
    while let Some(row) = rows.next()? {
        if row.get::<_, i64>(1)? <= arrived {
            break;
        }
        marker = seq_of(row.get(0)?).saturating_sub(1);
    }
    Ok(marker)
}

/// Messages in `room` after `seq` that stand and are not `reader`'s own, up to [`UNREAD_MAX`] among the newest
/// [`UNREAD_SEEN`].
pub(super) fn unread(sql: &Connection, room: RoomKey, seq: Seq, reader: i64) -> rusqlite::Result<u32> {
    sql.prepare_cached(
        "SELECT count(*) FROM (
             SELECT 1 FROM (
                 SELECT by, deleted FROM messages WHERE pos > ?1 AND pos <= ?2 ORDER BY pos DESC LIMIT ?5)
             WHERE by <> ?3 AND NOT deleted LIMIT ?4)",
    )?
    .query_row(params![room.pos(seq), room.pos(SEQ_MAX), reader, UNREAD_MAX, UNREAD_SEEN], |row| row.get(0))
}

/// Writes as much as a long message needs and takes it back, so that a full or failing disk shows.
pub(super) fn probe(batch: &mut Batch<'_>) -> Result<(), Failure> {
    batch
        .sql
        .prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES ('probe', hex(zeroblob(6000)))")?
        .execute([])?;
    batch.sql.prepare_cached("DELETE FROM meta WHERE key = 'probe'")?.execute([])?;
    Ok(())
}
