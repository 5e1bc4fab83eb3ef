//! End of a connection by the server: it closes, and waits for the peer to close.

use std::net::IpAddr;
use std::time::Duration;

use madang_protocol::CloseCode;
use tokio::time::timeout;

use super::transport::Transport;
use crate::metrics::Carrier;

/// Time for the peer to take our farewell and answer it, after which the connection is dropped.
const GOODBYE: Duration = Duration::from_secs(1);

/// Ends a connection with a reason that the client can read. Best effort, for a peer that may be gone.
pub(super) async fn close(transport: &mut impl Transport, code: CloseCode) {
    let _ = timeout(GOODBYE, transport.close(code, reason(code))).await;
}

/// Says in the log why a connection ends: once, and only what an operator may want to act on.
pub(super) fn tell(code: CloseCode, carrier: Carrier, address: IpAddr) {
    let (code, reason, transport) = (code.0, reason(code), carrier.name());
    match CloseCode(code) {
        // A STOMP client's error was logged by its protocol already.
        CloseCode::NORMAL
        | CloseCode::RESTART
        | CloseCode::MOVING
        | CloseCode::NO_PONG
        | CloseCode::STOMP_ERROR => {
            tracing::debug!(code, reason, transport, %address, "a connection is closed");
        }
        _ => tracing::info!(code, reason, transport, %address, "a connection is closed"),
    }
}

/// Answers a peer that closed, so that its end is clean.
pub(super) async fn answer(transport: &mut impl Transport) {
    let _ = timeout(GOODBYE, transport.acknowledge_close()).await;
}

fn reason(code: CloseCode) -> &'static str {
    match code {
        CloseCode::NO_BINARY => "text frames only",
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
        CloseCode::NORMAL => "goodbye",
        CloseCode::STOMP_ERROR => "the ERROR before says why",
        CloseCode::NO_SUCH_ROOM => "there is no such room",
        CloseCode::BAD_CURSOR => "the cursor in `after` is not one of this room's log; begin without it",
        _ => "the WebSocket protocol was broken",
    }
}
