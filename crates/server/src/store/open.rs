//! From a folder to a database that is ready: the lock, the connections, the first rows, the upkeep.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use madang_protocol::{Entry, EntryKind, Epoch, RoomId, UnixMs, UserId};
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

use super::cache::Cache;
use super::migrations::{self, Found};
use super::readers::BUSY;
use super::restore_guard::{Marked, RestoreGuard};
use super::space::Space;
use super::{OpenError, StoreOptions, lookalikes, people, private, rows};

/// Maximum time that the clock may lie before the newest entry without a warning. Seconds.
const CLOCK_BEHIND: i64 = 5;

/// A database that is ready to be written.
pub(super) struct Ready {
    /// Held for as long as the store lives.
    pub(super) lock: File,
    pub(super) file: PathBuf,
    pub(super) sql: Connection,
    pub(super) epoch: Epoch,
    pub(super) first_epoch: Epoch,
    pub(super) identity: Identity,
    pub(super) cache: Cache,
    pub(super) mark: RestoreGuard,
    pub(super) space: Space,
}

/// Identity of this server, wherever it is reached.
#[derive(Clone)]
pub struct Identity {
    /// Signs what newcomers carry. A secret.
    pub key: Vec<u8>,
    /// Random letters and digits that name it: no secret.
    pub server: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("server", &self.server).finish_non_exhaustive()
    }
}

/// Makes or opens the database in `folder`.
pub(super) fn ready(folder: &Path, options: &StoreOptions) -> Result<Ready, OpenError> {
    let lock = locked(folder)?;
    let file = folder.join("madang.db");
    let failed = |error: rusqlite::Error| open_error(folder, &file, &error);
    // Made here, because SQLite gives what it makes beside it the rights of this file.
    private::file().open(&file).map_err(|error| unopened(folder, &error))?;
    let sql = Connection::open(&file).map_err(failed)?;
    sql.busy_timeout(BUSY).map_err(failed)?;
    match migrations::find(&sql).map_err(failed)? {
        Found::Ours => {}
        Found::Newer(found) => {
            return Err(OpenError::FromTheFuture { file, found, known: migrations::newest() });
        }
        Found::Foreign => {
            return Err(OpenError::NotADatabase { file, reason: "it belongs to another program".into() });
        }
    }
    let is_new = migrations::is_new(&sql).map_err(failed)?;
    let epoch = made_ready(&sql, options).map_err(failed)?;
    let mark = marked(&sql, folder, epoch, is_new)?;
    // Once the mark was read: it is not believed when its rights were changed since it was written.
    private::mend(folder);
    let first_epoch = first_epoch(&sql).map_err(failed)?;
    warn_of_the_clock(&sql).map_err(failed)?;
    let identity = identity(&sql).map_err(failed)?;
    let cache = Cache::open(&sql, options.people).map_err(failed)?;
    let space = Space::new(folder.to_owned(), options.max_bytes, options.space.clone());
    let epoch = mark.epoch().clone();
    Ok(Ready { lock, file, sql, epoch, first_epoch, identity, cache, mark, space })
}

/// Compares the database with what the folder had last, and gives it another epoch if it is an older one, or
/// nothing is known of it.
fn marked(sql: &Connection, folder: &Path, epoch: Epoch, is_new: bool) -> Result<RestoreGuard, OpenError> {
    let file = folder.join("madang.db");
    let failed = |error: rusqlite::Error| open_error(folder, &file, &error);
    let entries = sql
        .query_row("SELECT coalesce(sum(head), 0) FROM rooms", [], |row| {
            row.get(0).map(rows::seq_from_column)
        })
        .map_err(failed)?;
    let is_known = is_new || Marked::read(folder).is_some_and(|marked| marked.fits(&epoch, entries));
    let epoch = if is_known { epoch } else { another_epoch(sql).map_err(failed)? };
    RestoreGuard::begin(folder, epoch, entries)
        .map_err(|error| OpenError::Folder { folder: folder.to_owned(), reason: error.to_string() })
}

fn another_epoch(sql: &Connection) -> rusqlite::Result<Epoch> {
    tracing::warn!("the database is not the one that was here last: clients begin anew");
    let epoch: Epoch = sql.query_row("SELECT lower(hex(randomblob(16)))", [], |row| rows::id(row, 0))?;
    match sql.execute("UPDATE meta SET value = ?1 WHERE key = 'epoch'", [epoch.as_str()]) {
        // On a full disk the store still opens, for reading; the next open finds the old epoch, and changes it.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => Ok(epoch),
        result => result.map(|_| epoch),
    }
}

