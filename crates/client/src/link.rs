//! The connection: when to open it, when it is lost, and when to try again.

use madang_protocol::{CloseCode, UnixMs};

use crate::{Conn, Effect, Roll};

/// The first wait before another attempt is at most this long; each later one doubles it, to the ceiling.
const BACKOFF_MS: i64 = 500;
const BACKOFF_MAX_MS: i64 = 30_000;

/// A connection that held this long was a good one: the next trouble starts with short waits again. One that
/// opens and dies at once does not count as good.
const STEADY_MS: i64 = 10_000;

/// To open a socket, and to be welcomed on it.
const OPENING_MS: i64 = 15_000;

/// After `bye`, the server closes; if it does not, the socket is given up.
const CLOSING_MS: i64 = 3_000;

/// A probe is answered by then, or the connection is dead.
const PROBE_MS: i64 = 5_000;

/// Trouble is shown to people after so long.
const TROUBLE_MS: i64 = 5_000;

/// The state of the socket, by the names of the WebSocket standard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReadyState {
    /// The socket is being opened.
    Connecting,
    /// Frames can be sent.
    Open,
    /// The end was announced.
    Closing,
    /// There is no socket.
    #[default]
    Closed,
}

impl ReadyState {
    /// `CONNECTING`, `OPEN`, `CLOSING` or `CLOSED`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "CONNECTING",
            Self::Open => "OPEN",
            Self::Closing => "CLOSING",
            Self::Closed => "CLOSED",
        }
    }
}

/// What carries the frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A WebSocket.
    #[default]
    WebSocket,
    /// `POST`s up, server-sent events down.
    EventSource,
    /// `POST`s up, one `GET` after another down.
    Poll,
    /// Through the tab that leads.
    Tab,
}

impl Transport {
    /// `websocket`, `eventsource`, `poll` or `tab`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::EventSource => "eventsource",
            Self::Poll => "poll",
            Self::Tab => "tab",
        }
    }
}

/// The connection, as people and tests see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkView {
    /// The socket's state.
    pub ready_state: ReadyState,
    /// What carries the frames.
    pub transport: Transport,
    /// Whether the session is established: `welcome` was received, writes go out.
    pub connected: bool,
    /// When the next attempt is made, while none is.
    pub retry_at: Option<UnixMs>,
    /// There is no session, for 5 s or more: tell the person.
    pub trouble: bool,
    /// The browser says that there is no network.
    pub offline: bool,
    /// The server does not want this client back by itself, and why: offer [`crate::Event::Reconnect`].
    pub ended: Option<CloseCode>,
    /// Sockets so far.
    pub conn: Conn,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Not started, or stopped.
    #[default]
    Idle,
    /// A socket is being opened.
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
    conn: Conn,
    phase: Phase,
    /// Since when.
    since: UnixMs,
    heartbeat_ms: i64,
    /// When a frame last came.
    heard_at: UnixMs,
    /// An answer to a probe is due.
    probe_until: Option<UnixMs>,
    /// Failed attempts since the last steady connection.
    attempt: u32,
    /// The server asked not to come back before.
    not_before: Option<UnixMs>,
    bye: Option<CloseCode>,
    trouble_since: Option<UnixMs>,
    trouble: bool,
    offline: bool,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            conn: 0,
            phase: Phase::Idle,
            since: 0,
            heartbeat_ms: 25_000,
            heard_at: 0,
            probe_until: None,
            attempt: 0,
            not_before: None,
            bye: None,
            trouble_since: None,
            trouble: false,
            offline: false,
        }
    }
}

impl Link {
    pub(crate) fn view(&self) -> LinkView {
        LinkView {
            ready_state: match self.phase {
                Phase::Connecting => ReadyState::Connecting,
                Phase::Greeting | Phase::Up => ReadyState::Open,
                Phase::Closing => ReadyState::Closing,
                Phase::Idle | Phase::Waiting { .. } | Phase::Ended { .. } => ReadyState::Closed,
            },
            transport: Transport::WebSocket,
            connected: self.is_up(),
            retry_at: if let Phase::Waiting { retry_at } = self.phase { Some(retry_at) } else { None },
            trouble: self.trouble,
            offline: self.offline,
            ended: if let Phase::Ended { code } = self.phase { Some(code) } else { None },
            conn: self.conn,
        }
    }

    pub(crate) fn heartbeat(&mut self, heartbeat_ms: u32) {
        self.heartbeat_ms = i64::from(heartbeat_ms);
    }

    pub(crate) fn set_offline(&mut self, offline: bool) {
        self.offline = offline;
    }

    /// The socket to send on, while there is a session.
    pub(crate) fn up(&self) -> Option<Conn> {
        self.is_up().then_some(self.conn)
    }

