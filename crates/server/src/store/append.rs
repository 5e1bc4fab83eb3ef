//! Posts, edits, deletes and reactions: each an entry in the log and a change of its message, in one transaction. A repeat is
//! found here (deduplication, by author and `cmid`).

use madang_protocol::{Cmid, Entry, EntryKind, Message, RoomId, Seq};
use rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE;
use rusqlite::{Connection, OptionalExtension, params};

use super::batch::{Author, Batch, Failure, RoomHead};
use super::consumer_offsets;
use super::rows::{self, RoomKey, seq_of};
use super::{Newcomer, OffsetCommit, PendingWrite, Store, StoreError};
use crate::access::rights::may_change;

/// A write that is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The room it went to; for a repeat the first one's, whatever the repeat named.
    pub room: RoomId,
    /// The entry that it made; for a repeat the first one's.
    pub seq: Seq,
    /// True if an earlier write had the same author and cmid. Nothing was written then.
    pub repeat: bool,
}

/// The write, or the offset, for whose sake none of several was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its place among them, from 0; the offsets that are kept with them come behind.
    pub index: usize,
    /// The reason.
    pub error: StoreError,
}

impl Store {
    /// Writes an entry into its room's log, which gives it its `seq` and keeps its time from going back.
    ///
    /// A repeat, that is the same author and cmid again, answers what the first one got, before anything
    /// else about it is looked at.
    ///
    /// # Errors
    /// [`StoreError::UnknownRoom`], [`UnknownUser`](StoreError::UnknownUser),
    /// [`UnknownMessage`](StoreError::UnknownMessage) (also for the message replied to),
    /// [`NotYours`](StoreError::NotYours). From this and every other write:
    /// [`Unavailable`](StoreError::Unavailable), when nothing was written, and [`Closed`](StoreError::Closed).
    pub fn append(&self, draft: Entry) -> PendingWrite<Appended> {
        self.queued_by(self.expected(&draft.by), move |batch| append(batch, draft))
    }

    /// Writes all of these or none, in this order, each as [`Store::append`] does, and keeps the offsets with them as
    /// [`Store::commit_offset`] does. All are one person's. A crash leaves all of them or none.
    ///
    /// # Errors
    /// As [`Store::append`]; what one of them alone is refused for comes as the [`Rejected`] within.
    pub fn append_all(
        &self,
        drafts: Vec<Entry>,
        offsets: Vec<OffsetCommit>,
    ) -> PendingWrite<Result<Vec<Appended>, Rejected>> {
        let by = drafts.first().map(|draft| &draft.by).or(offsets.first().map(|keep| &keep.reader));
        let newcomer = by.and_then(|by| self.expected(by));
        self.queued(move |batch| append_all(batch, drafts, &offsets, newcomer.as_deref()))
    }
}

/// Writes one entry, or finds the one that an earlier try of the same write made.
pub(super) fn append(batch: &mut Batch<'_>, draft: Entry) -> Result<Appended, Failure> {
    let author = batch.author(&draft.by)?;
    let (by, cmid) = (author.key, draft.cmid);
    // Nearly every post is new, and the unique index refuses one that is not: that saves a search for each. Other
    // kinds may be without effect, which a repeat must not become.
    let is_post = matches!(draft.what, EntryKind::Posted { .. });
    if !is_post && let Some(first) = find_duplicate(batch, by, cmid)? {
        return Ok(first);
    }
    match append_new(batch, draft, author) {
        Err(failure) if is_post && may_be_duplicate(&failure) => {
            find_duplicate(batch, by, cmid)?.ok_or(failure)
        }
        result => result,
    }
}

/// Writes an entry whose author and cmid are new.
fn append_new(batch: &mut Batch<'_>, draft: Entry, author: Author) -> Result<Appended, Failure> {
    let RoomHead { key, head, last_at, .. } = batch.room(&draft.room)?;
    let entry = Entry { seq: head + 1, at: dated(draft.at, last_at), ..draft };
    let target = match entry.what.target() {
        Some(seq) => Some(rows::undeleted_message(batch.sql, key, seq)?.ok_or(StoreError::UnknownMessage)?),
        None => None,
    };
    if let Some(message) = &target
        && !is_new(&entry, message)?
    {
        return Ok(Appended { room: entry.room, seq: message.seq, repeat: true });
    }
    check_reply(batch.sql, key, entry.what.reply_to())?;
    let appended = Appended { room: entry.room.clone(), seq: entry.seq, repeat: false };
    write_entry(batch, key, entry, author, target)?;
    Ok(appended)
}

/// Returns true for a refusal, which a repeat is not held to, and for a conflict with an earlier write of the same cmid.
fn may_be_duplicate(failure: &Failure) -> bool {
    match failure {
        Failure::Refused(_) => true,
        Failure::Sql(error) => {
            error.sqlite_error().is_some_and(|error| error.extended_code == SQLITE_CONSTRAINT_UNIQUE)
        }
    }
}

