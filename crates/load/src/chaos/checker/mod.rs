//! Compares what all clients of a run saw and did, while it happens: a run of many minutes would not fit into memory as
//! a list of sightings.
//!
//! [`log`] is the entry at each place of each room, [`ledger`] every write, [`wire`] one connection as its frames
//! crossed it, [`screen`] what a client shows against what the log has.

pub mod ledger;
pub mod log;
pub mod screen;
#[cfg(test)]
mod tests;
pub mod wire;

use std::fmt;

use ledger::Ledger;
use log::Log;
use madang_protocol::Entry;

/// The promises, and how often each was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// A write was acknowledged, and is not in the log; or what somebody saw is not.
    Lost,
    /// A write is in the log twice, or an entry reached a connection twice.
    Doubled,
    /// An author's writes are in another order than they were made in, two readers saw different entries
    /// at one place, or an entry came after one that follows it.
    Reordered,
    /// A client received `live`, and has not everything.
    Hole,
    /// A client was given what it did not ask for, or what is somebody else's.
    Outsider,
}

/// Counts, and the first complaints in words.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Writes that the server acknowledged.
    pub acked: u64,
    /// See [`Broken::Lost`].
    pub lost: u64,
    /// See [`Broken::Doubled`].
    pub doubled: u64,
    /// See [`Broken::Reordered`].
    pub reordered: u64,
    /// See [`Broken::Hole`].
    pub holes: u64,
    /// See [`Broken::Outsider`].
    pub outsiders: u64,
    /// Other faults: clients that do not return, servers that do not end.
    pub stuck: u64,
    /// The first of each in words.
    pub complaints: Vec<String>,
}

/// Complaints kept; the rest repeat them.
const COMPLAINTS: usize = 30;

impl Verdict {
    /// Returns true if every promise was kept.
    pub fn is_clean(&self) -> bool {
        self.lost + self.doubled + self.reordered + self.holes + self.outsiders + self.stuck == 0
    }

    /// Counts one broken promise.
    pub fn broke(&mut self, what: Broken, how: impl FnOnce() -> String) {
        let count = match what {
            Broken::Lost => &mut self.lost,
            Broken::Doubled => &mut self.doubled,
            Broken::Reordered => &mut self.reordered,
            Broken::Hole => &mut self.holes,
            Broken::Outsider => &mut self.outsiders,
        };
        *count += 1;
        self.complain(|| format!("{what:?}: {}", how()));
    }

    /// Counts what is no broken promise and must not be either.
    pub fn stuck(&mut self, how: impl FnOnce() -> String) {
        self.stuck += 1;
        self.complain(|| format!("Stuck: {}", how()));
    }

    fn complain(&mut self, how: impl FnOnce() -> String) {
        if self.complaints.len() < COMPLAINTS {
            self.complaints.push(how());
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acked, lost, doubled, reordered, holes, outsiders, .. } = self;
        write!(
            f,
            "acked={acked} lost={lost} doubled={doubled} reordered={reordered} holes={holes} outsiders={outsiders}"
        )
    }
}

/// Everything that is known, and what follows from it.
#[derive(Debug, Default)]
pub struct Checker {
    /// The log, as all readers together describe it.
    pub log: Log,
    /// The writes.
    pub ledger: Ledger,
    /// Promises broken so far.
    pub verdict: Verdict,
}

impl Checker {
    /// Somebody saw `entry`.
    pub fn saw(&mut self, entry: &Entry) {
        self.log.saw(entry, &mut self.verdict);
    }

    /// The end: the log as the server sends it (`messages` of all rooms) against what was acknowledged and seen.
    pub fn conclude(&mut self, truth: &log::Truth) {
        self.log.against(truth, &mut self.verdict);
        self.ledger.against(&self.log, truth, &mut self.verdict);
    }
}
