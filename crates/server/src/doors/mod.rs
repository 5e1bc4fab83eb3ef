//! The doors: what each kind of client speaks, turned into what the one session takes, and back. A door adds no
//! second way to post, to read or to be somebody.
//!
//! A door stands between a connection's transport and its session. The loop in `connection` moves what comes and
//! keeps time; the door knows the form of what is said, and nothing of sockets.

pub mod madang;
mod names;
mod opening;
mod plain;
mod stomp;
mod stream;

use std::time::Duration;

use madang_protocol::{CloseCode, UnixMs};

use crate::connection::{End, Incoming, Pulse, Transport};
use crate::session::{Said, Session};

pub(crate) use madang::Madang;
pub(crate) use names::guest_name;
pub(crate) use opening::Opening;
pub(crate) use plain::{Asked, Plain};
pub(crate) use stomp::Stomp;
pub(crate) use stream::Stream;

/// What one kind of client speaks.
pub(crate) trait Door: Send {
    /// As in the counters and the log.
    const NAME: &'static str;

    /// Begins the conversation: hears what the client says first, if it has to say something, and answers it.
    ///
    /// # Errors
    /// Why it ends before it began.
    fn open(
        &mut self,
        opening: Opening<'_, impl Transport>,
    ) -> impl Future<Output = Result<(Session, Vec<Said>), End>> + Send;

    /// Takes what came from the client, and asks the session for what it means. What the session answers goes
    /// to `out`; what the door itself answers goes to the transport.
    ///
    /// # Errors
    /// Why the connection cannot go on.
    fn hear(
        &mut self,
        heard: Incoming,
        talk: Talk<'_, impl Transport>,
    ) -> impl Future<Output = Result<(), End>> + Send;

    /// Gives the transport what the session said, in this door's form.
    ///
    /// # Errors
    /// Why the connection cannot go on.
    fn say(&mut self, said: Said, session: &mut Session, transport: &mut impl Transport) -> Result<(), End>;

    /// How often this client is asked for a sign of life, if the server does so each `heartbeat`.
    fn pulse(&self, heartbeat: Duration) -> Pulse {
        Pulse::new(Some(heartbeat))
    }

    /// Asks for a sign of life, and gives one.
    fn beat(&mut self, talk: Talk<'_, impl Transport>) {
        talk.transport.ping();
    }

    /// Says a word, as its pulse has promised.
    fn word(&mut self, _: &mut impl Transport) {}

    /// The connection ends: the last that it wants of its session.
    fn leave(&mut self, _: &mut Session) {}

    /// Says why the server ends the connection, before it does, where the door has a form for that.
    fn bye(&mut self, code: CloseCode, retry_after_ms: u32, transport: &mut impl Transport);
}

/// What a door works with.
pub(crate) struct Talk<'a, T> {
    pub(crate) session: &'a mut Session,
    pub(crate) transport: &'a mut T,
    pub(crate) out: &'a mut Vec<Said>,
    pub(crate) now: UnixMs,
}
