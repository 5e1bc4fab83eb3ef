//! SQLite's own verdict on a database.

use std::path::Path;

use anyhow::{Result, bail};

/// Checks every page and index of a database.
///
/// # Errors
/// The first thing that is broken.
pub(super) fn check(file: &Path) -> Result<()> {
    let sql = rusqlite::Connection::open(file)?;
    let verdict: String = sql.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" { Ok(()) } else { bail!("the database is broken: {verdict}") }
}
