//! One WebSocket connection: one task, one `select!` loop. It moves frames between the socket and the
//! session, keeps time, and closes; what frames mean is the session's business.

mod farewell;
mod pulse;
mod wire;

use std::io::ErrorKind;

use madang_protocol::{CloseCode, Person};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tungstenite::Message;
use tungstenite::error::{CapacityError, Error as WsError, ProtocolError};

use crate::app::App;
use crate::encoded::Encoded;
use crate::hub::Taken;
use crate::session::{MAX_PENDING, Session, Terms};

use pulse::{Beat, Pulse};
pub(crate) use wire::Wire;

/// Why the loop ended.
enum End {
    /// The peer closed, or the network did.
    Gone,
    /// The server closes, with this code.
    Close(CloseCode),
}

/// Runs one connection from its upgrade to its end.
pub(crate) async fn run(app: App, mut wire: Wire, you: Person, stop: CancellationToken) {
    app.metrics.connections.inc();
    let end = match hello(&app, &mut wire, you, &stop).await {
        Ok((session, out)) => Box::pin(converse(&app, &mut wire, session, out)).await,
        Err(end) => end,
    };
    match end {
        End::Close(code) => {
            app.metrics.closed(code);
            farewell::close(&mut wire, code, app.random()).await;
        }
        End::Gone => farewell::answer(&mut wire).await,
    }
    app.metrics.connections.dec();
}

/// Turns away a connection that is one too many for its address.
pub(crate) async fn turn_away(mut wire: Wire) {
    farewell::close(&mut wire, CloseCode::OVER_LIMIT, 0).await;
}

/// Waits for the first frame, and begins the session with it.
async fn hello(
    app: &App,
    wire: &mut Wire,
    you: Person,
    stop: &CancellationToken,
) -> Result<(Session, Vec<Encoded>), End> {
    let deadline = sleep(app.config.hello_timeout());
    tokio::pin!(deadline);
    let text = loop {
        tokio::select! {
            () = stop.cancelled() => return Err(End::Close(CloseCode::RESTART)),
            () = &mut deadline => return Err(End::Close(CloseCode::NO_HELLO)),
            message = wire.next() => {
                if let Some(text) = text_of(message)? { break text }
                flush(wire).await?;
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
async fn converse(app: &App, wire: &mut Wire, mut session: Session, mut out: Vec<Encoded>) -> End {
    let queue = session.queue();
    let mut batch = Vec::new();
    let mut pulse = Pulse::new(app.config.heartbeat());
    // Made once: a timer that is set anew at each turn would cost as much as a delivery.
    let timer = sleep(app.config.heartbeat());
    tokio::pin!(timer);
    loop {
        if let Err(end) = write(app, wire, &mut out).await {
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
            message = wire.next(), if session.pending() < MAX_PENDING => {
                pulse.heard = true;
                if let Err(end) = receive(app, &mut session, message, &mut out).await {
                    return end;
                }
            }
            () = &mut timer => {
                let (beat, next) = pulse.beat();
                timer.as_mut().reset(Instant::now() + next);
                match beat {
                    Beat::Ping { heads } => {
                        if heads {
                            session.heads(app.now(), &mut out);
                        }
                        wire.ping();
                    }
                    Beat::Alive => {}
                    Beat::Dead => return End::Close(CloseCode::NO_PONG),
                }
            }
            () = std::future::ready(()), if session.is_behind() => session.catch_up(&mut out).await,
        }
    }
}

/// Passes one message of the peer to the session. Control frames count as frames: a flood is a flood.
async fn receive(
    app: &App,
    session: &mut Session,
    message: Option<Result<Message, WsError>>,
    out: &mut Vec<Encoded>,
) -> Result<(), End> {
    let text = text_of(message)?;
    app.metrics.frames_in.inc();
    session.admit(app.now()).map_err(End::Close)?;
    match text {
        Some(text) => session.receive(&text, app.now(), out).await.map_err(End::Close),
        None => Ok(()),
    }
}

/// An idle connection keeps no memory of its busiest moment.
fn shrink<T>(emptied: &mut Vec<T>) {
    if emptied.capacity() > 64 {
        *emptied = Vec::new();
    }
}

/// Writes all that is to be said with as few system calls as the socket allows.
async fn write(app: &App, wire: &mut Wire, out: &mut Vec<Encoded>) -> Result<(), End> {
    if !out.is_empty() {
        app.metrics.frames_out.inc_by(out.len() as u64);
        out.drain(..).for_each(|frame| wire.text(&frame));
        shrink(out);
    }
    if wire.has_output() { flush(wire).await } else { Ok(()) }
}

async fn flush(wire: &mut Wire) -> Result<(), End> {
    wire.flush().await.map_err(|error| match error.kind() {
        ErrorKind::TimedOut => End::Close(CloseCode::STALLED),
        _ => End::Gone,
    })
}

/// The text of a message, nothing for a control frame, or the end.
fn text_of(message: Option<Result<Message, WsError>>) -> Result<Option<Encoded>, End> {
    match message {
        Some(Ok(Message::Text(text))) => Ok(Some(text)),
        // A bare frame is something that tungstenite writes, and never reads.
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
        Some(Ok(Message::Binary(_))) => Err(End::Close(CloseCode::PROTOCOL_ERROR)),
        Some(Ok(Message::Close(_))) | None => Err(End::Gone),
        Some(Err(error)) => Err(unreadable(error)),
    }
}

/// What the WebSocket layer could not read.
fn unreadable(error: WsError) -> End {
    match error {
        WsError::Capacity(CapacityError::MessageTooLong { .. }) => End::Close(CloseCode::TOO_BIG),
        WsError::Utf8(_) => End::Close(CloseCode::NOT_UTF8),
        WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::Gone,
        WsError::Protocol(error) => {
            tracing::debug!(%error, "a peer broke the WebSocket protocol");
            End::Close(CloseCode(1002))
        }
        _ => End::Gone,
    }
}
