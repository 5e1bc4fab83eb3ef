//! SQL of what is kept in memory.

use std::collections::VecDeque;

use madang_protocol::{EntryKind, Headers, RoomId, Seq, UnixMs, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::super::rows::{
    self, ENTRY_COLUMNS, MESSAGE_COLUMNS, PERSON_COLUMNS, ReadError, RoomKey, SEQ_MAX, seq_from_column,
    seq_of,
};
use super::super::{Ban, Committed, StoreError, UNREAD_SEEN, reactors};
use super::KEPT_MESSAGES;
use super::people::{MARKERS, Member, People};
use super::rooms::{NOBODY, Post, RecentMessages, Room, Rooms};

/// The people who are most likely to come: those who chose a name, then the newest guests; at most `most`.
pub(super) fn people(sql: &Connection, most: usize) -> rusqlite::Result<People> {
    let mut people = People::new(most);
    let mut statement = sql.prepare(
        "SELECT key FROM users WHERE exists (SELECT 1 FROM logins WHERE user = users.key)
         ORDER BY name = '', key DESC LIMIT ?1",
    )?;
    let keys = statement.query_map([i64::try_from(most).unwrap_or(i64::MAX)], |row| row.get(0))?;
    let (mut members, mut markers, mut seen) = (Vec::new(), 0, 0);
    let mut all = true;
    for key in keys {
        seen += 1;
        let Some(member) = member(sql, key?)? else { continue };
        markers += member.markers.len();
        if markers > MARKERS {
            all = false;
            break;
        }
        members.push(member);
    }
    // The last to be taken in is the last to go.
    members.into_iter().rev().for_each(|member| people.insert(member));
    if !all || seen >= most {
        people.lacks_some();
    }
    Ok(people)
}

/// All bans. A row that cannot be read is passed over: it would be a ban of nobody.
pub(super) fn bans(sql: &Connection) -> rusqlite::Result<Vec<(Ban, UnixMs)>> {
    let mut statement = sql.prepare("SELECT kind, subject, at FROM bans")?;
    let rows = statement.query_map([], |row| {
        let subject: String = row.get(1)?;
        let ban = match row.get::<_, i64>(0)? {
            1 => subject.parse().ok().map(Ban::Person),
            _ => subject.parse().ok().map(Ban::Network),
        };
        Ok((ban, row.get(2)?))
    })?;
    let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(rows.into_iter().filter_map(|(ban, at)| Some((ban?, at))).collect())
}

/// Every room, without its messages' texts.
pub(super) fn rooms(sql: &Connection) -> rusqlite::Result<Rooms> {
    let mut rooms = Rooms::default();
    let mut statement =
        sql.prepare("SELECT key, id, title, head, last_at FROM rooms WHERE closed_at IS NULL")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let key = RoomKey(row.get(0)?);
        let room = Room {
            id: rows::id(row, 1)?,
            title: row.get(2)?,
            head: seq_from_column(row.get(3)?),
            last_at: row.get(4)?,
            posts: posts(sql, key)?,
            newest: None,
        };
        rooms.insert(key, room);
    }
    Ok(rooms)
}

fn posts(sql: &Connection, room: RoomKey) -> rusqlite::Result<VecDeque<Post>> {
    let mut statement = sql.prepare_cached(
        "SELECT pos, by, deleted, turn FROM messages WHERE pos > ?1 AND pos <= ?2 ORDER BY pos DESC LIMIT ?3",
    )?;
    let newest_first = statement.query_map(params![room.pos(0), room.pos(SEQ_MAX), UNREAD_SEEN], |row| {
        let by = if row.get(2)? { NOBODY } else { row.get(1)? };
        Ok(Post { seq: seq_of(row.get(0)?), by, turn: row.get(3)? })
    })?;
    let mut posts = newest_first.collect::<rusqlite::Result<VecDeque<_>>>()?;
    posts.make_contiguous().reverse();
    Ok(posts)
}

/// The key of the person with this login.
pub(super) fn key_of_login(sql: &Connection, token_hash: &[u8; 32]) -> rusqlite::Result<Option<i64>> {
    let mut statement = sql.prepare_cached("SELECT user FROM logins WHERE token_hash = ?1")?;
    statement.query_row([token_hash], |row| row.get(0)).optional()
}

