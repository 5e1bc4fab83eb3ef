//! Two times: a steady one, by which rates and pauses are counted and which never leaps, and the wall clock's, which
//! people read and which may be set at any moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use madang_protocol::UnixMs;

/// Wall clock, kept as its distance from the steady time; cheap to clone. At first they are the same.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    /// The wall clock is at `wall` when the steady time is `steady`.
    pub fn set(&self, steady: UnixMs, wall: UnixMs) {
        self.0.store(wall.saturating_sub(steady), Ordering::Relaxed);
    }

    /// Returns the wall clock's time at this steady time.
    pub fn wall(&self, steady: UnixMs) -> UnixMs {
        steady.saturating_add(self.0.load(Ordering::Relaxed))
    }
}

/// Source of both times.
#[derive(Debug)]
pub(crate) struct Times {
    begun: Instant,
    /// Wall clock's time then.
    at: UnixMs,
    clock: Clock,
}

impl Times {
    pub(crate) fn begin(clock: Clock) -> Self {
        Self { begun: Instant::now(), at: wall(), clock }
    }

    /// Returns the moment at which the steady time began.
    pub(crate) fn begun(&self) -> Instant {
        self.begun
    }

    /// The steady time. Whoever has this clock knows the wall clock's from now on.
    pub(crate) fn now(&self) -> UnixMs {
        let since = UnixMs::try_from(self.begun.elapsed().as_millis()).unwrap_or(UnixMs::MAX);
        let steady = self.at.saturating_add(since);
        self.clock.set(steady, wall());
        steady
    }
}

/// Returns the time of the system's clock.
pub(crate) fn wall() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs::try_from(since.as_millis()).unwrap_or(UnixMs::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_clock_follows_steady_time() {
        let clock = Clock::default();
        assert_eq!(clock.wall(5_000), 5_000);
        clock.set(5_000, 1_000);
        assert_eq!((clock.wall(5_000), clock.wall(5_010)), (1_000, 1_010));
    }

    #[test]
    fn steady_time_ignores_changes_of_system_clock() {
        let clock = Clock::default();
        let times = Times { begun: Instant::now(), at: 1_000, clock: clock.clone() };
        let first = times.now();
        assert!((1_000..60_000).contains(&first), "from where it began");
        assert!(times.now() >= first);
        assert!(clock.wall(first) > 1_700_000_000_000, "and the wall clock is told beside it");
    }
}
