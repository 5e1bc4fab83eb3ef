//! Accounts with several meters each, in a table of bounded size. It is given the time.

use std::collections::HashMap;
use std::hash::Hash;

use madang_protocol::UnixMs;

/// Least time between two looks for accounts that can be forgotten. Nanoseconds.
const SWEEP_NS: u64 = 1_000_000_000;

const MS: u64 = 1_000_000;
const HOUR_NS: u64 = 3_600 * 1_000 * MS;

/// Amount at once, and amount in the long run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The most at once; at least 1.
    pub burst: u64,
    /// Amount that an hour gives back; at least 1.
    pub per_hour: u64,
}

impl Allowance {
    /// Time in which the burst is refilled. Nanoseconds.
    fn whole(self) -> u64 {
        self.price(self.burst.max(1))
    }

    /// Time in which this amount is refilled. Nanoseconds.
    fn price(self, amount: u64) -> u64 {
        let ns = u128::from(amount) * u128::from(HOUR_NS) / u128::from(self.per_hour.max(1));
        u64::try_from(ns).unwrap_or(u64::MAX / 4).min(u64::MAX / 4)
    }
}

/// One account: for each meter when it will be whole again.
type Account<const N: usize> = [u64; N];

/// The table.
#[derive(Debug)]
pub(super) struct Ledger<K, const N: usize> {
    allowances: [Option<Allowance>; N],
    accounts: HashMap<K, Account<N>>,
    /// Of all who have none of their own.
    shared: Account<N>,
    most: usize,
    arrivals: Allowance,
    arrivals_whole_at: u64,
    swept_at: Option<u64>,
    /// Nanoseconds since the first time that was given, not counting steps back of the clock.
    clock: u64,
    given: Option<UnixMs>,
}

impl<K: Eq + Hash + Clone, const N: usize> Ledger<K, N> {
    /// Whole meters for everybody, for at most so many accounts.
    pub(super) fn new(allowances: [Option<Allowance>; N], most: usize, arrivals: Allowance) -> Self {
        Self {
            allowances,
            accounts: HashMap::new(),
            shared: [0; N],
            most,
            arrivals,
            arrivals_whole_at: 0,
            swept_at: None,
            clock: 0,
            given: None,
        }
    }

    /// Takes all of `cost` (a meter, and how much) from an account, or nothing.
    ///
    /// # Errors
    /// Milliseconds until there would be enough.
    pub(super) fn take(&mut self, key: &K, cost: &[(usize, u64)], now: UnixMs) -> Result<(), u32> {
        let (allowances, now) = (self.allowances, self.tick(now));
        if cost.iter().all(|(meter, _)| allowances.get(*meter).copied().flatten().is_none()) {
            return Ok(());
        }
        let account = self.account(key, now);
        affordable(&allowances, account, cost, now)?;
        for (meter, amount) in cost {
            if let (Some(whole_at), Some(Some(allowance))) = (account.get_mut(*meter), allowances.get(*meter))
            {
                *whole_at = now.max(*whole_at).saturating_add(allowance.price(*amount));
            }
        }
        Ok(())
    }

    /// Takes `amount` for what has been done already, even if the account is overdrawn by it.
    ///
    /// Returns after how many milliseconds it is not overdrawn any more; 0 if it is not now.
    pub(super) fn charge(&mut self, key: &K, meter: usize, amount: u64, now: UnixMs) -> u32 {
        let (allowances, now) = (self.allowances, self.tick(now));
        let Some(allowance) = allowances.get(meter).copied().flatten() else { return 0 };
        let account = self.account(key, now);
        let Some(whole_at) = account.get_mut(meter) else { return 0 };
        *whole_at = now.max(*whole_at).saturating_add(allowance.price(amount));
        let overdrawn = (*whole_at - now).saturating_sub(allowance.whole());
        u32::try_from(overdrawn.div_ceil(MS)).unwrap_or(u32::MAX)
    }

    /// Gives back some of what was taken.
    pub(super) fn give_back(&mut self, key: &K, meter: usize, amount: u64) {
        let Some(allowance) = self.allowances.get(meter).copied().flatten() else { return };
        let account = self.accounts.get_mut(key).unwrap_or(&mut self.shared);
        if let Some(whole_at) = account.get_mut(meter) {
            *whole_at = whole_at.saturating_sub(allowance.price(amount));
        }
    }

    /// As [`Ledger::take`], taking nothing.
    pub(super) fn look(&mut self, key: &K, cost: &[(usize, u64)], now: UnixMs) -> Result<(), u32> {
        let (allowances, now) = (self.allowances, self.tick(now));
        let whole = [0; N];
        affordable(&allowances, self.accounts.get(key).unwrap_or(&whole), cost, now)
    }

    /// A clock that is set back stands still for an account, and does not keep it waiting.
    fn tick(&mut self, given: UnixMs) -> u64 {
        let before = self.given.replace(given).unwrap_or(given);
        let elapsed = u64::try_from(given.saturating_sub(before)).unwrap_or(0);
        self.clock = self.clock.saturating_add(elapsed.saturating_mul(MS));
        self.clock
    }

