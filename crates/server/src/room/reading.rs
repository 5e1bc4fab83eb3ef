//! Reads: snapshots, pages of history, replays and the list of rooms, for those who may.

use std::sync::Arc;

use madang_protocol::{Person, RefusalCode, RoomId, RoomInfo, Seq, Snapshot, UnixMs, UserId};

use super::{Rooms, logged};
use crate::hub::ReplaySource;
use crate::refusal::Refusal;
use crate::snapshot_cache::{RoomSnapshot, SnapshotFrame};
use crate::store::{Committed, KEPT_MESSAGES, PageAt, PageRead, ReadLimit};

/// Messages in a snapshot.
pub const SNAPSHOT_MESSAGES: usize = KEPT_MESSAGES;

/// Rooms that one list names.
const LISTED_ROOMS: usize = 500;

impl Rooms {
    /// The room's present state, as much of it as a page shows.
    ///
    /// # Errors
    /// No such room for this reader, or a failing disk.
    pub async fn snapshot(&self, reader: &UserId, room: RoomId) -> Result<RoomSnapshot, Refusal> {
        self.may(reader, &room)?;
        self.build_snapshot(room, ReadLimit::html(SNAPSHOT_MESSAGES)).await
    }

    async fn build_snapshot(&self, room: RoomId, most: ReadLimit) -> Result<RoomSnapshot, Refusal> {
        self.0.store.version(&room).ok_or(RefusalCode::UnknownRoom)?;
        self.load(&room).await;
        let state = self.0.store.snapshot(room.clone(), most).await.map_err(logged)?;
        let state = state.ok_or(RefusalCode::UnknownRoom)?;
        let here = self.0.hub.here(&room);
        let snapshot = Snapshot {
            room,
            title: state.title,
            head: state.head,
            messages: state.messages,
            before: state.before,
            here: Vec::new(),
            here_count: 0,
        };
        Ok(RoomSnapshot::new(snapshot, state.people, here))
    }

    /// As [`Rooms::snapshot`], encoded.
    ///
    /// # Errors
    /// No such room for this reader, or a failing disk.
    pub async fn snapshot_frame(
        &self,
        reader: &UserId,
        room: &RoomId,
    ) -> Result<Arc<SnapshotFrame>, Refusal> {
        self.may(reader, room)?;
        let version = self.0.store.version(room).ok_or(RefusalCode::UnknownRoom)?;
        let key = (version, self.0.hub.here_version(room));
        match self.0.snapshots.get(room, key, || self.0.hub.here(room)) {
            Some(frame) => Ok(frame),
            None => {
                let seen = self.build_snapshot(room.clone(), ReadLimit::json(SNAPSHOT_MESSAGES)).await?;
                Ok(self.0.snapshots.put(seen, key))
            }
        }
    }

    /// Brings what the room's readers ask for into memory, by one read for all of them.
    async fn load(&self, room: &RoomId) {
        self.0.hub.load(room, &self.0.store).await;
        if !self.0.store.keeps(room) {
            let (store, id) = (self.0.store.clone(), room.clone());
            // A failure is seen by those who ask next.
            let start = || async move { drop(store.snapshot(id, SNAPSHOT_MESSAGES).await) };
            self.0.loading.join(room, start).await;
        }
    }

    /// From where a reader at `cursor` can be served. After a start, the first who asks has the room's recent
    /// entries read, once for all.
    pub async fn replay_source(&self, room: &RoomId, cursor: Seq) -> ReplaySource {
        match self.0.hub.replay_source(room, cursor) {
            ReplaySource::NotLoaded => {
                self.0.hub.load(room, &self.0.store).await;
                self.0.hub.replay_source(room, cursor)
            }
            reach => reach,
        }
    }

    /// The newest seq of the room in the log itself, which the hub may not have received yet.
    ///
    /// # Errors
    /// No such room for this reader.
    pub fn head(&self, reader: &UserId, room: &RoomId) -> Result<Seq, Refusal> {
        self.may(reader, room)?;
        let version = self.0.store.version(room).ok_or(RefusalCode::UnknownRoom)?;
        Ok(version.head)
    }

    /// Returns the people renamed since somebody had these cursors, which are usable ones: the newest first. A reader
    /// at the head of a room was there at least until its last entry; of anybody else nothing is known.
    pub fn renamed_since(&self, cursors: &[(RoomId, Seq)]) -> Vec<Person> {
        // An entry's time is taken before its commit, and clocks may step.
        const SLACK_MS: UnixMs = 60_000;
        let store = &self.0.store;
        let was_here = cursors.iter().filter_map(|(room, seq)| store.head_at(room, *seq)).max();
        store.renamed_since(was_here.unwrap_or(UnixMs::MIN + SLACK_MS) - SLACK_MS)
    }

    /// Messages around a place in the room, at most so many.
    ///
    /// # Errors
    /// No such room for this reader, or a failing disk.
    pub async fn page(
        &self,
        reader: &UserId,
        room: RoomId,
        at: PageAt,
        most: ReadLimit,
    ) -> Result<PageRead, Refusal> {
        self.head(reader, &room)?;
        let page = self.0.store.page(room, at, most).await.map_err(logged)?;
        page.ok_or_else(|| RefusalCode::UnknownRoom.into())
    }

    /// Entries of the room after `cursor`, at most `limit`, in [`ANSWER_BYTES`](crate::store::ANSWER_BYTES).
    ///
    /// # Errors
    /// No such room for this reader, or a failing disk.
    pub async fn entries_after(
        &self,
        reader: &UserId,
        room: RoomId,
        cursor: Seq,
        limit: usize,
    ) -> Result<Vec<Committed>, Refusal> {
        self.head(reader, &room)?;
        self.0.metrics.replays.inc();
        self.0.store.entries_after(room, cursor, ReadLimit::json(limit)).await.map_err(logged)
    }

    /// The rooms as this person sees them.
    ///
    /// # Errors
    /// A failing disk.
    pub async fn list(&self, user: Option<UserId>) -> Result<Vec<RoomInfo>, Refusal> {
        if self.0.store.is_banned(user.as_ref(), None) {
            return Err(RefusalCode::Banned.into());
        }
        let bot = user.as_ref().and_then(|user| self.0.store.bot(user));
        let mut rooms = self.0.store.rooms(user, LISTED_ROOMS).await.map_err(logged)?;
        if let Some(bot) = bot {
            rooms.retain(|info| bot.reaches(&info.room));
        }
        Ok(rooms)
    }
}
