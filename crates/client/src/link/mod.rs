//! The connection: when to open it, when it is lost, and when to try again (retry, with backoff).

mod ladder;
mod nudge;
mod trial;
mod view;

use madang_protocol::{CloseCode, UnixMs};

use crate::{Conn, Effect, Roll, TabId, TabMessage, Transport};
use ladder::{End, Ladder, Step};
use trial::Trial;

pub(crate) use nudge::Nudged;
pub use view::LinkView;

/// The first wait before another attempt is at most this long; each later one doubles it, to the ceiling.
const BACKOFF_MS: i64 = 500;
const BACKOFF_MAX_MS: i64 = 30_000;

/// A connection that held this long was a good one: the next trouble starts with short waits again. One that
/// opens and dies at once does not count as good.
const STEADY_MS: i64 = 10_000;

/// To open a carrier, and again to be welcomed on it.
const OPENING_MS: i64 = 10_000;

/// An event stream that brings nothing by then is held back by something on the way.
const STREAM_MS: i64 = 4_000;

/// After `bye`, the server closes; if it does not, the carrier is given up.
const CLOSING_MS: i64 = 3_000;

/// A probe is answered by then, or the connection is dead.
const PROBE_MS: i64 = 5_000;

/// A tab asks so often for the one that leads. It reaches no server, so there is no jitter in it.
const ASK_EVERY_MS: i64 = 1_000;

/// Trouble is shown to people after so long.
const TROUBLE_MS: i64 = 5_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Not started, or stopped.
    #[default]
    Idle,
    /// A carrier is being opened.
    Connecting,
    /// `hello` was sent, `welcome` not received.
    Greeting,
    /// There is a session.
    Up,
    /// `bye` was received.
    Closing,
    /// Waits for the next attempt.
    Waiting { retry_at: UnixMs },
    /// The server does not want the client back.
    Ended { code: CloseCode },
}

#[derive(Clone, Debug)]
pub(crate) struct Link {
    /// The last number given out.
    conns: Conn,
    /// The present carrier.
    conn: Conn,
    transport: Transport,
    phase: Phase,
    /// Since when.
    since: UnixMs,
    /// Through which tab, once that one took this one in.
    leader: Option<TabId>,
    ladder: Ladder,
    trial: Trial,
    heartbeat_ms: u32,
    /// Time of the last frame, and whether one came on this carrier.
    heard_at: UnixMs,
    spoke: bool,
    /// An answer to a probe is due.
    probe_until: Option<UnixMs>,
    /// Failed attempts since the last steady connection.
    attempt: u32,
    /// Transport to open after the wait.
    next: Transport,
    /// The server asked not to reconnect before.
    not_before: Option<UnixMs>,
    bye: Option<CloseCode>,
    trouble_since: Option<UnixMs>,
    trouble: bool,
    offline: bool,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            conns: 0,
            conn: 0,
            transport: Transport::WebSocket,
            phase: Phase::Idle,
            since: 0,
            leader: None,
            ladder: Ladder::default(),
            trial: Trial::default(),
            heartbeat_ms: 25_000,
            heard_at: 0,
            spoke: false,
            probe_until: None,
            attempt: 0,
            next: Transport::WebSocket,
            not_before: None,
            bye: None,
            trouble_since: None,
            trouble: false,
            offline: false,
        }
    }
}

impl Link {
    pub(crate) fn heartbeat_ms(&self) -> u32 {
        self.heartbeat_ms
    }

    pub(crate) fn heartbeat(&mut self, heartbeat_ms: u32) {
        self.heartbeat_ms = heartbeat_ms;
    }

    pub(crate) fn transport(&self) -> Transport {
        self.transport
    }

    /// The tab that this one goes through.
    pub(crate) fn leader(&self) -> Option<TabId> {
        self.leader
    }

    /// The carrier to send on, while there is a session.
    pub(crate) fn up(&self) -> Option<Conn> {
        self.is_up().then_some(self.conn)
    }

