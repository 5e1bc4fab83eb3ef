//! The store stepped by hand, for a simulation: the same SQL and the same batches on a database in memory. A
//! read runs when whoever asked for it polls it often enough; what the writer's thread does in one go is done step by step, so that a crash
//! can fall between any two.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use madang_protocol::{Epoch, UnixMs};
use rusqlite::Connection;

use super::batch::{Answer, Batch, Failure, WriterState};
use super::cache::Cache;
use super::expected::Newcomers;
use super::readers::Readers;
use super::writer::{self, Job, Writer};
use super::{Committed, Inner, OpenError, Store, StoreOptions, migrations, open};

pub use super::memory_disk::Disk;

/// Faults of the disk at a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It works.
    None,
    /// It fails behind so many of the batch's jobs.
    Fails(usize),
    /// It has no page left.
    Full,
}

/// The writer, moved by hand: [`take`](Self::take), [`commit`](Self::commit), [`answer`](Self::answer). To drop
/// it is to crash.
pub struct Stepper {
    disk: Disk,
    known: WriterState,
    cache: Arc<Cache>,
    jobs: Receiver<Option<Job>>,
    taken: Vec<Job>,
    answers: Vec<Answer>,
    failed: Option<String>,
}

impl Disk {
    /// Opens the store, as after the start of a process. The epoch and the time of the first rows are given,
    /// because nothing in a simulation may be left to chance.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open(&self, epoch: &Epoch, at: UnixMs) -> Result<(Store, Stepper), OpenError> {
        let failed =
            |error: rusqlite::Error| OpenError::Disk { file: ":memory:".into(), reason: error.to_string() };
        let options = StoreOptions::default();
        let (first_epoch, identity);
        let cache = {
            let sql = self.lock();
            let is_new = migrations::is_new(&sql).map_err(failed)?;
            open::made_ready(&sql, &options).map_err(failed)?;
            made_repeatable(&sql, epoch, at, is_new).map_err(failed)?;
            first_epoch = open::first_epoch(&sql).map_err(failed)?;
            identity = open::identity(&sql).map_err(failed)?;
            Arc::new(Cache::open(&sql, options.people).map_err(failed)?)
        };
        let (writer, jobs) = Writer::by_hand();
        let store = Store(Arc::new(Inner {
            readers: Readers::by_hand(self.clone()),
            writer,
            cache: Arc::clone(&cache),
            epoch: epoch.clone(),
            first_epoch,
            identity,
            newcomers: Newcomers::default(),
            _lock: None,
        }));
        let stepper = Stepper {
            disk: self.clone(),
            known: WriterState::default(),
            cache,
            jobs,
            taken: Vec::new(),
            answers: Vec::new(),
            failed: None,
        };
        Ok((store, stepper))
    }
}

impl Stepper {
    /// Takes what is queued as the next batch. How many jobs it has.
    pub fn take(&mut self) -> usize {
        while self.taken.len() < writer::BATCH_MAX
            && let Ok(Some(job)) = self.jobs.try_recv()
        {
            self.taken.push(job);
        }
        self.taken.len()
    }

    /// Commits the batch, or fails to. Returns the entries to give to the hub, before they are answered.
    pub fn commit(&mut self, fault: Fault) -> Vec<Committed> {
        let sql = self.disk.lock();
        if fault == Fault::Full {
            limit_pages(&sql, true);
        }
        let mut batch = Batch::begin(&sql, &mut self.known);
        for (number, job) in self.taken.drain(..).enumerate() {
            if fault == Fault::Fails(number) {
                fail(&mut batch);
            }
            self.answers.push(job(&mut batch));
        }
        if matches!(fault, Fault::Fails(number) if number >= self.answers.len()) {
            fail(&mut batch);
        }
        let ended = batch.end();
        if fault == Fault::Full {
            limit_pages(&sql, false);
        }
        match ended {
            Ok((entries, updates)) => {
                self.failed = None;
                self.cache.apply(&entries, updates);
                entries
            }
            Err(words) => {
                self.failed = Some(words);
                Vec::new()
            }
        }
    }

    /// Answers the batch. How many answers there were.
    pub fn answer(&mut self) -> usize {
        let answers = std::mem::take(&mut self.answers);
        let failed = self.failed.take();
        let count = answers.len();
        answers.into_iter().for_each(|answer| answer(failed.as_deref()));
        count
    }
}

/// A job that fails as a disk does.
fn fail(batch: &mut Batch<'_>) {
    let (reply, _) = tokio::sync::oneshot::channel();
    let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR);
    let words = Some("disk I/O error".to_owned());
    drop(batch.perform::<()>(reply, |_| Err(Failure::Sql(rusqlite::Error::SqliteFailure(error, words)))));
}

/// Leaves no free page, or as many as there may be.
fn limit_pages(sql: &Connection, full: bool) {
    let pages: i64 = sql.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap_or_default();
    let pages = if full { pages } else { i64::from(u32::MAX - 1) };
    // The pragma answers with the number in force, which is not asked for here.
    let _ = sql.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()));
}

fn made_repeatable(sql: &Connection, epoch: &Epoch, at: UnixMs, is_new: bool) -> rusqlite::Result<()> {
    sql.execute("UPDATE meta SET value = ?1 WHERE key = 'epoch'", [epoch.as_str()])?;
    if is_new {
        sql.execute("UPDATE meta SET value = ?1 WHERE key = 'first_epoch'", [epoch.as_str()])?;
        sql.execute("UPDATE users SET made_at = ?1", [at])?;
        // The lobby's first entry.
        sql.execute("UPDATE entries SET at = ?1", [at])?;
        sql.execute("UPDATE rooms SET last_at = ?1", [at])?;
    }
    Ok(())
}
