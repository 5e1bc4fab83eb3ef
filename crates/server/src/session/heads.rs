//! Count of the hub's moves after which the next `heads` frame begins.

use std::sync::LazyLock;

use madang_protocol::{ServerFrame, UnixMs};

use super::{Outgoing, Session};
use crate::encoded::{Encoded, encode};

/// A head is sent again for at least so long, because a frame may be lost with a connection. Milliseconds.
const REPEATED_MS: UnixMs = 60_000;

/// The `heads` frame of a client in whose rooms nothing moved: what most are sent with each ping.
static NO_HEADS: LazyLock<Encoded> = LazyLock::new(|| encode(&ServerFrame::Heads { heads: Vec::new() }));

/// Two counts of moves with the steady times at which they were taken.
#[derive(Debug)]
pub(super) struct HeadsWindow {
    older: u64,
    newer: (u64, UnixMs),
}

impl HeadsWindow {
    /// Begins with the moves that there were at `now`.
    pub(super) fn begin(moves: u64, now: UnixMs) -> Self {
        Self { older: moves, newer: (moves, now) }
    }

    /// Returns the count after which moves are sent at `now`, when there were `moves` of them.
    pub(super) fn since(&mut self, moves: u64, now: UnixMs) -> u64 {
        let (newer, at) = self.newer;
        if now.saturating_sub(at) >= REPEATED_MS {
            self.older = newer;
            self.newer = (moves, now);
        }
        self.older
    }
}

impl Session {
    /// The `heads` frame: the followed rooms that moved in the last minute at least.
    pub fn heads(&mut self, now: UnixMs, out: &mut Vec<Outgoing>) {
        // Counted before the look, so that what moves meanwhile is told next time too.
        let moves = self.rooms.hub().moves();
        let since = self.heads.since(moves, now);
        let heads = self.rooms.hub().moved_since(self.follows.keys(), since);
        if heads.is_empty() {
            return out.push(Outgoing::Shared(NO_HEADS.clone()));
        }
        out.push(ServerFrame::Heads { heads }.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_head_is_kept_for_a_minute() {
        let mut window = HeadsWindow::begin(3, 0);
        assert_eq!(window.since(4, 25_000), 3);
        assert_eq!(window.since(5, 60_000), 3, "the fourth and the fifth are told");
        assert_eq!(window.since(5, 119_999), 3);
        assert_eq!(window.since(5, 120_000), 5, "both were told for a minute");
    }
}