    pub(crate) fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }

    /// Returns true if an event of carrier `conn` still counts.
    pub(crate) fn is_current(&self, conn: Conn) -> bool {
        let alive = matches!(self.phase, Phase::Connecting | Phase::Greeting | Phase::Up | Phase::Closing);
        alive && conn == self.conn
    }

    pub(crate) fn is_connecting(&self) -> bool {
        self.phase == Phase::Connecting
    }

    /// Returns the close code if the server does not want this client back.
    pub(crate) fn ended(&self) -> Option<CloseCode> {
        if let Phase::Ended { code } = self.phase { Some(code) } else { None }
    }

    /// Begins, or begins anew as something else: through another tab, or from the top of the ladder.
    pub(crate) fn start(&mut self, follower: bool, now: UnixMs, effects: &mut Vec<Effect>) {
        self.drop_carriers(effects);
        self.leave_up(now);
        self.attempt = 0;
        self.ladder.forget();
        self.open(if follower { Transport::Tab } else { Transport::WebSocket }, now, effects);
    }

    /// Opens the next carrier.
    fn open(&mut self, transport: Transport, now: UnixMs, effects: &mut Vec<Effect>) {
        self.conns += 1;
        let conn = self.conns;
        self.begin(conn, transport, now);
        self.trouble_since.get_or_insert(now);
        effects.push(match transport {
            Transport::Tab => Effect::SendToTabs { to: Vec::new(), message: TabMessage::Ask { conn } },
            _ => Effect::Connect { conn, transport },
        });
    }

    /// From here on this is the carrier.
    fn begin(&mut self, conn: Conn, transport: Transport, now: UnixMs) {
        self.conn = conn;
        self.transport = transport;
        self.enter(Phase::Connecting, now);
        self.leader = None;
        self.spoke = false;
        self.bye = None;
        self.not_before = None;
        self.probe_until = None;
    }

    /// The carrier takes frames: `hello` goes out.
    pub(crate) fn opened(&mut self, now: UnixMs) {
        self.enter(Phase::Greeting, now);
    }

    /// The tab that leads took this one in.
    pub(crate) fn led_by(&mut self, leader: TabId) {
        self.leader = Some(leader);
    }

    pub(crate) fn welcomed(&mut self, heartbeat_ms: u32, now: UnixMs, effects: &mut Vec<Effect>) {
        self.heartbeat(heartbeat_ms);
        self.enter(Phase::Up, now);
        self.trouble_since = None;
        self.trouble = false;
        if matches!(self.transport, Transport::EventSource | Transport::Poll) {
            self.try_websocket(now, effects);
        }
    }

    pub(crate) fn heard(&mut self, now: UnixMs) {
        self.heard_at = now;
        self.probe_until = None;
        if !self.spoke {
            self.spoke = true;
            self.ladder.spoke(self.transport);
        }
    }

    /// The server announced the end.
    pub(crate) fn bye(
        &mut self,
        code: CloseCode,
        retry_after_ms: u32,
        now: UnixMs,
        effects: &mut Vec<Effect>,
    ) {
        self.leave_up(now);
        self.enter(Phase::Closing, now);
        self.bye = Some(code);
        self.not_before = (retry_after_ms > 0).then(|| now + i64::from(retry_after_ms));
        self.drop_trial(effects);
        effects.push(Effect::Close { conn: self.conn });
    }

    /// The carrier is gone: decides when to try again (retry, with backoff) and how, if at all.
    pub(crate) fn lost(&mut self, code: CloseCode, roll: Roll, now: UnixMs, effects: &mut Vec<Effect>) {
        let end = self.end(code, now);
        self.leave_up(now);
        self.drop_trial(effects);
        self.leader = None;
        let code = self.bye.take().unwrap_or(code);
        if !code.comes_back() {
            self.enter(Phase::Ended { code }, now);
            self.trouble = true;
            return;
        }
        match self.ladder.step(self.transport, end) {
            Step::Now(transport) => self.open(transport, now, effects),
            Step::Later(transport) => {
                self.next = transport;
                let ceiling = (BACKOFF_MS << self.attempt.min(10)).min(BACKOFF_MAX_MS);
                self.attempt = self.attempt.saturating_add(1);
                let retry_at = self.not_before.unwrap_or(now).max(now) + jitter(ceiling, roll);
                self.enter(Phase::Waiting { retry_at }, now);
            }
        }
    }

    fn end(&self, code: CloseCode, now: UnixMs) -> End {
        match self.phase {
            Phase::Connecting => End::Unopened,
            Phase::Greeting if self.spoke => End::Cut,
            Phase::Greeting if self.deadline().is_some_and(|deadline| deadline <= now) => End::Silent,
            Phase::Greeting => End::Mute,
            // Not if it never held: a server that forgets each session at once is given time.
            Phase::Up if code == CloseCode::MOVING && now - self.since >= BACKOFF_MS => End::Gone,
            _ => End::Cut,
        }
    }

    /// Ends it for good.
    pub(crate) fn stop(&mut self, now: UnixMs, effects: &mut Vec<Effect>) {
        self.drop_carriers(effects);
        self.enter(Phase::Idle, now);
        self.trouble_since = None;
        self.trouble = false;
    }

    fn drop_carriers(&mut self, effects: &mut Vec<Effect>) {
        self.drop_trial(effects);
        if self.is_current(self.conn) && self.transport != Transport::Tab {
            effects.push(Effect::Close { conn: self.conn });
        }
    }

    /// Something may be due. Returns true if the connection is lost by it.
    pub(crate) fn woke(&mut self, roll: Roll, now: UnixMs, effects: &mut Vec<Effect>) -> bool {
        self.trouble |= self.trouble_since.is_some_and(|since| since + TROUBLE_MS <= now);
        match self.phase {
            Phase::Waiting { retry_at } if retry_at <= now => self.open(self.next, now, effects),
            Phase::Connecting if self.ask_at().is_some_and(|at| at <= now) => self.ask(now, effects),
            _ if self.deadline().is_some_and(|deadline| deadline <= now) => {
                if self.transport != Transport::Tab {
                    effects.push(Effect::Close { conn: self.conn });
                }
                self.lost(CloseCode(1006), roll, now, effects);
                return true;
            }
            _ => self.trial_woke(roll, now, effects),
        }
        false
    }

    /// Returns when to be woken.
    pub(crate) fn wake(&self) -> Option<UnixMs> {
        let retry = if let Phase::Waiting { retry_at } = self.phase { Some(retry_at) } else { None };
        let trouble = self.trouble_since.filter(|_| !self.trouble).map(|since| since + TROUBLE_MS);
        let due = [retry, trouble, self.ask_at(), self.deadline(), self.trial.wake()];
        due.into_iter().flatten().min()
    }

    /// Returns when the present carrier counts as dead.
    fn deadline(&self) -> Option<UnixMs> {
        match self.phase {
            Phase::Connecting if self.transport == Transport::Tab => None,
            Phase::Greeting if self.transport == Transport::EventSource => Some(self.since + STREAM_MS),
            Phase::Connecting | Phase::Greeting => Some(self.since + OPENING_MS),
            Phase::Closing => Some(self.since + CLOSING_MS),
            Phase::Up => {
                // A server without heartbeats may be silent for as long as it likes.
                let silent =
                    (self.heartbeat_ms > 0).then(|| self.heard_at + 2 * i64::from(self.heartbeat_ms));
                [silent, self.probe_until].into_iter().flatten().min()
            }
            Phase::Idle | Phase::Waiting { .. } | Phase::Ended { .. } => None,
        }
    }

    fn enter(&mut self, phase: Phase, now: UnixMs) {
        self.phase = phase;
        self.since = now;
    }

    fn leave_up(&mut self, now: UnixMs) {
        if self.is_up() && now - self.since >= STEADY_MS {
            self.attempt = 0;
        }
        self.probe_until = None;
        self.trouble_since.get_or_insert(now);
    }
}

/// A random part of `ceiling`.
fn jitter(ceiling: i64, roll: Roll) -> i64 {
    (ceiling * i64::from(roll)) >> 32
}
