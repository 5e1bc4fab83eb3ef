//! Budgets, the rate limits of an IP address: how much each address may cause, whoever comes from it, and how many rooms a person may open.
//!
//! A person costs nothing to become, so what one person may do bounds nobody who becomes many. An address does cost
//! something. Bots are made by the owner and pay for themselves alone.

mod ledger;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use madang_protocol::{UnixMs, UserId};

use crate::metrics::Metrics;
use crate::network::Network;
use crate::refusal::Refusal;

pub use ledger::Allowance;
use ledger::Ledger;

/// Addresses, and people, whose budgets are remembered. Those that are whole again are forgotten first; if none is, and
/// for those who come faster than [`ARRIVALS`], all further ones share one account.
const ACCOUNTS: usize = 20_000;

/// New accounts for the whole server: 5,000 at once, then 50 a second. Somebody with a million addresses has so many
/// bursts and no more, besides the account that is shared.
const ARRIVALS: Allowance = Allowance { burst: 5_000, per_hour: 50 * HOUR_SECONDS };

/// Bytes that any write costs besides its text: rows, indexes, the log.
pub const WRITE_BYTES: u64 = 256;

/// Bytes that a small change of a row costs: a read marker, a place.
pub const MARK_BYTES: u64 = 64;

pub(crate) const HOUR_SECONDS: u64 = 3_600;

/// Allowance of an address; `None` for any amount.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    /// Posts, edits and deletes of an address.
    pub posts: Option<Allowance>,
    /// Bytes onto the disk of an address, in the short run.
    pub bytes: Option<Allowance>,
    /// Bytes onto the disk of an address, in the long run.
    pub more_bytes: Option<Allowance>,
    /// Bytes of history, snapshots, log entries and pages that an address reads.
    pub reads: Option<Allowance>,
    /// Frames of an address.
    pub frames: Option<Allowance>,
    /// New people of an address.
    pub newcomers: Option<Allowance>,
    /// New rooms of an address.
    pub rooms: Option<Allowance>,
    /// New rooms of a person.
    pub own_rooms: Option<Allowance>,
}

/// The accounts; cheap to clone.
#[derive(Clone, Debug)]
pub struct Budgets(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rates: Rates,
    /// Meters in the order of [`POSTS`] and what follows it.
    networks: Mutex<Ledger<Network, 7>>,
    people: Mutex<Ledger<UserId, 1>>,
    metrics: Metrics,
}

const POSTS: usize = 0;
const BYTES: usize = 1;
const MORE_BYTES: usize = 2;
const NEWCOMERS: usize = 3;
const ROOMS: usize = 4;
const READS: usize = 5;
const FRAMES: usize = 6;

impl Budgets {
    /// Whole budgets for everybody.
    pub fn new(rates: Rates, metrics: Metrics) -> Self {
        let Rates { posts, bytes, more_bytes, reads, frames, newcomers, rooms, .. } = rates;
        let address = [posts, bytes, more_bytes, newcomers, rooms, reads, frames];
        let networks = Mutex::new(Ledger::new(address, ACCOUNTS, ARRIVALS));
        let people = Mutex::new(Ledger::new([rates.own_rooms], ACCOUNTS, ARRIVALS));
        Self(Arc::new(Inner { rates, networks, people, metrics }))
    }

    /// A write with so many bytes of text.
    ///
    /// # Errors
    /// The rate limit is exceeded; the refusal has the time to wait.
    pub fn write(&self, from: Network, text: usize, now: UnixMs) -> Result<(), Refusal> {
        if self.0.rates.posts.is_none() && self.0.rates.bytes.is_none() && self.0.rates.more_bytes.is_none() {
            return Ok(());
        }
        let bytes = WRITE_BYTES + u64::try_from(text).unwrap_or(u64::MAX);
        self.take("writes", from, &[(POSTS, 1), (BYTES, bytes), (MORE_BYTES, bytes)], now)
    }

    /// A read marker or a place that moves.
    ///
    /// # Errors
    /// The rate limit is exceeded; the refusal has the time to wait.
    pub fn mark(&self, from: Network, now: UnixMs) -> Result<(), Refusal> {
        if self.0.rates.bytes.is_none() && self.0.rates.more_bytes.is_none() {
            return Ok(());
        }
        self.take("marks", from, &[(BYTES, MARK_BYTES), (MORE_BYTES, MARK_BYTES)], now)
    }

    /// Takes `most` bytes that an address is about to read.
    ///
    /// # Errors
    /// The rate limit is exceeded; the refusal has the time to wait.
    pub fn read(&self, from: Network, most: usize, now: UnixMs) -> Result<(), Refusal> {
        if self.0.rates.reads.is_none() {
            return Ok(());
        }
        self.take("reads", from, &[(READS, u64::try_from(most).unwrap_or(u64::MAX))], now)
    }