/// The key of this person.
pub(in crate::store) fn key_of_user(sql: &Connection, user: &UserId) -> rusqlite::Result<Option<i64>> {
    let mut statement = sql.prepare_cached("SELECT key FROM users WHERE id = ?1")?;
    statement.query_row([user.as_str()], |row| row.get(0)).optional()
}

/// A person with their logins and read markers.
pub(super) fn member(sql: &Connection, key: i64) -> rusqlite::Result<Option<Member>> {
    let person = sql
        .prepare_cached(&format!("SELECT {PERSON_COLUMNS}, u.arrived FROM users u WHERE u.key = ?1"))?
        .query_row([key], |row| Ok((rows::person(row, 0)?, row.get(5)?)))
        .optional()?;
    let Some((person, arrived)) = person else { return Ok(None) };
    let logins = sql
        .prepare_cached("SELECT token_hash FROM logins WHERE user = ?1")?
        .query_map([key], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Some(Member { key, person, logins, arrived, markers: markers(sql, key)? }))
}

/// A person's read markers, in the order of the rooms' keys.
pub(in crate::store) fn markers(sql: &Connection, key: i64) -> rusqlite::Result<Vec<(RoomKey, Seq)>> {
    let mut statement =
        sql.prepare_cached("SELECT room, seq FROM read_markers WHERE user = ?1 ORDER BY room")?;
    statement.query_map([key], |row| Ok((RoomKey(row.get(0)?), seq_from_column(row.get(1)?))))?.collect()
}

/// A room's newest messages.
pub(super) fn messages(sql: &Connection, room: RoomKey) -> rusqlite::Result<RecentMessages> {
    let head = sql
        .prepare_cached("SELECT head FROM rooms WHERE key = ?1")?
        .query_row([room.0], |row| row.get(0))
        .map(seq_from_column)?;
    let mut statement = sql.prepare_cached(&format!(
        "SELECT {MESSAGE_COLUMNS}, {PERSON_COLUMNS}, u.key FROM messages m
         JOIN entries e ON e.pos = m.pos JOIN users u ON u.key = m.by
         WHERE m.pos > ?1 AND m.pos <= ?2 ORDER BY m.pos DESC LIMIT ?3"
    ))?;
    let most = i64::try_from(KEPT_MESSAGES).unwrap_or(i64::MAX - 1);
    let newest_first = statement.query_map(params![room.pos(0), room.pos(SEQ_MAX), most + 1], |row| {
        let (message, author) = rows::message(row)?;
        Ok((row.get(14)?, message, author))
    })?;
    let mut messages = newest_first.collect::<rusqlite::Result<VecDeque<_>>>()?;
    let before = messages.len() > KEPT_MESSAGES;
    messages.truncate(KEPT_MESSAGES);
    messages.make_contiguous().reverse();
    let reactors = reactors::read(sql, messages.iter().map(|(_, message, _)| message))?;
    Ok(RecentMessages::new(head, messages, reactors, before))
}

/// A room's newest entries, oldest first: at most `limit`, and no more once their texts are `bytes` long.
pub(in crate::store) fn entries(
    sql: &Connection,
    room: &RoomId,
    limit: usize,
    bytes: usize,
) -> Result<Vec<Committed>, ReadError> {
    let mut statement = sql.prepare_cached("SELECT key FROM rooms WHERE id = ?1")?;
    let key = statement.query_row([room.as_str()], |row| row.get(0)).optional()?;
    let key = RoomKey(key.ok_or(ReadError(StoreError::UnknownRoom))?);
    let mut statement = sql.prepare_cached(&format!(
        "SELECT {ENTRY_COLUMNS}, {PERSON_COLUMNS} FROM entries e JOIN users u ON u.key = e.by
         WHERE e.pos > ?1 AND e.pos <= ?2 ORDER BY e.pos DESC LIMIT ?3"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![key.pos(0), key.pos(SEQ_MAX), limit])?;
    let (mut entries, mut read) = (Vec::new(), 0);
    while read < bytes
        && let Some(row) = rows.next()?
    {
        let committed = rows::entry(row, room)?;
        read += text_bytes(&committed.entry.what);
        entries.push(committed);
    }
    entries.reverse();
    Ok(entries)
}

fn text_bytes(what: &EntryKind) -> usize {
    what.text().len() + what.headers().map_or(0, Headers::bytes)
}
