//! Lines that are logged once, however often their cause happens.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

/// Maximum number of things that are remembered; new ones beyond it are not logged.
const REMEMBERED: usize = 200;

/// Causes that were logged, by a hash that strangers cannot foresee.
#[derive(Debug, Default)]
pub struct LogOnce {
    seen: Mutex<HashSet<u64>>,
    state: RandomState,
}

impl LogOnce {
    /// Returns true the first time that it is asked for this thing.
    pub fn is_first(&self, thing: &impl Hash) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.len() < REMEMBERED && seen.insert(self.state.hash_one(thing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_logged_once_within_bound() {
        let once = LogOnce::default();
        assert!(once.is_first(&"a") && !once.is_first(&"a") && once.is_first(&"b"));
        let seen = (0..10_000).filter(|n| once.is_first(n)).count();
        assert_eq!(seen, REMEMBERED - 2);
    }
}
