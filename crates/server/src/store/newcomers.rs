//! The store's interface for newcomers: nothing of them is in the database until they write.

use madang_protocol::{UnixMs, UserId};

use super::{Expected, Identity, Newcomer, PendingWrite, Store, StoreError, cache, guests};

impl Store {
    /// Returns the key that this server signs logins with, and the name of its cookies.
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// The turn of the newest message: what a newcomer of now has behind them.
    pub fn turn(&self) -> i64 {
        self.0.cache.turn()
    }

    /// Expects that this newcomer may write. Nothing is written of them until they do; from then on they are a guest.
    pub fn expect(&self, newcomer: Newcomer) -> Expected {
        self.0.newcomers.expect(newcomer)
    }

    /// The newcomer with this id, if they are here.
    pub fn expected(&self, user: &UserId) -> Option<Expected> {
        self.0.newcomers.of(user)
    }

    /// Returns a share of somebody who is here and of whom nothing is committed yet.
    pub fn newcomer(&self, user: &UserId) -> Option<Expected> {
        self.expected(user).filter(|_| self.0.cache.is_taken(user) != Some(true))
    }

    /// Returns true if this id is a user's.
    ///
    /// # Errors
    /// As [`Store::login`].
    pub async fn is_taken(&self, user: &UserId) -> Result<bool, StoreError> {
        if let Some(taken) = self.0.cache.is_taken(user) {
            return Ok(taken);
        }
        let user = user.clone();
        self.0.readers.read(move |sql| Ok(cache::key_of_user(sql, &user)?.is_some())).await
    }

    /// Looks at some people behind `after`, at first 0, and removes those who came before `before` and left no trace.
    /// Returns `after` of the next piece; `None` if everyone was looked at.
    pub fn remove_guests(&self, before: UnixMs, after: i64) -> PendingWrite<Option<i64>> {
        self.queued(move |batch| guests::remove_some(batch, before, after))
    }
}
