//! SQL of the reads. Each function sees one state of the database.

use madang_protocol::{Message, Person, RoomId, Seq};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::readers::ReadError;
use super::rows::{self, ENTRY_COLUMNS, MESSAGE_COLUMNS, RoomKey, SEQ_MAX, seq_from_column};
use super::{Committed, PageAt, PageRead, RoomState, StoreError};

/// The log behind a cursor.
pub(super) fn entries_after(
    sql: &Connection,
    room: &RoomId,
    after: Seq,
    limit: usize,
) -> Result<Vec<Committed>, ReadError> {
    let found = found_room(sql, room)?.ok_or(ReadError(StoreError::UnknownRoom))?;
    let mut statement = sql.prepare_cached(&format!(
        "SELECT {ENTRY_COLUMNS} FROM entries e JOIN users u ON u.key = e.by
         WHERE e.pos > ?1 AND e.pos <= ?2 ORDER BY e.pos LIMIT ?3"
    ))?;
    let entries = statement
        .query_map(params![found.key.pos(after), found.key.pos(SEQ_MAX), rows_of(limit)], |row| {
            rows::entry(row, room)
        })?;
    Ok(entries.collect::<Result<_, _>>()?)
}

/// A room with its newest messages.
pub(super) fn snapshot(
    sql: &Connection,
    room: &RoomId,
    limit: usize,
) -> Result<Option<RoomState>, ReadError> {
    let Some(found) = found_room(sql, room)? else { return Ok(None) };
    let mut newest = older(sql, found.key, found.key.pos(SEQ_MAX), limit.saturating_add(1))?;
    let before = newest.len() > limit;
    newest.truncate(limit);
    newest.reverse();
    let (messages, people) = parted(newest);
    Ok(Some(RoomState { title: found.title, head: found.head, messages, before, people }))
}

/// A page of a room's messages.
pub(super) fn page(
    sql: &Connection,
    room: &RoomId,
    at: PageAt,
    limit: usize,
) -> Result<Option<PageRead>, ReadError> {
    let Some(FoundRoom { key, head, .. }) = found_room(sql, room)? else { return Ok(None) };
    let (mut old, new) = match at {
        PageAt::Before(seq) => (older(sql, key, key.pos(seq), limit)?, Vec::new()),
        PageAt::After(seq) => (Vec::new(), newer(sql, key, key.pos(seq), limit)?),
        PageAt::Around(seq) => around(sql, key, seq, limit)?,
    };
    old.reverse();
    old.extend(new);
    let (messages, people) = parted(old);
    // An empty page lies between what is on its two sides.
    let (first, last) = match (messages.first(), messages.last(), at) {
        (Some(first), Some(last), _) => (key.pos(first.seq), key.pos(last.seq)),
        (_, _, PageAt::Before(seq)) => (key.pos(0), key.pos(seq) - 1),
        (_, _, PageAt::After(seq)) => (key.pos(seq) + 1, key.pos(SEQ_MAX)),
        (_, _, PageAt::Around(_)) => (key.pos(0), key.pos(0)),
    };
    let before = any_message(sql, key.pos(0), first - 1)?;
    let after = any_message(sql, last + 1, key.pos(SEQ_MAX))?;
    Ok(Some(PageRead { head, messages, before, after, people }))
}

struct FoundRoom {
    key: RoomKey,
    title: String,
    head: Seq,
}

fn found_room(sql: &Connection, room: &RoomId) -> rusqlite::Result<Option<FoundRoom>> {
    sql.prepare_cached("SELECT key, title, head FROM rooms WHERE id = ?1")?
        .query_row([room.as_str()], |row| {
            Ok(FoundRoom {
                key: RoomKey(row.get(0)?),
                title: row.get(1)?,
                head: seq_from_column(row.get(2)?),
            })
        })
        .optional()
}

type Authored = (Message, Person);

/// The nearest messages before `pos`, newest first.
fn older(sql: &Connection, room: RoomKey, pos: i64, limit: usize) -> rusqlite::Result<Vec<Authored>> {
    let mut statement = sql.prepare_cached(&format!(
        "SELECT {MESSAGE_COLUMNS} FROM messages m JOIN entries e ON e.pos = m.pos JOIN users u ON u.key = m.by
         WHERE m.pos > ?1 AND m.pos < ?2 ORDER BY m.pos DESC LIMIT ?3"
    ))?;
    statement.query_map([room.pos(0), pos, rows_of(limit)], rows::message)?.collect()
}

/// The nearest messages after `pos`, oldest first.
fn newer(sql: &Connection, room: RoomKey, pos: i64, limit: usize) -> rusqlite::Result<Vec<Authored>> {
    let mut statement = sql.prepare_cached(&format!(
        "SELECT {MESSAGE_COLUMNS} FROM messages m JOIN entries e ON e.pos = m.pos JOIN users u ON u.key = m.by
         WHERE m.pos > ?1 AND m.pos <= ?2 ORDER BY m.pos LIMIT ?3"
    ))?;
    statement.query_map([pos, room.pos(SEQ_MAX), rows_of(limit)], rows::message)?.collect()
}

/// Half of the page before `seq`, the rest from it on.
fn around(
    sql: &Connection,
    room: RoomKey,
    seq: Seq,
    limit: usize,
) -> rusqlite::Result<(Vec<Authored>, Vec<Authored>)> {
    let pos = room.pos(seq);
    let mut old = older(sql, room, pos, limit)?;
    let mut new = newer(sql, room, pos - 1, limit)?;
    new.truncate(limit - old.len().min(limit / 2));
    old.truncate(limit - new.len());
    Ok((old, new))
}

fn any_message(sql: &Connection, from: i64, to: i64) -> rusqlite::Result<bool> {
    sql.prepare_cached("SELECT exists (SELECT 1 FROM messages WHERE pos BETWEEN ?1 AND ?2)")?
        .query_row([from, to], |row: &Row<'_>| row.get(0))
}

/// The messages, and each author once.
pub(super) fn parted(authored: Vec<Authored>) -> (Vec<Message>, Vec<Person>) {
    let mut people: Vec<Person> = Vec::new();
    let messages = authored
        .into_iter()
        .map(|(message, author)| {
            if !people.iter().any(|person| person.id == author.id) {
                people.push(author);
            }
            message
        })
        .collect();
    (messages, people)
}

/// A limit as SQLite takes it.
fn rows_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
