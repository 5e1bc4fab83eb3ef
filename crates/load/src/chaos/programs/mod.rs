//! Programs that speak protocols other than the page's: each reads one room and posts into it, by the means that its protocol
//! gives, over a line as bad as everybody's. After each connection it goes on from its cursor, and repeats under the
//! same key what was not acknowledged.

mod api;
mod plain;
mod stomp;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use fastrand::Rng;
use futures_util::{SinkExt, StreamExt};
use madang_protocol::Operation;
use madang_protocol::{Cmid, RoomId, Seq};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderName, HeaderValue};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::checker::Broken;
use super::checker::log::Truth;
use super::network::{address_of, connect_from};
use super::person::{Phase, World};

/// Pause before a program reconnects.
const AGAIN: Duration = Duration::from_millis(500);

/// Nothing came for so long, although something should have: the connection is dead.
const SILENCE: Duration = Duration::from_secs(12);

/// Protocols of programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// A plain socket with JSON.
    Plain,
    /// STOMP over WebSocket.
    Stomp,
    /// HTTP: posts, and a stream of events.
    Api,
}

impl Protocol {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Stomp, Self::Api];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Stomp => "stomp",
            Self::Api => "api",
        }
    }
}

/// A program, as the end of a run looks at it.
#[derive(Debug)]
pub struct Program {
    number: usize,
    speaks: Protocol,
    room: RoomId,
    seen: RefCell<Seen>,
}

/// State of a program: what it has seen and written.
#[derive(Debug, Default)]
struct Seen {
    /// The newest message.
    last: Option<Seq>,
    /// The messages.
    seqs: BTreeSet<Seq>,
    /// The write that is not acknowledged.
    unsent: Option<(Cmid, String)>,
    /// Connections that brought something.
    connections: u64,
}

/// A program's life.
struct Life {
    program: Rc<Program>,
    world: World,
    rng: Rng,
    /// A bot's token, where the protocol takes one.
    token: String,
    /// A guest's cookie, where it gives one.
    cookie: Option<String>,
    next: Instant,
}

/// Makes program `number`: what it has seen, and its life, which never ends.
pub fn program(
    number: usize,
    speaks: Protocol,
    room: RoomId,
    token: String,
    world: World,
    rng: Rng,
) -> (Rc<Program>, impl Future<Output = ()>) {
    let program = Rc::new(Program { number, speaks, room, seen: RefCell::default() });
    let life = Life { program: Rc::clone(&program), world, rng, token, cookie: None, next: Instant::now() };
    (program, life.live())
}

impl Program {
    /// Returns what it still has to see or to have acknowledged, if anything.
    pub fn lacks(&self, truth: &Truth) -> Option<String> {
        let seen = self.seen.borrow();
        if let Some((cmid, _)) = &seen.unsent {
            return Some(format!("{} {}: write {cmid} is under way", self.number, self.speaks.name()));
        }
        let missing = self.expected(truth).find(|seq| !seen.seqs.contains(seq))?;
        let (name, last) = (self.speaks.name(), seen.last);
        Some(format!(
            "{} {name}: message {missing} of {} was not seen, up to {last:?}",
            self.number, self.room
        ))
    }

    /// Returns an entry that it saw and the log does not have.
    pub fn imagined(&self, truth: &Truth) -> Option<Seq> {
        let messages = truth.get(&self.room)?;
        self.seen.borrow().seqs.iter().copied().find(|seq| !messages.contains_key(seq))
    }

    /// Connections that brought something.
    pub fn connections(&self) -> u64 {
        self.seen.borrow().connections
    }

    /// Returns its protocol.
    pub fn speaks(&self) -> Protocol {
        self.speaks
    }

    /// The messages of its room that are not deleted: each began from the room's beginning.
    fn expected<'a>(&self, truth: &'a Truth) -> impl Iterator<Item = Seq> + use<'a> {
        let messages = truth.get(&self.room).into_iter().flatten();
        messages.filter(|(_, message)| !message.is_deleted()).map(|(seq, _)| *seq)
    }
}

impl Seen {
    /// Takes a message; returns what is wrong with it.
    fn message(&mut self, seq: Seq) -> Option<Broken> {
        let late = self.last.is_some_and(|last| seq < last);
        self.last = self.last.max(Some(seq));
        match (self.seqs.insert(seq), late) {
            (false, _) => Some(Broken::Doubled),
            (true, true) => Some(Broken::Reordered),
            (true, false) => None,
        }
    }
}

impl Life {
    async fn live(mut self) {
        loop {
            let before = self.cursor();
            // However a connection ends, the next one goes on from the cursor.
            let _ = match self.program.speaks {
                Protocol::Plain => plain::connection(&mut self).await,
                Protocol::Stomp => stomp::connection(&mut self).await,
                Protocol::Api => api::connection(&mut self).await,
            };
            if self.cursor() > before {
                self.program.seen.borrow_mut().connections += 1;
            }
            sleep(AGAIN).await;
        }
    }

    /// Returns the newest message that it has; 0 if it has nothing.
    fn cursor(&self) -> Seq {
        self.program.seen.borrow().last.unwrap_or_default()
    }

