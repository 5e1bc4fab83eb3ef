//! One WebSocket connection: one task, one `select!` loop. It moves frames between the socket and the
//! session, keeps time, and closes; what frames mean is the session's business.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::{SinkExt, StreamExt};
use madang_protocol::{CloseCode, Person, ServerFrame};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tungstenite::error::{CapacityError, Error as WsError, ProtocolError};

use crate::app::App;
use crate::encoded::{Encoded, encode};
use crate::hub::Taken;
use crate::session::{MAX_PENDING, Session, Terms};

/// A peer that takes nothing of what is written to it for so long has stalled.
const STALL: Duration = Duration::from_secs(10);

/// Time for the answer to a ping, unless the heartbeat is shorter.
const PONG: Duration = Duration::from_secs(10);

/// Time for the peer's answer to our close, after which the connection is dropped.
const GOODBYE: Duration = Duration::from_secs(1);

/// Read buffer of a socket: the default of 128 KiB would be most of an idle connection's memory.
pub const READ_BUFFER: usize = 1024;

/// What is written at once: a batch of the queue. It is allocated when it is needed.
pub const WRITE_BUFFER: usize = crate::hub::BATCH_BYTES;

/// Why the loop ended.
enum End {
    /// The peer closed, or the network did.
    Gone,
    /// The server closes, with this code.
    Close(CloseCode),
}

/// Runs one connection from its upgrade to its end.
pub async fn run(app: App, mut socket: WebSocket, you: Person, stop: CancellationToken) {
    app.metrics.connections.inc();
    let end = match hello(&app, &mut socket, you, &stop).await {
        Ok((session, out)) => Box::pin(converse(&app, &mut socket, session, out)).await,
        Err(end) => end,
    };
    // Best effort, for a peer that may be gone.
    let _ = match end {
        End::Close(code) => {
            app.metrics.closed(code);
            timeout(GOODBYE, close(&mut socket, code, app.random())).await
        }
        // A peer that closed waits for the answer to its close, which is queued: without it its end is not clean.
        End::Gone => timeout(GOODBYE, socket.flush()).await,
    };
    app.metrics.connections.dec();
}

