//! Checkpoints: what the write-ahead log holds is copied into the database by a thread of its own, so that no write waits for it.
//!
//! SQLite would copy all of it within a commit. Here a thread copies beside the writer, as often as it takes to be nearly
//! there, and the writer copies the rest between two batches; then the next write begins the log anew, and the log keeps its size.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;

/// Pages of the log from which on it is copied: 16 MiB. Larger than SQLite's own 1,000, because a batch of long messages
/// is a large part of that.
const FROM_PAGES: u32 = 4_000;

/// Pages that the writer copies itself: 1 MiB.
const REST_PAGES: u32 = 256;

/// Rounds after which the writer copies what is left, however much it is: each round has to copy what was written during
/// the one before, and where that does not become less, more rounds do not help. So the log is bounded.
const ROUNDS: u32 = 4;

/// The thread that copies, and what the writer knows of the log.
pub(super) struct Checkpointer {
    shared: Arc<Shared>,
    log: Arc<Log>,
    thread: Option<JoinHandle<()>>,
}

/// The log as the writer's commits have seen it: its pages, and in the upper half how often it began anew.
#[derive(Default)]
struct Log(AtomicU64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LogState {
    began: u32,
    pages: u32,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, Default)]
enum State {
    /// Nothing is to be done.
    #[default]
    Idle,
    /// The thread is to copy, or does.
    Copying { round: u32 },
    /// So many pages of this log are in the database, after so many rounds.
    Copied { began: u32, pages: u32, round: u32 },
    /// The thread is to end.
    Ended,
}

impl Log {
    /// Notes the pages after a commit: fewer than before, and the log has begun anew. The writer alone calls it.
    fn note(&self, pages: u32) {
        let LogState { began, pages: before } = self.state();
        let began = if pages < before { began.wrapping_add(1) } else { began };
        self.0.store(u64::from(began) << 32 | u64::from(pages), Ordering::Relaxed);
    }

    fn state(&self) -> LogState {
        let both = self.0.load(Ordering::Relaxed);
        LogState { began: (both >> 32) as u32, pages: (both & u64::from(u32::MAX)) as u32 }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, state: State) {
        *self.lock() = state;
        self.changed.notify_one();
    }
}

impl Checkpointer {
    /// Starts the thread for the database `file`, whose writer's connection is `writer`: that one checkpoints no more by itself.
    ///
    /// # Errors
    /// The database cannot be opened a second time, or there is no thread to be had.
    pub(super) fn start(writer: &mut Connection, file: &Path) -> rusqlite::Result<Self> {
        let (shared, log) = (Arc::<Shared>::default(), Arc::<Log>::default());
        let noted = Arc::clone(&log);
        // It takes the place of the hook by which SQLite itself checkpoints.
        writer.wal_hook(Some(move |_: &mut _, pages| {
            noted.note(u32::try_from(pages).unwrap_or_default());
            Ok(())
        }))?;
        let sql = Connection::open(file)?;
        sql.execute_batch("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;")?;
        let (asked, seen) = (Arc::clone(&shared), Arc::clone(&log));
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".into())
            .spawn(move || copy_when_asked(&sql, &asked, &seen))
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(Self { shared, log, thread: Some(thread) })
    }

    /// Looks at the log after a batch: has it copied, or finishes that.
    pub(super) fn after_batch(&self, writer: &Connection) {
        let log = self.log.state();
        if log.pages < FROM_PAGES {
            return;
        }
        let state = *self.shared.lock();
        match next_step(log, state) {
            Step::Nothing => {}
            Step::Copy { round } => self.shared.set(State::Copying { round }),
            Step::Finish => {
                // What fails here is tried again after another batch.
                let _ = copied(writer);
                self.shared.set(State::Idle);
            }
        }
    }

    /// Ends the thread, and copies all that is left.
    pub(super) fn end(mut self, writer: &Connection) {
        self.stop();
        // Entries left in the log are only slower to open; they are not lost.
        let _ = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }

