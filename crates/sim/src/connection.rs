//! One connection, as the server has it.

use std::collections::VecDeque;
use std::pin::Pin;

use madang_protocol::CloseCode;
use madang_server::session::{Outgoing, Session};

use crate::link::{Down, LinkId, Up};
use crate::scenario::Ms;
use crate::wire::Wire;

/// Between two pings. Shorter than the server's own, so that stories are short.
pub(crate) const HEARTBEAT: Ms = 8_000;

pub(crate) struct Connection {
    pub(crate) link: LinkId,
    pub(crate) device: usize,
    pub(crate) session: Talk,
    pub(crate) inbox: VecDeque<Up>,
    pub(crate) unsent: VecDeque<Down>,
    pub(crate) wire: Wire,
    /// The network takes nothing more, since then.
    pub(crate) blocked: Option<Ms>,
    /// Something came since the last ping.
    pub(crate) heard: bool,
    /// A turn is due.
    pub(crate) turning: bool,
}

/// The session, where it stands.
pub(crate) enum Talk {
    /// There was no `hello` yet.
    Silent,
    Ready(Box<Session>),
    /// It waits for the store, and does nothing else meanwhile, as in the real loop.
    Busy(Pin<Box<dyn Future<Output = Done>>>),
}

/// Result of a session's step: the session, unless it could not begin, the frames to send, and a code to end with.
pub(crate) struct Done {
    pub(crate) session: Option<Box<Session>>,
    pub(crate) out: Vec<Outgoing>,
    pub(crate) end: Option<CloseCode>,
}

impl Talk {
    /// The session, if it is free to do something.
    pub(crate) fn session(&mut self) -> Option<&mut Session> {
        if let Self::Ready(session) = self { Some(session) } else { None }
    }

    /// Takes the session out, to make it busy.
    pub(crate) fn take(&mut self) -> Option<Box<Session>> {
        match std::mem::replace(self, Self::Silent) {
            Self::Ready(session) => Some(session),
            other => {
                *self = other;
                None
            }
        }
    }
}

/// End of a turn.
pub(crate) enum Turn {
    /// Something was done.
    Again,
    /// The store has to be waited for.
    Waits,
    /// There was nothing to do.
    Idle,
    /// The connection ends: with a code that the server chose, or because the peer is gone.
    End(Option<CloseCode>),
}
