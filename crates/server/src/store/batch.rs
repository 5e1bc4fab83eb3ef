//! One transaction of the writer: what it knows, what it made, and whether it may still be committed.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::sync::Arc;

use madang_protocol::{Entry, EntryKind, RoomId, Seq, UnixMs, UserId};
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::oneshot;

use super::cache_update::CacheUpdate;
use super::rows::{self, PERSON_COLUMNS, RoomKey, seq_from_column};
use super::{Committed, Newcomer, StoreError};
use crate::encoded::PersonFrame;

/// Sends a job's result once its batch has ended: with SQLite's words if the batch failed.
pub(super) type Answer = Box<dyn FnOnce(Option<&str>)>;

/// Reasons why a job in a batch did not succeed.
pub(super) enum Failure {
    /// It was refused before it wrote anything; the others of the batch go on.
    Refused(StoreError),
    /// SQLite failed; the whole batch is rolled back.
    Sql(rusqlite::Error),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// A room as the writer knows it, ahead of the `rooms` table until the batch ends.
#[derive(Clone, Copy)]
pub(super) struct RoomHead {
    pub(super) key: RoomKey,
    pub(super) head: Seq,
    pub(super) last_at: UnixMs,
    /// Of its newest message.
    turn: i64,
    pub(super) closed: bool,
}

/// An author as the writer knows them.
#[derive(Clone)]
pub(super) struct Author {
    pub(super) key: i64,
    pub(super) person: Arc<PersonFrame>,
    /// There are entries of theirs.
    wrote: bool,
}

/// Authors that the writer keeps in memory; at the bound all are forgotten and read again when they write.
const AUTHORS_MAX: usize = 20_000;

/// State that the writer keeps from batch to batch: true because it alone writes, and forgotten as a whole when a batch
/// fails.
#[derive(Default)]
pub(super) struct WriterState {
    rooms: HashMap<RoomId, RoomHead>,
    authors: HashMap<UserId, Author>,
    /// The newest message's.
    turn: Option<i64>,
}

/// Savepoint: state of the batch that it can be rolled back to.
pub(super) struct Savepoint {
    committed: usize,
    updates: usize,
    moved: usize,
    first: usize,
    turn: Option<i64>,
    heads: Vec<(RoomId, Option<RoomHead>)>,
}

/// A transaction that is being filled.
pub(super) struct Batch<'w> {
    pub(super) sql: &'w Connection,
    known: &'w mut WriterState,
    committed: Vec<Committed>,
    updates: Vec<CacheUpdate>,
    moved: Vec<RoomId>,
    /// Authors of their first entry.
    first: Vec<UserId>,
    failure: Option<rusqlite::Error>,
    /// Rows that the connection had changed in its life when the batch began.
    changes: u64,
}

impl<'w> Batch<'w> {
    /// Begins. A failure to do so is kept, and answers every job.
    pub(super) fn begin(sql: &'w Connection, known: &'w mut WriterState) -> Self {
        let failure = rolled_back(sql).and_then(|()| sql.execute_batch("BEGIN IMMEDIATE")).err();
        Self::new(sql, known, failure)
    }

    /// Answers every job with this failure.
    pub(super) fn failed(sql: &'w Connection, known: &'w mut WriterState, failure: rusqlite::Error) -> Self {
        Self::new(sql, known, Some(failure))
    }

    fn new(sql: &'w Connection, known: &'w mut WriterState, failure: Option<rusqlite::Error>) -> Self {
        let (committed, updates, moved, first) = Default::default();
        Self { sql, known, committed, updates, moved, first, failure, changes: sql.total_changes() }
    }

    /// Returns true if SQLite has failed, so that nothing more needs to be tried in this batch.
    pub(super) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Returns true if the commit will touch the disk: a batch of refusals and repeats does not.
    pub(super) fn wrote(&self) -> bool {
        self.sql.total_changes() != self.changes
    }

    /// Does one job, unless the batch has failed, and prepares its answer.
    pub(super) fn perform<T: Send + 'static>(
        &mut self,
        reply: oneshot::Sender<Result<T, StoreError>>,
        work: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Answer {
        let result = if self.has_failed() { Err(StoreError::Closed) } else { self.settle(work) };
        Box::new(move |failed| {
            // Nobody may be waiting any more: the write stands all the same.
            let _ = reply.send(match failed {
                Some(words) => Err(StoreError::Unavailable(words.to_owned())),
                None => result,
            });
        })
    }

