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
use crate::connection::scheduler::Scheduler;
use crate::connection::transport::{End, Incoming, Transport};
use crate::session::{Outgoing, Session};

pub use handshake::Handshake;
pub use madang::Madang;
pub(crate) use names::guest_name;
pub(crate) use plain::{Plain, PlainQuery};
pub(crate) use stomp::Stomp;
pub(crate) use stream::Stream;

/// Codec of one kind of client.
pub trait ClientProtocol: Send {
    /// Its name in the counters and the log.
    const NAME: &'static str;

    /// Begins the conversation: receives the client's first frame, if it has to send one, and answers it.
    ///
    /// # Errors
    /// Reason why it ends before it began.
    fn open(
        &mut self,
        handshake: Handshake<'_, impl Transport, impl Scheduler>,
    ) -> impl Future<Output = Result<(Session, Vec<Outgoing>), End>> + Send;

    /// Decodes input from the client, and passes it to the session. The session's answers go to `out`; the protocol's
    /// own answers go to the transport.
    ///
    /// # Errors
    /// Reason why the connection cannot go on.
    fn on_incoming(
        &mut self,
        incoming: Incoming,
        context: Context<'_, impl Transport>,
    ) -> impl Future<Output = Result<(), End>> + Send;

    /// Encodes frames of the session in this protocol's form, and gives them to the transport.
    ///
    /// # Errors
    /// Reason why the connection cannot go on.
    fn encode(
        &mut self,
        outgoing: Outgoing,
        session: &mut Session,
        transport: &mut impl Transport,
    ) -> Result<(), End>;

    /// Returns this client's heartbeat, where the server sends a ping each `every`.
    fn heartbeat(&self, every: Duration) -> Heartbeat {
        Heartbeat::new(Some(every))
    }

    /// Asks for a sign of life, and gives one.
    fn ping(&mut self, context: Context<'_, impl Transport>) {
        context.transport.ping();
    }

    /// Sends a frame without content, as its heartbeat has promised.
    fn keepalive(&mut self, _: &mut impl Transport) {}

    /// Does the last that it wants of its session: the connection ends.
    fn on_end(&mut self, _: &mut Session) {}

    /// Sends the reason why the server ends the connection, before it does, where the protocol has a form for that.
    fn on_close(&mut self, code: CloseCode, retry_after_ms: u32, transport: &mut impl Transport);
}

/// Parts that a protocol works with.
pub struct Context<'a, T> {
    /// The session.
    pub session: &'a mut Session,
    /// The transport, for the protocol's own answers.
    pub transport: &'a mut T,
    /// Answers of the session.
    pub out: &'a mut Vec<Outgoing>,
    /// The steady time.
    pub now: UnixMs,
}
