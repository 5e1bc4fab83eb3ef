//! The connection, as people and tests see it.

use madang_protocol::{CloseCode, UnixMs};

use super::{Link, Phase};
use crate::{Conn, ReadyState, Transport};

/// The connection, as people and tests see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkView {
    /// The socket's state.
    pub ready_state: ReadyState,
    /// Means by which frames are carried.
    pub transport: Transport,
    /// True if the session is established: `welcome` was received, writes go out.
    pub connected: bool,
    /// Time of the next attempt, while none is made.
    pub retry_at: Option<UnixMs>,
    /// There is no session, for 5 s or more: tell the person.
    pub trouble: bool,
    /// The browser reports no network.
    pub offline: bool,
    /// The server does not want this client back by itself, and why: offer [`crate::Event::Reconnect`].
    pub ended: Option<CloseCode>,
    /// The carrier.
    pub conn: Conn,
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
            transport: self.transport,
            connected: self.is_up(),
            retry_at: if let Phase::Waiting { retry_at } = self.phase { Some(retry_at) } else { None },
            trouble: self.trouble,
            offline: self.offline,
            ended: self.ended(),
            conn: self.conn,
        }
    }
}
