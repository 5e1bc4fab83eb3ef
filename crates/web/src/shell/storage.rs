//! Data that outlives the page: the outbox and the drafts, each under the person who wrote them.
//!
//! One key per write, so that tabs of one person do not overwrite each other's. Where the browser grants no
//! database, or has no room left, all of it lives as long as the page.

use std::cell::RefCell;
use std::rc::Rc;

use madang_client::Write;
use madang_protocol::{Cmid, RoomId, UserId, json};

use super::database::{Database, Store};
use super::listen::Later;

/// Prefixes of keys in `localStorage`, which pages used before the database.
const OLD_OUTBOX: &str = "madang.outbox.";
const OLD_DRAFTS: &str = "madang.draft.";

/// Some browsers' databases hang instead of failing, and nothing is sent before the outbox was read.
const PATIENCE_MS: i64 = 10_000;

/// Data kept in the browser; clones share it.
#[derive(Clone, Default)]
pub(super) struct Storage {
    database: Database,
    /// Drafts that this page knows, by key: one for each room that was written in.
    drafts: Rc<RefCell<Vec<(String, String)>>>,
    /// Loses patience with the database.
    late: Rc<RefCell<Option<Later>>>,
}

impl Storage {
    /// Gives the writes that are kept for `user` to `then`, or none once patience is lost; then those that there
    /// are, should the database come to itself after all.
    pub(super) fn writes(&self, user: &UserId, then: impl Fn(Vec<Write>) + 'static) {
        self.migrate(user);
        let then = Rc::new(then);
        let impatient = then.clone();
        self.late.replace(Later::timeout(PATIENCE_MS, move || impatient(Vec::new())));
        let late = self.late.clone();
        let prefix = outbox_key(user, "");
        let keys = [prefix.clone(), format!("{prefix}\u{ffff}")];
        self.database.read(Store::Outbox, keys, move |texts| {
            late.take();
            // Writes that an incompatible page left are kept for it, and not sent.
            then(texts.iter().filter_map(|text| json::read(text).ok()).collect());
        });
    }

    pub(super) fn save(&self, user: &UserId, write: &Write) {
        if let Ok(text) = serde_json::to_string(write) {
            self.database.put(Store::Outbox, outbox_key(user, write.cmid), Some(text));
        }
    }

    pub(super) fn forget(&self, user: &UserId, cmid: Cmid) {
        self.database.put(Store::Outbox, outbox_key(user, cmid), None);
    }

    /// The draft of `user` in `room`, as far as this page knows; empty if there is none.
    pub(super) fn known_draft(&self, user: &UserId, room: &RoomId) -> String {
        let key = draft_key(user, room);
        let drafts = self.drafts.borrow();
        drafts.iter().find(|(known, _)| *known == key).map(|(_, text)| text.clone()).unwrap_or_default()
    }

    /// Gives the draft of `user` in `room` to `then`, if one is kept: perhaps by another tab.
    pub(super) fn draft(&self, user: &UserId, room: &RoomId, then: impl Fn(String) + 'static) {
        let key = draft_key(user, room);
        self.database.read(Store::Drafts, [key.clone(), key], move |texts| {
            if let Some(text) = texts.into_iter().next() {
                then(text);
            }
        });
    }

    /// Keeps `text` as the draft of `user` in `room`; an empty one is forgotten.
    pub(super) fn save_draft(&self, user: &UserId, room: &RoomId, text: &str) {
        let key = draft_key(user, room);
        let text = Some(text).filter(|text| !text.is_empty()).map(str::to_owned);
        let mut drafts = self.drafts.borrow_mut();
        drafts.retain(|(known, _)| *known != key);
        drafts.extend(text.iter().map(|text| (key.clone(), text.clone())));
        self.database.put(Store::Drafts, key, text);
    }

    /// Brings over what older pages left. Their drafts named nobody: they are taken for those of `user`.
    fn migrate(&self, user: &UserId) {
        let Some(old) = web_sys::window().and_then(|window| window.local_storage().ok().flatten()) else {
            return;
        };
        let keys: Vec<String> =
            (0..old.length().unwrap_or(0)).filter_map(|at| old.key(at).ok().flatten()).collect();
        for key in keys {
            let (store, to) = match (key.strip_prefix(OLD_OUTBOX), key.strip_prefix(OLD_DRAFTS)) {
                (Some(rest), _) => (Store::Outbox, rest.to_owned()),
                (_, Some(room)) => (Store::Drafts, draft_key(user, room)),
                _ => continue,
            };
            let Some(text) = old.get_item(&key).ok().flatten() else { continue };
            let old = old.clone();
            self.database.bring(store, to, text, move || drop(old.remove_item(&key)));
        }
    }
}

fn outbox_key(user: &UserId, rest: impl std::fmt::Display) -> String {
    format!("{user}.{rest}")
}

fn draft_key(user: &UserId, room: impl std::fmt::Display) -> String {
    format!("{user}.{room}")
}
