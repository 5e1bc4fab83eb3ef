//! The outbox over a reload: one key per write, so that tabs of one person do not overwrite each other's.
//!
//! Where the browser grants no storage, or has no room left, writes live as long as the page.

use madang_client::Write;
use madang_protocol::{Cmid, UserId};
use web_sys::Storage;

pub(super) fn load(user: &UserId) -> Vec<Write> {
    let Some(storage) = storage() else { return Vec::new() };
    let prefix = prefix(user);
    let keys = (0..storage.length().unwrap_or(0)).filter_map(|index| storage.key(index).ok().flatten());
    let writes =
        keys.filter(|key| key.starts_with(&prefix)).filter_map(|key| storage.get_item(&key).ok().flatten());
    // What an incompatible page left is kept for it, and not sent.
    writes.filter_map(|text| serde_json::from_str(&text).ok()).collect()
}

pub(super) fn save(user: &UserId, write: &Write) {
    if let (Some(storage), Ok(text)) = (storage(), serde_json::to_string(write))
        && storage.set_item(&key(user, write.cmid), &text).is_err()
    {
        web_sys::console::warn_1(&"no room to keep a message over a reload".into());
    }
}

pub(super) fn forget(user: &UserId, cmid: Cmid) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(&key(user, cmid));
    }
}

fn storage() -> Option<Storage> {
    web_sys::window()?.local_storage().ok()?
}

fn prefix(user: &UserId) -> String {
    format!("madang.outbox.{user}.")
}

fn key(user: &UserId, cmid: Cmid) -> String {
    format!("{}{cmid}", prefix(user))
}