    pub(crate) fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }

    /// Whether an event of socket `conn` still counts.
    pub(crate) fn is_current(&self, conn: Conn) -> bool {
        let alive = matches!(self.phase, Phase::Connecting | Phase::Greeting | Phase::Up | Phase::Closing);
        alive && conn == self.conn
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.phase == Phase::Idle
    }

    /// Opens the next socket.
    pub(crate) fn connect(&mut self, now: UnixMs, effects: &mut Vec<Effect>) {
        self.conn += 1;
        self.enter(Phase::Connecting, now);
        self.bye = None;
        self.not_before = None;
        self.probe_until = None;
        self.trouble_since.get_or_insert(now);
        effects.push(Effect::Connect { conn: self.conn, transport: Transport::WebSocket });
    }

    pub(crate) fn opened(&mut self, now: UnixMs) {
        self.enter(Phase::Greeting, now);
    }

    pub(crate) fn welcomed(&mut self, heartbeat_ms: u32, now: UnixMs) {
        self.heartbeat(heartbeat_ms);
        self.enter(Phase::Up, now);
        self.trouble_since = None;
        self.trouble = false;
    }

    pub(crate) fn heard(&mut self, now: UnixMs) {
        self.heard_at = now;
        self.probe_until = None;
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
        effects.push(Effect::Close { conn: self.conn });
    }

    /// The socket is gone: decides when to try again, if at all.
    pub(crate) fn lost(&mut self, code: CloseCode, roll: Roll, now: UnixMs) {
        self.leave_up(now);
        let code = self.bye.take().unwrap_or(code);
        if !code.comes_back() {
            self.enter(Phase::Ended { code }, now);
            self.trouble = true;
            return;
        }
        let ceiling = (BACKOFF_MS << self.attempt.min(10)).min(BACKOFF_MAX_MS);
        let jitter = (ceiling * i64::from(roll)) >> 32;
        self.attempt = self.attempt.saturating_add(1);
        let retry_at = self.not_before.unwrap_or(now).max(now) + jitter;
        self.enter(Phase::Waiting { retry_at }, now);
    }

    /// A reason to believe that the network is back, or that someone looks: do not sit out a wait, and do not
    /// believe an open socket. Whether a probe is to be sent.
    pub(crate) fn nudge(&mut self, now: UnixMs, effects: &mut Vec<Effect>) -> bool {
        match self.phase {
            Phase::Waiting { .. } if self.not_before.is_none_or(|not_before| not_before <= now) => {
                self.connect(now, effects);
                false
            }
            Phase::Up if self.probe_until.is_none() => {
                self.probe_until = Some(now + PROBE_MS);
                true
            }
            _ => false,
        }
    }

    /// A person wants it now, whatever the server said.
    pub(crate) fn reconnect(&mut self, now: UnixMs, effects: &mut Vec<Effect>) {
        if matches!(self.phase, Phase::Waiting { .. } | Phase::Ended { .. }) {
            self.connect(now, effects);
        }
    }

    /// Ends it for good.
    pub(crate) fn stop(&mut self, now: UnixMs, effects: &mut Vec<Effect>) {
        if self.is_current(self.conn) {
            effects.push(Effect::Close { conn: self.conn });
        }
        self.enter(Phase::Idle, now);
        self.trouble_since = None;
        self.trouble = false;
    }

    /// The time has come for something, perhaps. Whether the connection is lost by it.
    pub(crate) fn woke(&mut self, roll: Roll, now: UnixMs, effects: &mut Vec<Effect>) -> bool {
        self.trouble |= self.trouble_since.is_some_and(|since| since + TROUBLE_MS <= now);
        match self.phase {
            Phase::Waiting { retry_at } => {
                // A retry too far ahead: the clock was set back.
                let clamped = self.not_before.is_none() && retry_at > now + BACKOFF_MAX_MS;
                if retry_at <= now || clamped {
                    self.connect(now, effects);
                }
                false
            }
            _ if self.deadline().is_some_and(|deadline| deadline <= now) => {
                effects.push(Effect::Close { conn: self.conn });
                self.lost(CloseCode(1006), roll, now);
                true
            }
            _ => false,
        }
    }

    /// When to be woken.
    pub(crate) fn wake(&self) -> Option<UnixMs> {
        let retry = if let Phase::Waiting { retry_at } = self.phase { Some(retry_at) } else { None };
        let trouble = self.trouble_since.filter(|_| !self.trouble).map(|since| since + TROUBLE_MS);
        [retry, trouble, self.deadline()].into_iter().flatten().min()
    }

    /// When the present socket counts as dead.
    fn deadline(&self) -> Option<UnixMs> {
        match self.phase {
            Phase::Connecting | Phase::Greeting => Some(self.since + OPENING_MS),
            Phase::Closing => Some(self.since + CLOSING_MS),
            Phase::Up => {
                // A server without heartbeats may be silent for as long as it likes.
                let silent =
                    (self.heartbeat_ms > 0).then_some(self.heard_at + 2 * self.heartbeat_ms + 10_000);
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
