//! SQL of the reads: snapshots, pagination of history, entries after a cursor. Each function sees one state of the database.

use madang_protocol::{Message, Person, RoomId, Seq};
use rusqlite::{Connection, OptionalExtension, Row, Rows, params};

use super::read_limit::{Count, ReadLimit};
use super::rows::{
    self, ENTRY_COLUMNS, MESSAGE_COLUMNS, PERSON_COLUMNS, ReadError, RoomKey, SEQ_MAX, seq_from_column,
};
use super::{Committed, PageAt, PageRead, RoomState, StoreError, reactors};

/// The log behind a cursor.
pub(super) fn entries_after(
    sql: &Connection,
    room: &RoomId,
    after: Seq,
    most: ReadLimit,
) -> Result<Vec<Committed>, ReadError> {
    // Also of a closed room, whose last entries its readers have yet to hear: `room` decides who may.
    let mut statement = sql.prepare_cached("SELECT key FROM rooms WHERE id = ?1")?;
    let key = statement.query_row([room.as_str()], |row| row.get(0).map(RoomKey)).optional()?;
    let key = key.ok_or(ReadError(StoreError::UnknownRoom))?;
    let mut statement = sql.prepare_cached(&format!(
        "SELECT {ENTRY_COLUMNS}, {PERSON_COLUMNS} FROM entries e JOIN users u ON u.key = e.by
         WHERE e.pos > ?1 AND e.pos <= ?2 ORDER BY e.pos LIMIT ?3"
    ))?;
    let mut rows = statement.query(params![key.pos(after), key.pos(SEQ_MAX), rows_of(most.rows)])?;
    let (mut entries, mut count) = (Vec::new(), most.count());
    while let Some(row) = rows.next()? {
        let committed = rows::entry(row, room)?;
        if !count.takes_entry(&committed.entry) {
            break;
        }
        entries.push(committed);
    }
    Ok(entries)
}

/// A room with its newest messages.
pub(super) fn snapshot(
    sql: &Connection,
    room: &RoomId,
    most: ReadLimit,
) -> Result<Option<RoomState>, ReadError> {
    let Some(found) = found_room(sql, room)? else { return Ok(None) };
    let mut newest = older(sql, found.key, found.key.pos(SEQ_MAX), &mut most.count())?;
    let first = newest.last().map_or(found.key.pos(SEQ_MAX), |(oldest, _)| found.key.pos(oldest.seq));
    let before = any_message(sql, found.key.pos(0), first - 1)?;
    newest.reverse();
    let (messages, mut people) = parted(newest);
    reactors::add(&mut people, reactors::read(sql, messages.iter())?.into_iter().map(|(_, person)| person));
    Ok(Some(RoomState { title: found.title, head: found.head, messages, before, people }))
}

/// A page of a room's messages.
pub(super) fn page(
    sql: &Connection,
    room: &RoomId,
    at: PageAt,
    most: ReadLimit,
) -> Result<Option<PageRead>, ReadError> {
    let Some(FoundRoom { key, head, .. }) = found_room(sql, room)? else { return Ok(None) };
    let (mut old, new) = match at {
        PageAt::Before(seq) => (older(sql, key, key.pos(seq), &mut most.count())?, Vec::new()),
        PageAt::After(seq) => (Vec::new(), newer(sql, key, key.pos(seq), &mut most.count())?),
        PageAt::Around(seq) => around(sql, key, seq, most)?,
    };
    old.reverse();
    old.extend(new);
    let (messages, mut people) = parted(old);
    reactors::add(&mut people, reactors::read(sql, messages.iter())?.into_iter().map(|(_, person)| person));
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
    sql.prepare_cached("SELECT key, title, head FROM rooms WHERE id = ?1 AND closed_at IS NULL")?
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

/// The nearest messages before `pos`, newest first, as far as they fit.
fn older(sql: &Connection, room: RoomKey, pos: i64, count: &mut Count) -> rusqlite::Result<Vec<Authored>> {
    let mut statement = sql.prepare_cached(&older_sql())?;
    fitting(&mut statement.query(params![room.pos(0), pos])?, count)
}

/// The nearest messages after `pos`, oldest first, as far as they fit.
fn newer(sql: &Connection, room: RoomKey, pos: i64, count: &mut Count) -> rusqlite::Result<Vec<Authored>> {
    let mut statement = sql.prepare_cached(&newer_sql())?;
    fitting(&mut statement.query(params![pos, room.pos(SEQ_MAX)])?, count)
}

fn older_sql() -> String {
    format!(
        "SELECT {MESSAGE_COLUMNS}, {PERSON_COLUMNS} FROM messages m JOIN entries e ON e.pos = m.pos JOIN users u ON u.key = m.by
         WHERE m.pos > ?1 AND m.pos < ?2 ORDER BY m.pos DESC"
    )
}

fn newer_sql() -> String {
    format!(
        "SELECT {MESSAGE_COLUMNS}, {PERSON_COLUMNS} FROM messages m JOIN entries e ON e.pos = m.pos JOIN users u ON u.key = m.by
         WHERE m.pos > ?1 AND m.pos <= ?2 ORDER BY m.pos"
    )
}

fn fitting(rows: &mut Rows<'_>, count: &mut Count) -> rusqlite::Result<Vec<Authored>> {
    let mut taken = Vec::new();
    while next_fitting(rows, count, &mut taken)? {}
    Ok(taken)
}

/// Takes one more row, if there is one and it fits.
fn next_fitting(rows: &mut Rows<'_>, count: &mut Count, taken: &mut Vec<Authored>) -> rusqlite::Result<bool> {
    if count.is_full() {
        return Ok(false);
    }
    let Some(row) = rows.next()? else { return Ok(false) };
    let authored = rows::message(row)?;
    let fits = count.takes(&authored.0);
    if fits {
        taken.push(authored);
    }
    Ok(fits)
}

/// From `seq` on and before it, in turns, so that it lies in the middle; a side that ends, or whose next message does
/// not fit, leaves the rest to the other.
fn around(
    sql: &Connection,
    room: RoomKey,
    seq: Seq,
    most: ReadLimit,
) -> rusqlite::Result<(Vec<Authored>, Vec<Authored>)> {
    let pos = room.pos(seq);
    let (mut old, mut new, mut count) = (Vec::new(), Vec::new(), most.count());
    let (mut older, mut newer) = (sql.prepare_cached(&older_sql())?, sql.prepare_cached(&newer_sql())?);
    let mut older = older.query(params![room.pos(0), pos])?;
    let mut newer = newer.query(params![pos - 1, room.pos(SEQ_MAX)])?;
    let (mut more_old, mut more_new) = (true, true);
    while more_old || more_new {
        more_new = more_new && next_fitting(&mut newer, &mut count, &mut new)?;
        more_old = more_old && next_fitting(&mut older, &mut count, &mut old)?;
    }
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
