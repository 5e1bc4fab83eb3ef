//! The server's loop for one connection, in the place of the real one and by its rules: first write all that is
//! to be said, then do one of the things that are due, whichever the seed chooses.

use std::collections::VecDeque;
use std::pin::Pin;

use madang_client::Transport;
use madang_protocol::{ClientFrame, CloseCode, Person, ServerFrame};
use madang_server::encoded::{Encoded, encode};
use madang_server::hub::{Queued, Taken};
use madang_server::rate::Rate;
use madang_server::session::{MAX_PENDING, Session, Terms};

use crate::act::Ms;
use crate::link::{CAPACITY, Down, Link, LinkId, Up};
use crate::poll::ready;
use crate::wire::Wire;
use crate::world::{Ev, World};
use crate::{Check, DEVICES, Tally, broken};

/// Between two pings. Shorter than the server's own, so that stories are short.
pub(crate) const HEARTBEAT: Ms = 8_000;

/// Without progress for so long, a connection ends.
pub(crate) const STALL: Ms = 10_000;

pub(crate) struct Connection {
    pub(crate) link: LinkId,
    device: usize,
    pub(crate) session: Talk,
    pub(crate) inbox: VecDeque<Up>,
    pub(crate) unsent: VecDeque<Down>,
    wire: Wire,
    /// The network takes nothing more, since then.
    pub(crate) blocked: Option<Ms>,
    /// Something came since the last ping.
    pub(crate) heard: bool,
    /// A turn is due.
    turning: bool,
}

/// The session, where it stands.
pub(crate) enum Talk {
    /// There was no `hello` yet.
    Silent,
    Ready(Box<Session>),
    /// It waits for the store, and does nothing else meanwhile, as in the real loop.
    Busy(Pin<Box<dyn Future<Output = Done>>>),
}

/// What the session has done: itself, unless it could not begin, what is to be said, and a code to end with.
pub(crate) struct Done {
    session: Option<Box<Session>>,
    out: Vec<Encoded>,
    end: Option<CloseCode>,
}

impl Talk {
    /// The session, if it is free to do something.
    pub(crate) fn session(&mut self) -> Option<&mut Session> {
        if let Self::Ready(session) = self { Some(session) } else { None }
    }

    /// Takes the session out, to make it busy.
    fn take(&mut self) -> Option<Box<Session>> {
        match std::mem::replace(self, Self::Silent) {
            Self::Ready(session) => Some(session),
            other => {
                *self = other;
                None
            }
        }
    }
}