    /// Gives back what of that was not read.
    pub fn give_back_read(&self, from: Network, bytes: usize) {
        if self.0.rates.reads.is_some() {
            self.networks().give_back(&from, READS, u64::try_from(bytes).unwrap_or(u64::MAX));
        }
    }

    /// Counts frames of an address. Returns for how many milliseconds nothing more is to be read from their sender.
    pub fn frames(&self, from: Network, count: u64, now: UnixMs) -> u32 {
        if self.0.rates.frames.is_none() {
            return 0;
        }
        let wait = self.networks().charge(&from, FRAMES, count, now);
        if wait > 0 {
            self.0.metrics.over_budget("frames");
        }
        wait
    }

    /// Somebody who was not known before.
    ///
    /// # Errors
    /// The rate limit is exceeded; the refusal has the time to wait.
    pub fn newcomer(&self, from: Network, now: UnixMs) -> Result<(), Refusal> {
        self.take("newcomers", from, &[(NEWCOMERS, 1), (MORE_BYTES, WRITE_BYTES)], now)
    }

    /// A new room of this person; `from` nowhere in particular for a bot, which pays for itself alone.
    ///
    /// # Errors
    /// The person's rate limit is exceeded, or the address's; the refusal has the time to wait.
    pub fn room(&self, by: &UserId, from: Option<Network>, now: UnixMs) -> Result<(), Refusal> {
        let mut people = self.0.people.lock().unwrap_or_else(PoisonError::into_inner);
        people.look(by, &[(0, 1)], now).map_err(|wait| self.refused("own_rooms", wait).for_rooms())?;
        if let Some(from) = from {
            let taken = self.take("rooms", from, &[(ROOMS, 1), (MORE_BYTES, WRITE_BYTES)], now);
            taken.map_err(Refusal::for_rooms)?;
        }
        // Taken at last, so that a refusal costs nothing.
        people.take(by, &[(0, 1)], now).map_err(|wait| self.refused("own_rooms", wait).for_rooms())
    }

    fn take(&self, what: &str, from: Network, cost: &[(usize, u64)], now: UnixMs) -> Result<(), Refusal> {
        self.networks().take(&from, cost, now).map_err(|wait| self.refused(what, wait))
    }

    fn networks(&self) -> MutexGuard<'_, Ledger<Network, 7>> {
        self.0.networks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused(&self, what: &str, wait: u32) -> Refusal {
        self.0.metrics.over_budget(what);
        Refusal::too_fast(wait)
    }
}

impl Default for Budgets {
    /// No limits.
    fn default() -> Self {
        Self::new(Rates::default(), Metrics::default())
    }
}

#[cfg(test)]
mod tests {
    use madang_protocol::RefusalCode;

    use super::*;

    fn network(text: &str) -> Network {
        Network::from(text.parse::<std::net::IpAddr>().unwrap())
    }

    fn user(id: &str) -> UserId {
        id.parse().unwrap()
    }

    #[test]
    fn bytes_count_in_both_runs() {
        let short = Allowance { burst: 1_000, per_hour: HOUR_SECONDS * 1_000 };
        let long = Allowance { burst: 2_000, per_hour: 3_600 };
        let rates = Rates { bytes: Some(short), more_bytes: Some(long), ..Rates::default() };
        let budgets = Budgets::new(rates, Metrics::default());
        let home = network("203.0.113.7");
        assert!(budgets.write(home, 700, 0).is_ok());
        let refusal = budgets.write(home, 700, 0).unwrap_err();
        assert_eq!((refusal.code, refusal.retry_after_ms), (RefusalCode::TooFast, Some(912)));
        assert!(budgets.write(home, 700, 912).is_ok());
        let refusal = budgets.write(home, 700, 3_000).unwrap_err();
        assert!(refusal.retry_after_ms.unwrap() > 100_000, "the long run is used up: {refusal:?}");
        assert!(budgets.write(network("203.0.113.8"), 700, 3_000).is_ok(), "others have their own");
    }

    #[test]
    fn a_refused_room_costs_neither_budget() {
        let own = Allowance { burst: 1, per_hour: 1 };
        let address = Allowance { burst: 2, per_hour: 2 };
        let rates = Rates { own_rooms: Some(own), rooms: Some(address), ..Rates::default() };
        let budgets = Budgets::new(rates, Metrics::default());
        let home = Some(network("203.0.113.7"));
        assert!(budgets.room(&user("ann"), home, 0).is_ok());
        for _ in 0..10 {
            let refusal = budgets.room(&user("ann"), home, 0).unwrap_err();
            assert_eq!(refusal.code, RefusalCode::RoomsTooFast);
        }
        assert!(budgets.room(&user("bob"), home, 0).is_ok());
        assert!(budgets.room(&user("cem"), home, 0).is_err(), "the address has had its two");
        assert!(budgets.room(&user("cem"), Some(network("203.0.113.8")), 0).is_ok());
        assert!(budgets.room(&user("bot"), None, 0).is_ok());
    }
}
