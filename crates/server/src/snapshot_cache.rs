//! The snapshot cache: snapshots as they go over the wire, encoded once for all who ask while a room does not change. A
//! room's new version invalidates its snapshot.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use madang_protocol::{Person, RoomId, Seq, ServerFrame, Snapshot};

use crate::encoded::{Encoded, encode};
use crate::store::Version;

/// Bytes beyond which all are forgotten; the next who asks has them encoded again.
const BYTES: usize = 16 * 1024 * 1024;

/// A snapshot and the names that it needs.
#[derive(Debug)]
pub struct RoomSnapshot {
    /// The room's state.
    pub snapshot: Snapshot,
    /// Authors, and those who are here.
    pub people: Vec<Person>,
}

/// One room's snapshot.
#[derive(Debug)]
pub struct SnapshotFrame {
    /// The newest entry that it contains.
    pub head: Seq,
    /// Those whom it names.
    pub people: Vec<Person>,
    /// The `snapshot` frame.
    pub json: Encoded,
    key: CacheKey,
}

/// Key of a snapshot, which changes only together with it: the room's log and names, and who is here.
pub(crate) type CacheKey = (Version, u64);

/// The newest snapshot of each room that was asked for.
#[derive(Debug, Default)]
pub(crate) struct SnapshotCache(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    frames: HashMap<RoomId, Arc<SnapshotFrame>>,
    bytes: usize,
}

impl SnapshotCache {
    /// The room's snapshot, if it has not changed.
    pub(crate) fn get(&self, room: &RoomId, key: CacheKey) -> Option<Arc<SnapshotFrame>> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.frames.get(room).filter(|frame| frame.key == key).cloned()
    }

    /// Encodes what was seen of a room, and keeps it. `key` is from before it was seen: what changed in
    /// between is encoded, and encoded once more for the next who asks.
    pub(crate) fn put(&self, seen: RoomSnapshot, key: CacheKey) -> Arc<SnapshotFrame> {
        let RoomSnapshot { snapshot, people } = seen;
        let (room, head) = (snapshot.room.clone(), snapshot.head);
        let json = encode(&ServerFrame::Snapshot(snapshot));
        let frame = Arc::new(SnapshotFrame { head, people, json, key });
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.bytes + frame.json.len() > BYTES {
            *table = Table::default();
        }
        table.bytes += frame.json.len();
        let old = table.frames.insert(room, frame.clone());
        table.bytes -= old.map_or(0, |old| old.json.len());
        frame
    }
}
