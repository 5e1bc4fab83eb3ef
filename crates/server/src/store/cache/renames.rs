//! The last renames: for clients that kept names while they were away.

use std::collections::VecDeque;

use madang_protocol::{Person, UnixMs};
use rusqlite::Connection;

use super::super::rows::{self, PERSON_COLUMNS};

/// Maximum number of people that are remembered. A client that missed more gets these.
pub(super) const REMEMBERED: usize = 200;

/// People with their present names, in the order in which they got them.
#[derive(Default)]
pub(super) struct Renames(VecDeque<(UnixMs, Person)>);

impl Renames {
    /// Reads them from the database.
    pub(super) fn load(sql: &Connection) -> rusqlite::Result<Self> {
        let mut statement = sql.prepare(&format!(
            "SELECT {PERSON_COLUMNS}, r.at FROM renames r JOIN users u ON u.key = r.user
             ORDER BY r.at DESC, r.user DESC LIMIT ?1"
        ))?;
        let newest_first = statement.query_map([i64::try_from(REMEMBERED).unwrap_or(i64::MAX)], |row| {
            Ok((row.get(5)?, rows::person(row, 0)?))
        })?;
        let mut renames = newest_first.collect::<rusqlite::Result<VecDeque<_>>>()?;
        renames.make_contiguous().reverse();
        Ok(Self(renames))
    }

    /// A person got this name.
    pub(super) fn add(&mut self, at: UnixMs, person: Person) {
        self.0.retain(|(_, known)| known.id != person.id);
        if self.0.len() >= REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((at, person));
    }

    /// Returns those who were renamed at or after `since`, the newest first.
    pub(super) fn since(&self, since: UnixMs) -> Vec<Person> {
        let newest = self.0.iter().rev().take_while(|(at, _)| *at >= since);
        newest.map(|(_, person)| person.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: usize, name: &str) -> Person {
        Person::new(format!("u{id}").parse().unwrap(), name)
    }

    #[test]
    fn each_person_is_kept_once_with_last_name() {
        let mut renames = Renames::default();
        renames.add(1, person(1, "a"));
        renames.add(2, person(2, "b"));
        renames.add(3, person(1, "c"));
        assert_eq!(renames.since(0), [person(1, "c"), person(2, "b")]);
        assert_eq!(renames.since(3), [person(1, "c")]);
        assert!(renames.since(4).is_empty());
    }

    #[test]
    fn only_the_newest_are_kept() {
        let mut renames = Renames::default();
        (0..REMEMBERED + 7).for_each(|id| renames.add(1, person(id, "x")));
        assert_eq!(renames.since(0).len(), REMEMBERED);
    }
}
