//! What was begun in a room and not sent: one draft a room, kept in the browser over a reload.
//!
//! A browser that keeps nothing (a private window, a full disk) forgets it, and nothing else happens.

use madang_protocol::RoomId;
use web_sys::Storage;

/// The draft of `room`; empty if there is none.
pub(crate) fn load(room: &RoomId) -> String {
    storage().and_then(|storage| storage.get_item(&key(room)).ok().flatten()).unwrap_or_default()
}

/// Keeps `text` as the draft of `room`; an empty one is forgotten.
pub(crate) fn save(room: &RoomId, text: &str) {
    let Some(storage) = storage() else { return };
    let _ =
        if text.is_empty() { storage.remove_item(&key(room)) } else { storage.set_item(&key(room), text) };
}

fn storage() -> Option<Storage> {
    web_sys::window()?.local_storage().ok().flatten()
}

fn key(room: &RoomId) -> String {
    format!("madang.draft.{room}")
}
