//! The server's loop for one connection, in the place of the real one and by its rules: first write all that is
//! to be said, then do one of the things that are due, whichever the seed chooses.

use std::collections::VecDeque;

use madang_client::Transport;
use madang_protocol::{ClientFrame, CloseCode, Person, ServerFrame};
use madang_server::encoded::{Encoded, encode};
use madang_server::hub::{Queued, Taken};
use madang_server::rate::Rate;
use madang_server::session::{MAX_PENDING, Session, Terms};

use crate::act::Ms;
use crate::link::{CAPACITY, Down, Link, LinkId, Up};
use crate::poll::{at_once, ready};
use crate::wire::Wire;
use crate::world::{Ev, World};
use crate::{Check, DEVICES, Tally, broken};

/// Between two pings. Shorter than the server's own, so that stories are short.
pub(crate) const HEARTBEAT: Ms = 8_000;

/// For the answer to a ping.
const PONG: Ms = 5_000;

/// Without progress for so long, a connection ends.
const STALL: Ms = 10_000;

pub(crate) struct Connection {
    pub(crate) link: LinkId,
    device: usize,
    session: Option<Session>,
    pub(crate) inbox: VecDeque<Up>,
    unsent: VecDeque<Down>,
    wire: Wire,
    /// The network takes nothing more, since then.
    blocked: Option<Ms>,
    /// Something came since the last ping.
    heard: bool,
    /// A turn is due.
    turning: bool,
}