/// Waits for the first frame, and begins the session with it.
async fn hello(
    app: &App,
    socket: &mut WebSocket,
    you: Person,
    stop: &CancellationToken,
) -> Result<(Session, Vec<Encoded>), End> {
    let deadline = sleep(app.config.hello_timeout());
    tokio::pin!(deadline);
    let text = loop {
        tokio::select! {
            () = stop.cancelled() => return Err(End::Close(CloseCode::RESTART)),
            () = &mut deadline => return Err(End::Close(CloseCode::NO_HELLO)),
            message = socket.next() => {
                if let Some(text) = text_of(message)? { break text }
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
async fn converse(app: &App, socket: &mut WebSocket, mut session: Session, mut out: Vec<Encoded>) -> End {
    let queue = session.queue();
    let mut batch = Vec::new();
    let mut pulse = Pulse::new(app.config.heartbeat());
    // Made once: a timer that is set anew at each turn would cost as much as a delivery.
    let timer = sleep(app.config.heartbeat());
    tokio::pin!(timer);
    loop {
        if !out.is_empty()
            && let Err(end) = write(app, socket, &mut out).await
        {
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
            message = socket.next(), if session.pending() < MAX_PENDING => {
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
                        if let Err(end) = written(socket.send(Message::Ping(Default::default()))).await {
                            return end;
                        }
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
    message: Option<Result<Message, axum::Error>>,
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

/// Writes all of `out` with as few system calls as the socket allows.
async fn write(app: &App, socket: &mut WebSocket, out: &mut Vec<Encoded>) -> Result<(), End> {
    app.metrics.frames_out.inc_by(out.len() as u64);
    let result = written(async {
        for frame in out.drain(..) {
            socket.feed(Message::Text(frame)).await?;
        }
        socket.flush().await
    })
    .await;
    shrink(out);
    result
}

async fn written(writing: impl Future<Output = Result<(), axum::Error>>) -> Result<(), End> {
    match timeout(STALL, writing).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => Err(End::Close(CloseCode::STALLED)),
    }
}

/// The text of a message, nothing for a control frame, or the end.
fn text_of(message: Option<Result<Message, axum::Error>>) -> Result<Option<Encoded>, End> {
    match message {
        Some(Ok(Message::Text(text))) => Ok(Some(text)),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Binary(_))) => Err(End::Close(CloseCode::PROTOCOL_ERROR)),
        Some(Ok(Message::Close(_))) | None => Err(End::Gone),
        Some(Err(error)) => Err(unreadable(error)),
    }
}

/// What the WebSocket layer could not read.
fn unreadable(error: axum::Error) -> End {
    let error = error.into_inner();
    match error.downcast_ref::<WsError>() {
        Some(WsError::Capacity(CapacityError::MessageTooLong { .. })) => End::Close(CloseCode::TOO_BIG),
        Some(WsError::Utf8(_)) => End::Close(CloseCode::NOT_UTF8),
        Some(WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => End::Gone,
        Some(WsError::Protocol(error)) => {
            tracing::debug!(%error, "a peer broke the WebSocket protocol");
            End::Close(CloseCode(1002))
        }
        _ => End::Gone,
    }
}

/// Says `bye`, closes, and waits for the peer to close.
async fn close(socket: &mut WebSocket, code: CloseCode, random: u32) -> Result<(), axum::Error> {
    let bye = ServerFrame::Bye { code, retry_after_ms: retry_after(code, random) };
    socket.feed(Message::Text(encode(&bye))).await?;
    let frame = CloseFrame { code: code.0, reason: reason(code).into() };
    socket.send(Message::Close(Some(frame))).await?;
    while let Some(Ok(_)) = socket.next().await {}
    Ok(())
}

/// When to come back: spread out, so that all who are sent away do not return at once. Milliseconds.
fn retry_after(code: CloseCode, random: u32) -> u32 {
    match code {
        CloseCode::RESTART | CloseCode::MOVING => 500 + random % 2_500,
        CloseCode::TOO_FAST => 5_000 + random % 5_000,
        _ => 0,
    }
}

fn reason(code: CloseCode) -> &'static str {
    match code {
        CloseCode::NOT_UTF8 => "text frames are UTF-8",
        CloseCode::TOO_BIG => "the frame is larger than the limit in welcome",
        CloseCode::RESTART => "the server restarts; come back",
        CloseCode::MOVING => "connect again",
        CloseCode::NO_PONG => "no answer to a ping",
        CloseCode::STALLED => "what was sent is not being read",
        CloseCode::TOO_FAST => "too many frames",
        CloseCode::LOGIN_GONE => "the login is gone",
        CloseCode::PROTOCOL_ERROR => "not madang.v1: text frames, and one hello",
        CloseCode::NO_HELLO => "the first frame must be hello, in time",
        CloseCode::BANNED => "banned",
        CloseCode::OVER_LIMIT => "too many connections from this address",
        _ => "the WebSocket protocol was broken",
    }
}

/// Turns away a connection that is one too many for its address, in a way that the client can read.
pub async fn turn_away(mut socket: WebSocket, code: CloseCode) {
    let _ = timeout(GOODBYE, close(&mut socket, code, 0)).await;
}

/// The heartbeat: a ping, then within 10 s a sign of life. One timer serves both.
struct Pulse {
    heartbeat: Duration,
    waiting: bool,
    beats: u64,
    /// Anything came from the peer since the last ping.
    heard: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Beat {
    Ping { heads: bool },
    Alive,
    Dead,
}

impl Pulse {
    fn new(heartbeat: Duration) -> Self {
        Self { heartbeat, waiting: false, beats: 0, heard: true }
    }

    /// What is due now, and how long until the next.
    fn beat(&mut self) -> (Beat, Duration) {
        let wait = PONG.min(self.heartbeat);
        if !self.waiting {
            self.waiting = true;
            self.heard = false;
            self.beats += 1;
            return (Beat::Ping { heads: self.beats.is_multiple_of(2) }, wait);
        }
        self.waiting = false;
        (if self.heard { Beat::Alive } else { Beat::Dead }, self.heartbeat - wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEARTBEAT: Duration = Duration::from_secs(25);

    #[test]
    fn a_silent_peer_is_dead_after_one_ping_and_its_wait() {
        let mut pulse = Pulse::new(HEARTBEAT);
        assert_eq!(pulse.beat(), (Beat::Ping { heads: false }, PONG));
        assert_eq!(pulse.beat().0, Beat::Dead);
    }

    #[test]
    fn heads_go_with_every_second_ping() {
        let mut pulse = Pulse::new(HEARTBEAT);
        for heads in [false, true, false, true] {
            assert_eq!(pulse.beat(), (Beat::Ping { heads }, PONG));
            pulse.heard = true;
            assert_eq!(pulse.beat(), (Beat::Alive, HEARTBEAT - PONG));
        }
    }

    #[test]
    fn those_sent_away_by_a_restart_come_back_spread_out() {
        assert_eq!(retry_after(CloseCode::RESTART, 0), 500);
        assert_eq!(retry_after(CloseCode::RESTART, 2_499), 2_999);
        assert_eq!(retry_after(CloseCode::BANNED, 7), 0);
    }
}
