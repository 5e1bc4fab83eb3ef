//! This node's table of which sessions follow which room, and the fan-out to their queues.
//!
//! Locks are short and never held across an `.await`. Order: a room's lock, then a queue's.

mod ending;
mod load;
mod presence;
mod queue;
mod ring;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use madang_protocol::{CloseCode, EntryKind, Person, RoomId, Seq, ServerFrame, UserId};

use crate::broker::event::Event;
use crate::encoded::{Committed, Encoded, PersonFrame, encode};
use crate::metrics::Metrics;
use crate::network::Network;
use crate::single_flight::SingleFlight;
use crate::store::{ReadLimit, Store};

use ending::changed;
use load::Pending;
pub use presence::Here;
use presence::Presence;
pub use queue::{BATCH_BYTES, Queue, QueuedFrame, Taken};
pub use ring::ReplaySource;
use ring::{Budget, Ring};

/// Entries that one read of the store fetches to fill a gap.
const FILL: usize = 256;

/// A session's number on this node.
pub type SessionId = u64;

/// The table.
#[derive(Debug)]
pub struct Hub {
    rooms: RwLock<HashMap<RoomId, Arc<Mutex<Room>>>>,
    sessions: Mutex<Sessions>,
    /// Bound of all rings together.
    budget: Arc<Budget>,
    /// The rings that are being filled.
    loading: SingleFlight<RoomId>,
    /// Entries that were delivered.
    moves: AtomicU64,
    metrics: Metrics,
}

#[derive(Debug, Default)]
struct Sessions {
    last: SessionId,
    /// The server drains: new sessions are disconnected at once.
    closing: bool,
    /// The newest session that was sent away.
    closed_up_to: SessionId,
    joined: HashMap<SessionId, Joined>,
    of_user: HashMap<UserId, Vec<SessionId>>,
}

#[derive(Debug)]
struct Joined {
    user: UserId,
    from: Network,
    queue: Arc<Queue>,
}

#[derive(Debug, Default)]
struct Room {
    /// The newest entry that was delivered.
    head: Seq,
    /// The hub's move that it was.
    moved: u64,
    ring: Ring,
    /// While the ring is being filled.
    meanwhile: Option<Pending>,
    followers: HashMap<SessionId, Arc<Queue>>,
    presence: Presence,
}

/// Result of [`Hub::attach`].
#[derive(Debug)]
pub enum Attached {
    /// The session is live: these frames complete what it has, and its queue gets all that follow.
    Live(Vec<Arc<Committed>>),
    /// The hub no longer holds what follows the cursor: read on from the store and attach again.
    Behind,
}

impl Room {
    fn rename(&mut self, person: &Person) {
        self.presence.rename(person);
        self.ring.rename(person);
        self.note(|meanwhile| meanwhile.renamed.push(person.clone()));
    }
}

impl Hub {
    /// A hub for a log with these heads.
    pub fn new(heads: Vec<(RoomId, Seq)>, metrics: Metrics) -> Self {
        let rooms = heads
            .into_iter()
            .map(|(room, head)| (room, Arc::new(Mutex::new(Room { head, ..Room::default() }))));
        let (sessions, budget, loading, moves) = Default::default();
        Self { rooms: RwLock::new(rooms.collect()), sessions, budget, loading, moves, metrics }
    }

    // --- What comes from the broker.

    /// Delivers one entry to all who follow its room: in seq order, each once. Entries that the broker lost
    /// are read from the store.
    pub async fn deliver(&self, committed: Committed, store: &Store) {
        let room = self.room_or_new(&committed.entry.room);
        loop {
            let head = lock(&room).head;
            if committed.entry.seq <= head + 1 {
                break;
            }
            match store.entries_after(committed.entry.room.clone(), head, ReadLimit::json(FILL)).await {
                Ok(missing) if !missing.is_empty() => {
                    for entry in missing {
                        self.deliver_next(&room, entry);
                    }
                }
                result => {
                    // The next entry of the room, or the session's own check, tries again.
                    tracing::warn!(room = %committed.entry.room, ?result, "a gap could not be filled");
                    return;
                }
            }
        }
        let change = changed(&committed.entry);
        let delivered = self.deliver_next(&room, committed);
        if let Some((id, title)) = change.filter(|_| delivered) {
            let is_closed = title.is_none();
            let frame = ServerFrame::RoomChanged { room: id.clone(), title };
            self.to_all(&QueuedFrame::Room(id.clone(), encode(&frame)));
            if is_closed {
                self.close_room(&id);
            }
        }
    }

