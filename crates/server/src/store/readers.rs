//! A few threads with a read-only connection each: reading never waits for the writer, nor on async threads.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::fair_queue::{FairQueue, Refused};
use super::rows::{ReadError, in_one_state};
use super::{OpenError, StoreError};
use crate::asker;

/// Time that a connection waits for a program that looks into the database from outside.
pub(super) const BUSY: Duration = Duration::from_secs(2);

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The threads and the way to them.
pub(super) struct Readers {
    reads: Counter,
    jobs: Arc<FairQueue<Job>>,
    threads: Vec<JoinHandle<()>>,
    /// In a simulation: reads run where they are asked for.
    #[cfg(feature = "simulation")]
    by_hand: Option<super::memory_disk::Disk>,
}

impl Readers {
    /// Starts `count` threads, at least one, on the database `file`. Each read is counted in `reads`.
    pub(super) fn start(file: &Path, count: usize, reads: Counter) -> Result<Self, OpenError> {
        let mut readers = Self {
            reads,
            jobs: Arc::default(),
            threads: Vec::new(),
            #[cfg(feature = "simulation")]
            by_hand: None,
        };
        for _ in 0..count.max(1) {
            let sql = reader(file)?;
            let jobs = Arc::clone(&readers.jobs);
            let serve = move || {
                while let Some(job) = jobs.next() {
                    job(&sql);
                }
            };
            let thread = std::thread::Builder::new()
                .name("store-reader".into())
                .spawn(serve)
                .map_err(|error| OpenError::Disk { file: file.to_owned(), reason: error.to_string() })?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Without threads: each read runs on `disk` where it is asked for.
    #[cfg(feature = "simulation")]
    pub(super) fn by_hand(disk: super::memory_disk::Disk) -> Self {
        Self { reads: Counter::default(), jobs: Arc::default(), threads: Vec::new(), by_hand: Some(disk) }
    }

    /// Runs `read` on one of the threads, against one state of the database. Whoever the present task works for
    /// waits behind their own reads, and takes turns with others.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.reads.inc();
        #[cfg(feature = "simulation")]
        if let Some(by_hand) = &self.by_hand {
            return by_hand.read(read).await.map_err(|ReadError(error)| error);
        }
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |sql| {
            // A caller that gave up costs its place in the queue alone.
            if !reply.is_closed() {
                let _ = reply.send(in_one_state(sql, read));
            }
        });
        self.jobs.add(asker::present(), job).map_err(|refused| match refused {
            Refused::Full => StoreError::Unavailable("too many reads are waiting".into()),
            Refused::Closed => StoreError::Closed,
        })?;
        answer.await.map_err(|_| StoreError::Closed)?.map_err(|ReadError(error)| error)
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.jobs.close();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// A read-only connection to `file`.
fn reader(file: &Path) -> Result<Connection, OpenError> {
    let open = || {
        let sql = Connection::open_with_flags(
            file,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        sql.busy_timeout(BUSY)?;
        sql.set_prepared_statement_cache_capacity(64);
        Ok(sql)
    };
    open().map_err(|error: rusqlite::Error| OpenError::Disk {
        file: file.to_owned(),
        reason: error.to_string(),
    })
}
