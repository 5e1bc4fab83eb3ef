//! Presence: the people who look at a room now.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use madang_protocol::{Person, UserId};

use super::{Queue, SessionId};

/// Maximum number of people here who are named; beyond, only their number is sent.
pub(super) const HERE_SHOWN: usize = 50;

/// People who are here: some by name, and how many in all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Here {
    /// At most 50.
    pub people: Vec<Person>,
    /// All.
    pub count: u32,
}

/// The sessions that look at one room. A person with two of them is here once.
#[derive(Debug, Default)]
pub(super) struct Presence {
    sessions: HashMap<SessionId, (UserId, Arc<Queue>)>,
    /// By id, so that nobody who comes costs a look at all; with how many sessions each has.
    people: BTreeMap<UserId, (Person, usize)>,
    changed: bool,
    version: u64,
}

impl Presence {
    pub(super) fn enter(&mut self, id: SessionId, person: Person, queue: Arc<Queue>) {
        self.leave(id);
        self.sessions.insert(id, (person.id.clone(), queue));
        let (known, sessions) = self.people.entry(person.id.clone()).or_insert((person.clone(), 0));
        *known = person;
        *sessions += 1;
        self.change();
    }

    pub(super) fn exit(&mut self, id: SessionId) {
        if self.leave(id) {
            self.change();
        }
    }

    fn leave(&mut self, id: SessionId) -> bool {
        let Some((user, _)) = self.sessions.remove(&id) else { return false };
        if let Some((_, sessions)) = self.people.get_mut(&user) {
            *sessions -= 1;
            if *sessions == 0 {
                self.people.remove(&user);
            }
        }
        true
    }

    pub(super) fn rename(&mut self, renamed: &Person) {
        if let Some((person, _)) = self.people.get_mut(&renamed.id) {
            person.clone_from(renamed);
            self.change();
        }
    }

    fn change(&mut self) {
        self.changed = true;
        self.version += 1;
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    pub(super) fn here(&self) -> Here {
        Here {
            count: u32::try_from(self.people.len()).unwrap_or(u32::MAX),
            people: self.people.values().take(HERE_SHOWN).map(|(person, _)| person.clone()).collect(),
        }
    }

    pub(super) fn queues(&self) -> impl Iterator<Item = &Arc<Queue>> {
        self.sessions.values().map(|(_, queue)| queue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: &str) -> Person {
        Person::new(id.parse().unwrap(), id)
    }

    #[test]
    fn person_with_two_sessions_is_here_once() {
        let mut presence = Presence::default();
        presence.enter(1, person("a"), Arc::default());
        presence.enter(2, person("a"), Arc::default());
        presence.exit(1);
        assert_eq!(presence.here(), Here { people: vec![person("a")], count: 1 });
        presence.exit(2);
        assert_eq!(presence.here(), Here::default());
    }

    #[test]
    fn presence_beyond_bound_is_only_a_number() {
        let mut presence = Presence::default();
        for id in 0..120 {
            presence.enter(id, person(&format!("u{id}")), Arc::default());
        }
        let here = presence.here();
        assert_eq!((here.people.len(), here.count), (HERE_SHOWN, 120));
    }
}