    /// Delivers an entry if it is the next one. Returns true if it was.
    fn deliver_next(&self, room: &Mutex<Room>, committed: Committed) -> bool {
        let committed = Arc::new(committed);
        // Encoded before the lock is taken: the ring and the queues count its bytes.
        committed.json();
        let mut room = lock(room);
        if committed.entry.seq != room.head + 1 {
            return false;
        }
        room.head = committed.entry.seq;
        // Under the room's lock: who counts the moves first, and then looks at the room, misses none.
        room.moved = self.moves.fetch_add(1, Ordering::SeqCst) + 1;
        if let EntryKind::Deleted { seq } = committed.entry.what {
            // The ring may still hold the text; the store no longer does.
            room.ring.redact(seq, &self.budget);
            room.note(|meanwhile| meanwhile.deleted.push(seq));
        }
        room.ring.push(committed.clone(), &self.budget);
        for queue in room.followers.values() {
            if queue.push(QueuedFrame::Entry(committed.clone())) {
                self.metrics.dropped.inc();
            }
        }
        true
    }

    /// Tells `event` to those whom it concerns.
    pub fn announce(&self, event: Event) {
        match event {
            Event::Renamed(person) => {
                for room in self.read_rooms().values() {
                    lock(room).rename(&person);
                }
                self.to_all(&QueuedFrame::Person(Arc::new(PersonFrame::from(person))));
            }
            Event::RoomOpened(info) => {
                let room = info.room.clone();
                self.to_all(&QueuedFrame::Room(room, encode(&ServerFrame::Rooms { rooms: vec![info] })));
            }
            Event::Read { user, room, seq, unread, head } => {
                let frame = QueuedFrame::Frame(encode(&ServerFrame::Read { room, seq, unread, head }));
                let sessions = lock(&self.sessions);
                for id in sessions.of_user.get(&user).into_iter().flatten() {
                    if let Some(session) = sessions.joined.get(id) {
                        session.queue.push(frame.clone());
                    }
                }
            }
            Event::Typing { room, by } => {
                let frame = encode(&ServerFrame::Typing { room: room.clone(), by: by.id.clone() });
                self.to_present(&room, &QueuedFrame::Typing(Arc::new(PersonFrame::from(by)), frame));
            }
        }
    }

    fn to_all(&self, frame: &QueuedFrame) {
        for session in lock(&self.sessions).joined.values() {
            session.queue.push(frame.clone());
        }
    }

    fn to_present(&self, room: &RoomId, frame: &QueuedFrame) {
        let Some(room) = self.room(room) else { return };
        for queue in lock(&room).presence.queues() {
            if queue.push(frame.clone()) {
                self.metrics.dropped.inc();
            }
        }
    }

    // --- What sessions ask.

    /// Takes a session in. It gets what concerns all, and nothing of any room yet.
    pub fn join(&self, user: UserId, from: Network, queue: Arc<Queue>) -> SessionId {
        let mut sessions = lock(&self.sessions);
        sessions.last += 1;
        let id = sessions.last;
        if sessions.closing {
            queue.close(CloseCode::RESTART);
        }
        sessions.of_user.entry(user.clone()).or_default().push(id);
        sessions.joined.insert(id, Joined { user, from, queue });
        self.metrics.sessions.inc();
        id
    }

