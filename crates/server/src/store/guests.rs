//! The removal of old guests who left no trace, piece by piece, beside what else is written.

use madang_protocol::UnixMs;
use rusqlite::params;

use super::batch::{Batch, Failure};
use super::cache_update::CacheUpdate;
use super::rows;

/// People looked at in one piece: about a millisecond of the writer's time.
const PIECE: u32 = 200;

/// Looks at some people after the key `after`, and removes those of them who were made before `before` and left no
/// trace: no name, no entry, no read marker that moved. Returns where the next piece begins; `None` if all were looked
/// at.
pub(super) fn remove_some(batch: &mut Batch<'_>, before: UnixMs, after: i64) -> Result<Option<i64>, Failure> {
    let sql = batch.sql;
    let last: Option<i64> = sql
        .prepare_cached("SELECT max(key) FROM (SELECT key FROM users WHERE key > ?1 ORDER BY key LIMIT ?2)")?
        .query_row(params![after, PIECE], |row| row.get(0))?;
    let Some(last) = last else { return Ok(None) };
    let mut statement = sql.prepare_cached(
        "DELETE FROM users WHERE key > ?1 AND key <= ?2 AND made_at < ?3 AND name = ''
         AND NOT wrote
         AND NOT exists (SELECT 1 FROM read_markers WHERE user = users.key AND moved)
         RETURNING key, id",
    )?;
    let removed = statement
        .query_map(params![after, last, before], |row| Ok((row.get(0)?, rows::id(row, 1)?)))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    drop(statement);
    removed.iter().for_each(|(_, user)| batch.forget_author(user));
    if !removed.is_empty() {
        batch.note(CacheUpdate::Removed(removed.into_iter().map(|(key, _)| key).collect()));
    }
    Ok(Some(last))
}
