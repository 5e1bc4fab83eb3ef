//! What people are called where clients have no list of people.

use madang_protocol::{Person, SYSTEM_USER, UserId};

/// What the server itself is called, among people.
pub(super) const SERVER: &str = "madang";

/// The nickname, or what stands for it.
pub(super) fn shown_name(person: &Person) -> String {
    if !person.name.is_empty() {
        return person.name.clone();
    }
    if person.id.as_str() == SYSTEM_USER {
        return SERVER.into();
    }
    guest_name(&person.id)
}

/// Returns what somebody without a nickname is called.
pub(crate) fn guest_name(user: &UserId) -> String {
    let id = user.as_str();
    format!("guest-{}", id.get(id.len().saturating_sub(4)..).unwrap_or(id))
}
