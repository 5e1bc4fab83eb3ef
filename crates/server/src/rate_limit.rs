//! Rate limit: a token bucket, `rate` a second in the long run, `burst` at once. It is given the time.

use madang_protocol::UnixMs;

/// One bucket.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// Thousandths of a token, so that whole milliseconds count exactly. Below zero it is a debt.
    millitokens: i64,
    at: UnixMs,
}

/// Rate limit: how fast a bucket fills and how much it holds. A rate of 0 means no limit.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Tokens a second.
    pub per_second: u32,
    /// The most that a bucket holds.
    pub burst: u32,
}

impl Bucket {
    /// A full bucket.
    pub fn full(rate: Rate, now: UnixMs) -> Self {
        Self { millitokens: capacity(rate), at: now }
    }

    /// Takes one token, or returns after how many milliseconds there will be one. A clock that jumps back
    /// neither fills nor empties the bucket.
    pub fn take(&mut self, rate: Rate, now: UnixMs) -> Result<(), u32> {
        self.take_all(rate, 1, now)
    }

    /// As [`Bucket::take`], so many at once; as many as it can hold, if that is less.
    pub fn take_some(&mut self, rate: Rate, tokens: u32, now: UnixMs) -> Result<(), u32> {
        let tokens = tokens.min(rate.burst.max(1));
        self.take_all(rate, usize::try_from(tokens).unwrap_or(usize::MAX), now)
    }

    /// Takes so many tokens or none, as [`take`](Self::take). More than the bucket holds can be taken from a full one
    /// alone, and are owed: the bucket is the longer empty.
    pub fn take_all(&mut self, rate: Rate, count: usize, now: UnixMs) -> Result<(), u32> {
        if rate.per_second == 0 {
            return Ok(());
        }
        self.fill(rate, now);
        let cost = i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(1000);
        let missing = cost.min(capacity(rate)).saturating_sub(self.millitokens);
        if missing > 0 {
            let wait = missing.unsigned_abs().div_ceil(rate.per_second.into());
            return Err(u32::try_from(wait).unwrap_or(u32::MAX).max(1));
        }
        self.millitokens = self.millitokens.saturating_sub(cost);
        Ok(())
    }

    /// Puts back tokens that were taken and not used.
    pub fn give_back(&mut self, rate: Rate, tokens: u32) {
        self.millitokens = (self.millitokens + i64::from(tokens) * 1000).min(capacity(rate));
    }

    /// Returns true if the bucket is full again, and so can be forgotten.
    pub fn is_full(&mut self, rate: Rate, now: UnixMs) -> bool {
        self.fill(rate, now);
        self.millitokens >= capacity(rate)
    }

    fn fill(&mut self, rate: Rate, now: UnixMs) {
        let elapsed = now.saturating_sub(self.at).max(0);
        self.at = now;
        let gained = elapsed.saturating_mul(rate.per_second.into());
        self.millitokens = self.millitokens.saturating_add(gained).min(capacity(rate));
    }
}

fn capacity(rate: Rate) -> i64 {
    i64::from(rate.burst.max(1)) * 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 10, burst: 3 };

    #[test]
    fn a_burst_passes_then_the_rate_holds() {
        let mut bucket = Bucket::full(RATE, 0);
        for _ in 0..3 {
            assert_eq!(bucket.take(RATE, 0), Ok(()));
        }
        assert_eq!(bucket.take(RATE, 0), Err(100), "one token takes a tenth of a second");
        assert_eq!(bucket.take(RATE, 99), Err(1));
        assert_eq!(bucket.take(RATE, 100), Ok(()));
    }

    #[test]
    fn many_are_taken_together_or_not_at_all() {
        let mut bucket = Bucket::full(RATE, 0);
        assert_eq!(bucket.take_all(RATE, 2, 0), Ok(()));
        assert_eq!(bucket.take_all(RATE, 2, 0), Err(100), "there is one, and it stays");
        assert_eq!(bucket.take(RATE, 0), Ok(()));
        assert_eq!(bucket.take_all(RATE, 5, 0), Err(300), "more than the bucket holds: once it is full");
        assert_eq!(bucket.take_all(RATE, 5, 300), Ok(()));
        assert_eq!(bucket.take(RATE, 300), Err(300), "two are owed");
    }

    #[test]
    fn backward_clock_refills_nothing() {
        let mut bucket = Bucket::full(RATE, 1_000);
        for _ in 0..3 {
            assert_eq!(bucket.take(RATE, 1_000), Ok(()));
        }
        assert!(bucket.take(RATE, 0).is_err());
        assert!(bucket.take(RATE, 50).is_err());
    }

    #[test]
    fn many_tokens_cost_like_single_ones() {
        let mut bucket = Bucket::full(RATE, 0);
        assert_eq!(bucket.take_some(RATE, 2, 0), Ok(()));
        assert_eq!(bucket.take_some(RATE, 2, 0), Err(100));
        bucket.give_back(RATE, 1);
        assert_eq!(bucket.take_some(RATE, 2, 0), Ok(()));
        assert_eq!(bucket.take_some(RATE, 1_000, 299), Err(1), "more than it holds: all of it");
        assert_eq!(bucket.take_some(RATE, 1_000, 300), Ok(()));
    }

    #[test]
    fn a_rate_of_zero_is_no_limit() {
        let none = Rate { per_second: 0, burst: 0 };
        let mut bucket = Bucket::full(none, 0);
        for _ in 0..1_000 {
            assert_eq!(bucket.take(none, 0), Ok(()));
        }
    }
}
