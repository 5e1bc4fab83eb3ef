//! One connection: one task, one `select!` loop, whatever carries it. It moves frames between the transport and
//! the session, keeps time, and closes; what frames mean is the session's business.

mod close;
mod close_frame;
pub(crate) mod heartbeat;
pub(crate) mod http_session;
pub mod http_sessions;
pub(crate) mod peer;
pub(crate) mod streamed;
pub(crate) mod tcp;
pub(crate) mod transport;
mod unacked_frames;
mod websocket;
pub(crate) mod wire;

use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use madang_protocol::{CloseCode, UserId};
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::CancellationToken;

use crate::asker;
use crate::hub::Taken;
use crate::protocols::{ClientProtocol, Context, Handshake, Madang};
use crate::session::{MAX_PENDING, Outgoing, Session};
use crate::state::App;

use heartbeat::Beat;
use peer::Peer;
use transport::{End, Incoming, Transport};

/// Bytes that a connection gathers before it lets them leave. Anything else that waits to be sent is shared with
/// others, or one answer.
const GATHERED: usize = 64 * 1024;

/// Longest pause of a connection: shorter than any peer waits for a sign of life. Milliseconds.
const LONGEST_PAUSE_MS: u32 = 5_000;

/// Runs one connection from its beginning to its end.
pub(crate) fn run<D: ClientProtocol>(
    app: App,
    transport: impl Transport,
    protocol: D,
    peer: Peer,
    stop: CancellationToken,
) -> impl Future<Output = ()> + Send {
    let address = peer.address;
    asker::on_behalf_of(address, run_to_its_end(app, transport, protocol, peer, stop))
}

async fn run_to_its_end<D: ClientProtocol>(
    app: App,
    mut transport: impl Transport,
    mut protocol: D,
    peer: Peer,
    stop: CancellationToken,
) {
    let address = peer.address;
    if app.rooms.is_banned(peer.you.as_ref().map(|you| &you.id), address.into()) {
        return Box::pin(turn_away(&app, transport, protocol, address, CloseCode::BANNED)).await;
    }
    let wait_ms = app.rooms.count_opening(peer.you.as_ref().map(|you| &you.id), address.into(), app.now());
    let mut wait = pause_of(wait_ms);
    tokio::select! {
        () = ended(&mut wait) => {}
        () = stop.cancelled() => {}
    }
    let opening = Handshake::new(&app, &mut transport, peer, &stop);
    // On the heap, as all that an open connection does not need: its task keeps room for its largest step.
    let end = match Box::pin(protocol.open(opening)).await {
        Ok((session, out)) => {
            app.metrics.opened(D::NAME);
            let you = session.you().id.clone();
            journal::<D>("connected", &you, address);
            let end = Box::pin(converse(&app, &mut transport, &mut protocol, session, out)).await;
            app.metrics.ended(D::NAME);
            journal::<D>("disconnected", &you, address);
            end
        }
        Err(end) => end,
    };
    match end {
        End::Close(code) => {
            app.metrics.closed(code);
            close::tell(code, transport.carrier(), address);
            protocol.on_close(code, app.back_after(code), &mut transport);
            Box::pin(close::close(&mut transport, code)).await;
        }
        End::Gone => Box::pin(close::answer(&mut transport)).await,
    }
}

