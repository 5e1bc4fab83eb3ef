//! Drafts: text begun in a room and not sent, one for each room, kept in the browser for the person who wrote it.
//!
//! A browser that keeps nothing (a private window, a full disk) forgets it with the page.

use madang_protocol::RoomId;

use crate::client;

/// The draft of `room`, as far as this page knows; empty if there is none.
pub(crate) fn known(room: &RoomId) -> String {
    client::shell().map(|shell| shell.known_draft(room)).unwrap_or_default()
}

/// Gives the draft of `room` to `then`, if the browser keeps one: this tab's, or a later one of another tab.
pub(crate) fn load(room: &RoomId, then: impl Fn(String) + 'static) {
    if let Some(shell) = client::shell() {
        shell.draft(room, then);
    }
}

/// Keeps `text` as the draft of `room`; an empty one is forgotten.
pub(crate) fn save(room: &RoomId, text: &str) {
    if let Some(shell) = client::shell() {
        shell.save_draft(room, text);
    }
}