    /// The next write, when it is due: a new one, unless one is under way.
    fn due(&mut self) -> Option<(Cmid, String)> {
        if Instant::now() < self.next {
            return None;
        }
        self.next = Instant::now() + self.world.pause.mul_f64(0.2 + 1.6 * self.rng.f64());
        let mut seen = self.program.seen.borrow_mut();
        if seen.unsent.is_none() && *self.world.phase.borrow() == Phase::Live {
            let cmid = Cmid(self.rng.u128(..));
            let body = format!("{} posts {}", self.program.number, self.rng.u64(..));
            let what = Operation::post(body.clone(), None);
            let room = self.program.room.clone();
            self.world.checker.borrow_mut().ledger.written(self.program.number, cmid, room, what);
            seen.unsent = Some((cmid, body));
        }
        drop(seen);
        self.unsent()
    }

    /// The write that is not acknowledged.
    fn unsent(&self) -> Option<(Cmid, String)> {
        self.program.seen.borrow().unsent.clone()
    }

    /// The server acknowledged the write as durable.
    fn acknowledged(&mut self, cmid: Cmid, seq: Seq) {
        let Program { number, room, seen, .. } = &*self.program;
        let mut checker = self.world.checker.borrow_mut();
        let checker = &mut *checker;
        checker.ledger.done(*number, cmid, room, seq, &mut checker.verdict);
        let mut seen = seen.borrow_mut();
        if seen.unsent.as_ref().is_some_and(|(unsent, _)| *unsent == cmid) {
            seen.unsent = None;
        }
    }

    /// A message of the room came.
    fn message(&mut self, seq: Seq) {
        let Program { number, speaks, seen, .. } = &*self.program;
        let mut seen = seen.borrow_mut();
        let last = seen.last;
        if let Some(what) = seen.message(seq) {
            let how = || format!("{number} {} was sent {seq} after {last:?}", speaks.name());
            self.world.checker.borrow_mut().verdict.broke(what, how);
        }
    }

    /// Opens a WebSocket; answers the cookie that came with it, too.
    async fn websocket(&self, path: &str, headers: &[(&str, &str)]) -> Result<(Socket, HeaderMap)> {
        let address = self.world.address;
        let mut request = format!("ws://{address}{path}").into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().append(name.parse::<HeaderName>()?, HeaderValue::try_from(*value)?);
        }
        let stream = connect_from(address_of(self.program.number), address).await?;
        let (socket, answer) = timeout(SILENCE, client_async(request, stream)).await??;
        Ok((Socket(socket), answer.headers().clone()))
    }
}

/// A WebSocket of a program, which a server that is there never lets be silent for long.
struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    async fn send(&mut self, text: String) -> Result<()> {
        Ok(timeout(SILENCE, self.0.send(Message::text(text))).await??)
    }

    /// Returns the next text, or `None` after a while, so that what is due can be done.
    async fn next(&mut self, heard: &mut Instant) -> Result<Option<String>> {
        match timeout(Duration::from_millis(50), self.0.next()).await {
            Err(_) if heard.elapsed() > SILENCE => anyhow::bail!("the server is silent"),
            Err(_) => Ok(None),
            Ok(message) => {
                *heard = Instant::now();
                match message.context("the end")?? {
                    Message::Text(text) => Ok(Some(text.as_str().to_owned())),
                    _ => Ok(None),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use madang_protocol::{Headers, Message as Said, UserId};

    use super::*;

    fn program(seen: &[Seq]) -> Program {
        let mut all = Seen::default();
        seen.iter().for_each(|seq| assert_eq!(all.message(*seq), None));
        Program { number: 1, speaks: Protocol::Plain, room: RoomId::lobby(), seen: RefCell::new(all) }
    }

    fn truth(messages: &[(Seq, bool)]) -> Truth {
        let said = |(seq, stands): &(Seq, bool)| {
            let body = stands.then(|| "x".into());
            let (by, reply_to) = (UserId::system(), None);
            (
                *seq,
                Said {
                    seq: *seq,
                    at: 0,
                    by,
                    cmid: None,
                    body,
                    reply_to,
                    edited_at: None,
                    reactions: madang_protocol::Reactions::default(),
                    headers: Headers::default(),
                },
            )
        };
        Truth::from([(RoomId::lobby(), messages.iter().map(said).collect())])
    }

    #[test]
    fn repeated_or_late_messages_are_noticed() {
        let mut seen = Seen::default();
        let came = [2, 3, 3, 7, 5, 5, 8].map(|seq| seen.message(seq));
        let (again, late) = (Some(Broken::Doubled), Some(Broken::Reordered));
        assert_eq!(came, [None, None, again, None, late, again, None]);
    }

    #[test]
    fn unseen_standing_message_is_lacking() {
        let truth = truth(&[(2, true), (3, false), (4, true)]);
        assert_eq!(program(&[2, 4]).lacks(&truth), None, "what was deleted need not be seen");
        assert!(program(&[2]).lacks(&truth).is_some_and(|why| why.contains("message 4")));
        assert!(program(&[4]).lacks(&truth).is_some_and(|why| why.contains("message 2")));
    }

    #[test]
    fn seen_message_missing_from_log_is_noticed() {
        let truth = truth(&[(2, true), (3, false)]);
        assert_eq!(program(&[2, 3]).imagined(&truth), None);
        assert_eq!(program(&[2, 9]).imagined(&truth), Some(9));
    }

    #[test]
    fn a_write_under_way_is_lacking() {
        let program = program(&[]);
        program.seen.borrow_mut().unsent = Some((Cmid(1), "x".into()));
        assert!(program.lacks(&Truth::new()).is_some_and(|why| why.contains("under way")));
    }
}
