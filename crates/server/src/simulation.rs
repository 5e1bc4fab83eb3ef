//! Switches of a simulation in the server: bounds small enough to be met in a short story, and reads that take a while.
//!
//! Without the feature `simulation`, as in every shipped build, nothing can be changed, and each question here
//! is a constant.

/// Bounds that a simulation makes small.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Entries in a room's ring of recent frames.
    pub ring_entries: usize,
    /// Bytes at which a session's queue is dropped.
    pub queue_bytes: usize,
    /// Entries that one step of a replay reads.
    pub replay_step: usize,
}

#[cfg(feature = "simulation")]
mod switches {
    use std::cell::Cell;
    use std::task::Poll;

    use super::Bounds;

    thread_local! {
        static BOUNDS: Cell<Option<Bounds>> = const { Cell::new(None) };
        static PAUSES: Cell<Option<u64>> = const { Cell::new(None) };
    }

    /// Gives the server of this thread other bounds, or its own again.
    pub fn set_bounds(bounds: Option<Bounds>) {
        BOUNDS.set(bounds);
    }

    /// Lets the reads of this thread's store take a while, as chance from this seed has it, or none.
    pub fn set_pauses(seed: Option<u64>) {
        PAUSES.set(seed);
    }

    /// Waits for none, one or a few polls.
    pub(crate) async fn pause() {
        let chance = PAUSES.get().map(|seed| {
            let next = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            PAUSES.set(Some(next));
            next >> 33
        });
        let mut left = chance.filter(|chance| chance % 2 == 1).map_or(0, |chance| chance / 2 % 3 + 1);
        std::future::poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(());
            }
            left -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    pub(crate) fn bound(standard: usize, of: impl FnOnce(Bounds) -> usize) -> usize {
        BOUNDS.get().map_or(standard, of)
    }
}

#[cfg(not(feature = "simulation"))]
mod switches {
    use super::Bounds;

    #[inline]
    pub(crate) fn bound(standard: usize, _: impl FnOnce(Bounds) -> usize) -> usize {
        standard
    }
}

pub(crate) use switches::bound;
#[cfg(feature = "simulation")]
pub(crate) use switches::pause;
#[cfg(feature = "simulation")]
pub use switches::{set_bounds, set_pauses};
