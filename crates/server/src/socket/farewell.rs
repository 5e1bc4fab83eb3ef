//! How the server ends a connection: it says `bye`, closes, and waits for the peer to close.

use std::time::Duration;

use madang_protocol::{CloseCode, ServerFrame};
use tokio::time::timeout;

use super::wire::Wire;
use crate::encoded::encode;

/// Time for the peer's answer to our close, after which the connection is dropped.
const GOODBYE: Duration = Duration::from_secs(1);

/// Ends a connection with a reason that the client can read. Best effort, for a peer that may be gone.
pub(super) async fn close(wire: &mut Wire, code: CloseCode, random: u32) {
    let bye = ServerFrame::Bye { code, retry_after_ms: retry_after(code, random) };
    wire.text(&encode(&bye));
    let _ = wire.close(code, reason(code));
    let said = async {
        if wire.flush().await.is_ok() {
            while let Some(Ok(_)) = wire.next().await {}
        }
    };
    let _ = timeout(GOODBYE, said).await;
}

/// Answers a peer that closed, so that its end is clean.
pub(super) async fn answer(wire: &mut Wire) {
    let _ = timeout(GOODBYE, wire.flush()).await;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_sent_away_by_a_restart_come_back_spread_out() {
        assert_eq!(retry_after(CloseCode::RESTART, 0), 500);
        assert_eq!(retry_after(CloseCode::RESTART, 2_499), 2_999);
        assert_eq!(retry_after(CloseCode::BANNED, 7), 0);
    }
}
