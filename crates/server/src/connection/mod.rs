//! One connection: one task, one loop, whatever carries it. It moves frames between the transport and the session,
//! keeps time, and closes; what frames mean is the session's business.

mod close;
mod close_frame;
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
use tokio_util::sync::CancellationToken;

use crate::asker;
use crate::protocols::{ClientProtocol, Handshake, Madang};
use crate::session::SessionOptions;
use crate::state::App;

use connection_loop::{ConnectionLoop, LONGEST_PAUSE_MS};
use peer::Peer;
use scheduler::{Scheduler, Timer, TokioScheduler};
use transport::{End, Transport};

/// Runs one connection from its beginning to its end.
pub(crate) fn run<P: ClientProtocol>(
    app: App,
    transport: impl Transport,
    protocol: P,
    peer: Peer,
    stop: CancellationToken,
) -> impl Future<Output = ()> + Send {
    let address = peer.address;
    asker::on_behalf_of(address, run_to_its_end(app, transport, protocol, peer, stop))
}

async fn run_to_its_end<P: ClientProtocol>(
    app: App,
    mut transport: impl Transport,
    mut protocol: P,
    peer: Peer,
    stop: CancellationToken,
) {
    let address = peer.address;
    if app.rooms.is_banned(peer.you.as_ref().map(|you| &you.id), address.into()) {
        return Box::pin(turn_away(&app, transport, protocol, address, CloseCode::BANNED)).await;
    }
    let wait_ms = app.rooms.count_opening(peer.you.as_ref().map(|you| &you.id), address.into(), app.now());
    if wait_ms > 0 {
        let pause = Duration::from_millis(wait_ms.min(LONGEST_PAUSE_MS).into());
        let _ = Box::pin(timeout(pause, stop.cancelled())).await;
    }
    let heartbeat = app.config.heartbeat();
    let options = SessionOptions {
        from: address.into(),
        frame_rate: app.frame_rate(),
        heartbeat_ms: u32::try_from(heartbeat.as_millis()).unwrap_or(u32::MAX),
    };
    let mut scheduler = TokioScheduler::new(app.clone());
    scheduler.set(Timer::Heartbeat, app.config.hello_timeout());
    let (transport, scheduler) = (&mut transport, &mut scheduler);
    let handshake = Handshake { rooms: &app.rooms, peer, options, stop: &stop, transport, scheduler };
    // On the heap, as all that an open connection does not need: its task keeps room for its largest step.
    let end = match Box::pin(protocol.open(handshake)).await {
        Ok((session, out)) => {
            app.metrics.opened(P::NAME);
            let you = session.you().id.clone();
            journal::<P>("connected", &you, address);
            let connection_loop = ConnectionLoop::new(&mut protocol, session, out, heartbeat);
            let end = Box::pin(connection_loop.run(transport, scheduler)).await;
            app.metrics.ended(P::NAME);
            journal::<P>("disconnected", &you, address);
            end
        }
        Err(end) => end,
    };
    match end {
        End::Close(code) => {
            app.metrics.closed(code);
            close::tell(code, transport.carrier(), address);
            protocol.on_close(code, app.back_after(code), transport);
            Box::pin(close::close(transport, code)).await;
        }
        End::Gone => Box::pin(close::answer(transport)).await,
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
