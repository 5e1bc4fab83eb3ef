//! The one thread that writes: it takes what is queued, commits it as one transaction, and answers.
//!
//! Batching is what pays for durability: a commit costs one sync of the disk, however many writes it holds.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::mpsc;

use super::batch::{Batch, WriterState};
use super::cache::Cache;
use super::command::Command;
use super::queued::Answer;
use super::restore_guard::RestoreGuard;
use super::rows::ReadError;
use super::space::{IDLE, Space};
use super::{Committed, StoreError, append, bots, consumer_offsets, guests, moderation, people};

/// Commands in one transaction.
pub(super) const BATCH_MAX: usize = 256;

/// Commands that wait for the writer, some seconds of work on a slow disk. At the bound the next one is
/// refused at once as [`StoreError::Unavailable`]: the caller refuses its client, which retries later.
const WAITING_MAX: usize = 4_096;

/// A commit that is younger shows that writing works.
const PROOF_LASTS: Duration = Duration::from_secs(5);

/// The writer's thread and the way to it.
pub(super) struct Writer {
    queue: SyncSender<Command>,
    thread: Mutex<Option<JoinHandle<()>>>,
    health: Arc<Health>,
}

impl Writer {
    /// Starts the thread on `sql`.
    pub(super) fn start(
        sql: Connection,
        mark: RestoreGuard,
        space: Space,
        cache: Arc<Cache>,
        committed: mpsc::Sender<Vec<Committed>>,
    ) -> std::io::Result<Self> {
        let (queue, commands) = sync_channel(WAITING_MAX);
        let health = Arc::new(Health::default());
        let (known, noted) = (WriterState::default(), Arc::clone(&health));
        let work = Work { sql, known, mark, space, cache, commands, committed, health: noted };
        let thread = std::thread::Builder::new().name("store-writer".into()).spawn(|| work.run())?;
        Ok(Self { queue, thread: Mutex::new(Some(thread)), health })
    }

    /// Without a thread: whoever has the other end does what is queued.
    #[cfg(feature = "simulation")]
    pub(super) fn by_hand() -> (Self, Receiver<Command>) {
        let (queue, commands) = sync_channel(WAITING_MAX);
        (Self { queue, thread: Mutex::new(None), health: Arc::default() }, commands)
    }

    /// Queues a command, without waiting.
    pub(super) fn queue(&self, command: Command) -> Result<(), StoreError> {
        self.queue.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Unavailable("too many writes are waiting".into()),
            TrySendError::Disconnected(_) => StoreError::Closed,
        })
    }

    /// Returns true if a commit succeeded a moment ago, and none failed since.
    pub(super) fn is_proven(&self) -> bool {
        self.health.is_proven()
    }

    /// Lets the thread do what is queued, and waits for its end.
    pub(super) fn close(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // An error means that it has ended already.
            let _ = self.queue.send(Command::Close);
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

/// Time at which writing was last seen to work.
#[derive(Default)]
struct Health(Mutex<Option<Instant>>);

impl Health {
    fn note(&self, works: bool) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = works.then(Instant::now);
    }

    fn is_proven(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|at| at.elapsed() < PROOF_LASTS)
    }
}

/// State of the thread.
struct Work {
    sql: Connection,
    known: WriterState,
    mark: RestoreGuard,
    space: Space,
    cache: Arc<Cache>,
    commands: Receiver<Command>,
    committed: mpsc::Sender<Vec<Committed>>,
    health: Arc<Health>,
}

/// Decision after a batch: go on, or end.
#[derive(PartialEq, Eq)]
enum Then {
    GoOn,
    Close,
}

impl Work {
    fn run(mut self) {
        self.space.look(&self.sql);
        loop {
            let then = match self.commands.recv_timeout(IDLE) {
                Ok(command) => self.batch(command),
                Err(RecvTimeoutError::Timeout) => {
                    self.space.look(&self.sql);
                    Then::GoOn
                }
                Err(RecvTimeoutError::Disconnected) => Then::Close,
            };
            if then == Then::Close {
                break;
            }
        }
        // Entries left in the log are only slower to open; they are not lost.
        let _ = self.sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }

