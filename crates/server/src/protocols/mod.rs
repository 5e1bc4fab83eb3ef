//! The protocols, the server's codecs: what each kind of client speaks, turned into what the one session takes, and back. A protocol adds no
//! second way to post, to read or to be somebody.
//!
//! A protocol stands between a connection's transport and its session. The loop in `connection` moves what comes and
//! keeps time; the protocol knows the form of frames, and nothing of sockets.

mod handshake;
pub mod madang;
mod names;
mod plain;
mod stomp;
mod stream;

use std::time::Duration;

use madang_protocol::{CloseCode, UnixMs};

use crate::connection::heartbeat::Heartbeat;
use crate::connection::transport::{End, Incoming, Transport};
use crate::session::{Outgoing, Session};

pub(crate) use handshake::Handshake;
pub(crate) use madang::Madang;
pub(crate) use names::guest_name;
pub(crate) use plain::{Asked, Plain};
pub(crate) use stomp::Stomp;
pub(crate) use stream::Stream;

/// Codec of one kind of client.
pub(crate) trait ClientProtocol: Send {
    /// As in the counters and the log.
    const NAME: &'static str;

    /// Begins the conversation: receives the client's first frame, if it has to send one, and answers it.
    ///
    /// # Errors
    /// Reason why it ends before it began.
    fn open(
        &mut self,
        opening: Handshake<'_, impl Transport>,
    ) -> impl Future<Output = Result<(Session, Vec<Outgoing>), End>> + Send;

    /// Decodes input from the client, and passes it to the session. The session's answers go to `out`; the protocol's
    /// own answers go to the transport.
    ///
    /// # Errors
    /// Reason why the connection cannot go on.
    fn on_incoming(
        &mut self,
        heard: Incoming,
        talk: Context<'_, impl Transport>,
    ) -> impl Future<Output = Result<(), End>> + Send;

    /// Encodes frames of the session in this protocol's form, and gives them to the transport.
    ///
    /// # Errors
    /// Reason why the connection cannot go on.
    fn encode(
        &mut self,
        said: Outgoing,
        session: &mut Session,
        transport: &mut impl Transport,
    ) -> Result<(), End>;

    /// Returns the heartbeat for this client, if the server pings each `heartbeat`.
    fn pulse(&self, heartbeat: Duration) -> Heartbeat {
        Heartbeat::new(Some(heartbeat))
    }

    /// Asks for a sign of life, and gives one.
    fn heartbeat(&mut self, talk: Context<'_, impl Transport>) {
        talk.transport.ping();
    }

    /// Says a word, as its pulse has promised.
    fn keepalive(&mut self, _: &mut impl Transport) {}

    /// The connection ends: the last that it wants of its session.
    fn on_end(&mut self, _: &mut Session) {}

    /// Says why the server ends the connection, before it does, where the protocol has a form for that.
    fn on_close(&mut self, code: CloseCode, retry_after_ms: u32, transport: &mut impl Transport);
}

/// Parts that a protocol works with.
pub(crate) struct Context<'a, T> {
    pub(crate) session: &'a mut Session,
    pub(crate) transport: &'a mut T,
    pub(crate) out: &'a mut Vec<Outgoing>,
    pub(crate) now: UnixMs,
}
