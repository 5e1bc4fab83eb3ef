//! Backpressure of the whole server, on answers that are not read yet: bytes that wait for sockets, of the whole server.
//!
//! Bound: at [`Unsent::new`]'s number of bytes whoever is worst is dropped, until there is room: of the address whose
//! connections hold the most together, the connection that holds the most. Nobody else notices. A peer that reads
//! never comes here: only what a socket did not take at once is counted.

use std::collections::HashMap;
use std::future::pending;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::gauge::Gauge;
use tokio_util::sync::CancellationToken;

use crate::network::Network;

/// Bytes that every connection may hold without being counted.
pub(crate) const UNCOUNTED: usize = 32 * 1024;

/// The table; cheap to clone.
#[derive(Clone, Debug)]
pub struct Unsent(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    gauge: Gauge,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    bytes: usize,
    last: u64,
    by_address: HashMap<Network, Holders>,
}

#[derive(Debug, Default)]
struct Holders {
    bytes: usize,
    held: HashMap<u64, PendingBytes>,
}

#[derive(Debug)]
struct PendingBytes {
    bytes: usize,
    dropped: CancellationToken,
}

/// One connection's, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Account {
    unsent: Unsent,
    address: Network,
    id: u64,
    bytes: usize,
    /// Made when bytes wait for the first time, unless it is another's too.
    dropped: Option<CancellationToken>,
}

impl Unsent {
    /// A table that lets `most` bytes wait, counted in `gauge`; 0 for any number.
    pub fn new(most: usize, gauge: Gauge) -> Self {
        let most = if most == 0 { usize::MAX } else { most };
        Self(Arc::new(Inner { most, gauge, table: Mutex::default() }))
    }

    /// An account for a connection from `address`, which ends once `dropped` is cancelled, if that is given.
    pub(crate) fn account(&self, address: IpAddr, dropped: Option<CancellationToken>) -> Account {
        let mut table = self.table();
        table.last += 1;
        Account { unsent: self.clone(), address: address.into(), id: table.last, bytes: 0, dropped }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Nothing panics while it holds this lock.
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    /// So many bytes wait now.
    pub(crate) fn hold(&mut self, bytes: usize) {
        if bytes == self.bytes || self.is_dropped() {
            return;
        }
        self.bytes = bytes;
        let dropped = self.token();
        let inner = &self.unsent.0;
        let mut table = self.unsent.table();
        table.take(self.address, self.id);
        if bytes > 0 {
            table.put(self.address, self.id, PendingBytes { bytes, dropped });
        }
        while table.bytes > inner.most && table.drop_worst() {}
        inner.gauge.set(i64::try_from(table.bytes).unwrap_or(i64::MAX));
    }

    /// Waits until this connection was the worst. Cancel safe.
    pub(crate) async fn dropped(&self) {
        match &self.dropped {
            Some(dropped) => dropped.cancelled().await,
            // Nothing ever waited.
            None => pending().await,
        }
    }

    /// Returns true if it was the worst, and dropped.
    pub(crate) fn is_dropped(&self) -> bool {
        self.dropped.as_ref().is_some_and(CancellationToken::is_cancelled)
    }

    /// Returns the token that ends it.
    pub(crate) fn token(&mut self) -> CancellationToken {
        self.dropped.get_or_insert_default().clone()
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if self.bytes > 0 {
            let mut table = self.unsent.table();
            table.take(self.address, self.id);
            self.unsent.0.gauge.set(i64::try_from(table.bytes).unwrap_or(i64::MAX));
        }
    }
}

impl Table {
    fn put(&mut self, address: Network, id: u64, held: PendingBytes) {
        self.bytes += held.bytes;
        let holders = self.by_address.entry(address).or_default();
        holders.bytes += held.bytes;
        holders.held.insert(id, held);
    }

    fn take(&mut self, address: Network, id: u64) -> Option<PendingBytes> {
        let holders = self.by_address.get_mut(&address)?;
        let held = holders.held.remove(&id)?;
        holders.bytes -= held.bytes;
        self.bytes -= held.bytes;
        if holders.held.is_empty() {
            self.by_address.remove(&address);
        }
        Some(held)
    }

    /// Drops the worst. Returns false if there was none to drop.
    fn drop_worst(&mut self) -> bool {
        let address = self.by_address.iter().max_by_key(|(_, holders)| holders.bytes);
        let worst = address.and_then(|(address, holders)| {
            let (id, _) = holders.held.iter().max_by_key(|(_, held)| held.bytes)?;
            Some((*address, *id))
        });
        let held = worst.and_then(|(address, id)| self.take(address, id));
        held.map(|held| held.dropped.cancel()).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(unsent: &Unsent, address: &str) -> Account {
        unsent.account(address.parse().unwrap(), None)
    }

    #[test]
    fn worst_address_loses_largest_connection_at_bound() {
        let gauge = Gauge::default();
        let unsent = Unsent::new(100, gauge.clone());
        let mut honest = account(&unsent, "192.0.2.1");
        let mut deaf = [20, 30, 10].map(|bytes| {
            let mut account = account(&unsent, "2001:db8::1");
            account.hold(bytes);
            account
        });
        honest.hold(40);
        assert_eq!(gauge.get(), 100, "at the bound all is well");
        deaf[0].hold(21);
        assert!(!honest.is_dropped(), "one holds the most, but its address does not");
        assert_eq!(deaf.each_ref().map(Account::is_dropped), [false, true, false]);
        assert_eq!(gauge.get(), 71);
    }

    #[test]
    fn sent_or_dropped_bytes_no_longer_count() {
        let gauge = Gauge::default();
        let unsent = Unsent::new(0, gauge.clone());
        let (mut one, mut two) = (account(&unsent, "192.0.2.1"), account(&unsent, "192.0.2.1"));
        one.hold(7);
        two.hold(5);
        one.hold(3);
        assert_eq!(gauge.get(), 8);
        one.hold(0);
        drop(two);
        assert_eq!(gauge.get(), 0);
        assert!(unsent.table().by_address.is_empty());
    }

    #[test]
    fn one_that_alone_is_too_much_is_dropped() {
        let unsent = Unsent::new(100, Gauge::default());
        let mut huge = account(&unsent, "192.0.2.1");
        huge.hold(101);
        assert!(huge.is_dropped());
        huge.hold(7);
        assert_eq!(unsent.table().bytes, 0, "it is on its way out");
    }
}
