//! Migrations: the numbered steps from an empty file to the present format.

use rusqlite::Connection;

/// Each in a transaction of its own; the file's `user_version` is the number of the last one applied.
const STEPS: &[&str] = &[
    include_str!("migrations/0001_log.sql"),
    include_str!("migrations/0002_bots.sql"),
    include_str!("migrations/0003_places.sql"),
    include_str!("migrations/0004_webhooks.sql"),
    include_str!("migrations/0005_renames.sql"),
    include_str!("migrations/0006_newcomers.sql"),
    include_str!("migrations/0007_headers.sql"),
    include_str!("migrations/0008_moderation.sql"),
    include_str!("migrations/0009_looks.sql"),
    include_str!("migrations/0010_reactions.sql"),
    include_str!("migrations/0011_ids_by_time.sql"),
];

/// "mdng", so that another program's database is not taken for ours.
const APPLICATION_ID: i64 = 0x6d64_6e67;

/// State of a file before it is made ready.
pub(super) enum Found {
    /// Ours, or empty; the steps that it lacks can be applied.
    Ours,
    /// Ours, from a newer version: its format.
    Newer(i64),
    /// Another program's.
    Foreign,
}

/// The newest format that this program knows.
pub(super) fn newest() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// Looks at a file without changing it.
pub(super) fn find(sql: &Connection) -> rusqlite::Result<Found> {
    let version = version(sql)?;
    let application: i64 = sql.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 = sql.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (application, version) {
        (APPLICATION_ID, version) if version > newest() => Found::Newer(version),
        (APPLICATION_ID, _) => Found::Ours,
        (0, 0) if tables == 0 => Found::Ours,
        _ => Found::Foreign,
    })
}

/// Returns true if nothing was ever applied to the file.
pub(super) fn is_new(sql: &Connection) -> rusqlite::Result<bool> {
    Ok(version(sql)? == 0)
}

/// Applies what the file lacks.
pub(super) fn apply(sql: &Connection) -> rusqlite::Result<()> {
    let done = version(sql)?;
    for (step, number) in STEPS.iter().zip(1_i64..).filter(|(_, number)| *number > done) {
        let transaction = sql.unchecked_transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}

fn version(sql: &Connection) -> rusqlite::Result<i64> {
    sql.query_row("PRAGMA user_version", [], |row| row.get(0))
}
