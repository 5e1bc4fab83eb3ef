//! Ladder of transports: which one to try next.
//!
//! | carrier | how it ended | next |
//! | --- | --- | --- |
//! | WebSocket | before it was open | the lower rung, at once |
//! | WebSocket | open, before its first frame, the third in a row | the lower rung, at once |
//! | WebSocket | anything else | WebSocket, after a wait |
//! | EventSource | no frame in 4 s | Poll, at once |
//! | EventSource, Poll | could not be opened | WebSocket, after a wait |
//! | EventSource, Poll | its session is gone | the same with a new session, at once |
//! | EventSource, Poll | anything else | the same, after a wait |
//!
//! The lower rung is EventSource, or Poll while that is what worked last. A server that is away refuses both, so
//! that its restart leaves nobody below; and while a lower rung holds, a WebSocket is tried beside it.

use crate::Transport;

/// WebSockets in a row that open and die before their first frame, until they are given up.
const MUTE: u8 = 3;

/// Ways in which a carrier ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It never opened, or was refused.
    Unopened,
    /// It opened, and died before its first frame.
    Mute,
    /// It opened, and brought nothing for as long as one waits.
    Silent,
    /// The server does not know the session any more.
    Gone,
    /// It worked, for a while.
    Cut,
}

/// Next step after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Open this at once.
    Now(Transport),
    /// Open this after a wait.
    Later(Transport),
}

#[derive(Clone, Debug)]
pub(super) struct Ladder {
    /// Transport to fall back to.
    lower: Transport,
    /// WebSockets in a row that died before their first frame.
    mute: u8,
}

impl Default for Ladder {
    fn default() -> Self {
        Self { lower: Transport::EventSource, mute: 0 }
    }
}

impl Ladder {
    /// A carrier brought a frame.
    pub(super) fn spoke(&mut self, transport: Transport) {
        match transport {
            Transport::WebSocket => self.mute = 0,
            Transport::EventSource | Transport::Poll => self.lower = transport,
            Transport::Tab => {}
        }
    }

    /// Another network, perhaps: what is known of the old one does not count.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// A carrier ended.
    pub(super) fn step(&mut self, transport: Transport, end: End) -> Step {
        match (transport, end) {
            // The tab that leads has a ladder of its own; asking it again costs nothing.
            (Transport::Tab, _) => Step::Now(Transport::Tab),
            (Transport::WebSocket, End::Unopened) => self.fall(),
            (Transport::WebSocket, End::Mute | End::Silent) => {
                self.mute = self.mute.saturating_add(1);
                if self.mute < MUTE { Step::Later(transport) } else { self.fall() }
            }
            (Transport::WebSocket, End::Gone | End::Cut) => Step::Later(transport),
            (Transport::EventSource, End::Silent) => Step::Now(Transport::Poll),
            (_, End::Unopened | End::Mute | End::Silent) => {
                self.forget();
                Step::Later(Transport::WebSocket)
            }
            (_, End::Gone) => Step::Now(transport),
            (_, End::Cut) => Step::Later(transport),
        }
    }

    fn fall(&mut self) -> Step {
        self.mute = 0;
        Step::Now(self.lower)
    }
}
