//! A few threads with a read-only connection each: reading never waits for the writer, nor on async threads.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use prometheus_client::metrics::counter::Counter;
use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};

use super::{OpenError, StoreError, open};

/// Reads that wait or run, in the order in which they came. At the bound the next caller waits for its turn.
const WAITING_MAX: usize = 512;

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The threads and the way to them.
pub(super) struct Readers {
    reads: Counter,
    jobs: Option<Sender<Job>>,
    turns: Arc<Semaphore>,
    threads: Vec<JoinHandle<()>>,
    /// In a simulation: reads run where they are asked for.
    #[cfg(feature = "simulation")]
    by_hand: Option<super::manual::Disk>,
}

impl Readers {
    /// Starts `count` threads, at least one, on the database `file`. Each read is counted in `reads`.
    pub(super) fn start(file: &Path, count: usize, reads: Counter) -> Result<Self, OpenError> {
        let (jobs, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let mut threads = Vec::new();
        for _ in 0..count.max(1) {
            let sql = open::reader(file)?;
            let queue = Arc::clone(&queue);
            let thread = std::thread::Builder::new()
                .name("store-reader".into())
                .spawn(move || serve(&sql, &queue))
                .map_err(|error| OpenError::Disk { file: file.to_owned(), reason: error.to_string() })?;
            threads.push(thread);
        }
        Ok(Self {
            reads,
            jobs: Some(jobs),
            turns: Arc::new(Semaphore::new(WAITING_MAX)),
            threads,
            #[cfg(feature = "simulation")]
            by_hand: None,
        })
    }

    /// Without threads: each read runs on `disk` where it is asked for.
    #[cfg(feature = "simulation")]
    pub(super) fn by_hand(disk: super::manual::Disk) -> Self {
        let turns = Arc::new(Semaphore::new(WAITING_MAX));
        Self { reads: Counter::default(), jobs: None, turns, threads: Vec::new(), by_hand: Some(disk) }
    }

    /// Runs `read` on one of the threads, against one state of the database.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.reads.inc();
        #[cfg(feature = "simulation")]
        if let Some(by_hand) = &self.by_hand {
            return by_hand.read(read).await.map_err(|ReadError(error)| error);
        }
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |sql| {
            // A caller that gave up keeps its turn until here, so that the bound holds.
            let _turn = turn;
            if !reply.is_closed() {
                let _ = reply.send(in_one_state(sql, read));
            }
        });
        self.jobs.as_ref().ok_or(StoreError::Closed)?.send(job).map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?.map_err(|ReadError(error)| error)
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// A [`StoreError`] that SQLite's errors turn into by `?`.
pub(super) struct ReadError(pub(super) StoreError);

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self(StoreError::Unavailable(error.to_string()))
    }
}

fn serve(sql: &Connection, queue: &Mutex<Receiver<Job>>) {
    loop {
        // One idle thread waits in the queue, the others for the lock.
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(sql),
            Err(_) => return,
        }
    }
}

pub(super) fn in_one_state<T>(
    sql: &Connection,
    read: impl FnOnce(&Connection) -> Result<T, ReadError>,
) -> Result<T, ReadError> {
    let state = sql.unchecked_transaction()?;
    let result = read(&state)?;
    state.finish()?;
    Ok(result)
}
