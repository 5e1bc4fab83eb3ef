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
    sessions: HashMap<SessionId, (Person, Arc<Queue>)>,
    changed: bool,
    version: u64,
}

impl Presence {
    pub(super) fn enter(&mut self, id: SessionId, person: Person, queue: Arc<Queue>) {
        self.sessions.insert(id, (person, queue));
        self.change();
    }

    pub(super) fn exit(&mut self, id: SessionId) {
        if self.sessions.remove(&id).is_some() {
            self.change();
        }
    }

    pub(super) fn rename(&mut self, renamed: &Person) {
        let mut found = false;
        for (person, _) in self.sessions.values_mut().filter(|(person, _)| person.id == renamed.id) {
            person.clone_from(renamed);
            found = true;
        }
        if found {
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
        let people: BTreeMap<&UserId, &Person> =
            self.sessions.values().map(|(person, _)| (&person.id, person)).collect();
        Here {
            count: u32::try_from(people.len()).unwrap_or(u32::MAX),
            people: people.into_values().take(HERE_SHOWN).cloned().collect(),
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
