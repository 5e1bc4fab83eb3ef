//! One connection: one task, one loop, whatever carries it. It moves frames between the transport and the session,
//! keeps time, and closes; what frames mean is the session's business.

mod close;
pub mod connection_loop;
pub mod heartbeat;
pub(crate) mod http_session;
pub mod http_sessions;
pub mod peer;
pub mod scheduler;
pub(crate) mod streamed;
pub(crate) mod tcp;
pub mod transport;
mod unacked_frames;
pub(crate) mod websocket;

use std::net::IpAddr;
use std::time::Duration;

use madang_protocol::{CloseCode, UserId};
use tokio::time::timeout;

use crate::asker;
use crate::protocols::{ClientProtocol, Handshake, Madang};
use crate::session::{Outgoing, Session, SessionOptions};
use crate::state::App;

use connection_loop::{ConnectionLoop, LONGEST_PAUSE_MS};
use peer::Peer;
use scheduler::{Scheduler, Timer, TokioScheduler};
use transport::{End, Transport};

/// Runs one connection from its beginning to its end.
pub(crate) fn run<P: ClientProtocol, T: Transport>(
    app: &App,
    transport: T,
    protocol: P,
    peer: Box<Peer>,
) -> impl Future<Output = ()> + Send + use<P, T> {
    let (app, address) = (app.clone(), peer.address);
    let scheduler = TokioScheduler::new(app.clone());
    // A future keeps room for what it is given, and again where it uses it: it is given boxes.
    let connection = Box::new(Connection { app, address, transport, protocol, scheduler });
    asker::on_behalf_of(address, run_to_its_end(connection, peer))
}

/// Parts that a connection has to its end.
struct Connection<T, P> {
    app: App,
    address: IpAddr,
    transport: T,
    protocol: P,
    scheduler: TokioScheduler,
}

/// Result of a handshake: the session, and the first frames.
type Opened = Box<(Session, Vec<Outgoing>)>;

async fn run_to_its_end<T: Transport, P: ClientProtocol>(
    mut connection: Box<Connection<T, P>>,
    peer: Box<Peer>,
) {
    // On the heap, as all that an open connection does not need: its task keeps room for its largest step.
    let end = match Box::pin(connection.open(*peer)).await {
        Ok(opened) => connection.talk(opened).await,
        Err(end) => end,
    };
    Box::pin(connection.close(end)).await;
}

impl<T: Transport, P: ClientProtocol> Connection<T, P> {
    async fn open(&mut self, peer: Peer) -> Result<Opened, End> {
        let Self { app, address, transport, protocol, scheduler } = self;
        let stop = &app.stop;
        let (you, from) = (peer.you.as_ref().map(|you| &you.id), (*address).into());
        if app.rooms.access().is_banned(you, from) {
            return Err(End::Close(CloseCode::BANNED));
        }
        let wait_ms = app.rooms.count_opening(you, from, app.now());
        if wait_ms > 0 {
            let pause = Duration::from_millis(wait_ms.min(LONGEST_PAUSE_MS).into());
            let _ = timeout(pause, stop.cancelled()).await;
        }
        let options = SessionOptions {
            from,
            frame_rate: app.frame_rate(),
            heartbeat_ms: u32::try_from(app.config.heartbeat().as_millis()).unwrap_or(u32::MAX),
        };
        scheduler.set(Timer::Heartbeat, app.config.hello_timeout());
        let handshake = Handshake { rooms: &app.rooms, peer, options, stop, transport, scheduler };
        protocol.open(handshake).await.map(Box::new)
    }

    async fn talk(&mut self, opened: Opened) -> End {
        let you = opened.0.you().id.clone();
        self.app.metrics.opened(P::NAME);
        journal::<P>("connected", &you, self.address);
        let end = self.run_loop(opened).await;
        self.app.metrics.ended(P::NAME);
        journal::<P>("disconnected", &you, self.address);
        end
    }

    /// No `async fn`, which would keep room for the session where it is unpacked.
    fn run_loop(&mut self, opened: Opened) -> impl Future<Output = End> {
        let (session, out) = *opened;
        let heartbeat = self.app.config.heartbeat();
        let mut running = Box::new(ConnectionLoop::new(&mut self.protocol, session, out, heartbeat));
        let (transport, scheduler) = (&mut self.transport, &mut self.scheduler);
        async move { running.run(transport, scheduler).await }
    }

    async fn close(&mut self, end: End) {
        let Self { app, address, transport, protocol, .. } = self;
        match end {
            End::Close(code) => {
                app.metrics.closed(code);
                close::tell(code, transport.carrier(), *address);
                protocol.on_close(code, app.back_after(code), transport);
                close::close(transport, code).await;
            }
            End::Gone => close::answer(transport).await,
        }
    }
}

/// Logs who connects and disconnects. Pages do so all day, and by the thousand after a restart: theirs is logged for
/// debugging alone.
fn journal<P: ClientProtocol>(what: &'static str, user: &UserId, address: IpAddr) {
    if P::NAME == Madang::NAME {
        tracing::debug!(protocol = P::NAME, %user, %address, "{what}");
    } else {
        tracing::info!(protocol = P::NAME, %user, %address, "{what}");
    }
}

/// Turns away a connection: one too many for its address, or of somebody who is banned.
pub(crate) async fn turn_away(
    app: &App,
    mut transport: impl Transport,
    mut protocol: impl ClientProtocol,
    address: IpAddr,
    code: CloseCode,
) {
    app.metrics.closed(code);
    close::tell(code, transport.carrier(), address);
    protocol.on_close(code, 0, &mut transport);
    close::close(&mut transport, code).await;
}

#[cfg(test)]
mod tests {
    use tokio::time::Sleep;

    use super::websocket::WebSocketTransport;
    use super::*;
    use crate::hub::Queue;

    /// An idle connection costs all of this, all its life; beside it its task, a socket's state in tokio, and its rows
    /// in the tables of the hub. The allocator's classes are an eighth apart.
    #[test]
    fn parts_of_idle_connection_stay_small() {
        let parts = [
            ("connection", size_of::<Connection<WebSocketTransport, Madang>>(), 320),
            ("transport", size_of::<WebSocketTransport>(), 256),
            ("loop", size_of::<ConnectionLoop<'_, Madang>>(), 576),
            ("session", size_of::<Session>(), 384),
            ("queue", size_of::<Queue>(), 96),
            ("timer", size_of::<Sleep>(), 128),
        ];
        for (part, bytes, most) in parts {
            println!("{part}: {bytes} bytes");
            assert!(bytes <= most, "{part}: {bytes} bytes");
        }
    }
}
