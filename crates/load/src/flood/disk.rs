//! Measures of a server's folder: rows, and bytes of its folder.

use std::path::Path;

use anyhow::{Context, Result};
use rusqlite::{Connection, OpenFlags};

/// Counts of the disk at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stand {
    /// Rows of all tables but those that a post adds to.
    pub(super) rows: i64,
    /// Bytes of all files.
    pub(super) bytes: u64,
}

/// Looks at the data folder of a running server.
pub(super) fn measure(folder: &Path) -> Result<Stand> {
    Ok(Stand { rows: rows(folder)?, bytes: bytes(folder)? })
}

fn rows(folder: &Path) -> Result<i64> {
    let file = folder.join("madang.db");
    let sql = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .with_context(|| format!("opening {}", file.display()))?;
    let mut tables = sql.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('entries', 'messages')",
    )?;
    let names = tables.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut rows = 0;
    for name in names {
        rows += sql.query_row(&format!("SELECT count(*) FROM \"{name}\""), [], |row| row.get::<_, i64>(0))?;
    }
    Ok(rows)
}

fn bytes(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for file in std::fs::read_dir(folder)? {
        bytes += file?.metadata()?.len();
    }
    Ok(bytes)
}
