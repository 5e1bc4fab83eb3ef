//! The end of the server: nobody new, a farewell to all who are there, wave after wave, and nothing that was
//! acknowledged is left unwritten.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use madang_protocol::CloseCode;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::app::App;
use crate::hub::Hub;

/// Time for all connections to end; those that have not are cut off. With the store's last commit and
/// checkpoint the process ends within 10 s.
const ALL: Duration = Duration::from_secs(8);

/// Between two waves: so that the farewells of thousands do not stand in each other's way.
const WAVE: Duration = Duration::from_millis(100);

/// Most waves: 2 s of them.
const WAVES: usize = 20;

/// Least sessions in a wave.
const WAVE_SESSIONS: usize = 100;

/// How long requests on kept-alive connections are still answered, so that whoever asks there whether the
/// server is ready hears that it is not.
const LAST_CALL: Duration = Duration::from_secs(1);

/// Soonest that anyone is to come back, and the least time over which they spread. Milliseconds.
const BACK_AFTER: u32 = 500;
const BACK_WITHIN: u32 = 2_500;

/// When those who are sent away are to come back.
#[derive(Debug, Default)]
pub struct Returns {
    /// How long the waves still take, before which there is no other server. Milliseconds.
    waves: AtomicU32,
    /// Sessions that there were when the end began: each gets a millisecond of the time in which they return.
    sessions: AtomicU32,
}

impl Returns {
    /// When somebody who is closed with `code` is to come back: spread out, so that all who are sent away do not
    /// return at once. Milliseconds.
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

    fn note(&self, sessions: usize, waves: usize) {
        let waves = u32::try_from(waves).unwrap_or_default();
        self.sessions.store(u32::try_from(sessions).unwrap_or(u32::MAX), Ordering::Relaxed);
        self.waves.store(waves * u32::try_from(WAVE.as_millis()).unwrap_or_default(), Ordering::Relaxed);
    }
}

/// Ends everything, once nothing is accepted any more.
pub(crate) async fn run(app: &App, hub: &Hub) {
    let deadline = Instant::now() + ALL;
    send_away(app, hub).await;
    app.connections.close();
    let _ = timeout(LAST_CALL, app.connections.wait()).await;
    app.last_call.cancel();
    if timeout_at(deadline, app.connections.wait()).await.is_err() {
        tracing::warn!(connections = app.connections.len(), "not all connections ended in time");
    }
}

async fn send_away(app: &App, hub: &Hub) {
    let sessions = hub.sessions();
    let wave = sessions.div_ceil(WAVES).max(WAVE_SESSIONS);
    let mut left = sessions;
    loop {
        app.returns.note(sessions, left.saturating_sub(1) / wave);
        left = hub.close_some(wave);
        if left == 0 {
            return;
        }
        sleep(WAVE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_sent_away_come_back_spread_out() {
        let returns = Returns::default();
        assert_eq!(returns.after(CloseCode::RESTART, 0), 500);
        assert_eq!(returns.after(CloseCode::RESTART, 2_499), 2_999);
        assert_eq!(returns.after(CloseCode::BANNED, 7), 0);
    }

    #[test]
    fn thousands_get_more_time_and_the_first_ones_wait_for_the_last() {
        let returns = Returns::default();
        returns.note(5_000, 19);
        assert_eq!(returns.after(CloseCode::RESTART, 0), 1_900 + 500);
        assert_eq!(returns.after(CloseCode::RESTART, 4_999), 1_900 + 5_499);
        returns.note(5_000, 0);
        assert_eq!(returns.after(CloseCode::RESTART, 5_000), 500);
    }
}