    fn account(&mut self, key: &K, now: u64) -> &mut Account<N> {
        if !self.accounts.contains_key(key) {
            let price = self.arrivals.price(1);
            let after = now.max(self.arrivals_whole_at).saturating_add(price);
            if !self.has_room(now) || after - now > self.arrivals.whole() {
                return &mut self.shared;
            }
            self.arrivals_whole_at = after;
        }
        self.accounts.entry(key.clone()).or_insert([0; N])
    }

    fn has_room(&mut self, now: u64) -> bool {
        let is_due = self.swept_at.is_none_or(|at| now - at >= SWEEP_NS);
        if self.accounts.len() >= self.most && is_due {
            self.swept_at = Some(now);
            self.accounts.retain(|_, account| account.iter().any(|whole_at| *whole_at > now));
        }
        self.accounts.len() < self.most
    }
}

fn affordable<const N: usize>(
    allowances: &[Option<Allowance>; N],
    account: &Account<N>,
    cost: &[(usize, u64)],
    now: u64,
) -> Result<(), u32> {
    let waits = cost.iter().filter_map(|(meter, amount)| {
        let (allowance, whole_at) = ((*allowances.get(*meter)?)?, *account.get(*meter)?);
        // An amount above the burst waits for a whole meter, and may then.
        let price = allowance.price(*amount).min(allowance.whole());
        let over = now.max(whole_at).saturating_add(price) - now;
        over.checked_sub(allowance.whole()).filter(|wait| *wait > 0)
    });
    match waits.max() {
        None => Ok(()),
        Some(wait) => Err(u32::try_from(wait.div_ceil(MS)).unwrap_or(u32::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Allowance = Allowance { burst: 3, per_hour: 36_000 };

    fn ledger(most: usize, arrivals: u64) -> Ledger<u32, 1> {
        Ledger::new([Some(TEN)], most, Allowance { burst: arrivals, per_hour: 1 })
    }

    #[test]
    fn a_burst_passes_then_the_rate_holds() {
        let mut ledger = ledger(10, 10);
        for _ in 0..3 {
            assert_eq!(ledger.take(&1, &[(0, 1)], 0), Ok(()));
        }
        assert_eq!(ledger.take(&1, &[(0, 1)], 0), Err(100));
        assert_eq!(ledger.take(&1, &[(0, 1)], 99), Err(1));
        assert_eq!(ledger.take(&1, &[(0, 1)], 100), Ok(()));
        assert_eq!(ledger.take(&2, &[(0, 3)], 100), Ok(()), "another account");
    }

    #[test]
    fn backward_clock_neither_refills_nor_blocks() {
        let mut ledger = ledger(10, 10);
        assert_eq!(ledger.take(&1, &[(0, 3)], 1_000_000), Ok(()));
        assert_eq!(ledger.take(&1, &[(0, 1)], 0), Err(100));
        assert_eq!(ledger.take(&1, &[(0, 1)], 100), Ok(()));
    }

    #[test]
    fn million_keys_get_bounded_bursts_and_memory() {
        let mut ledger = ledger(50, 1_000_000);
        let taken = (0..100_000).filter(|key| ledger.take(key, &[(0, 1)], 0).is_ok()).count();
        assert_eq!(taken, 50 + 3, "those who had room, and what all others share");
        assert_eq!(ledger.accounts.len(), 50);
        // Whole accounts make room again.
        assert_eq!(ledger.take(&200_000, &[(0, 3)], 3_000), Ok(()));
        assert_eq!(ledger.accounts.len(), 1);
    }

    #[test]
    fn keys_that_come_too_fast_share_one_account() {
        let mut ledger = ledger(1_000, 5);
        let taken = (0..1_000).filter(|key| ledger.take(key, &[(0, 3)], 0).is_ok()).count();
        assert_eq!(taken, 5 + 1);
        assert_eq!(ledger.take(&0, &[(0, 1)], 100), Ok(()), "who has an account keeps it");
    }

    #[test]
    fn an_overdrawn_account_waits_until_it_is_not() {
        let mut ledger = ledger(10, 10);
        assert_eq!(ledger.charge(&1, 0, 3, 0), 0);
        assert_eq!(ledger.charge(&1, 0, 2, 0), 200, "it was done all the same");
        assert_eq!(ledger.take(&1, &[(0, 1)], 0), Err(300));
        assert_eq!(ledger.take(&1, &[(0, 1)], 300), Ok(()));
        assert_eq!(ledger.charge(&2, 0, 1, 300), 0, "another account");
    }

    #[test]
    fn returned_amount_can_be_taken_again() {
        let mut ledger = ledger(10, 10);
        assert_eq!(ledger.take(&1, &[(0, 3)], 0), Ok(()));
        ledger.give_back(&1, 0, 2);
        assert_eq!(ledger.take(&1, &[(0, 2)], 0), Ok(()));
        assert_eq!(ledger.take(&1, &[(0, 1)], 0), Err(100));
    }

    #[test]
    fn amount_above_burst_waits_for_full_meter() {
        let mut ledger = ledger(10, 10);
        assert_eq!(ledger.take(&1, &[(0, 30)], 0), Ok(()));
        assert_eq!(ledger.take(&1, &[(0, 1)], 0), Err(2_800), "it is owed");
    }
}
