//! One connection: one task, one `select!` loop, whatever carries it. It moves frames between the transport and
//! the session, keeps time, and closes; what frames mean is the session's business.

mod farewell;
mod mailbox;
mod mailboxes;
mod outbox;
mod pulse;
mod transport;
mod websocket;
mod wire;

use std::net::IpAddr;

use madang_protocol::{CloseCode, Person};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::encoded::Encoded;
use crate::hub::Taken;
use crate::session::{MAX_PENDING, Session, Terms};

use pulse::{Beat, Pulse};
use transport::{End, Incoming, Transport};

pub(crate) use mailbox::{Gone, LoginKey, Mailbox, Parcel, Reader, Received};
pub use mailboxes::Mailboxes;
pub(crate) use mailboxes::NotFound;
pub(crate) use wire::Wire;

/// Who is at the other end.
pub(crate) struct Peer {
    pub(crate) you: Person,
    pub(crate) address: IpAddr,
}

/// Runs one connection from its beginning to its end.
pub(crate) async fn run(app: App, mut transport: impl Transport, peer: Peer, stop: CancellationToken) {
    let Peer { you, address } = peer;
    let end = match hello(&app, &mut transport, you, &stop).await {
        Ok((session, out)) => Box::pin(converse(&app, &mut transport, session, out)).await,
        Err(end) => end,
    };
    match end {
        End::Close(code) => {
            app.metrics.closed(code);
            farewell::tell(code, transport.carrier(), address);
            farewell::close(&mut transport, code, app.back_after(code)).await;
        }
        End::Gone => farewell::answer(&mut transport).await,
    }
}

/// Turns away a connection that is one too many for its address.
pub(crate) async fn turn_away(app: &App, mut wire: Wire, address: IpAddr) {
    app.metrics.closed(CloseCode::OVER_LIMIT);
    farewell::tell(CloseCode::OVER_LIMIT, wire.carrier(), address);
    farewell::close(&mut wire, CloseCode::OVER_LIMIT, 0).await;
}

/// Waits for the first frame, and begins the session with it.
async fn hello(
    app: &App,
    transport: &mut impl Transport,
    you: Person,
    stop: &CancellationToken,
) -> Result<(Session, Vec<Encoded>), End> {
    let deadline = sleep(app.config.hello_timeout());
    tokio::pin!(deadline);
    let text = loop {
        tokio::select! {
            () = stop.cancelled() => return Err(End::Close(CloseCode::RESTART)),
            () = &mut deadline => return Err(End::Close(CloseCode::NO_HELLO)),
            incoming = transport.next() => match incoming? {
                Incoming::Frame(text) => break text,
                Incoming::Life => transport.flush().await?,
            }
        }
    };
    let terms = Terms {
        frame_rate: app.frame_rate(),
        heartbeat_ms: u32::try_from(app.config.heartbeat().as_millis()).unwrap_or(u32::MAX),
    };
    let mut out = Vec::new();
    app.metrics.frames_in.inc();
    let session = Session::begin(app.rooms.clone(), you, &terms, &text, app.now(), &mut out)
        .await
        .map_err(End::Close)?;
    Ok((session, out))
}

/// The loop. Each turn first writes what is to be said, in one go.
async fn converse(
    app: &App,
    transport: &mut impl Transport,
    mut session: Session,
    mut out: Vec<Encoded>,
) -> End {
    let queue = session.queue();
    let mut batch = Vec::new();
    let mut pulse = Pulse::new(app.config.heartbeat());
    // Made once: a timer that is set anew at each turn would cost as much as a delivery.
    let timer = sleep(app.config.heartbeat());
    tokio::pin!(timer);
    loop {
        if let Err(end) = write(app, transport, &mut out).await {
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
            incoming = transport.next(), if session.pending() < MAX_PENDING => {
                pulse.heard = true;
                if let Err(end) = receive(app, &mut session, incoming, &mut out).await {
                    return end;
                }
            }
            () = &mut timer => {
                let (beat, next) = pulse.beat();
                timer.as_mut().reset(Instant::now() + next);
                match beat {
                    Beat::Ping => {
                        session.heads(app.now(), &mut out);
                        transport.ping();
                    }
                    Beat::Alive => {}
                    Beat::Dead => return End::Close(CloseCode::NO_PONG),
                }
            }
            () = std::future::ready(()), if session.is_behind() => session.catch_up(&mut out).await,
        }
    }
}

/// Passes what came from the peer to the session. A bare sign of life counts as a frame: a flood is a flood.
async fn receive(
    app: &App,
    session: &mut Session,
    incoming: Result<Incoming, End>,
    out: &mut Vec<Encoded>,
) -> Result<(), End> {
    let incoming = incoming?;
    app.metrics.frames_in.inc();
    session.admit(app.now()).map_err(End::Close)?;
    match incoming {
        Incoming::Frame(text) => session.receive(&text, app.now(), out).await.map_err(End::Close),
        Incoming::Life => Ok(()),
    }
}

/// An idle connection keeps no memory of its busiest moment.
fn shrink<T>(emptied: &mut Vec<T>) {
    if emptied.capacity() > 64 {
        *emptied = Vec::new();
    }
}

/// Writes all that is to be said with as few system calls as the transport allows.
async fn write(app: &App, transport: &mut impl Transport, out: &mut Vec<Encoded>) -> Result<(), End> {
    if !out.is_empty() {
        app.metrics.frames_out.inc_by(out.len() as u64);
        out.drain(..).for_each(|frame| transport.text(frame));
        shrink(out);
    }
    if transport.has_output() { transport.flush().await } else { Ok(()) }
}