/// The epoch that the database was made with.
pub(super) fn first_epoch(sql: &Connection) -> rusqlite::Result<Epoch> {
    sql.query_row("SELECT value FROM meta WHERE key = 'first_epoch'", [], |row| rows::id(row, 0))
}

/// Reads the identity: the key for signatures, and the name among others. Both are as old as the database.
pub(super) fn identity(sql: &Connection) -> rusqlite::Result<Identity> {
    let value = |key: &str| {
        sql.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get::<_, String>(0))
    };
    Ok(Identity { key: value("newcomer_key")?.into_bytes(), server: value("server_id")? })
}

fn unopened(folder: &Path, error: &std::io::Error) -> OpenError {
    OpenError::Folder { folder: folder.to_owned(), reason: error.to_string() }
}

fn locked(folder: &Path) -> Result<File, OpenError> {
    let failed =
        |error: std::io::Error| OpenError::Folder { folder: folder.to_owned(), reason: error.to_string() };
    private::folder(folder).map_err(failed)?;
    let path = folder.join("madang.lock");
    let lock = private::file().open(path).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { folder: folder.to_owned() }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

pub(super) fn made_ready(sql: &Connection, options: &StoreOptions) -> rusqlite::Result<Epoch> {
    sql.set_prepared_statement_cache_capacity(64);
    sql.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    // FULL: a commit returns after its sync. secure_delete: what was deleted or edited away is overwritten.
    sql.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;
         PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    migrations::apply(sql)?;
    let epoch = first_rows(sql)?;
    lookalikes::renew(sql)?;
    if let Some(bytes) = options.max_bytes {
        let page: u64 = sql.query_row("PRAGMA page_size", [], |row| row.get::<_, u32>(0))?.into();
        let pages = (bytes / page.max(1)).clamp(1, u64::from(u32::MAX - 1));
        sql.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
    }
    Ok(epoch)
}

/// The epoch, the server's own user and the lobby, made on the first open.
fn first_rows(sql: &Connection) -> rusqlite::Result<Epoch> {
    let epoch = "SELECT value FROM meta WHERE key = 'epoch'";
    if let Some(epoch) = sql.query_row(epoch, [], |row| rows::id(row, 0)).optional()? {
        return Ok(epoch);
    }
    let first = sql.unchecked_transaction()?;
    first.execute("INSERT INTO meta (key, value) VALUES ('epoch', lower(hex(randomblob(16))))", [])?;
    first.execute(
        "INSERT INTO meta (key, value) SELECT 'first_epoch', value FROM meta WHERE key = 'epoch'",
        [],
    )?;
    first.execute(
        "INSERT INTO users (id, name, made_at, wrote) VALUES (?1, 'Madang', ?2, 1)",
        params![UserId::system().as_str(), now()],
    )?;
    let (room, by, what) = (RoomId::lobby(), UserId::system(), EntryKind::Opened { title: "Lobby".into() });
    let opened = Entry { room, seq: 1, at: now(), by, cmid: None, what };
    people::insert_room(&first, first.last_insert_rowid(), &opened)?;
    first.commit()?;
    sql.query_row(epoch, [], |row| rows::id(row, 0))
}

/// Says so if the clock lies before what was written already: either it is wrong now, or it was.
fn warn_of_the_clock(sql: &Connection) -> rusqlite::Result<()> {
    let newest: UnixMs =
        sql.query_row("SELECT coalesce(max(last_at), 0) FROM rooms", [], |row| row.get(0))?;
    let behind = newest.saturating_sub(now()) / 1_000;
    if behind > CLOCK_BEHIND {
        tracing::warn!(
            seconds = behind,
            "the clock lies before the newest entry in the database: it is wrong now, or was when that was written"
        );
    }
    Ok(())
}

fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn open_error(folder: &Path, file: &Path, error: &rusqlite::Error) -> OpenError {
    let (file, reason) = (file.to_owned(), error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            OpenError::NotADatabase { file, reason }
        }
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            OpenError::Folder { folder: folder.to_owned(), reason }
        }
        _ => OpenError::Disk { file, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_is_built_with_the_projects_flags() {
        let sql = Connection::open_in_memory().unwrap();
        let mut options = sql.prepare("PRAGMA compile_options").unwrap();
        let options: Vec<String> =
            options.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        // `HAVE_FDATASYNC`, which comes by the same way, is not listed.
        assert!(options.iter().any(|option| option == "DEFAULT_MEMSTATUS=0"), "{options:?}");
    }
}