/// Logs connects and disconnects. Pages do so all day, and by the thousand after a restart: theirs is for who
/// asks for it.
fn journal<D: ClientProtocol>(what: &'static str, user: &UserId, address: IpAddr) {
    if D::NAME == Madang::NAME {
        tracing::debug!(door = D::NAME, %user, %address, "{what}");
    } else {
        tracing::info!(door = D::NAME, %user, %address, "{what}");
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

/// From the first word to the last.
async fn converse(
    app: &App,
    transport: &mut impl Transport,
    protocol: &mut impl ClientProtocol,
    mut session: Session,
    out: Vec<Outgoing>,
) -> End {
    let end = turns(app, transport, protocol, &mut session, out).await;
    protocol.on_end(&mut session);
    end
}

/// The loop. Each turn first writes what is to be sent, in one go.
async fn turns(
    app: &App,
    transport: &mut impl Transport,
    protocol: &mut impl ClientProtocol,
    session: &mut Session,
    mut out: Vec<Outgoing>,
) -> End {
    let queue = session.queue();
    let mut batch = Vec::new();
    let mut pulse = protocol.pulse(app.config.heartbeat());
    // Made once: a timer that is set anew at each turn would cost as much as a delivery.
    let timer = sleep(pulse.first());
    tokio::pin!(timer);
    let (mut pause, mut read_pause): (Pause, Pause) = (None, None);
    loop {
        if let Err(end) = write(app, transport, protocol, session, &mut out).await {
            return end;
        }
        // In random order: a busy queue must not keep the client's own frames waiting.
        tokio::select! {
            taken = queue.take(&mut batch) => match taken {
                Taken::Frames => {
                    session.deliver(&mut batch, &mut out);
                    shrink(&mut batch);
                }
                Taken::Overflowed => session.recover(&mut out).await,
                Taken::Close(code) => return End::Close(code),
            },
            () = session.settled(&mut out), if session.pending() > 0 => {}
            () = ended(&mut pause), if pause.is_some() => {
                // Frames that the peer sent meanwhile, pings among them, were not read.
                pulse.hears(true);
                pause = None;
            }
            () = ended(&mut read_pause), if read_pause.is_some() => read_pause = None,
            incoming = transport.next(), if session.pending() < MAX_PENDING && pause.is_none() => {
                pulse.hears(matches!(incoming, Ok(Incoming::Text(_) | Incoming::Binary(_))));
                let now = app.now();
                let talk = Context { session: &mut *session, transport: &mut *transport, out: &mut out, now };
                if let Err(end) = receive(app, protocol, incoming, talk).await {
                    return end;
                }
                pause = pause_of(session.take_pause());
            }
            () = &mut timer => {
                let (beat, next) = pulse.beat();
                timer.as_mut().reset(Instant::now() + next);
                match beat {
                    Beat::Ping => {
                        let now = app.now();
                        protocol.heartbeat(Context { session: &mut *session, transport: &mut *transport, out: &mut out, now });
                    }
                    Beat::Word => protocol.keepalive(transport),
                    Beat::Alive => {}
                    Beat::Dead if pause.is_none() => return End::Close(CloseCode::NO_PONG),
                    Beat::Dead => {}
                }
            }
            () = std::future::ready(()), if session.is_behind() && read_pause.is_none() => {
                session.catch_up(app.now(), &mut out).await;
                read_pause = pause_of(session.take_read_pause());
            }
        }
    }
}

/// Passes what came from the peer to the protocol. A bare sign of life counts as a frame: a flood is a flood. How
/// a stream is cut means nothing: there the protocol counts what is in it.
async fn receive(
    app: &App,
    protocol: &mut impl ClientProtocol,
    incoming: Result<Incoming, End>,
    talk: Context<'_, impl Transport>,
) -> Result<(), End> {
    let incoming = incoming?;
    app.metrics.frames_in.inc();
    if !talk.transport.is_stream() {
        talk.session.admit(talk.now).map_err(End::Close)?;
    }
    protocol.on_incoming(incoming, talk).await
}

/// A pause of a connection whose address has used up a budget.
type Pause = Option<Pin<Box<Sleep>>>;

/// Returns a pause of so many milliseconds, at most [`LONGEST_PAUSE_MS`]; no pause for 0.
fn pause_of(ms: u32) -> Pause {
    (ms > 0).then(|| Box::pin(sleep(Duration::from_millis(ms.min(LONGEST_PAUSE_MS).into()))))
}

/// Waits for the end of a pause, if there is one. Cancel safe.
async fn ended(pause: &mut Pause) {
    if let Some(pause) = pause {
        pause.await;
    }
}

/// An idle connection keeps no memory of its busiest moment.
fn shrink<T>(emptied: &mut Vec<T>) {
    if emptied.capacity() > 64 {
        *emptied = Vec::new();
    }
}

/// Writes all that is to be sent with as few system calls as the transport allows.
async fn write(
    app: &App,
    transport: &mut impl Transport,
    protocol: &mut impl ClientProtocol,
    session: &mut Session,
    out: &mut Vec<Outgoing>,
) -> Result<(), End> {
    if !out.is_empty() {
        app.metrics.frames_out.inc_by(out.len() as u64);
        for said in out.drain(..) {
            protocol.encode(said, session, transport)?;
            if transport.output_bytes() >= GATHERED {
                transport.flush().await?;
            }
        }
        shrink(out);
    }
    if transport.has_output() { transport.flush().await } else { Ok(()) }
}
