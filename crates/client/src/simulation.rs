//! Deliberate faults, that show whether a simulation can fail. Without the feature `simulation`, as in every
//! shipped build, there are none, and the question here is a constant.

/// A deliberate fault: one promise broken at the place that keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// An entry is applied though others are missing before it.
    JumpsGaps,
    /// Cursors and writes of another epoch count.
    IgnoresEpoch,
    /// Writes are not kept over a reload.
    KeepsNothing,
    /// Writes of a room do not wait for each other.
    SendsAhead,
    /// A write that is sent again gets another id.
    RepeatsUnderNewId,
}

#[cfg(feature = "simulation")]
mod switches {
    use std::cell::Cell;

    use super::Mutant;

    thread_local! {
        static MUTANT: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Makes the clients of this thread break a promise, or keep all.
    pub fn set_mutant(mutant: Option<Mutant>) {
        MUTANT.set(mutant);
    }

    pub(crate) fn is(mutant: Mutant) -> bool {
        MUTANT.get() == Some(mutant)
    }
}

#[cfg(not(feature = "simulation"))]
mod switches {
    #[inline]
    pub(crate) fn is(_: super::Mutant) -> bool {
        false
    }
}

pub(crate) use switches::is;
#[cfg(feature = "simulation")]
pub use switches::set_mutant;
