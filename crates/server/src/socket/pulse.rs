//! The heartbeat: a ping, then within 10 s a sign of life. One timer serves both.

use std::time::Duration;

/// Time for the answer to a ping, unless the heartbeat is shorter.
const PONG: Duration = Duration::from_secs(10);

/// One connection's heartbeat. It is told when its timer fires.
pub(super) struct Pulse {
    heartbeat: Duration,
    waiting: bool,
    beats: u64,
    /// Anything came from the peer since the last ping.
    pub(super) heard: bool,
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// A ping, every second time with the heads.
    Ping {
        /// Whether the heads go with it.
        heads: bool,
    },
    /// Nothing: the peer gave a sign of life.
    Alive,
    /// The end: it did not.
    Dead,
}

impl Pulse {
    pub(super) fn new(heartbeat: Duration) -> Self {
        Self { heartbeat, waiting: false, beats: 0, heard: true }
    }

    /// What is due now, and how long until the next.
    pub(super) fn beat(&mut self) -> (Beat, Duration) {
        let wait = PONG.min(self.heartbeat);
        if !self.waiting {
            self.waiting = true;
            self.heard = false;
            self.beats += 1;
            return (Beat::Ping { heads: self.beats.is_multiple_of(2) }, wait);
        }
        self.waiting = false;
        (if self.heard { Beat::Alive } else { Beat::Dead }, self.heartbeat - wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEARTBEAT: Duration = Duration::from_secs(25);

    #[test]
    fn a_silent_peer_is_dead_after_one_ping_and_its_wait() {
        let mut pulse = Pulse::new(HEARTBEAT);
        assert_eq!(pulse.beat(), (Beat::Ping { heads: false }, PONG));
        assert_eq!(pulse.beat().0, Beat::Dead);
    }

    #[test]
    fn heads_go_with_every_second_ping() {
        let mut pulse = Pulse::new(HEARTBEAT);
        for heads in [false, true, false, true] {
            assert_eq!(pulse.beat(), (Beat::Ping { heads }, PONG));
            pulse.heard = true;
            assert_eq!(pulse.beat(), (Beat::Alive, HEARTBEAT - PONG));
        }
    }
}
