//! Moderation by the owner: rooms renamed and closed, messages taken back, people and addresses banned.

use madang_protocol::{Entry, EntryKind, RoomId, Seq, UnixMs, UserId};
use rusqlite::{Connection, params};

use super::append::{dated, write_entry};
use super::batch::{Batch, Failure};
use super::cache_update::CacheUpdate;
use super::rows;
use super::{Ban, MAX_BANS, RoomChange, StoreError};

/// Renames or closes a room, by an entry of the server's own.
pub(super) fn change_room(
    batch: &mut Batch<'_>,
    room: RoomId,
    change: RoomChange,
    at: UnixMs,
) -> Result<Entry, Failure> {
    let (found, author) = (batch.room(&room)?, batch.author(&UserId::system())?);
    if room == RoomId::lobby() && matches!(change, RoomChange::Close { .. }) {
        return Err(StoreError::TheLobby.into());
    }
    let (seq, at) = (found.head + 1, dated(at, found.last_at));
    let what = match change {
        RoomChange::Rename { title } => {
            batch
                .sql
                .prepare_cached("UPDATE rooms SET title = ?2 WHERE key = ?1")?
                .execute(params![found.key.0, title])?;
            EntryKind::Renamed { title }
        }
        RoomChange::Close { unused } => {
            if unused && is_used(batch.sql, found.key)? {
                return Err(StoreError::InUse.into());
            }
            batch
                .sql
                .prepare_cached("UPDATE rooms SET closed_at = ?2 WHERE key = ?1")?
                .execute(params![found.key.0, at])?;
            EntryKind::Closed {}
        }
    };
    let entry = Entry { room, seq, at, by: author.person.person.id.clone(), cmid: None, what };
    write_entry(batch, found.key, entry.clone(), author, None)?;
    Ok(entry)
}

fn is_used(sql: &Connection, room: rows::RoomKey) -> rusqlite::Result<bool> {
    sql.prepare_cached("SELECT exists (SELECT 1 FROM messages WHERE pos > ?1 AND pos <= ?2)")?
        .query_row(params![room.pos(0), room.pos(rows::SEQ_MAX)], |row| row.get(0))
}

/// Takes somebody's message back, as if they had done it: whoever counts what is unread counts one's own messages by an
/// entry's author. Such an entry has no `cmid`.
pub(super) fn remove_message(
    batch: &mut Batch<'_>,
    room: RoomId,
    seq: Seq,
    at: UnixMs,
) -> Result<Entry, Failure> {
    let found = batch.room(&room)?;
    let target = rows::undeleted_message(batch.sql, found.key, seq)?.ok_or(StoreError::UnknownMessage)?;
    let (by, author) = (target.by.clone(), batch.author(&target.by)?);
    let (own, at) = (found.head + 1, dated(at, found.last_at));
    let entry = Entry { room, seq: own, at, by, cmid: None, what: EntryKind::Deleted { seq } };
    write_entry(batch, found.key, entry.clone(), author, Some(target))?;
    Ok(entry)
}

/// Bans, or bans no longer; answers whether that changed anything.
pub(super) fn ban(batch: &mut Batch<'_>, ban: Ban, at: Option<UnixMs>) -> Result<bool, Failure> {
    let subject = ban.subject();
    let changed = match at {
        Some(at) => {
            let bans: u32 =
                batch.sql.prepare_cached("SELECT count(*) FROM bans")?.query_row([], |row| row.get(0))?;
            if bans >= MAX_BANS {
                return Err(StoreError::TooManyBans.into());
            }
            batch
                .sql
                .prepare_cached("INSERT OR IGNORE INTO bans (kind, subject, at) VALUES (?1, ?2, ?3)")?
                .execute(params![number(&ban), subject, at])?
        }
        None => batch
            .sql
            .prepare_cached("DELETE FROM bans WHERE kind = ?1 AND subject = ?2")?
            .execute(params![number(&ban), subject])?,
    };
    if changed > 0 {
        batch.note(CacheUpdate::Banned { ban, at });
    }
    Ok(changed > 0)
}

/// At most ten people of that name, or the one with that id. Somebody without a name is called `guest-` and the last four
/// characters of the id.
pub(super) fn people(sql: &Connection, name: &str) -> rusqlite::Result<Vec<UserId>> {
    let mut statement = sql.prepare_cached(
        "SELECT id FROM users WHERE id = ?1 UNION SELECT id FROM users WHERE name = ?1
         UNION SELECT id FROM users WHERE name = '' AND 'guest-' || substr(id, -4) = ?1 LIMIT 10",
    )?;
    statement.query_map([name], |row| rows::id(row, 0))?.collect()
}

fn number(ban: &Ban) -> i64 {
    match ban {
        Ban::Person(_) => 1,
        Ban::Network(_) => 2,
    }
}
