//! Reconnect delays: when a client that the server disconnects is to come back, with jitter.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use madang_protocol::CloseCode;

/// Minimum return time, and the least time over which they spread. Milliseconds.
const BACK_AFTER: u32 = 500;
const BACK_WITHIN: u32 = 2_500;

/// Return times for clients that are disconnected.
#[derive(Debug, Default)]
pub struct ReconnectDelay {
    /// Time that the waves still take, before which there is no other server. Milliseconds.
    waves: AtomicU32,
    /// Sessions that there were when the end began: each gets a millisecond of the time in which they return.
    sessions: AtomicU32,
}

impl ReconnectDelay {
    /// Returns the return time for a client that is closed with `code`: spread out, so that they do not all return at
    /// once. Milliseconds.
    pub fn after(&self, code: CloseCode, random: u32) -> u32 {
        match code {
            CloseCode::RESTART | CloseCode::MOVING => {
                let within = self.sessions.load(Ordering::Relaxed).max(BACK_WITHIN);
                self.waves.load(Ordering::Relaxed) + BACK_AFTER + random % within
            }
            CloseCode::TOO_FAST => 5_000 + random % 5_000,
            _ => 0,
        }
    }

    /// Notes how many sessions there were, and that so many waves are still to follow, each after such a time.
    pub(crate) fn note(&self, sessions: usize, waves: usize, wave: Duration) {
        let waves = u32::try_from(waves).unwrap_or_default();
        self.sessions.store(u32::try_from(sessions).unwrap_or(u32::MAX), Ordering::Relaxed);
        self.waves.store(waves * u32::try_from(wave.as_millis()).unwrap_or_default(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_sent_away_come_back_spread_out() {
        let delay = ReconnectDelay::default();
        assert_eq!(delay.after(CloseCode::RESTART, 0), 500);
        assert_eq!(delay.after(CloseCode::RESTART, 2_499), 2_999);
        assert_eq!(delay.after(CloseCode::BANNED, 7), 0);
    }

    #[test]
    fn thousands_get_more_time_first_wait_for_last() {
        let delay = ReconnectDelay::default();
        delay.note(5_000, 19, Duration::from_millis(100));
        assert_eq!(delay.after(CloseCode::RESTART, 0), 1_900 + 500);
        assert_eq!(delay.after(CloseCode::RESTART, 4_999), 1_900 + 5_499);
        delay.note(5_000, 0, Duration::from_millis(100));
        assert_eq!(delay.after(CloseCode::RESTART, 5_000), 500);
    }
}