    fn stop(&mut self) {
        self.shared.set(State::Ended);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Next step of the writer about its log.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    Copy { round: u32 },
    Finish,
}

/// Decides about a log that is long enough to be copied.
fn next_step(log: LogState, state: State) -> Step {
    match state {
        State::Copying { .. } | State::Ended => Step::Nothing,
        State::Copied { began, pages, round } if began == log.began => {
            let rest = log.pages.saturating_sub(pages);
            if rest <= REST_PAGES || round >= ROUNDS { Step::Finish } else { Step::Copy { round: round + 1 } }
        }
        State::Idle | State::Copied { .. } => Step::Copy { round: 1 },
    }
}

fn copy_when_asked(sql: &Connection, shared: &Shared, log: &Log) {
    loop {
        let mut state = shared.lock();
        let round = loop {
            match *state {
                State::Copying { round } => break round,
                State::Ended => return,
                State::Idle | State::Copied { .. } => {
                    state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            }
        };
        drop(state);
        let began = log.state().began;
        let after = match copied(sql) {
            Ok(pages) => State::Copied { began, pages, round },
            Err(error) => {
                tracing::debug!(%error, "the write-ahead log could not be copied");
                State::Idle
            }
        };
        let mut state = shared.lock();
        if matches!(*state, State::Copying { .. }) {
            *state = after;
        }
    }
}

/// Copies what no reader holds back, without waiting for anybody. Returns the pages of the log that are in the database now.
fn copied(sql: &Connection) -> rusqlite::Result<u32> {
    let pages: i64 = sql.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(2))?;
    Ok(u32::try_from(pages).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(began: u32, pages: u32) -> LogState {
        LogState { began, pages }
    }

    #[test]
    fn log_counts_its_beginnings() {
        let seen = Log::default();
        for (pages, began) in [(3, 0), (900, 0), (901, 0), (2, 1), (7, 1), (6, 2)] {
            seen.note(pages);
            assert_eq!(seen.state(), log(began, pages));
        }
    }

    #[test]
    fn writer_copies_only_the_rest() {
        let copied = |pages, round| State::Copied { began: 1, pages, round };
        for (pages, state, step) in [
            (4_000, State::Idle, Step::Copy { round: 1 }),
            (9_000, State::Copying { round: 1 }, Step::Nothing),
            (9_000, copied(4_000, 1), Step::Copy { round: 2 }),
            (9_000, copied(8_744, 2), Step::Finish),
            (9_000, copied(8_743, 2), Step::Copy { round: 3 }),
            (9_000, copied(4_000, 4), Step::Finish),
            (9_000, State::Copied { began: 0, pages: 9_000, round: 1 }, Step::Copy { round: 1 }),
            (9_000, State::Ended, Step::Nothing),
        ] {
            assert_eq!(next_step(log(1, pages), state), step, "{pages}");
        }
    }

    #[test]
    fn log_is_copied_and_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.db");
        let mut sql = Connection::open(&file).unwrap();
        sql.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (b BLOB)").unwrap();
        let checkpointer = Checkpointer::start(&mut sql, &file).unwrap();
        let mut rows = 0;
        while checkpointer.log.state().began < 3 {
            sql.execute("INSERT INTO t VALUES (randomblob(400000))", []).unwrap();
            checkpointer.after_batch(&sql);
            rows += 1;
            assert!(rows < 10_000, "the log never began anew: {:?}", checkpointer.log.state());
        }
        let (seen, most) = (checkpointer.log.state(), FROM_PAGES * (ROUNDS + 2));
        assert!(seen.pages < most, "{seen:?}");
        checkpointer.end(&sql);
        assert_eq!(std::fs::metadata(folder.path().join("a.db-wal")).unwrap().len(), 0);
        let found: i64 = sql.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(found, rows);
    }
}