    /// Commits `first` and what is queued behind it. Commands that arrive meanwhile still get in.
    fn batch(&mut self, first: Command) -> Then {
        let mut then = Then::GoOn;
        let mut answers: Vec<Answer> = Vec::new();
        let mut batch = match self.space.refusal(&self.sql) {
            Some(full) => Batch::failed(&self.sql, &mut self.known, full),
            None => Batch::begin(&self.sql, &mut self.known),
        };
        let mut next = Some(first);
        while let Some(command) = next.take() {
            let Some(answer) = run(command, &mut batch) else {
                then = Then::Close;
                break;
            };
            answers.push(answer);
            if answers.len() < BATCH_MAX && !batch.has_failed() {
                next = self.commands.try_recv().ok();
            }
        }
        let wrote = batch.wrote();
        let failed = match batch.end() {
            Ok((entries, news)) => {
                if wrote {
                    self.health.note(true);
                }
                if !entries.is_empty() {
                    self.mark.add(entries.len());
                }
                self.cache.heard(&entries, news);
                self.hand_over(entries);
                None
            }
            Err(words) => {
                self.health.note(false);
                Some(words)
            }
        };
        for answer in answers {
            answer(failed.as_deref());
        }
        then
    }

    /// Gives the entries to whoever delivers them. When that one is slower than the disk, the writer waits
    /// for it, and the queue of commands fills; when it is gone, the log still has everything.
    fn hand_over(&self, entries: Vec<Committed>) {
        if !entries.is_empty() {
            let _ = self.committed.blocking_send(entries);
        }
    }
}

/// Executes a command; `None` for [`Command::Close`].
pub(super) fn run(command: Command, batch: &mut Batch<'_>) -> Option<Answer> {
    Some(match command {
        Command::Append { write, newcomer, reply } => batch.perform(reply, |batch| {
            batch.by_newcomer(newcomer.as_deref(), |batch| append::append(batch, write))
        }),
        Command::AppendAll { writes, places, newcomer, reply } => {
            batch.perform(reply, |batch| append::append_all(batch, writes, &places, newcomer.as_deref()))
        }
        Command::OpenRoom { room, title, by, at, newcomer, reply } => batch.perform(reply, |batch| {
            let open = |batch: &mut Batch<'_>| people::open_room(batch, room, title, by, at);
            batch.by_newcomer(newcomer.as_deref(), open)
        }),
        Command::AddGuest { user, token_hash, at, reply } => {
            batch.perform(reply, |batch| people::add_guest(batch, &user, token_hash, at))
        }
        Command::AddBot { bot, token_hash, reply } => {
            batch.perform(reply, |batch| bots::add(batch, bot, token_hash))
        }
        Command::RevokeBot { user, at, reply } => {
            batch.perform(reply, |batch| bots::revoke(batch, &user, at))
        }
        Command::ChangeRoom { room, change, at, reply } => {
            batch.perform(reply, |batch| moderation::change_room(batch, room, change, at))
        }
        Command::RemoveMessage { room, seq, at, reply } => {
            batch.perform(reply, |batch| moderation::remove_message(batch, room, seq, at))
        }
        Command::Ban { ban, at, reply } => batch.perform(reply, |batch| moderation::ban(batch, ban, at)),
        Command::Rename { user, name, at, newcomer, reply } => batch.perform(reply, |batch| {
            batch.by_newcomer(newcomer.as_deref(), |batch| people::rename(batch, &user, &name, at))
        }),
        Command::MarkRead { user, room, seq, newcomer, reply } => {
            batch.perform(reply, |batch| people::mark_read(batch, &user, &room, seq, newcomer.as_deref()))
        }
        Command::FindPlace { reader, room, name, reply } => batch.perform(reply, |batch| {
            consumer_offsets::find(batch.sql, &reader, &room, &name).map_err(|ReadError(error)| error.into())
        }),
        Command::KeepPlace { reader, room, name, place, at, newcomer, reply } => {
            batch.perform(reply, |batch| {
                let keep =
                    |batch: &mut Batch<'_>| consumer_offsets::keep(batch, &reader, &room, &name, &place, at);
                batch.by_newcomer(newcomer.as_deref(), keep)
            })
        }
        Command::RemoveGuests { before, after, reply } => {
            batch.perform(reply, |batch| guests::remove_some(batch, before, after))
        }
        Command::Probe { reply } => batch.perform(reply, people::probe),
        Command::Close => return None,
    })
}
