//! Filling a room's ring from the log, once after a start, by one read for all who come back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use madang_protocol::{Person, RoomId, Seq, UserId};

use super::ring::{BYTES, Budget, ENTRIES, ReplaySource};
use super::{Hub, Room, lock};
use crate::encoded::{Committed, PersonFrame};
use crate::store::Store;

/// Most that is noted while the log is being read. Beyond it what was read is thrown away: whoever asked for it
/// has gone, and the next one reads anew.
const NOTED: usize = 1_000;

/// Events while the log was being read, which may have seen them or not.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) deleted: Vec<Seq>,
    pub(super) renamed: Vec<Person>,
}

impl Room {
    /// Notes what happened, if the log is being read.
    pub(super) fn note(&mut self, note: impl FnOnce(&mut Pending)) {
        let Some(meanwhile) = &mut self.meanwhile else { return };
        note(meanwhile);
        if meanwhile.deleted.len() + meanwhile.renamed.len() > NOTED {
            self.meanwhile = None;
        }
    }
}

impl Hub {
    /// From where `cursor` can be served in a room.
    pub fn replay_source(&self, room: &RoomId, cursor: Seq) -> ReplaySource {
        let room = self.room_or_new(room);
        let room = lock(&room);
        room.ring.replay_source(cursor, room.head)
    }

    /// Fills the room's ring from the log, unless it is as full as may be. If the log cannot be read, the ring
    /// stays as it is.
    pub async fn load(&self, id: &RoomId, store: &Store) {
        let room = self.room_or_new(id);
        let is_cold = {
            let room = lock(&room);
            room.ring.replay_source(0, room.head) == ReplaySource::NotLoaded
        };
        if is_cold {
            let start = || fill(id.clone(), room, store.clone(), Arc::clone(&self.budget));
            self.loading.join(id, start).await;
        }
    }
}

async fn fill(id: RoomId, room: Arc<Mutex<Room>>, store: Store, budget: Arc<Budget>) {
    lock(&room).meanwhile = Some(Pending::default());
    let read = store.newest(id.clone(), ENTRIES, BYTES).await.map(shared);
    let mut room = lock(&room);
    match (read, room.meanwhile.take()) {
        (Ok(entries), Some(meanwhile)) => {
            let head = room.head;
            room.ring.fill(entries, head, &budget);
            meanwhile.deleted.iter().for_each(|message| room.ring.redact(*message, &budget));
            meanwhile.renamed.iter().for_each(|person| room.ring.rename(person));
        }
        (Ok(_), None) => {}
        (Err(error), _) => tracing::warn!(room = %id, %error, "a room's recent entries could not be read"),
    }
}

/// Lets entries of one author share the name.
fn shared(entries: Vec<Committed>) -> Vec<Arc<Committed>> {
    let mut authors: HashMap<UserId, Arc<PersonFrame>> = HashMap::new();
    let entries = entries.into_iter().map(|mut committed| {
        let known = authors.entry(committed.entry.by.clone());
        committed.author = known.or_insert_with(|| committed.author.clone()).clone();
        Arc::new(committed)
    });
    entries.collect()
}
