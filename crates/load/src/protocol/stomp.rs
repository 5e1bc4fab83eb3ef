//! STOMP 1.2, as much of it as a generator needs: no heart-beats, one subscription.

use anyhow::{Result, bail};
use tokio_tungstenite::tungstenite::Message;

use super::LOBBY;

pub(super) fn connect() -> Message {
    Message::text("CONNECT\naccept-version:1.2\nhost:/\nheart-beat:0,0\n\n\0")
}

pub(super) fn subscribe() -> Message {
    Message::text(format!("SUBSCRIBE\nid:0\ndestination:/topic/{LOBBY}\nack:auto\nreceipt:ready\n\n\0"))
}

pub(super) fn send(body: &str) -> Message {
    let length = body.len();
    Message::text(format!("SEND\ndestination:/topic/{LOBBY}\ncontent-length:{length}\n\n{body}\0"))
}

pub(super) fn is_connected(frame: &[u8]) -> bool {
    frame.starts_with(b"CONNECTED\n")
}

pub(super) fn is_receipt(frame: &[u8]) -> bool {
    frame.starts_with(b"RECEIPT\n")
}

/// Returns the body of a MESSAGE, `None` for any other frame.
pub(super) fn body(frame: &[u8]) -> Result<Option<&[u8]>> {
    if frame.starts_with(b"ERROR") {
        bail!("refused: {}", String::from_utf8_lossy(frame));
    }
    let body = frame.strip_prefix(b"MESSAGE\n").and_then(|rest| {
        let head = memchr::memmem::find(rest, b"\n\n")?;
        rest.get(head + 2..)
    });
    Ok(body)
}
