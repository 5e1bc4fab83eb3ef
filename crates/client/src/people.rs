//! Names for ids.

use std::collections::BTreeMap;
use std::sync::Arc;

use madang_protocol::{Person, UserId};

#[derive(Clone, Debug, Default)]
pub(crate) struct People {
    names: BTreeMap<UserId, Arc<str>>,
}

impl People {
    pub(crate) fn learn(&mut self, people: &[Person]) {
        for person in people {
            self.names.insert(person.id.clone(), person.name.as_str().into());
        }
    }

    pub(crate) fn all(&self) -> Vec<Person> {
        let person = |(id, name): (&UserId, &Arc<str>)| Person { id: id.clone(), name: name.to_string() };
        self.names.iter().map(person).collect()
    }

    pub(crate) fn name(&self, user: &UserId) -> Option<&str> {
        self.names.get(user).map(|name| &**name).filter(|name| !name.is_empty())
    }
}
