//! The one thread that writes: it takes what is queued, commits it as one transaction, and answers.
//!
//! Batching is what pays for durability: a commit costs one sync of the disk, however many writes it holds.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::batch::{Answer, Batch, Failure, WriterState};
use super::cache::Cache;
use super::checkpoint::Checkpointer;
use super::expected::Expected;
use super::restore_guard::RestoreGuard;
use super::space::{IDLE, Space};
use super::{Committed, Store, StoreError};

/// One write: it is done within a batch, and makes the answer for its caller.
pub(super) type Job = Box<dyn FnOnce(&mut Batch<'_>) -> Answer + Send>;

/// Jobs in one transaction.
pub(super) const BATCH_MAX: usize = 256;

/// Jobs that wait for the writer, some seconds of work on a slow disk. Backpressure: at the bound the next one is
/// refused at once as [`StoreError::Unavailable`]: the caller refuses its client, which retries later.
const WAITING_MAX: usize = 4_096;

/// A commit that is younger shows that writing works.
const PROOF_LASTS: Duration = Duration::from_secs(5);

/// The writer's thread and the way to it.
pub(super) struct Writer {
    /// `None` ends the thread.
    queue: SyncSender<Option<Job>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    health: Arc<Health>,
}

impl Writer {
    /// Starts the thread on `sql`.
    pub(super) fn start(
        (sql, checkpointer): (Connection, Checkpointer),
        mark: RestoreGuard,
        space: Space,
        cache: Arc<Cache>,
        committed: mpsc::Sender<Vec<Committed>>,
    ) -> std::io::Result<Self> {
        let (queue, jobs) = sync_channel(WAITING_MAX);
        let health = Arc::new(Health::default());
        let (known, noted) = (WriterState::default(), Arc::clone(&health));
        let work = Work { sql, checkpointer, known, mark, space, cache, jobs, committed, health: noted };
        let thread = std::thread::Builder::new().name("store-writer".into()).spawn(|| work.run())?;
        Ok(Self { queue, thread: Mutex::new(Some(thread)), health })
    }

    /// Without a thread: whoever has the other end does what is queued.
    #[cfg(feature = "simulation")]
    pub(super) fn by_hand() -> (Self, Receiver<Option<Job>>) {
        let (queue, jobs) = sync_channel(WAITING_MAX);
        (Self { queue, thread: Mutex::new(None), health: Arc::default() }, jobs)
    }

    /// Queues a job, without waiting.
    fn queue(&self, job: Job) -> Result<(), StoreError> {
        self.queue.try_send(Some(job)).map_err(|error| match error {
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
            let _ = self.queue.send(None);
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
    checkpointer: Checkpointer,
    known: WriterState,
    mark: RestoreGuard,
    space: Space,
    cache: Arc<Cache>,
    jobs: Receiver<Option<Job>>,
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
            let then = match self.jobs.recv_timeout(IDLE) {
                Ok(Some(job)) => self.batch(job),
                Err(RecvTimeoutError::Timeout) => {
                    self.space.look(&self.sql);
                    Then::GoOn
                }
                Ok(None) | Err(RecvTimeoutError::Disconnected) => Then::Close,
            };
            if then == Then::Close {
                break;
            }
        }
        self.checkpointer.end(&self.sql);
    }

    /// Commits `first` and what is queued behind it. Jobs that arrive meanwhile still get in.
    fn batch(&mut self, first: Job) -> Then {
        let mut then = Then::GoOn;
        let mut answers: Vec<Answer> = Vec::new();
        let mut batch = match self.space.refusal(&self.sql) {
            Some(full) => Batch::failed(&self.sql, &mut self.known, full),
            None => Batch::begin(&self.sql, &mut self.known),
        };
        answers.push(first(&mut batch));
        while answers.len() < BATCH_MAX
            && !batch.has_failed()
            && let Ok(next) = self.jobs.try_recv()
        {
            let Some(job) = next else {
                then = Then::Close;
                break;
            };
            answers.push(job(&mut batch));
        }
        let wrote = batch.wrote();
        let failed = match batch.end() {
            Ok((entries, updates)) => {
                if wrote {
                    self.health.note(true);
                }
                if !entries.is_empty() {
                    self.mark.add(entries.len());
                }
                self.cache.apply(&entries, updates);
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
        self.checkpointer.after_batch(&self.sql);
        then
    }

    /// Gives the entries to whoever delivers them. When that one is slower than the disk, the writer waits
    /// for it, and the queue of jobs fills; when it is gone, the log still has everything.
    fn hand_over(&self, entries: Vec<Committed>) {
        if !entries.is_empty() {
            let _ = self.committed.blocking_send(entries);
        }
    }
}

impl Store {
    /// Queues a write. A refusal within it leaves nothing written; the others of its batch go on.
    pub(super) fn queued<T: Send + 'static>(
        &self,
        write: impl FnOnce(&mut Batch<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> PendingWrite<T> {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(|batch: &mut Batch<'_>| batch.perform(reply, write));
        PendingWrite(Some(self.0.writer.queue(job).map(|()| answer)))
    }

    /// As [`Store::queued`], for somebody who may be a newcomer: then they get their row first.
    pub(super) fn queued_by<T: Send + 'static>(
        &self,
        newcomer: Option<Expected>,
        write: impl FnOnce(&mut Batch<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> PendingWrite<T> {
        self.queued(move |batch| batch.by_newcomer(newcomer.as_deref(), write))
    }
}

/// A write that is queued, in the order of the calls. It happens whether this is polled or not; it yields
/// once the write is synced to disk, or refused.
#[must_use = "the write happens anyway, but only this tells whether it is durable"]
pub struct PendingWrite<T>(Option<Result<oneshot::Receiver<Result<T, StoreError>>, StoreError>>);

impl<T> Future for PendingWrite<T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = match &mut self.0 {
            Some(Ok(answer)) => ready!(Pin::new(answer).poll(cx)).unwrap_or(Err(StoreError::Closed)),
            Some(Err(refused)) => Err(refused.clone()),
            None => Err(StoreError::Closed),
        };
        self.0 = None;
        Poll::Ready(result)
    }
}
