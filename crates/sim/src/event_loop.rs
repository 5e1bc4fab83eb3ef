//! The server's loop for one connection, in the place of the real one and by its rules: first write all that is
//! to be sent, then do one of the things that are due, whichever the seed chooses.

use std::collections::VecDeque;

use madang_client::Transport;
use madang_protocol::ClientFrame;

use crate::Check;
use crate::connection::{Connection, HEARTBEAT, Talk, Turn};
use crate::link::{CAPACITY, Down, Link, LinkId, Up};
use crate::scenario::Ms;
use crate::wire::Wire;
use crate::world::{Ev, World};

/// Without progress for so long, a connection ends.
pub(crate) const STALL: Ms = 10_000;

impl World {
    /// A WebSocket reaches the server.
    pub(crate) fn knock(&mut self, link: LinkId) -> Check {
        let Link { device, cut, open, .. } = self.links[link];
        let delay = self.devices[device].delay();
        if cut || !self.accept(link) {
            self.after(delay, Ev::ClientLost(link, 1006));
        } else if open {
            self.after(delay, Ev::Opened(link));
        }
        Ok(())
    }

    /// Takes a connection in, if there is a server that takes any.
    pub(crate) fn accept(&mut self, link: LinkId) -> bool {
        let device = self.links[link].device;
        let user = self.devices[device].user.clone();
        let Some(server) = self.server.as_mut().filter(|server| !server.draining) else { return false };
        let connection = Connection {
            link,
            device,
            session: Talk::Silent,
            inbox: VecDeque::new(),
            unsent: VecDeque::new(),
            wire: Wire::new(user),
            blocked: None,
            heard: true,
            turning: false,
        };
        server.connections.insert(link, connection);
        self.links[link].log = self.logs.len() - 1;
        self.tally.connections += 1;
        self.tally.fallbacks += u64::from(self.links[link].transport != Transport::WebSocket);
        self.after(HEARTBEAT, Ev::Beat(link, false));
        true
    }

    pub(crate) fn arrived_up(&mut self, link: LinkId) -> Check {
        if self.links[link].cut {
            return Ok(());
        }
        if self.links[link].stalled > self.now {
            self.at(self.links[link].stalled, Ev::Up(link));
            return Ok(());
        }
        let Some(up) = self.links[link].up.pop_front() else { return Ok(()) };
        let greets = matches!(up, Up::Frame(ClientFrame::Hello { .. }));
        if greets && self.links[link].transport != Transport::WebSocket {
            self.accept(link);
        }
        match self.server.as_mut().and_then(|server| server.connections.get_mut(&link)) {
            Some(connection) => {
                connection.inbox.push_back(up);
                self.kick(link);
            }
            // Nobody knows this connection any more: the machine says so.
            None => {
                let delay = self.devices[self.links[link].device].delay();
                self.after(delay, Ev::ClientLost(link, 1006));
            }
        }
        Ok(())
    }

    pub(crate) fn server_lost(&mut self, link: LinkId) -> Check {
        if let Some(connection) = self.server.as_mut().and_then(|server| server.connections.get_mut(&link)) {
            connection.inbox.push_back(Up::Close);
            connection.blocked = None;
            self.kick(link);
        }
        Ok(())
    }

    /// Something may be due on a connection.
    pub(crate) fn kick(&mut self, link: LinkId) {
        self.kick_within(link, 3);
    }

    fn kick_within(&mut self, link: LinkId, ms: Ms) {
        let Some(connection) = self.server.as_mut().and_then(|server| server.connections.get_mut(&link))
        else {
            return;
        };
        if !connection.turning {
            connection.turning = true;
            let delay = self.chance.below(ms);
            self.after(delay, Ev::Turn(link));
        }
    }

    pub(crate) fn kick_all(&mut self) {
        let links = self.server.iter().flat_map(|server| server.connections.keys().copied());
        links.collect::<Vec<_>>().into_iter().for_each(|link| self.kick(link));
    }

    pub(crate) fn turn(&mut self, link: LinkId) -> Check {
        let Some(mut connection) = self.server.as_mut().and_then(|server| server.connections.remove(&link))
        else {
            return Ok(());
        };
        connection.turning = false;
        let gone = matches!(connection.inbox.back(), Some(Up::Close)) && connection.blocked.is_some();
        let turn = if gone {
            Turn::End(None)
        } else if self.write(&mut connection) {
            self.converse(&mut connection)?
        } else {
            Turn::Idle
        };
        self.kick_writer();
        self.kick_announce();
        match turn {
            Turn::End(code) => self.hang_up(connection, code),
            turn => {
                if let Some(server) = &mut self.server {
                    server.connections.insert(link, connection);
                }
                match turn {
                    Turn::Again => self.kick(link),
                    Turn::Waits => self.kick_within(link, 12),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Writes the frames to send. Returns true if all of them could be.
    fn write(&mut self, connection: &mut Connection) -> bool {
        let link = connection.link;
        let mut wrote = false;
        while self.links[link].in_flight < CAPACITY
            && let Some(down) = connection.unsent.pop_front()
        {
            self.push_down(link, down);
            wrote = true;
        }
        if connection.unsent.is_empty() {
            connection.blocked = None;
            return true;
        }
        if wrote || connection.blocked.is_none() {
            connection.blocked = Some(self.now);
            self.after(STALL, Ev::Stalled(link, self.now));
        }
        false
    }

    pub(crate) fn push_down(&mut self, link: LinkId, down: Down) {
        let delay = self.devices[self.links[link].device].delay();
        let at = self.links[link].down_at.max(self.now + delay);
        self.links[link].in_flight += down.bytes();
        self.links[link].down_at = at;
        self.links[link].down.push_back(down);
        self.at(at, Ev::Down(link));
    }
}