    fn settle<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Failure>) -> Result<T, StoreError> {
        work(self).map_err(|failure| match failure {
            Failure::Refused(error) => error,
            Failure::Sql(error) => {
                let words = error.to_string();
                self.failure = Some(error);
                StoreError::Unavailable(words)
            }
        })
    }

    /// Commits, or rolls back and forgets what was known. Returns the entries, and the updates of the cache.
    ///
    /// # Errors
    /// SQLite's words; then nothing of the batch is written.
    pub(super) fn end(mut self) -> Result<(Vec<Committed>, Vec<CacheUpdate>), String> {
        let result = match self.failure.take() {
            Some(error) => Err(error),
            None => self.write_heads().and_then(|()| self.sql.execute_batch("COMMIT")),
        };
        result.map(|()| (self.committed, self.updates)).map_err(|error| {
            *self.known = WriterState::default();
            // If this fails too, the next batch tries it again before it begins.
            let _ = rolled_back(self.sql);
            error.to_string()
        })
    }

    /// Makes a savepoint: what is written behind it can be taken out of the batch, without touching what the others
    /// wrote. `rooms` are those that will be written to.
    pub(super) fn savepoint<'r>(
        &self,
        rooms: impl Iterator<Item = &'r RoomId>,
    ) -> rusqlite::Result<Savepoint> {
        self.sql.execute_batch("SAVEPOINT together")?;
        let heads = rooms.map(|room| (room.clone(), self.known.rooms.get(room).copied()));
        Ok(Savepoint {
            committed: self.committed.len(),
            updates: self.updates.len(),
            moved: self.moved.len(),
            first: self.first.len(),
            turn: self.known.turn,
            heads: heads.collect(),
        })
    }

    /// Takes out what was written behind the savepoint.
    pub(super) fn rollback_to(&mut self, savepoint: Savepoint) -> rusqlite::Result<()> {
        self.sql.execute_batch("ROLLBACK TO together; RELEASE together")?;
        self.committed.truncate(savepoint.committed);
        self.updates.truncate(savepoint.updates);
        self.moved.truncate(savepoint.moved);
        for user in self.first.drain(savepoint.first..) {
            self.known.authors.remove(&user);
        }
        self.known.turn = savepoint.turn;
        for (room, head) in savepoint.heads {
            match head {
                Some(head) => _ = self.known.rooms.insert(room, head),
                None => _ = self.known.rooms.remove(&room),
            }
        }
        Ok(())
    }

    /// Keeps what was written behind the savepoint, as part of the batch.
    pub(super) fn release(&self, _savepoint: &Savepoint) -> rusqlite::Result<()> {
        self.sql.execute_batch("RELEASE together")
    }

    fn write_heads(&self) -> rusqlite::Result<()> {
        let mut update =
            self.sql.prepare_cached("UPDATE rooms SET head = ?2, last_at = ?3, turn = ?4 WHERE key = ?1")?;
        for room in self.moved.iter().filter_map(|room| self.known.rooms.get(room)) {
            update.execute(params![room.key.0, room.head.cast_signed(), room.last_at, room.turn])?;
        }
        Ok(())
    }

    /// The room, or a refusal.
    pub(super) fn room(&mut self, room: &RoomId) -> Result<RoomHead, Failure> {
        if let Some(known) = self.known.rooms.get(room) {
            return if known.closed { Err(StoreError::UnknownRoom.into()) } else { Ok(*known) };
        }
        let found = self
            .sql
            .prepare_cached("SELECT key, head, last_at, turn FROM rooms WHERE id = ?1 AND closed_at IS NULL")?
            .query_row([room.as_str()], |row| {
                Ok(RoomHead {
                    key: RoomKey(row.get(0)?),
                    head: seq_from_column(row.get(1)?),
                    last_at: row.get(2)?,
                    turn: row.get(3)?,
                    closed: false,
                })
            })
            .optional()?
            .ok_or(StoreError::UnknownRoom)?;
        self.known.rooms.insert(room.clone(), found);
        Ok(found)
    }

    /// The person, or a refusal.
    pub(super) fn author(&mut self, user: &UserId) -> Result<Author, Failure> {
        if let Some(known) = self.known.authors.get(user) {
            return Ok(known.clone());
        }
        let found = self
            .sql
            .prepare_cached(&format!("SELECT {PERSON_COLUMNS}, u.key, u.wrote FROM users u WHERE u.id = ?1"))?
            .query_row([user.as_str()], |row| {
                let person = Arc::new(rows::person(row, 0)?.into());
                Ok(Author { key: row.get(5)?, person, wrote: row.get(6)? })
            })
            .optional()?
            .ok_or(StoreError::UnknownUser)?;
        if self.known.authors.len() >= AUTHORS_MAX {
            self.known.authors.clear();
        }
        self.known.authors.insert(user.clone(), found.clone());
        Ok(found)
    }

    /// Forgets a person whose row has changed.
    pub(super) fn forget_author(&mut self, user: &UserId) {
        self.known.authors.remove(user);
    }

    /// Returns how many messages were ever posted, in all rooms together: the newest one's turn.
    pub(super) fn turn(&mut self) -> rusqlite::Result<i64> {
        if let Some(turn) = self.known.turn {
            return Ok(turn);
        }
        let newest = "SELECT coalesce(max(turn), 0) FROM rooms";
        let turn = self.sql.prepare_cached(newest)?.query_row([], |row| row.get(0))?;
        self.known.turn = Some(turn);
        Ok(turn)
    }

    /// The turn of a message that is being written.
    pub(super) fn next_turn(&mut self) -> rusqlite::Result<i64> {
        let turn = self.turn()? + 1;
        self.known.turn = Some(turn);
        Ok(turn)
    }

    /// The rows of a guest: two, however many rooms there are.
    pub(super) fn insert_guest(&mut self, newcomer: &Newcomer) -> Result<(), Failure> {
        let Newcomer { user, token_hash, made_at, arrived } = newcomer;
        let sql = self.sql;
        sql.prepare_cached("INSERT INTO users (id, made_at, arrived) VALUES (?1, ?2, ?3)")?
            .execute(params![user.as_str(), made_at, arrived])?;
        let key = sql.last_insert_rowid();
        sql.prepare_cached("INSERT INTO logins (token_hash, user, made_at) VALUES (?1, ?2, ?3)")?
            .execute(params![token_hash, key, made_at])?;
        self.note(CacheUpdate::Guest { key, user: user.clone(), token_hash: *token_hash, arrived: *arrived });
        Ok(())
    }

    /// Does a job for somebody who may be new: then they get their row first. A refusal takes it back.
    pub(super) fn by_newcomer<T>(
        &mut self,
        newcomer: Option<&Newcomer>,
        work: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let Some(newcomer) = newcomer else { return work(self) };
        match self.author(&newcomer.user) {
            Err(Failure::Refused(_)) => {}
            found => return found.and_then(|_| work(self)),
        }
        self.sql.execute_batch("SAVEPOINT newcomer")?;
        let (updates, turn) = (self.updates.len(), self.known.turn);
        let result = self.insert_guest(newcomer).and_then(|()| work(self));
        if let Err(Failure::Refused(_)) = &result {
            self.sql.execute_batch("ROLLBACK TO newcomer")?;
            self.updates.truncate(updates);
            self.known.turn = turn;
            self.forget_author(&newcomer.user);
        }
        self.sql.execute_batch("RELEASE newcomer")?;
        result
    }

    /// Notes an entry that was written, and moves its room's head to it. `turn` is a message's.
    pub(super) fn entered(
        &mut self,
        key: RoomKey,
        entry: Entry,
        author: Author,
        turn: Option<i64>,
    ) -> rusqlite::Result<()> {
        if !author.wrote {
            self.wrote_first(author.key, &entry.by)?;
        }
        let closed = matches!(entry.what, EntryKind::Closed {});
        let (seq, last_at, turn_of) = (entry.seq, entry.at, turn.unwrap_or_default());
        let mut head = RoomHead { key, head: seq, last_at, turn: turn_of, closed };
        match self.known.rooms.entry(entry.room.clone()) {
            Slot::Occupied(mut known) => {
                head.turn = turn.unwrap_or(known.get().turn);
                *known.get_mut() = head;
            }
            Slot::Vacant(slot) => _ = slot.insert(head),
        }
        if !self.moved.contains(&entry.room) {
            self.moved.push(entry.room.clone());
        }
        self.updates.push(CacheUpdate::Entry { room: key, by: author.key, turn });
        self.committed.push(Committed::by(entry.into(), author.person));
        Ok(())
    }

    /// Notes that there are entries of this person from now on, so that nobody removes them.
    fn wrote_first(&mut self, key: i64, user: &UserId) -> rusqlite::Result<()> {
        self.sql.prepare_cached("UPDATE users SET wrote = 1 WHERE key = ?1")?.execute([key])?;
        if let Some(known) = self.known.authors.get_mut(user) {
            known.wrote = true;
            self.first.push(user.clone());
        }
        Ok(())
    }

    /// Notes a change that is no entry.
    pub(super) fn note(&mut self, update: CacheUpdate) {
        self.updates.push(update);
    }
}

/// Makes sure that no transaction is open: SQLite ends one by itself on some errors, and not on others.
fn rolled_back(sql: &Connection) -> rusqlite::Result<()> {
    if sql.is_autocommit() { Ok(()) } else { sql.execute_batch("ROLLBACK") }
}
