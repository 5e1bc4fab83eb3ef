//! The snapshot cache: snapshots as they go over the wire, encoded once for all who ask while a room does not change. A
//! room's new version invalidates its snapshot; who comes or goes, its end alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use madang_protocol::{Person, RoomId, Seq, ServerFrame, Snapshot};
use serde::Serialize;

use crate::encoded::{Encoded, encode, json as json_of};
use crate::hub::Here;
use crate::store::Version;

/// Bytes beyond which all are forgotten; the next who asks has them encoded again.
const BYTES: usize = 16 * 1024 * 1024;

/// Beginning of a `snapshot` frame's end, which tells who is here.
const HERE: &str = r#","here":["#;

/// A snapshot and the names that it needs.
#[derive(Debug)]
pub struct RoomSnapshot {
    /// The room's state.
    pub snapshot: Snapshot,
    /// Authors and those who reacted; then the others who are here.
    pub people: Vec<Person>,
    /// So many of them are of the room's messages.
    pub of_messages: usize,
}

/// One room's snapshot.
#[derive(Debug)]
pub struct SnapshotFrame {
    /// The newest entry that it contains.
    pub head: Seq,
    /// Those whom it names.
    pub people: Vec<Person>,
    /// The `people` frame that names all of them.
    pub people_json: Encoded,
    /// The `snapshot` frame.
    pub json: Encoded,
    of_messages: usize,
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

/// [`ServerFrame::People`] of people whom others hold, too.
#[derive(Serialize)]
#[serde(tag = "t", rename_all = "snake_case")]
enum Named<'a> {
    People { people: &'a [Person] },
}

impl RoomSnapshot {
    /// Takes a snapshot of which is not known yet who is here, and those whom its messages name.
    pub(crate) fn new(mut snapshot: Snapshot, mut people: Vec<Person>, here: Here) -> Self {
        let of_messages = people.len();
        add_here(&mut people, &here);
        snapshot.here = here.people.into_iter().map(|person| person.id).collect();
        snapshot.here_count = here.count;
        Self { snapshot, people, of_messages }
    }
}

impl SnapshotCache {
    /// The room's snapshot, if it has not changed. If nothing but who is here has, its messages are not encoded anew.
    pub(crate) fn get(
        &self,
        room: &RoomId,
        key: CacheKey,
        here: impl FnOnce() -> Here,
    ) -> Option<Arc<SnapshotFrame>> {
        let newest = self.newest(room).filter(|frame| frame.key.0 == key.0)?;
        if newest.key == key {
            return Some(newest);
        }
        let here = here();
        let messages = newest.json.rfind(HERE).and_then(|at| newest.json.get(..at))?;
        let mut people: Vec<Person> = newest.people.iter().take(newest.of_messages).cloned().collect();
        add_here(&mut people, &here);
        let json = [messages, &end(&here)].concat();
        Some(self.keep(room.clone(), frame(newest.head, people, newest.of_messages, json.into(), key)))
    }

    /// Encodes what was seen of a room, and keeps it. `key` is from before it was seen: what changed in
    /// between is encoded, and encoded once more for the next who asks.
    pub(crate) fn put(&self, seen: RoomSnapshot, key: CacheKey) -> Arc<SnapshotFrame> {
        let RoomSnapshot { snapshot, people, of_messages } = seen;
        let (room, head) = (snapshot.room.clone(), snapshot.head);
        let json = encode(&ServerFrame::Snapshot(snapshot));
        self.keep(room, frame(head, people, of_messages, json, key))
    }

    fn newest(&self, room: &RoomId) -> Option<Arc<SnapshotFrame>> {
        self.table().frames.get(room).cloned()
    }

    fn keep(&self, room: RoomId, frame: SnapshotFrame) -> Arc<SnapshotFrame> {
        let frame = Arc::new(frame);
        let mut table = self.table();
        if table.bytes + frame.bytes() > BYTES {
            *table = Table::default();
        }
        table.bytes += frame.bytes();
        let old = table.frames.insert(room, frame.clone());
        table.bytes -= old.map_or(0, |old| old.bytes());
        frame
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SnapshotFrame {
    fn bytes(&self) -> usize {
        self.json.len() + self.people_json.len()
    }
}

fn frame(head: Seq, people: Vec<Person>, of_messages: usize, json: Encoded, key: CacheKey) -> SnapshotFrame {
    let people_json = json_of(&Named::People { people: &people });
    SnapshotFrame { head, people, people_json, json, of_messages, key }
}

/// Names those who are here and are not named yet. Each is here once.
fn add_here(people: &mut Vec<Person>, here: &Here) {
    let of_messages = people.len();
    for person in &here.people {
        if people.iter().take(of_messages).all(|known| known.id != person.id) {
            people.push(person.clone());
        }
    }
}

/// Returns the end of a `snapshot` frame, from [`HERE`] on. Ids need no escapes.
fn end(here: &Here) -> String {
    let ids: Vec<String> = here.people.iter().map(|person| format!("\"{}\"", person.id)).collect();
    format!("{HERE}{}],\"here_count\":{}}}", ids.join(","), here.count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presence_changes_only_the_snapshots_end() {
        let person = |id: &str| Person::new(id.parse().unwrap(), id);
        let seen = |count, here: &[&str]| {
            let snapshot = Snapshot {
                room: RoomId::lobby(),
                title: r#"a title with ,"here":[ in it"#.into(),
                head: 7,
                messages: Vec::new(),
                before: true,
                here: Vec::new(),
                here_count: 0,
            };
            let here = Here { people: here.iter().map(|id| person(id)).collect(), count };
            RoomSnapshot::new(snapshot, vec![person("author")], here)
        };
        let (cache, room, version) = (SnapshotCache::default(), RoomId::lobby(), Version::default());
        cache.put(seen(1, &["ann"]), (version, 1));
        for (count, here) in [(3, &["ann", "author", "bob"][..]), (0, &[]), (1, &["bob"])] {
            let whole = SnapshotCache::default().put(seen(count, here), (version, 9));
            let now = || Here { people: here.iter().map(|id| person(id)).collect(), count };
            let joined = cache.get(&room, (version, 2 + u64::from(count)), now).unwrap();
            assert_eq!((&joined.json, &joined.people), (&whole.json, &whole.people));
            let people = ServerFrame::People { people: whole.people.clone() };
            assert_eq!((&joined.people_json, &whole.people_json), (&encode(&people), &encode(&people)));
        }
        let mut next = version;
        next.head = 8;
        assert!(cache.get(&room, (next, 3), Here::default).is_none(), "a new message");
    }
}
