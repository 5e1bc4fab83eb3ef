//! Detection of dead connections by the server: nothing is received, or nothing is taken.

use madang_protocol::CloseCode;

use crate::Check;
use crate::connection::{HEARTBEAT, Talk};
use crate::link::{Down, LinkId};
use crate::scenario::Ms;
use crate::world::{Ev, World};

/// For the answer to a ping.
const PONG: Ms = 5_000;

impl World {
    /// The heartbeat: a ping with the heads, then a sign of life in time.
    pub(crate) fn beat(&mut self, link: LinkId, waited: bool) -> Check {
        let Some(mut connection) = self.server.as_mut().and_then(|server| server.connections.remove(&link))
        else {
            return Ok(());
        };
        let now = self.server_time();
        let mut end = None;
        if connection.blocked.is_some() || matches!(connection.session, Talk::Busy(_)) {
            // The loop is writing, or waits for the store, and does not look at its timer.
            self.after(100, Ev::Beat(link, waited));
        } else if matches!(connection.session, Talk::Silent) {
            end = Some(CloseCode::NO_HELLO);
        } else if waited && !connection.heard && connection.inbox.is_empty() {
            end = Some(CloseCode::NO_PONG);
        } else if waited {
            self.after(HEARTBEAT - PONG, Ev::Beat(link, false));
        } else {
            let mut out = Vec::new();
            if let Some(session) = connection.session.session() {
                session.heads(now, &mut out);
            }
            self.say(&mut connection, out)?;
            connection.unsent.push_back(Down::Ping);
            connection.heard = false;
            self.after(PONG, Ev::Beat(link, true));
        }
        match (end, &mut self.server) {
            (Some(code), _) => {
                self.tally.reaped += 1;
                self.hang_up(connection, Some(code));
            }
            (None, Some(server)) => {
                server.connections.insert(link, connection);
                self.kick(link);
            }
            (None, None) => {}
        }
        Ok(())
    }

    /// Nothing of what was written has been taken since then?
    pub(crate) fn stalled(&mut self, link: LinkId, since: Ms) -> Check {
        let Some(server) = &mut self.server else { return Ok(()) };
        if server.connections.get(&link).is_some_and(|connection| connection.blocked == Some(since))
            && let Some(connection) = server.connections.remove(&link)
        {
            self.tally.reaped += 1;
            self.hang_up(connection, Some(CloseCode::STALLED));
        }
        Ok(())
    }
}
