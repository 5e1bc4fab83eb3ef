//! One turn of a connection's loop: one of the things that are due, whichever the seed chooses.

use madang_protocol::{ClientFrame, CloseCode, Person, ServerFrame};
use madang_server::encoded::encode;
use madang_server::hub::{Queued, Taken};
use madang_server::network::Network;
use madang_server::protocols::madang;
use madang_server::rate_limit::Rate;
use madang_server::session::{MAX_PENDING, Outgoing, Session, Terms};

use crate::connection::{Connection, Done, HEARTBEAT, Talk, Turn};
use crate::link::{Down, Up};
use crate::poll::ready;
use crate::world::World;
use crate::{Check, Counts, DEVICES, broken};

impl World {
    /// Does one of the things that are due, in random order, as the real loop chooses.
    pub(crate) fn converse(&mut self, connection: &mut Connection) -> Check<Turn> {
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
        let terms = Terms {
            from: Network::NOWHERE,
            frame_rate: Rate { per_second: 100, burst: 400 },
            heartbeat_ms: HEARTBEAT as u32,
        };
        let you = Person::new(self.devices[connection.device].user.clone(), "");
        let (rooms, text) = (server.rooms.clone(), text(&frame));
        self.busy(connection, async move {
            let mut out = Vec::new();
            let mut session = Box::new(Session::join(rooms, you, &terms, now));
            let welcomed = match madang::hello(&text) {
                Ok(hello) => session.welcome(hello, now, &mut out).await,
                Err(code) => Err(code),
            };
            match welcomed {
                Ok(()) => Done { session: Some(session), out, end: None },
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
            let end = madang::receive(&mut session, &text(&frame), now, &mut out).await.err();
            Done { session: Some(session), out, end }
        })
    }

    fn catch_up(&mut self, connection: &mut Connection) -> Check<Turn> {
        if connection.session.session().is_none_or(|session| !session.is_behind()) {
            return Ok(Turn::Idle);
        }
        let Some(mut session) = connection.session.take() else { return Ok(Turn::Idle) };
        let now = self.server_time();
        self.busy(connection, async move {
            let mut out = Vec::new();
            session.catch_up(now, &mut out).await;
            Done { session: Some(session), out, end: None }
        })
    }

    fn wire_heard(&mut self, connection: &mut Connection, frame: &ClientFrame) {
        let text = text(frame);
        let (device, conn) = (connection.device, self.links[connection.link].conn);
        self.note(|| format!("the server hears {} on {conn}: {text}", DEVICES[device].1), text.as_bytes());
        connection.wire.heard(frame, self.log());
    }

    /// Checks what the session sends, and passes it on.
    pub(crate) fn say(&mut self, connection: &mut Connection, out: Vec<Outgoing>) -> Check {
        for frame in out.into_iter().map(Outgoing::encoded) {
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

fn count(tally: &mut Counts, frame: &ServerFrame) {
    match frame {
        ServerFrame::Snapshot(_) => tally.snapshots += 1,
        ServerFrame::Entry(_) => tally.entries += 1,
        _ => {}
    }
}
