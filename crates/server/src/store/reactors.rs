//! Names of people who reacted, for readers of a snapshot or a page.

use std::collections::HashSet;

use madang_protocol::{Message, Person, UserId};
use rusqlite::{Connection, OptionalExtension};

use super::rows::{self, PERSON_COLUMNS};

/// People named for one emoji of a message: its earliest. The others are only counted.
const NAMED: usize = 10;

/// People named in one answer, or kept for a room, besides authors.
pub(super) const MAX: usize = 300;

/// Returns the people whose names a reader of these messages gets for their reactions, each once.
pub(super) fn named<'m>(messages: impl Iterator<Item = &'m Message>) -> Vec<&'m UserId> {
    let mut seen = HashSet::new();
    let reactions = messages.flat_map(|message| message.reactions.iter());
    let earliest = reactions.flat_map(|reaction| reaction.by.iter().take(NAMED));
    earliest.filter(|by| seen.insert(*by)).take(MAX).collect()
}

/// Reads these people, each with their key.
pub(super) fn read<'m>(
    sql: &Connection,
    messages: impl Iterator<Item = &'m Message>,
) -> rusqlite::Result<Vec<(i64, Person)>> {
    let mut people = Vec::new();
    for id in named(messages) {
        let found = sql
            .prepare_cached(&format!("SELECT {PERSON_COLUMNS}, u.key FROM users u WHERE u.id = ?1"))?
            .query_row([id.as_str()], |row| Ok((row.get(5)?, rows::person(row, 0)?)))
            .optional()?;
        people.extend(found);
    }
    Ok(people)
}

/// Adds people who are not in the list.
pub(super) fn add(people: &mut Vec<Person>, more: impl Iterator<Item = Person>) {
    for person in more {
        if !people.iter().any(|known| known.id == person.id) {
            people.push(person);
        }
    }
}
