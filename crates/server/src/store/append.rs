//! Posts, edits and deletes: each an entry in the log and a change of its message, in one transaction.

use madang_protocol::{Cmid, Entry, Headers, Seq, What};
use rusqlite::{Connection, OptionalExtension, params};

use super::batch::{Author, Batch, Failure, RoomHead};
use super::consumer_offsets;
use super::rows::{self, RoomKey, kind, seq_of};
use super::{Appended, Change, Keep, Newcomer, Rejected, StoreError, Write};
use crate::simulation::{Mutant, is};

/// Writes one entry, or finds the one that an earlier try of the same write made.
pub(super) fn append(batch: &mut Batch<'_>, write: Write) -> Result<Appended, Failure> {
    let author = batch.author(&write.by)?;
    if let Some(mut first) = first_of(batch, &author, write.cmid)? {
        if is(Mutant::RepeatsWithNewSeq) {
            first.seq = batch.room(&write.room)?.head;
        }
        return Ok(first);
    }
    let room = batch.room(&write.room)?;
    let line = Line {
        seq: room.head + 1,
        at: dated(write.at, room.last_at),
        cmid: write.cmid,
        author: author.key,
        room,
    };
    let mut turn = None;
    let what = match write.change {
        Change::Post { body, reply_to, headers } => {
            let what = post(batch, &line, body, reply_to, headers)?;
            turn = Some(in_turn(batch, &line)?);
            what
        }
        Change::Edit { seq, body } => edit(batch, &line, seq, body)?,
        Change::Delete { seq } => delete(batch, &line, seq)?,
    };
    let appended = Appended { room: write.room.clone(), seq: line.seq, repeat: false };
    let entry =
        Entry { room: write.room, seq: line.seq, at: line.at, by: write.by, cmid: Some(write.cmid), what };
    batch.entered(room.key, entry, author, turn);
    Ok(appended)
}

/// Writes all and keeps all places, or nothing, not even the row of a newcomer.
pub(super) fn append_all(
    batch: &mut Batch<'_>,
    writes: Vec<Write>,
    places: &[Keep],
    newcomer: Option<&Newcomer>,
) -> Result<Result<Vec<Appended>, Rejected>, Failure> {
    let before = batch.place(writes.iter().map(|write| &write.room))?;
    let mut index = 0;
    match batch.by_newcomer(newcomer, |batch| each(batch, writes, places, &mut index)) {
        Ok(appended) => {
            batch.keep(&before)?;
            Ok(Ok(appended))
        }
        Err(Failure::Refused(error)) => {
            batch.go_back(before)?;
            Ok(Err(Rejected { index, error }))
        }
        Err(failed) => Err(failed),
    }
}

/// Does one after the other, up to the first that is refused: that is then the one at `index`.
fn each(
    batch: &mut Batch<'_>,
    writes: Vec<Write>,
    places: &[Keep],
    index: &mut usize,
) -> Result<Vec<Appended>, Failure> {
    let mut appended = Vec::with_capacity(writes.len());
    for write in writes {
        appended.push(append(batch, write)?);
        *index += 1;
    }
    for Keep { reader, room, name, place, at } in places {
        consumer_offsets::keep(batch, reader, room, name, place, *at)?;
        *index += 1;
    }
    Ok(appended)
}

/// Maximum time that the clock may lie before a room's newest entry and still be kept from going back: what clocks do
/// by themselves. Milliseconds. Beyond it the entry before was dated by a wrong clock, or this one is; the next right
/// one ends it.
const STEP_BACK: i64 = 5_000;

/// The time of an entry that is written `now`, after one of `last`.
pub(super) fn dated(now: i64, last: i64) -> i64 {
    if last.saturating_sub(now) > STEP_BACK { now } else { now.max(last) }
}

/// The entry that is about to be written.
struct Line {
    room: RoomHead,
    seq: Seq,
    at: i64,
    author: i64,
    cmid: Cmid,
}

impl Line {
    fn pos(&self) -> i64 {
        self.room.key.pos(self.seq)
    }

