//! Connections on which nothing was asked yet: before the first whole head of a request. They cost their peer nothing, so
//! they are the first to go.
//!
//! Bounds: so many of one address, and for all together half of the files that this process may have open. At either the
//! oldest of them is dropped, and the new one stays: a browser whose spare connection goes opens another.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::network::Network;

/// The table; cheap to clone.
#[derive(Clone, Debug)]
pub struct Silents(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    of_address: usize,
    of_all: usize,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    last: u64,
    /// The oldest first.
    waiting: BTreeMap<u64, (Option<Network>, CancellationToken)>,
    of: HashMap<Network, BTreeSet<u64>>,
}

/// One connection, until it has asked for something.
#[derive(Debug)]
pub(crate) struct Silent {
    silents: Silents,
    id: u64,
    dropped: CancellationToken,
    has_displaced: bool,
    has_asked: AtomicBool,
}

impl Silents {
    /// A table for so many of one address, and of all; 0 for any number.
    pub fn new(of_address: usize, of_all: usize) -> Self {
        Self(Arc::new(Inner { of_address, of_all, table: Mutex::default() }))
    }

    /// Notes a connection; from no address in particular if a trusted proxy made it.
    pub(crate) fn begin(&self, from: Option<Network>) -> Silent {
        let dropped = CancellationToken::new();
        let mut table = self.table();
        let mut has_displaced = false;
        table.last += 1;
        let id = table.last;
        table.waiting.insert(id, (from, dropped.clone()));
        if let Some(from) = from {
            let own = table.of.entry(from).or_default();
            own.insert(id);
            let is_excess = self.0.of_address != 0 && own.len() > self.0.of_address;
            if let Some(oldest) = own.first().copied().filter(|_| is_excess) {
                has_displaced = table.drop_one(oldest);
            }
        }
        if self.0.of_all != 0 && table.waiting.len() > self.0.of_all {
            table.drop_oldest();
        }
        Silent { silents: self.clone(), id, dropped, has_displaced, has_asked: AtomicBool::new(false) }
    }

    /// Drops the oldest of all, for want of files. Returns true if there was one.
    pub(crate) fn drop_oldest(&self) -> bool {
        self.table().drop_oldest()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn drop_oldest(&mut self) -> bool {
        let oldest = self.waiting.first_key_value().map(|(id, _)| *id);
        oldest.is_some_and(|id| self.drop_one(id))
    }

    fn drop_one(&mut self, id: u64) -> bool {
        self.remove(id).map(|dropped| dropped.cancel()).is_some()
    }

    fn remove(&mut self, id: u64) -> Option<CancellationToken> {
        let (from, dropped) = self.waiting.remove(&id)?;
        if let Some(from) = from
            && let Some(own) = self.of.get_mut(&from)
        {
            own.remove(&id);
            if own.is_empty() {
                self.of.remove(&from);
            }
        }
        Some(dropped)
    }
}

impl Silent {
    /// Notes that something was asked: it is silent no more.
    pub(crate) fn asked(&self) {
        // The table is everybody's: only the first request of a connection takes its lock.
        if !self.has_asked.swap(true, Ordering::Relaxed) {
            self.silents.table().remove(self.id);
        }
    }

    /// Returns true if an older one of its address had to go for it.
    pub(crate) fn has_displaced(&self) -> bool {
        self.has_displaced
    }

    /// Waits until it has to make room for others.
    pub(crate) async fn dropped(&self) {
        self.dropped.cancelled().await;
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        self.asked();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(last: u8) -> Option<Network> {
        Some(Network::from(std::net::IpAddr::from([203, 0, 113, last])))
    }

    #[test]
    fn oldest_of_one_address_makes_room() {
        let silents = Silents::new(2, 0);
        let other = silents.begin(network(9));
        let all: Vec<_> = (0..4).map(|_| silents.begin(network(1))).collect();
        let dropped: Vec<_> = all.iter().map(|one| one.dropped.is_cancelled()).collect();
        assert_eq!(dropped, [true, true, false, false]);
        assert!(!other.dropped.is_cancelled());
        all[2].asked();
        let displaced: Vec<_> = all.iter().map(Silent::has_displaced).collect();
        assert_eq!(displaced, [false, false, true, true]);
        let _more = silents.begin(network(1));
        assert!(!all[3].dropped.is_cancelled(), "who asked takes no place");
        assert!(!all[2].dropped.is_cancelled());
        let by_proxy: Vec<_> = (0..9).map(|_| silents.begin(None)).collect();
        assert!(by_proxy.iter().all(|one| !one.dropped.is_cancelled()));
    }

    #[test]
    fn oldest_of_all_makes_room() {
        let silents = Silents::new(0, 2);
        let all: Vec<_> = (0..4).map(|last| silents.begin(network(last))).collect();
        let dropped: Vec<_> = all.iter().map(|one| one.dropped.is_cancelled()).collect();
        assert_eq!(dropped, [true, true, false, false]);
        assert!(silents.drop_oldest() && silents.drop_oldest() && !silents.drop_oldest());
        drop(all);
        assert!(silents.table().of.is_empty());
    }
}
