//! The heartbeat: a ping, then within 10 s a sign of life. One timer serves both.

use std::time::Duration;

/// Time for the answer to a ping, unless the heartbeat is shorter.
const PONG: Duration = Duration::from_secs(10);

/// One connection's heartbeat. It is told when its timer fires.
pub(crate) struct Pulse {
    heartbeat: Duration,
    waiting: bool,
    /// Anything came from the peer since the last ping.
    pub(super) heard: bool,
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// A sign of life, and the question for one.
    Ping,
    /// Nothing: the peer gave a sign of life.
    Alive,
    /// The end: it did not.
    Dead,
}

impl Pulse {
    pub(crate) fn new(heartbeat: Duration) -> Self {
        Self { heartbeat, waiting: false, heard: true }
    }

    /// How long until something is due for the first time.
    pub(super) fn first(&self) -> Duration {
        self.heartbeat
    }

    /// What is due now, and how long until the next.
    pub(super) fn beat(&mut self) -> (Beat, Duration) {
        let wait = PONG.min(self.heartbeat);
        if !self.waiting {
            self.waiting = true;
            self.heard = false;
            return (Beat::Ping, wait);
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
        assert_eq!(pulse.beat(), (Beat::Ping, PONG));
        assert_eq!(pulse.beat().0, Beat::Dead);
    }

    #[test]
    fn pings_are_one_heartbeat_apart_so_that_a_dead_peer_is_found_within_two() {
        let mut pulse = Pulse::new(HEARTBEAT);
        for _ in 0..3 {
            assert_eq!(pulse.beat(), (Beat::Ping, PONG));
            pulse.heard = true;
            assert_eq!(pulse.beat(), (Beat::Alive, HEARTBEAT - PONG));
        }
        let mut silence = HEARTBEAT;
        silence += pulse.beat().1;
        assert_eq!(pulse.beat().0, Beat::Dead);
        assert!(silence < 2 * HEARTBEAT);
    }
}