    fn insert(
        &self,
        batch: &Batch<'_>,
        kind: i64,
        target: Option<i64>,
        body: Option<&str>,
        headers: &Headers,
    ) -> rusqlite::Result<()> {
        let cmid = (!is(Mutant::ForgetsCmid)).then_some(self.cmid.0.to_be_bytes());
        batch
            .sql
            .prepare_cached(
                "INSERT INTO entries (pos, at, by, cmid, kind, target, body, headers)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                self.pos(),
                self.at,
                self.author,
                cmid,
                kind,
                target,
                body,
                rows::headers_column(headers)
            ])?;
        Ok(())
    }
}

fn first_of(batch: &Batch<'_>, author: &Author, cmid: Cmid) -> Result<Option<Appended>, Failure> {
    let found: Option<i64> = batch
        .sql
        .prepare_cached("SELECT pos FROM entries WHERE by = ?1 AND cmid = ?2")?
        .query_row(params![author.key, cmid.0.to_be_bytes()], |row| row.get(0))
        .optional()?;
    let Some(pos) = found else { return Ok(None) };
    let room = batch
        .sql
        .prepare_cached("SELECT id FROM rooms WHERE key = ?1")?
        .query_row([RoomKey::of(pos).0], |row| rows::id(row, 0))?;
    Ok(Some(Appended { room, seq: seq_of(pos), repeat: true }))
}

fn post(
    batch: &Batch<'_>,
    line: &Line,
    body: String,
    reply_to: Option<Seq>,
    headers: Headers,
) -> Result<What, Failure> {
    let target = reply_to.map(|seq| line.room.key.pos(seq));
    if let Some(target) = target {
        batch
            .sql
            .prepare_cached("SELECT 1 FROM messages WHERE pos = ?1")?
            .query_row([target], |_| Ok(()))
            .optional()?
            .ok_or(StoreError::UnknownMessage)?;
    }
    line.insert(batch, kind::POSTED, target, Some(&body), &headers)?;
    Ok(What::Posted { body, reply_to, headers })
}

/// The row of a message that is posted, with its turn.
fn in_turn(batch: &mut Batch<'_>, line: &Line) -> Result<i64, Failure> {
    let turn = batch.next_turn()?;
    batch
        .sql
        .prepare_cached("INSERT INTO messages (pos, by, changed, turn) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![line.pos(), line.author, line.seq.cast_signed(), turn])?;
    Ok(turn)
}

fn edit(batch: &Batch<'_>, line: &Line, seq: Seq, body: String) -> Result<What, Failure> {
    let target = own_message(batch, line, seq)?;
    line.insert(batch, kind::EDITED, Some(target), Some(&body), &Headers::default())?;
    batch
        .sql
        .prepare_cached("UPDATE messages SET body = ?2, edited_at = ?3, changed = ?4 WHERE pos = ?1")?
        .execute(params![target, body, line.at, line.seq.cast_signed()])?;
    Ok(What::Edited { seq, body })
}

/// Marks the message and redacts every text that it ever had, and its headers.
fn delete(batch: &Batch<'_>, line: &Line, seq: Seq) -> Result<What, Failure> {
    let target = own_message(batch, line, seq)?;
    line.insert(batch, kind::DELETED, Some(target), None, &Headers::default())?;
    redact(batch.sql, target, line.seq)?;
    Ok(What::Deleted { seq })
}

/// Marks the message at `target` as deleted by the entry `by`, and takes every text that it ever had, and its
/// headers.
pub(super) fn redact(sql: &Connection, target: i64, by: Seq) -> rusqlite::Result<()> {
    sql.prepare_cached("UPDATE messages SET deleted = 1, body = NULL, changed = ?2 WHERE pos = ?1")?
        .execute(params![target, by.cast_signed()])?;
    sql.prepare_cached("UPDATE entries SET body = '', headers = NULL WHERE pos = ?1")?.execute([target])?;
    sql.prepare_cached("UPDATE entries SET body = '' WHERE kind = 3 AND target = ?1")?.execute([target])?;
    Ok(())
}

/// The pos of a message that is not deleted and that the author may change.
fn own_message(batch: &Batch<'_>, line: &Line, seq: Seq) -> Result<i64, Failure> {
    let pos = line.room.key.pos(seq);
    let owner: i64 = batch
        .sql
        .prepare_cached("SELECT by FROM messages WHERE pos = ?1 AND NOT deleted")?
        .query_row([pos], |row| row.get(0))
        .optional()?
        .ok_or(StoreError::UnknownMessage)?;
    if owner == line.author { Ok(pos) } else { Err(StoreError::NotYours.into()) }
}
