//! Consumer offsets: progress of a program that reads a room by acknowledging, kept for its return.

use madang_protocol::{RoomId, Seq, UnixMs, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::batch::{Batch, Failure};
use super::rows::{ReadError, seq_from_column};
use super::{ConsumerOffset, OFFSETS_MAX, PendingWrite, Store, StoreError};

impl Store {
    /// Keeps a reader's progress in a room, under a name of its own. Of more than [`OFFSETS_MAX`] the one that
    /// moved longest ago is evicted.
    ///
    /// # Errors
    /// [`StoreError::UnknownRoom`], [`UnknownUser`](StoreError::UnknownUser).
    pub fn commit_offset(
        &self,
        reader: UserId,
        room: RoomId,
        name: String,
        offset: ConsumerOffset,
        at: UnixMs,
    ) -> PendingWrite<()> {
        self.queued_by(self.expected(&reader), move |batch| keep(batch, &reader, &room, &name, &offset, at))
    }

    /// The offset that [`Store::commit_offset`] was asked to keep last under this name: also by a connection that has ended a
    /// moment ago, whose wish still waits for the disk.
    ///
    /// # Errors
    /// As [`Store::login`].
    pub async fn consumer_offset(
        &self,
        reader: UserId,
        room: RoomId,
        name: String,
    ) -> Result<Option<ConsumerOffset>, StoreError> {
        let (who, at, of) = (reader.clone(), room.clone(), name.clone());
        let find_last = move |batch: &mut Batch<'_>| {
            find(batch.sql, &who, &at, &of).map_err(|ReadError(error)| error.into())
        };
        match self.queued(find_last).await {
            // A store that cannot write can read; what waited is not written then.
            Err(StoreError::Unavailable(_)) => {
                self.0.readers.read(move |sql| find(sql, &reader, &room, &name)).await
            }
            found => found,
        }
    }
}

/// Keeps an offset. Beyond the bound the one that moved longest ago is evicted.
pub(super) fn keep(
    batch: &mut Batch<'_>,
    reader: &UserId,
    room: &RoomId,
    name: &str,
    offset: &ConsumerOffset,
    at: UnixMs,
) -> Result<(), Failure> {
    let reader = batch.author(reader)?.key;
    let room = batch.room(room)?.key;
    let open: Vec<u8> = offset.open.iter().flat_map(|seq| seq.to_be_bytes()).collect();
    let sql = batch.sql;
    sql.prepare_cached(
        "INSERT INTO places (user, room, name, sent, open, moved_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET sent = ?4, open = ?5, moved_at = ?6",
    )?
    .execute(params![reader, room.0, name, offset.sent.cast_signed(), open, at])?;
    sql.prepare_cached(
        "DELETE FROM places WHERE user = ?1 AND (room, name) IN (
             SELECT room, name FROM places WHERE user = ?1 ORDER BY moved_at DESC, name LIMIT -1 OFFSET ?2)",
    )?
    .execute(params![reader, OFFSETS_MAX])?;
    Ok(())
}

/// The offset that was kept last.
pub(super) fn find(
    sql: &Connection,
    reader: &UserId,
    room: &RoomId,
    name: &str,
) -> Result<Option<ConsumerOffset>, ReadError> {
    let found = sql
        .prepare_cached(
            "SELECT p.sent, p.open FROM places p JOIN users u ON u.key = p.user JOIN rooms r ON r.key = p.room
             WHERE u.id = ?1 AND r.id = ?2 AND p.name = ?3",
        )?
        .query_row(params![reader.as_str(), room.as_str(), name], |row| {
            let (sent, open): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
            let open = open.as_chunks::<8>().0.iter().map(|seq| Seq::from_be_bytes(*seq)).collect();
            Ok(ConsumerOffset { sent: seq_from_column(sent), open })
        })
        .optional()?;
    Ok(found)
}
