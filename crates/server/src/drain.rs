//! Graceful shutdown: nobody new, a farewell to all who are there, wave after wave, and nothing that was
//! acknowledged is left unwritten.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::hub::Hub;
use crate::state::App;

/// Time for all connections to end; those that have not are cut off. With the store's last commit and
/// checkpoint the process ends within 10 s.
const ALL: Duration = Duration::from_secs(8);

/// Between two waves: so that the farewells of thousands do not stand in each other's way.
const WAVE: Duration = Duration::from_millis(100);

/// Most waves: 2 s of them.
const WAVES: usize = 20;

/// Least sessions in a wave.
const WAVE_SESSIONS: usize = 100;

/// Time for which requests on kept-alive connections are still answered, so that a load balancer that asks there for
/// readiness is answered that it ends.
const LAST_CALL: Duration = Duration::from_secs(1);

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
        app.reconnect_delay.note(sessions, left.saturating_sub(1) / wave, WAVE);
        left = hub.close_some(wave);
        if left == 0 {
            return;
        }
        sleep(WAVE).await;
    }
}
