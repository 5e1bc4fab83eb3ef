//! State of a protocol until its session begins.

use std::future::poll_fn;

use madang_protocol::{CloseCode, Person, UnixMs};
use tokio_util::sync::CancellationToken;

use crate::connection::peer::Peer;
use crate::connection::scheduler::Scheduler;
use crate::connection::transport::{End, Incoming, Transport};
use crate::room::Rooms;
use crate::session::{Session, SessionOptions};

/// A connection without a session. Its first frames have to come before the scheduler's heartbeat timer fires, whatever
/// else it sends meanwhile.
pub struct Handshake<'a, T, S> {
    /// The rooms that the session will be in.
    pub rooms: &'a Rooms,
    /// The other end.
    pub peer: Peer,
    /// Options of the session.
    pub options: SessionOptions,
    /// Cancelled when the server stops.
    pub stop: &'a CancellationToken,
    /// The transport.
    pub transport: &'a mut T,
    /// Time; its heartbeat timer is set.
    pub scheduler: &'a mut S,
}

impl<T: Transport, S: Scheduler> Handshake<'_, T, S> {
    /// Waits for the next thing that the client sends; bare signs of life are passed over.
    ///
    /// # Errors
    /// [`CloseCode::NO_HELLO`] when its time is over; [`CloseCode::RESTART`] when the server's is.
    pub(crate) async fn next(&mut self) -> Result<Incoming, End> {
        loop {
            tokio::select! {
                // In this order, which a simulation can repeat.
                biased;
                () = self.stop.cancelled() => return Err(End::Close(CloseCode::RESTART)),
                _ = poll_fn(|context| self.scheduler.poll_timer(context)) => {
                    return Err(End::Close(CloseCode::NO_HELLO));
                }
                incoming = self.transport.next() => match incoming? {
                    Incoming::Life => self.transport.flush().await?,
                    data => {
                        self.rooms.metrics().frames_in.inc();
                        return Ok(data);
                    }
                }
            }
        }
    }

    /// Returns the person that the request named.
    ///
    /// # Errors
    /// [`CloseCode::LOGIN_GONE`] if it named nobody, for protocols that do not ask themselves.
    pub(crate) fn you(&self) -> Result<Person, End> {
        self.peer.you.clone().ok_or(End::Close(CloseCode::LOGIN_GONE))
    }

    /// Returns the steady time.
    pub(crate) fn now(&self) -> UnixMs {
        self.scheduler.now()
    }

    /// Begins the session of this person.
    pub(crate) fn session(&self, you: Person) -> Session {
        Session::join(self.rooms.clone(), you, &self.options, self.now())
    }
}
