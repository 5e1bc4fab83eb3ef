//! STOMP 1.2, as much of it as a generator needs: no heart-beats, one subscription.

use anyhow::{Result, bail};
use tokio_tungstenite::tungstenite::Message;

use super::LOBBY;
use crate::history::WriteId;

pub(super) fn connect() -> Message {
    Message::text("CONNECT\naccept-version:1.2\nhost:/\nheart-beat:0,0\n\n\0")
}

pub(super) fn subscribe() -> Message {
    Message::text(format!("SUBSCRIBE\nid:0\ndestination:/topic/{LOBBY}\nack:auto\nreceipt:ready\n\n\0"))
}

/// Makes a queue that keeps what it is sent, and is sent it.
pub(super) fn subscribe_queue() -> Message {
    // RabbitMQ's quorum queue: it syncs what comes together, and confirms afterwards, whether it was consumed or not.
    Message::text(format!(
        "SUBSCRIBE\nid:0\ndestination:/queue/{LOBBY}\nack:auto\ndurable:true\nauto-delete:false\n\
         x-queue-type:quorum\nreceipt:ready\n\n\0"
    ))
}

pub(super) fn send(body: &str) -> Message {
    let length = body.len();
    Message::text(format!("SEND\ndestination:/topic/{LOBBY}\ncontent-length:{length}\n\n{body}\0"))
}

/// A message to the queue, with a receipt once the queue has kept it.
pub(super) fn send_to_queue(write: WriteId, body: &str) -> Message {
    let (WriteId { sender, n }, length) = (write, body.len());
    // By this name a queue must be there, and is not made with other properties.
    Message::text(format!(
        "SEND\ndestination:/amq/queue/{LOBBY}\npersistent:true\nreceipt:{sender}.{n}\n\
         content-length:{length}\n\n{body}\0"
    ))
}

pub(super) fn is_connected(frame: &[u8]) -> bool {
    frame.starts_with(b"CONNECTED\n")
}

pub(super) fn is_receipt(frame: &[u8]) -> bool {
    frame.starts_with(b"RECEIPT\n")
}

/// Returns the write that a RECEIPT acknowledges, `None` for any other frame.
pub(super) fn acknowledged(frame: &[u8]) -> Option<WriteId> {
    let rest = frame.strip_prefix(b"RECEIPT\n")?;
    let text = std::str::from_utf8(rest).ok()?;
    super::write_id(text.lines().find_map(|line| line.strip_prefix("receipt-id:"))?)
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
