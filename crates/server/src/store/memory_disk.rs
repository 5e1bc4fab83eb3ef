//! The disk of a simulation: a database in memory, which a crash leaves as it was committed last.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::StoreError;
use super::rows::{ReadError, in_one_state};
use crate::simulation::pause;

/// A disk with a database on it. It outlives every crash with what was committed, and nothing else. Clones are
/// the same disk.
#[derive(Clone, Debug)]
pub struct Disk {
    sql: Arc<Mutex<Connection>>,
    unreadable: Arc<AtomicBool>,
}

impl Disk {
    /// An empty disk.
    ///
    /// # Errors
    /// SQLite's words.
    pub fn new() -> Result<Self, StoreError> {
        let sql = Connection::open_in_memory().map_err(unavailable)?;
        Ok(Self { sql: Arc::new(Mutex::new(sql)), unreadable: Arc::default() })
    }

    /// Returns a backup of this moment.
    ///
    /// # Errors
    /// The error of SQLite.
    pub fn backup(&self) -> Result<Self, StoreError> {
        let copy = Self::new()?;
        copy.restore(self)?;
        Ok(copy)
    }

    /// Puts a backup in the place of everything. Nobody may have the store open.
    ///
    /// # Errors
    /// SQLite's words.
    pub fn restore(&self, backup: &Self) -> Result<(), StoreError> {
        let (from, mut to) = (backup.lock(), self.lock());
        to.flush_prepared_statement_cache();
        let copy = rusqlite::backup::Backup::new(&from, &mut to).map_err(unavailable)?;
        copy.step(-1).map_err(unavailable)?;
        Ok(())
    }

    /// Lets reads fail from now on, or work.
    pub fn set_readable(&self, readable: bool) {
        self.unreadable.store(!readable, Ordering::Relaxed);
    }

    /// A read, which begins and ends some time after it was asked for.
    pub(super) async fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        pause().await;
        let result = self.read_now(read);
        pause().await;
        result
    }

    fn read_now<T>(&self, read: impl FnOnce(&Connection) -> Result<T, ReadError>) -> Result<T, ReadError> {
        if self.unreadable.load(Ordering::Relaxed) {
            return Err(ReadError(StoreError::Unavailable("disk I/O error".into())));
        }
        in_one_state(&self.lock(), read)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.sql.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unavailable(error: rusqlite::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}