    /// Takes a session out; it must have been detached from its rooms.
    pub fn leave(&self, id: SessionId) {
        let mut sessions = lock(&self.sessions);
        let Some(Joined { user, .. }) = sessions.joined.remove(&id) else { return };
        self.metrics.sessions.dec();
        if let Some(ids) = sessions.of_user.get_mut(&user) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                sessions.of_user.remove(&user);
            }
        }
    }

    /// Lets the session follow the room live if the hub holds everything after `cursor`. Looking and
    /// attaching are one step, so nothing can fall between what is returned and what is queued from now on.
    ///
    /// A cursor ahead of the hub is one from the store that the broker has yet to deliver; the session drops
    /// what it then gets twice.
    pub fn attach(&self, room: &RoomId, id: SessionId, queue: &Arc<Queue>, cursor: Seq) -> Attached {
        let room = self.room_or_new(room);
        let mut room = lock(&room);
        let missed = if cursor >= room.head { Some(Vec::new()) } else { room.ring.after(cursor) };
        match missed {
            Some(frames) => {
                room.followers.insert(id, queue.clone());
                Attached::Live(frames)
            }
            None => Attached::Behind,
        }
    }

    /// Returns the hub's own copy of an id. Comparing it with ids of entries finds memory that is warm.
    pub fn shared(&self, id: &RoomId) -> RoomId {
        self.read_rooms().get_key_value(id).map_or_else(|| id.clone(), |(own, _)| own.clone())
    }

    /// The session no longer follows the room.
    pub fn detach(&self, room: &RoomId, id: SessionId) {
        if let Some(room) = self.room(room) {
            lock(&room).followers.remove(&id);
        }
    }

    /// The newest delivered entry of the room, or `None` for a room without a delivery yet.
    pub fn head(&self, room: &RoomId) -> Option<Seq> {
        self.room(room).map(|room| lock(&room).head)
    }

    /// Returns the number of entries delivered so far, in all rooms.
    pub fn moves(&self) -> u64 {
        self.moves.load(Ordering::SeqCst)
    }

    /// The rooms among `rooms` to which an entry was delivered after so many moves, with their heads.
    pub fn moved_since<'a>(&self, rooms: impl Iterator<Item = &'a RoomId>, moves: u64) -> Vec<(RoomId, Seq)> {
        let table = self.read_rooms();
        rooms
            .filter_map(|id| {
                let room = lock(table.get(id)?);
                (room.moved > moves).then(|| (id.clone(), room.head))
            })
            .collect()
    }

    // --- Who is here.

    /// The session's person looks at `room` now.
    pub fn enter(&self, room: &RoomId, id: SessionId, person: Person, queue: &Arc<Queue>) {
        lock(&self.room_or_new(room)).presence.enter(id, person, queue.clone());
    }

    /// The session's person no longer looks at `room`.
    pub fn exit(&self, room: &RoomId, id: SessionId) {
        if let Some(room) = self.room(room) {
            lock(&room).presence.exit(id);
        }
    }

    /// Returns the people who look at `room`.
    pub fn here(&self, room: &RoomId) -> Here {
        self.room(room).map(|room| lock(&room).presence.here()).unwrap_or_default()
    }

    /// Changes with who looks at `room`, and never back.
    pub fn here_version(&self, room: &RoomId) -> u64 {
        self.room(room).map_or(0, |room| lock(&room).presence.version())
    }

    /// Tells each room whose presence changed since the last call who is there now. Called once a second, so
    /// that a thousand arrivals cost one frame a receiver.
    pub fn tell_presence(&self) {
        for (id, room) in self.read_rooms().iter() {
            let mut room = lock(room);
            if !room.presence.take_changed() {
                continue;
            }
            let here = room.presence.here();
            let json = presence_frame(id, &here);
            let people = Arc::new(here.people.into_iter().map(PersonFrame::from).collect());
            for queue in room.presence.queues() {
                queue.push(QueuedFrame::Presence(Arc::clone(&people), json.clone()));
            }
        }
    }

    /// Returns the number of sessions.
    pub fn sessions(&self) -> usize {
        lock(&self.sessions).joined.len()
    }

    fn room(&self, id: &RoomId) -> Option<Arc<Mutex<Room>>> {
        self.read_rooms().get(id).cloned()
    }

    fn room_or_new(&self, id: &RoomId) -> Arc<Mutex<Room>> {
        if let Some(room) = self.room(id) {
            return room;
        }
        let mut rooms = self.rooms.write().unwrap_or_else(PoisonError::into_inner);
        rooms.entry(id.clone()).or_default().clone()
    }

    fn read_rooms(&self) -> std::sync::RwLockReadGuard<'_, HashMap<RoomId, Arc<Mutex<Room>>>> {
        self.rooms.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the `presence` frame.
pub fn presence_frame(room: &RoomId, here: &Here) -> Encoded {
    let ids = here.people.iter().map(|person| person.id.clone()).collect();
    encode(&ServerFrame::Presence { room: room.clone(), here: ids, here_count: here.count })
}

/// Nothing panics while it holds one of these locks; if it did, each table is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