/// How a turn ended.
enum Turn {
    /// Something was done.
    Again,
    /// The store has to be waited for.
    Waits,
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
        match connection.session {
            Talk::Silent => return self.greet(connection),
            Talk::Busy(_) => return self.go_on(connection),
            Talk::Ready(_) => {}
        }
        let first = self.chance.below(4);
        for branch in 0..4 {
            let turn = match (first + branch) % 4 {
                0 => self.take_queue(connection)?,
                1 => self.settle(connection)?,
                2 => self.receive(connection)?,
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

    /// Begins something that may have to wait for the store.
    fn busy(
        &mut self,
        connection: &mut Connection,
        work: impl Future<Output = Done> + 'static,
    ) -> Check<Turn> {
        connection.session = Talk::Busy(Box::pin(work));
        self.go_on(connection)
    }

    /// Goes on with what the session is busy with.
    fn go_on(&mut self, connection: &mut Connection) -> Check<Turn> {
        let Talk::Busy(work) = &mut connection.session else { return Ok(Turn::Idle) };
        let Some(Done { session, out, end }) = ready(work.as_mut()) else {
            self.tally.waits += 1;
            return Ok(Turn::Waits);
        };
        connection.session = session.map_or(Talk::Silent, Talk::Ready);
        self.say(connection, out)?;
        Ok(end.map_or(Turn::Again, |code| Turn::End(Some(code))))
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
        let now = self.server_time();
        let Some(server) = &self.server else { return Ok(Turn::Idle) };
        let terms =
            Terms { frame_rate: Rate { per_second: 100, burst: 400 }, heartbeat_ms: HEARTBEAT as u32 };
        let you = Person { id: self.devices[connection.device].user.clone(), name: String::new() };
        let (rooms, text) = (server.rooms.clone(), text(&frame));
        self.busy(connection, async move {
            let mut out = Vec::new();
            match Session::begin(rooms, you, &terms, &text, now, &mut out).await {
                Ok(session) => Done { session: Some(Box::new(session)), out, end: None },
                Err(code) => Done { session: None, out, end: Some(code) },
            }
        })
    }

    fn take_queue(&mut self, connection: &mut Connection) -> Check<Turn> {
        let Some(session) = connection.session.session() else { return Ok(Turn::Idle) };
        let (mut batch, mut out): (Vec<Queued>, _) = (Vec::new(), Vec::new());
        match session.queue().try_take(&mut batch) {
            Some(Taken::Frames) => session.deliver(&mut batch, &mut out),
            Some(Taken::Overflowed) => {
                self.tally.overflows += 1;
                let Some(mut session) = connection.session.take() else { return Ok(Turn::Idle) };
                return self.busy(connection, async move {
                    session.recover(&mut out).await;
                    Done { session: Some(session), out, end: None }
                });
            }
            Some(Taken::Close(code)) => return Ok(Turn::End(Some(code))),
            None => return Ok(Turn::Idle),
        }
        self.say(connection, out)?;
        Ok(Turn::Again)
    }

    /// The oldest write under way, if it is answered.
    fn settle(&mut self, connection: &mut Connection) -> Check<Turn> {
        let session = connection.session.session().filter(|session| session.pending() > 0);
        let Some(session) = session else { return Ok(Turn::Idle) };
        let mut out = Vec::new();
        if ready(session.settled(&mut out)).is_none() {
            return Ok(Turn::Idle);
        }
        self.say(connection, out)?;
        Ok(Turn::Again)
    }

    fn receive(&mut self, connection: &mut Connection) -> Check<Turn> {
        let now = self.server_time();
        let session = connection.session.session().filter(|session| session.pending() < MAX_PENDING);
        let Some(session) = session else { return Ok(Turn::Idle) };
        let Some(up) = connection.inbox.pop_front() else { return Ok(Turn::Idle) };
        if let Up::Close = up {
            return Ok(Turn::End(None));
        }
        connection.heard = true;
        if let Err(code) = session.admit(now) {
            return Ok(Turn::End(Some(code)));
        }
        let Up::Frame(frame) = up else { return Ok(Turn::Again) };
        self.wire_heard(connection, &frame);
        let Some(mut session) = connection.session.take() else { return Ok(Turn::Idle) };
        self.busy(connection, async move {
            let mut out = Vec::new();
            let end = session.receive(&text(&frame), now, &mut out).await.err();
            Done { session: Some(session), out, end }
        })
    }

    fn catch_up(&mut self, connection: &mut Connection) -> Check<Turn> {
        if connection.session.session().is_none_or(|session| !session.is_behind()) {
            return Ok(Turn::Idle);
        }
        let Some(mut session) = connection.session.take() else { return Ok(Turn::Idle) };
        self.busy(connection, async move {
            let mut out = Vec::new();
            session.catch_up(&mut out).await;
            Done { session: Some(session), out, end: None }
        })
    }

    fn wire_heard(&mut self, connection: &mut Connection, frame: &ClientFrame) {
        let text = text(frame);
        let (device, conn) = (connection.device, self.links[connection.link].conn);
        self.note(|| format!("the server hears {} on {conn}: {text}", DEVICES[device].1), text.as_bytes());
        connection.wire.heard(frame, self.log());
    }

    /// Checks what the session says, and passes it on.
    pub(crate) fn say(&mut self, connection: &mut Connection, out: Vec<Encoded>) -> Check {
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
            if let ServerFrame::Read { room, seq, .. } = &said {
                let user = self.devices[connection.device].user.clone();
                self.log_mut().marked(&user, room, *seq);
            }
            connection.unsent.push_back(Down::Frame(frame));
        }
        Ok(())
    }

    /// Ends a connection, with a word if it is the server's wish.
    pub(crate) fn hang_up(&mut self, connection: Connection, code: Option<CloseCode>) {
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
