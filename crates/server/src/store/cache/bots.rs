//! Bots by token and by id. All of them are kept: authentication by token, and its scope, never cost a
//! read.

use std::collections::HashMap;
use std::sync::Arc;

use madang_protocol::{Person, UnixMs, UserId};

use super::super::Bot;
use super::super::rows::StoredBot;

/// The table. The store bounds how many bots there are.
#[derive(Default)]
pub(super) struct Bots {
    by_id: HashMap<UserId, Arc<Bot>>,
    by_token: HashMap<[u8; 32], UserId>,
}

impl Bots {
    pub(super) fn insert(&mut self, stored: StoredBot) {
        let StoredBot { token_hash, bot, .. } = stored;
        if bot.revoked_at.is_none() {
            self.by_token.insert(token_hash, bot.person.id.clone());
        }
        self.by_id.insert(bot.person.id.clone(), Arc::new(bot));
    }

    /// The bot whose token, which was not revoked, has this hash.
    pub(super) fn by_token(&self, token_hash: &[u8; 32]) -> Option<Arc<Bot>> {
        self.of(self.by_token.get(token_hash)?)
    }

    pub(super) fn of(&self, user: &UserId) -> Option<Arc<Bot>> {
        self.by_id.get(user).cloned()
    }

    /// All, the newest first.
    pub(super) fn all(&self) -> Vec<Arc<Bot>> {
        let mut bots: Vec<_> = self.by_id.values().cloned().collect();
        bots.sort_by(|a, b| (b.made_at, &b.person.id).cmp(&(a.made_at, &a.person.id)));
        bots
    }

    pub(super) fn rename(&mut self, person: &Person) {
        self.change(&person.id, |bot| bot.person.clone_from(person));
    }

    pub(super) fn revoke(&mut self, user: &UserId, at: UnixMs) {
        self.change(user, |bot| {
            bot.revoked_at = Some(at);
            bot.target = None;
        });
        self.by_token.retain(|_, of| of != user);
    }

    fn change(&mut self, user: &UserId, change: impl FnOnce(&mut Bot)) {
        if let Some(bot) = self.by_id.get_mut(user) {
            change(Arc::make_mut(bot));
        }
    }
}
