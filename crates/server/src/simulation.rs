//! What a simulation may change in the server: bounds small enough to be met in a short story, and deliberate
//! faults that show whether its checks can fail.
//!
//! Without the feature `simulation`, as in every shipped build, nothing can be changed, and each question here
//! is a constant.

/// A deliberate fault: one promise broken at the place that keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A session attaches to a room without the replay of what it missed.
    SkipsReplay,
    /// The ring replays one entry too few.
    ReplaysOneTooFew,
    /// An overflowing queue drops one frame instead of owning up.
    DropsOneFrame,
    /// The hub does not fill gaps that the broker left.
    LeavesGaps,
    /// Cursors of another epoch count.
    IgnoresEpoch,
    /// Writes are answered before their commit.
    AnswersEarly,
    /// The log does not keep who wrote what under which cmid.
    ForgetsCmid,
    /// A repeat is answered with a new seq.
    RepeatsWithNewSeq,
    /// A snapshot claims one entry more than it contains.
    SnapshotsAhead,
}

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

    use super::{Bounds, Mutant};

    thread_local! {
        static MUTANT: Cell<Option<Mutant>> = const { Cell::new(None) };
        static BOUNDS: Cell<Option<Bounds>> = const { Cell::new(None) };
    }

    /// Makes the server of this thread break a promise, or keep all.
    pub fn set_mutant(mutant: Option<Mutant>) {
        MUTANT.set(mutant);
    }

    /// Gives the server of this thread other bounds, or its own again.
    pub fn set_bounds(bounds: Option<Bounds>) {
        BOUNDS.set(bounds);
    }

    pub(crate) fn is(mutant: Mutant) -> bool {
        MUTANT.get() == Some(mutant)
    }

    pub(crate) fn bound(standard: usize, of: impl FnOnce(Bounds) -> usize) -> usize {
        BOUNDS.get().map_or(standard, of)
    }
}

#[cfg(not(feature = "simulation"))]
mod switches {
    use super::{Bounds, Mutant};

    #[inline]
    pub(crate) fn is(_: Mutant) -> bool {
        false
    }

    #[inline]
    pub(crate) fn bound(standard: usize, _: impl FnOnce(Bounds) -> usize) -> usize {
        standard
    }
}

pub(crate) use switches::{bound, is};
#[cfg(feature = "simulation")]
pub use switches::{set_bounds, set_mutant};
