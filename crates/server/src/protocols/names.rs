//! Names of people for clients that have no list of people.

use madang_protocol::{Person, SYSTEM_USER, UserId};

/// Name of the server itself, among people.
pub(super) const SERVER: &str = "madang";

/// The nickname, or what stands for it; with the tag where somebody else's looks the same.
pub(super) fn shown_name(person: &Person) -> String {
    let Person { id, name, alike, .. } = person;
    match (name.is_empty(), alike) {
        (false, false) => name.clone(),
        (false, true) => format!("{name} · {}", id.tag()),
        (true, _) if id.as_str() == SYSTEM_USER => SERVER.into(),
        (true, _) => guest_name(id),
    }
}

/// Returns what somebody without a nickname is called.
pub(crate) fn guest_name(user: &UserId) -> String {
    format!("guest-{}", user.tag())
}

/// Returns true if the person has this name already, for a client that gives back what it was shown.
pub(super) fn is_called(you: &Person, name: &str) -> bool {
    you.name == name || shown_name(you) == name
}
