//! The turns of the server's connections: when their tasks are polled, and what comes of it.

use madang_client::Transport;
use madang_protocol::{ClientFrame, CloseCode, ServerFrame};
use madang_server::connection::transport::End;
use madang_server::encoded::Encoded;

use crate::connection::Connection;
use crate::link::{Down, Link, LinkId, Up};
use crate::pipe::{Deed, Pipe};
use crate::rng::Rng;
use crate::scenario::Ms;
use crate::world::{Ev, World};
use crate::{Check, Counts, DEVICES, broken};

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
        let pipe = Pipe::new(self.now, Rng::new(self.chance.next(), 6));
        let Some(server) = self.server.as_mut().filter(|server| !server.draining) else { return false };
        let place = (link, device, DEVICES[device].2);
        let connection = Connection::new(place, user, server.rooms.clone(), server.stop.clone(), pipe);
        server.connections.insert(link, connection);
        self.links[link].log = self.logs.len() - 1;
        self.tally.connections += 1;
        self.tally.fallbacks += u64::from(self.links[link].transport != Transport::WebSocket);
        self.kick(link);
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
        if !self.give(link, up) {
            // Nobody knows this connection any more: the machine says so.
            let delay = self.devices[self.links[link].device].delay();
            self.after(delay, Ev::ClientLost(link, 1006));
        }
        Ok(())
    }

    pub(crate) fn server_lost(&mut self, link: LinkId) -> Check {
        self.give(link, Up::Close);
        Ok(())
    }

    /// Brings something to the server's side of a connection. Returns false if it has none.
    fn give(&mut self, link: LinkId, up: Up) -> bool {
        let Some(connection) = self.connection(link) else { return false };
        connection.pipe.state().inbox.push_back(up);
        self.kick(link);
        true
    }

    fn connection(&mut self, link: LinkId) -> Option<&mut Connection> {
        self.server.as_mut()?.connections.get_mut(&link)
    }

    /// Something may be due on a connection.
    pub(crate) fn kick(&mut self, link: LinkId) {
        self.kick_within(link, 3);
    }

    fn kick_within(&mut self, link: LinkId, ms: Ms) {
        let Some(connection) = self.connection(link).filter(|connection| !connection.turning) else { return };
        connection.turning = true;
        let delay = self.chance.below(ms);
        self.after(delay, Ev::Turn(link));
    }

    /// Kicks the connections whose task was woken. Nothing else lets them go on: a wake-up that is missing shows.
    pub(crate) fn kick_woken(&mut self) {
        let connections = self.server.iter().flat_map(|server| server.connections.values());
        let woken: Vec<LinkId> = connections.filter(|it| it.was_woken()).map(|it| it.link).collect();
        // The store takes a little longer than the hub.
        woken.into_iter().for_each(|link| self.kick_within(link, 6));
    }

    /// Lets a connection's loop go round once.
    pub(crate) fn turn(&mut self, link: LinkId) -> Check {
        let server = self.server.as_mut();
        let Some(mut connection) = server.and_then(|server| server.connections.remove(&link)) else {
            return Ok(());
        };
        connection.turning = false;
        let clock = self.server_time();
        {
            let mut state = connection.pipe.state();
            (state.now, state.clock, state.in_flight) = (self.now, clock, self.links[link].in_flight);
        }
        let end = connection.poll();
        self.check_deeds(&mut connection)?;
        self.kick_writer();
        self.kick_announce();
        match end {
            Some(End::Gone) => {}
            Some(End::Close(code)) => {
                let conn = self.links[link].conn;
                self.tally.reaped += u64::from(matches!(code, CloseCode::NO_PONG | CloseCode::STALLED));
                self.note(|| format!("the server ends connection {conn}: {}", code.0), &[7]);
            }
            None => self.go_on(connection)?,
        }
        Ok(())
    }

    fn go_on(&mut self, connection: Connection) -> Check {
        let link = connection.link;
        let (wakes, again, idle, blocked) = {
            let mut state = connection.pipe.state();
            (std::mem::take(&mut state.wakes), state.looks_again, state.is_idle, state.blocked.is_some())
        };
        self.tally.waits += u64::from(!again && !idle && !blocked);
        let Some(server) = &mut self.server else { return Ok(()) };
        if idle {
            connection.wire.idle(|room| server.hub.head(room))?;
        }
        server.connections.insert(link, connection);
        wakes.into_iter().for_each(|at| self.at(at, Ev::Due(link)));
        if again {
            self.kick(link);
        }
        Ok(())
    }

    /// Checks what the loop did, in its order, and carries on what left.
    fn check_deeds(&mut self, connection: &mut Connection) -> Check {
        let link = connection.link;
        let deeds = std::mem::take(&mut connection.pipe.state().deeds);
        for deed in deeds {
            match deed {
                Deed::Received(frame) => {
                    let text = serde_json::to_string(&frame).unwrap_or_default();
                    let (device, conn) = (connection.device, self.links[link].conn);
                    let words = || format!("the server hears {} on {conn}: {text}", DEVICES[device].1);
                    self.note(words, text.as_bytes());
                    connection.wire.heard(&frame, self.log());
                }
                Deed::Sent(frame) => self.check_sent(connection, &frame)?,
                Deed::Left(down) => self.push_down(link, down),
                Deed::Paused => self.tally.pauses += 1,
            }
        }
        Ok(())
    }

    fn check_sent(&mut self, connection: &mut Connection, frame: &Encoded) -> Check {
        let Ok(sent) = serde_json::from_str::<ServerFrame>(frame) else {
            return broken(format!("the server says what no client reads: {frame}"));
        };
        count(&mut self.tally, &sent);
        if let Err(why) = connection.wire.said(&sent, self.log()) {
            let (who, conn) = (DEVICES[connection.device].1, self.links[connection.link].conn);
            return broken(format!("{who} on connection {conn}: {why}"));
        }
        if let ServerFrame::Read { room, seq, .. } = &sent {
            let user = self.devices[connection.device].user.clone();
            self.log_mut().marked(&user, room, *seq);
        }
        Ok(())
    }

    fn push_down(&mut self, link: LinkId, down: Down) {
        let delay = self.devices[self.links[link].device].delay();
        let at = self.links[link].down_at.max(self.now + delay);
        self.links[link].in_flight += down.bytes();
        self.links[link].down_at = at;
        self.links[link].down.push_back(down);
        self.at(at, Ev::Down(link));
    }
}

fn count(tally: &mut Counts, frame: &ServerFrame) {
    match frame {
        ServerFrame::Snapshot(_) => tally.snapshots += 1,
        ServerFrame::Entry(_) => tally.entries += 1,
        // One room alone is a new one; all of them are told after a queue was dropped.
        ServerFrame::Rooms { rooms } => tally.overflows += u64::from(rooms.len() > 1),
        _ => {}
    }
}
