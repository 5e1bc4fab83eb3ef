//! People by login and by id, with their read markers.

use std::collections::{HashMap, VecDeque};

use madang_protocol::{Person, Seq, UserId};

use super::super::Newcomer;
use super::super::rows::{NO_KEY, RoomKey};

/// Most read markers that are kept, of all people together: 16 MiB.
pub(super) const MARKERS: usize = 1_000_000;

/// One person.
pub(super) struct Member {
    pub(super) key: i64,
    pub(super) person: Person,
    /// Hashes of the tokens of their logins.
    pub(super) logins: Vec<[u8; 32]>,
    /// The turn up to which messages are read in rooms without a marker.
    pub(super) arrived: i64,
    /// In the order of the rooms' keys.
    pub(super) markers: Vec<(RoomKey, Seq)>,
}

/// The table. At its bounds the person who has been in it the longest is evicted, and read again when they
/// return.
pub(super) struct People {
    members: HashMap<i64, Member>,
    by_id: HashMap<UserId, i64>,
    by_login: HashMap<[u8; 32], i64>,
    /// The oldest first.
    order: VecDeque<i64>,
    markers: usize,
    most: usize,
    /// Nobody who has a login is missing.
    all: bool,
}

impl People {
    /// A table for so many people, at least one.
    pub(super) fn new(most: usize) -> Self {
        Self {
            members: HashMap::new(),
            by_id: HashMap::new(),
            by_login: HashMap::new(),
            order: VecDeque::new(),
            markers: 0,
            most: most.max(1),
            all: true,
        }
    }

    /// Takes a person in, or in again.
    pub(super) fn insert(&mut self, member: Member) {
        if self.members.contains_key(&member.key) {
            self.remove(member.key);
            self.order.retain(|key| *key != member.key);
        }
        while self.is_full(member.markers.len()) {
            let Some(oldest) = self.order.pop_front() else { break };
            self.remove(oldest);
            self.all = false;
        }
        self.by_id.insert(member.person.id.clone(), member.key);
        self.by_login.extend(member.logins.iter().map(|hash| (*hash, member.key)));
        self.order.push_back(member.key);
        self.markers += member.markers.len();
        self.members.insert(member.key, member);
    }

    /// Returns true if somebody with so many markers takes another's place.
    fn is_full(&self, markers: usize) -> bool {
        self.members.len() >= self.most || self.markers + markers > MARKERS
    }

    /// Notes that there are people whom it does not hold.
    pub(super) fn lacks_some(&mut self) {
        self.all = false;
    }

    /// Returns true if everybody with a login is here.
    pub(super) fn are_all(&self) -> bool {
        self.all
    }

    /// Takes out somebody who is no more.
    pub(super) fn forget(&mut self, key: i64) {
        self.remove(key);
        self.order.retain(|other| *other != key);
    }

    pub(super) fn login(&self, token_hash: &[u8; 32]) -> Option<&Member> {
        self.members.get(self.by_login.get(token_hash)?)
    }

    pub(super) fn of(&self, user: &UserId) -> Option<&Member> {
        self.members.get(self.by_id.get(user)?)
    }

    pub(super) fn rename(&mut self, key: i64, person: &Person) {
        if let Some(member) = self.members.get_mut(&key) {
            member.person.clone_from(person);
        }
    }

    /// Moves a marker forward, never back.
    pub(super) fn read(&mut self, key: i64, room: RoomKey, seq: Seq) {
        let Some(member) = self.members.get_mut(&key) else { return };
        match member.markers.binary_search_by_key(&room, |(room, _)| *room) {
            Ok(at) => {
                if let Some((_, marker)) = member.markers.get_mut(at) {
                    *marker = seq.max(*marker);
                }
            }
            Err(at) => {
                member.markers.insert(at, (room, seq));
                self.markers += 1;
            }
        }
    }

    fn remove(&mut self, key: i64) {
        let Some(member) = self.members.remove(&key) else { return };
        self.by_id.remove(&member.person.id);
        for hash in &member.logins {
            self.by_login.remove(hash);
        }
        self.markers -= member.markers.len();
    }
}

impl Member {
    /// Somebody who has no row yet.
    pub(super) fn of_newcomer(newcomer: &Newcomer) -> Self {
        let person = Person::new(newcomer.user.clone(), "");
        let (logins, markers) = Default::default();
        Self { key: NO_KEY, person, logins, arrived: newcomer.arrived, markers }
    }

    /// Returns the newest seq that was seen; `None` if that follows from when they came.
    pub(super) fn marker(&self, room: RoomKey) -> Option<Seq> {
        let found = self.markers.binary_search_by_key(&room, |(room, _)| *room).ok();
        found.and_then(|at| self.markers.get(at)).map(|(_, seq)| *seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(key: i64, markers: usize) -> Member {
        Member {
            key,
            person: Person::new(format!("u{key}").parse().unwrap(), ""),
            logins: vec![[u8::try_from(key).unwrap(); 32]],
            arrived: -1,
            markers: (1..).take(markers).map(|room| (RoomKey(room), 1)).collect(),
        }
    }

    #[test]
    fn oldest_person_is_evicted_with_their_index() {
        let mut people = People::new(2);
        for key in [1, 2, 1, 3] {
            people.insert(member(key, 1));
        }
        let known = |key: u8| people.login(&[key; 32]).is_some();
        assert_eq!([1, 2, 3].map(known), [true, false, true], "who came again is the younger one");
        assert!(people.of(&"u2".parse().unwrap()).is_none());
        assert_eq!((people.members.len(), people.by_id.len(), people.markers), (2, 2, 2));
    }

    #[test]
    fn markers_are_bounded_for_all_together() {
        let mut people = People::new(100);
        people.insert(member(1, MARKERS / 2));
        people.insert(member(2, MARKERS / 2));
        assert!(people.of(&"u1".parse().unwrap()).is_some());
        people.insert(member(3, 1));
        assert!(people.of(&"u1".parse().unwrap()).is_none());
        assert_eq!(people.markers, MARKERS / 2 + 1);
    }

    #[test]
    fn a_marker_never_goes_back() {
        let mut people = People::new(1);
        people.insert(member(1, 0));
        for seq in [5, 7, 6] {
            people.read(1, RoomKey(3), seq);
        }
        people.read(2, RoomKey(3), 9);
        let member = people.of(&"u1".parse().unwrap()).unwrap();
        assert_eq!((member.marker(RoomKey(3)), member.marker(RoomKey(2))), (Some(7), None));
    }
}
