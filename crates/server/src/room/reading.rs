//! Reads: snapshots, pages of history, replays and the list of rooms, for those who may.

use std::sync::Arc;

use madang_protocol::{Person, RefusalCode, RoomId, RoomInfo, Seq, Snapshot, UnixMs};

use super::{Rooms, logged};
use crate::access::{Action, Grant, ServerGrant};
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
    /// The grant is for something else, no such room, or a failing disk.
    pub async fn snapshot(&self, grant: &Grant) -> Result<RoomSnapshot, Refusal> {
        let room = grant.room_to(Action::Read)?.clone();
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
    /// As [`Rooms::snapshot`].
    pub async fn snapshot_frame(&self, grant: &Grant) -> Result<Arc<SnapshotFrame>, Refusal> {
        let room = grant.room_to(Action::Read)?;
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
    /// The grant is for something else, or no such room.
    pub fn head(&self, grant: &Grant) -> Result<Seq, Refusal> {
        let room = grant.room_to(Action::Read)?;
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
    /// As [`Rooms::snapshot`].
    pub async fn page(&self, grant: &Grant, at: PageAt, most: ReadLimit) -> Result<PageRead, Refusal> {
        self.head(grant)?;
        let page = self.0.store.page(grant.room().clone(), at, most).await.map_err(logged)?;
        page.ok_or_else(|| RefusalCode::UnknownRoom.into())
    }

    /// Entries of the room after `cursor`, at most `limit`, in [`ANSWER_BYTES`](crate::store::ANSWER_BYTES).
    ///
    /// # Errors
    /// As [`Rooms::snapshot`].
    pub async fn entries_after(
        &self,
        grant: &Grant,
        cursor: Seq,
        limit: usize,
    ) -> Result<Vec<Committed>, Refusal> {
        self.head(grant)?;
        self.0.metrics.replays.inc();
        let room = grant.room().clone();
        self.0.store.entries_after(room, cursor, ReadLimit::json(limit)).await.map_err(logged)
    }

    /// The rooms as whoever has the grant sees them.
    ///
    /// # Errors
    /// The grant is for something else, or a failing disk.
    pub async fn list(&self, grant: &ServerGrant) -> Result<Vec<RoomInfo>, Refusal> {
        let reader = grant.actor_to(Action::ListRooms)?.person.clone();
        let mut rooms = self.0.store.rooms(Some(reader), LISTED_ROOMS).await.map_err(logged)?;
        rooms.retain(|info| grant.shows(&info.room));
        Ok(rooms)
    }
}