/// Writes the next entry of a room, and what becomes of the message that it posts, or of its `target`.
pub(super) fn write_entry(
    batch: &mut Batch<'_>,
    room: RoomKey,
    entry: Entry,
    author: Author,
    target: Option<Message>,
) -> Result<(), Failure> {
    rows::insert_entry(batch.sql, room, author.key, &entry)?;
    let turn = match target {
        Some(mut message) => {
            message.apply(&entry);
            rows::update_message(batch.sql, room, &message, entry.seq)?;
            None
        }
        None if entry.about().is_some() => Some(in_turn(batch, room, author.key, entry.seq)?),
        None => None,
    };
    batch.entered(room, entry, author, turn)?;
    Ok(())
}

/// Writes all and keeps all offsets, or nothing, not even the row of a newcomer.
pub(super) fn append_all(
    batch: &mut Batch<'_>,
    drafts: Vec<Entry>,
    offsets: &[OffsetCommit],
    newcomer: Option<&Newcomer>,
) -> Result<Result<Vec<Appended>, Rejected>, Failure> {
    let before = batch.savepoint(drafts.iter().map(|draft| &draft.room))?;
    let mut index = 0;
    match batch.by_newcomer(newcomer, |batch| each(batch, drafts, offsets, &mut index)) {
        Ok(appended) => {
            batch.release(&before)?;
            Ok(Ok(appended))
        }
        Err(Failure::Refused(error)) => {
            batch.rollback_to(before)?;
            Ok(Err(Rejected { index, error }))
        }
        Err(failed) => Err(failed),
    }
}

/// Does one after the other, up to the first that is refused: that is then the one at `index`.
fn each(
    batch: &mut Batch<'_>,
    drafts: Vec<Entry>,
    offsets: &[OffsetCommit],
    index: &mut usize,
) -> Result<Vec<Appended>, Failure> {
    let mut appended = Vec::with_capacity(drafts.len());
    for draft in drafts {
        appended.push(append(batch, draft)?);
        *index += 1;
    }
    for OffsetCommit { reader, room, name, offset, at } in offsets {
        consumer_offsets::keep(batch, reader, room, name, offset, *at)?;
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

fn find_duplicate(batch: &Batch<'_>, by: i64, cmid: Option<Cmid>) -> Result<Option<Appended>, Failure> {
    let Some(cmid) = cmid else { return Ok(None) };
    let found: Option<i64> = batch
        .sql
        .prepare_cached("SELECT pos FROM entries WHERE cmid = ?2 AND by = ?1")?
        .query_row(params![by, cmid.0.to_be_bytes()], |row| row.get(0))
        .optional()?;
    let Some(pos) = found else { return Ok(None) };
    let room = batch
        .sql
        .prepare_cached("SELECT id FROM rooms WHERE key = ?1")?
        .query_row([RoomKey::of(pos).0], |row| rows::id(row, 0))?;
    Ok(Some(Appended { room, seq: seq_of(pos), repeat: true }))
}

/// Checks whether an entry may change the message. Returns false if nothing is left to be changed.
fn is_new(entry: &Entry, message: &Message) -> Result<bool, StoreError> {
    let reactions = &message.reactions;
    match &entry.what {
        EntryKind::Reacted { emoji, .. } if reactions.has(emoji, &entry.by) => Ok(false),
        EntryKind::Reacted { emoji, .. } => {
            reactions.check_room(emoji).map(|()| true).map_err(|_| StoreError::TooManyReactions)
        }
        EntryKind::Unreacted { emoji, .. } => Ok(reactions.has(emoji, &entry.by)),
        EntryKind::Edited { .. } | EntryKind::Deleted { .. } if !may_change(&entry.by, &message.by) => {
            Err(StoreError::NotYours)
        }
        EntryKind::Edited { .. } | EntryKind::Deleted { .. } => Ok(true),
        EntryKind::Opened { .. } | EntryKind::Posted { .. } | EntryKind::Renamed { .. } => Ok(true),
        EntryKind::Closed {} | EntryKind::Unknown => Ok(true),
    }
}

/// Refuses an answer to a message that never was.
fn check_reply(sql: &Connection, room: RoomKey, reply_to: Option<Seq>) -> Result<(), Failure> {
    let Some(seq) = reply_to else { return Ok(()) };
    let found = sql
        .prepare_cached("SELECT 1 FROM messages WHERE pos = ?1")?
        .query_row([room.pos(seq)], |_| Ok(()))
        .optional()?;
    found.ok_or_else(|| StoreError::UnknownMessage.into())
}

/// The row of a message that is posted, with its turn.
fn in_turn(batch: &mut Batch<'_>, room: RoomKey, by: i64, seq: Seq) -> Result<i64, Failure> {
    let turn = batch.next_turn()?;
    batch
        .sql
        .prepare_cached("INSERT INTO messages (pos, by, changed, turn) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![room.pos(seq), by, seq.cast_signed(), turn])?;
    Ok(turn)
}
