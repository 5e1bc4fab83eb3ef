//! State of a protocol until its session begins.

use madang_protocol::{CloseCode, Person, UnixMs};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::connection::peer::Peer;
use crate::connection::transport::{End, Incoming, Transport};
use crate::session::{Session, Terms};
use crate::state::App;

/// A connection without a session. It has so long for its first frames, whatever it sends meanwhile.
pub(crate) struct Handshake<'a, T> {
    pub(crate) app: &'a App,
    pub(crate) transport: &'a mut T,
    pub(crate) peer: Peer,
    stop: &'a CancellationToken,
    deadline: Instant,
}

impl<'a, T: Transport> Handshake<'a, T> {
    pub(crate) fn new(app: &'a App, transport: &'a mut T, peer: Peer, stop: &'a CancellationToken) -> Self {
        let deadline = Instant::now() + app.config.hello_timeout();
        Self { app, transport, peer, stop, deadline }
    }

    /// Returns the client's next frame; bare signs of life are ignored.
    ///
    /// # Errors
    /// [`CloseCode::NO_HELLO`] when its time is over; [`CloseCode::RESTART`] when the server's is.
    pub(crate) async fn next(&mut self) -> Result<Incoming, End> {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return Err(End::Close(CloseCode::RESTART)),
                () = sleep_until(self.deadline) => return Err(End::Close(CloseCode::NO_HELLO)),
                incoming = self.transport.next() => match incoming? {
                    Incoming::Life => self.transport.flush().await?,
                    said => {
                        self.app.metrics.frames_in.inc();
                        return Ok(said);
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

    /// The steady time.
    pub(crate) fn now(&self) -> UnixMs {
        self.app.now()
    }

    /// The session of this person.
    pub(crate) fn session(&self, you: Person) -> Session {
        let terms = Terms {
            from: self.peer.address.into(),
            frame_rate: self.app.frame_rate(),
            heartbeat_ms: u32::try_from(self.app.config.heartbeat().as_millis()).unwrap_or(u32::MAX),
        };
        Session::join(self.app.rooms.clone(), you, &terms, self.app.now())
    }
}
