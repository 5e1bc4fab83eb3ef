//! Newcomers who are here now. Nothing of them is in the database: what they then write brings its author along.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use madang_protocol::UserId;

use super::Newcomer;

/// The table: as long as the requests and the sessions that hold its entries.
#[derive(Clone, Debug, Default)]
pub(super) struct Newcomers(Arc<Mutex<HashMap<UserId, Weak<ExpectedNewcomer>>>>);

/// A share of a newcomer. While somebody holds one, the store takes what they write.
#[derive(Clone, Debug)]
pub struct Expected(Arc<ExpectedNewcomer>);

#[derive(Debug)]
struct ExpectedNewcomer {
    newcomer: Newcomer,
    /// Their address has paid for the rows that they will leave.
    paid: AtomicBool,
    table: Newcomers,
}

impl Newcomers {
    /// Adds a newcomer. A newcomer that is in it already stays as they came.
    pub(super) fn expect(&self, newcomer: Newcomer) -> Expected {
        let mut table = self.lock();
        let slot = table.entry(newcomer.user.clone());
        if let Entry::Occupied(known) = &slot
            && let Some(held) = known.get().upgrade()
        {
            return Expected(held);
        }
        let held = Arc::new(ExpectedNewcomer { newcomer, paid: AtomicBool::new(false), table: self.clone() });
        match slot {
            Entry::Occupied(mut gone) => *gone.get_mut() = Arc::downgrade(&held),
            Entry::Vacant(free) => _ = free.insert(Arc::downgrade(&held)),
        }
        Expected(held)
    }

    /// The newcomer with this id.
    pub(super) fn of(&self, user: &UserId) -> Option<Expected> {
        self.lock().get(user).and_then(Weak::upgrade).map(Expected)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Weak<ExpectedNewcomer>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Expected {
    /// Calls `pay` unless it succeeded before. Not called a second time while a first call runs.
    ///
    /// # Errors
    /// The error of `pay`; the next write tries again.
    pub fn pay_once<E>(&self, pay: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        if self.0.paid.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        pay().inspect_err(|_| self.0.paid.store(false, Ordering::Relaxed))
    }
}

impl Deref for Expected {
    type Target = Newcomer;

    fn deref(&self) -> &Newcomer {
        &self.0.newcomer
    }
}

impl Drop for ExpectedNewcomer {
    fn drop(&mut self) {
        let mut table = self.table.lock();
        // Unless they came again meanwhile.
        if table.get(&self.newcomer.user).is_some_and(|held| held.strong_count() == 0) {
            table.remove(&self.newcomer.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newcomer_is_held_while_a_share_is() {
        let table = Newcomers::default();
        let user: UserId = "ann".parse().unwrap();
        let newcomer = |arrived| Newcomer { user: user.clone(), token_hash: [1; 32], made_at: 0, arrived };
        let first = table.expect(newcomer(1));
        let second = table.expect(newcomer(2));
        assert_eq!(second.arrived, 1, "one person, as they came");
        drop(first);
        assert!(table.of(&user).is_some());
        drop(second);
        assert!(table.of(&user).is_none() && table.lock().is_empty());
        assert_eq!(table.expect(newcomer(3)).arrived, 3);
    }
}