/// How a turn ended.
enum Turn {
    /// Something was done.
    Again,
    /// There was nothing to do.
    Idle,
    /// The connection ends: with a code that the server chose, or because the peer is gone.
    End(Option<CloseCode>),
}

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
    fn accept(&mut self, link: LinkId) -> bool {
        let device = self.links[link].device;
        let user = self.devices[device].user.clone();
        let Some(server) = self.server.as_mut().filter(|server| !server.draining) else { return false };
        let connection = Connection {
            link,
            device,
            session: None,
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
        let Some(connection) = self.server.as_mut().and_then(|server| server.connections.get_mut(&link))
        else {
            return;
        };
        if !connection.turning {
            connection.turning = true;
            let delay = self.chance.below(3);
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
                if matches!(turn, Turn::Again) {
                    self.kick(link);
                }
            }
        }
        Ok(())
    }

    /// Writes what is to be said. Whether all of it could be.
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

    fn push_down(&mut self, link: LinkId, down: Down) {
        let delay = self.devices[self.links[link].device].delay();
        let at = self.links[link].down_at.max(self.now + delay);
        self.links[link].in_flight += down.bytes();
        self.links[link].down_at = at;
        self.links[link].down.push_back(down);
        self.at(at, Ev::Down(link));
    }

    /// Does one of the things that are due, in random order, as the real loop chooses.
    fn converse(&mut self, connection: &mut Connection) -> Check<Turn> {
        if connection.session.is_none() {
            return self.greet(connection);
        }
        let now = self.server_time();
        let first = self.chance.below(4);
        for branch in 0..4 {
            let turn = match (first + branch) % 4 {
                0 => self.take_queue(connection)?,
                1 => self.settle(connection)?,
                2 => self.receive(connection, now)?,
                _ => self.catch_up(connection)?,
            };
            if !matches!(turn, Turn::Idle) {
                return Ok(turn);
            }
        }
        if let Some(server) = &self.server {
            connection.wire.idle(|room| server.hub.head(room))?;
        }
        Ok(Turn::Idle)
    }

    /// The first frame.
    fn greet(&mut self, connection: &mut Connection) -> Check<Turn> {
        let frame = match connection.inbox.pop_front() {
            Some(Up::Frame(frame)) => frame,
            Some(Up::Close) => return Ok(Turn::End(None)),
            Some(Up::Pong) => return Ok(Turn::Again),
            None => return Ok(Turn::Idle),
        };
        self.wire_heard(connection, &frame);
        let Some(server) = &self.server else { return Ok(Turn::Idle) };
        let terms =
            Terms { frame_rate: Rate { per_second: 100, burst: 400 }, heartbeat_ms: HEARTBEAT as u32 };
        let you = Person { id: self.devices[connection.device].user.clone(), name: String::new() };
        let (text, mut out) = (text(&frame), Vec::new());
        let begun = Session::begin(server.rooms.clone(), you, &terms, &text, self.server_time(), &mut out);
        match at_once(begun)? {
            Ok(session) => {
                connection.session = Some(session);
                self.say(connection, out)?;
                Ok(Turn::Again)
            }
            Err(code) => Ok(Turn::End(Some(code))),
        }
    }

    fn take_queue(&mut self, connection: &mut Connection) -> Check<Turn> {
        let Some(session) = &mut connection.session else { return Ok(Turn::Idle) };
        let (mut batch, mut out): (Vec<Queued>, _) = (Vec::new(), Vec::new());
        match session.queue().try_take(&mut batch) {
            Some(Taken::Frames) => session.deliver(&mut batch, &mut out),
            Some(Taken::Overflowed) => {
                self.tally.overflows += 1;
                at_once(session.recover(&mut out))?;
            }
            Some(Taken::Close(code)) => return Ok(Turn::End(Some(code))),
            None => return Ok(Turn::Idle),
        }
        self.say(connection, out)?;
        Ok(Turn::Again)
    }

    /// The oldest write under way, if it is answered.
    fn settle(&mut self, connection: &mut Connection) -> Check<Turn> {
        let Some(session) = connection.session.as_mut().filter(|session| session.pending() > 0) else {
            return Ok(Turn::Idle);
        };
        let mut out = Vec::new();
        if ready(session.settled(&mut out)).is_none() {
            return Ok(Turn::Idle);
        }
        self.say(connection, out)?;
        Ok(Turn::Again)
    }

    fn receive(&mut self, connection: &mut Connection, now: i64) -> Check<Turn> {
        let Some(session) = connection.session.as_mut().filter(|session| session.pending() < MAX_PENDING)
        else {
            return Ok(Turn::Idle);
        };
        let Some(up) = connection.inbox.pop_front() else { return Ok(Turn::Idle) };
        if let Up::Close = up {
            return Ok(Turn::End(None));
        }
        connection.heard = true;
        if let Err(code) = session.admit(now) {
            return Ok(Turn::End(Some(code)));
        }
        if let Up::Frame(frame) = up {
            self.wire_heard(connection, &frame);
            let Some(session) = &mut connection.session else { return Ok(Turn::Idle) };
            let mut out = Vec::new();
            if let Err(code) = at_once(session.receive(&text(&frame), now, &mut out))? {
                return Ok(Turn::End(Some(code)));
            }
            self.say(connection, out)?;
        }
        Ok(Turn::Again)
    }

    fn catch_up(&mut self, connection: &mut Connection) -> Check<Turn> {
        let Some(session) = connection.session.as_mut().filter(|session| session.is_behind()) else {
            return Ok(Turn::Idle);
        };
        let mut out = Vec::new();
        at_once(session.catch_up(&mut out))?;
        self.say(connection, out)?;
        Ok(Turn::Again)
    }

    fn wire_heard(&mut self, connection: &mut Connection, frame: &ClientFrame) {
        let text = text(frame);
        let (device, conn) = (connection.device, self.links[connection.link].conn);
        self.note(|| format!("the server hears {} on {conn}: {text}", DEVICES[device].1), text.as_bytes());
        connection.wire.heard(frame, self.log());
    }

    /// Checks what the session says, and passes it on.
    fn say(&mut self, connection: &mut Connection, out: Vec<Encoded>) -> Check {
        for frame in out {
            let Ok(said) = serde_json::from_str::<ServerFrame>(&frame) else {
                return broken(format!("the server says what no client reads: {frame}"));
            };
            count(&mut self.tally, &said);
            let conn = self.links[connection.link].conn;
            let checked = connection.wire.said(&said, self.log());
            if let Err(broken) = checked {
                return crate::broken(format!(
                    "{} on connection {conn}: {broken}",
                    DEVICES[connection.device].1
                ));
            }
            connection.unsent.push_back(Down::Frame(frame));
        }
        Ok(())
    }

    /// The heartbeat: a ping with the heads, then a sign of life in time.
    pub(crate) fn beat(&mut self, link: LinkId, waited: bool) -> Check {
        let Some(mut connection) = self.server.as_mut().and_then(|server| server.connections.remove(&link))
        else {
            return Ok(());
        };
        let now = self.server_time();
        let mut end = None;
        if connection.blocked.is_some() {
            // The loop is writing, and does not look at its timer.
            self.after(500, Ev::Beat(link, waited));
        } else if connection.session.is_none() {
            end = Some(CloseCode::NO_HELLO);
        } else if waited && !connection.heard && connection.inbox.is_empty() {
            end = Some(CloseCode::NO_PONG);
        } else if waited {
            self.after(HEARTBEAT - PONG, Ev::Beat(link, false));
        } else {
            let mut out = Vec::new();
            connection.session.iter_mut().for_each(|session| session.heads(now, &mut out));
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

    /// Ends a connection, with a word if it is the server's wish.
    fn hang_up(&mut self, connection: Connection, code: Option<CloseCode>) {
        let link = connection.link;
        drop(connection);
        let Some(code) = code else { return };
        let conn = self.links[link].conn;
        self.note(|| format!("the server ends connection {conn}: {}", code.0), &[7]);
        let away = matches!(code, CloseCode::RESTART | CloseCode::MOVING);
        let retry_after_ms = if away { 500 + self.chance.below(2_500) as u32 } else { 0 };
        let bye = encode(&ServerFrame::Bye { code, retry_after_ms });
        self.push_down(link, Down::Frame(bye));
        self.push_down(link, Down::Close(code.0));
    }
}

fn text(frame: &ClientFrame) -> String {
    serde_json::to_string(frame).unwrap_or_default()
}

fn count(tally: &mut Tally, frame: &ServerFrame) {
    match frame {
        ServerFrame::Snapshot(_) => tally.snapshots += 1,
        ServerFrame::Entry(_) => tally.entries += 1,
        _ => {}
    }
}
