//! Names for ids.

use std::collections::BTreeMap;

use madang_protocol::{Person, UserId};

#[derive(Clone, Debug, Default)]
pub(crate) struct People {
    people: BTreeMap<UserId, Person>,
}

impl People {
    pub(crate) fn learn(&mut self, people: &[Person]) {
        for person in people {
            self.people.insert(person.id.clone(), person.clone());
        }
    }

    pub(crate) fn all(&self) -> Vec<Person> {
        self.people.values().cloned().collect()
    }

    pub(crate) fn get(&self, user: &UserId) -> Option<&Person> {
        self.people.get(user)
    }
}
