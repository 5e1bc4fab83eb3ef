//! A client of madang.v1 that compresses what it sends, and sees what was compressed for it.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use madang_protocol::{Entry, ServerFrame};

use super::heard::Farewell;
use super::{Opcode, RawSocket, Server, frame};

/// The offer of a browser.
pub(crate) const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";

/// Bytes of a message, and how they came.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) is_compressed: bool,
    /// Bytes on the wire.
    pub(crate) wire: usize,
    pub(crate) text: String,
}

impl Message {
    pub(crate) fn frame(&self) -> ServerFrame {
        serde_json::from_str(&self.text).expect("a frame of madang.v1")
    }
}

pub(crate) struct DeflatedSocket(pub(crate) RawSocket);

impl DeflatedSocket {
    /// A welcomed connection whose messages may be compressed.
    pub(crate) async fn join(server: &Server) -> Self {
        Self::hello(RawSocket::open_with(server, OFFER).await).await
    }

    /// Greets over a connection that is open.
    pub(crate) async fn hello(socket: RawSocket) -> Self {
        let mut socket = Self(socket);
        socket.send(r#"{"t":"hello"}"#).await;
        let welcome = socket.next().await.expect("a welcome");
        assert!(welcome.text.starts_with(r#"{"t":"welcome""#), "{welcome:?}");
        socket
    }

    /// Follows the lobby from its begin.
    pub(crate) async fn watch(&mut self) {
        self.send(r#"{"t":"watch","room":"lobby","after":1}"#).await;
        self.until(|message| matches!(message.frame(), ServerFrame::Live { .. })).await;
    }

    /// Sends a compressed text.
    pub(crate) async fn send(&mut self, text: &str) {
        self.0.send_bytes(&deflated_frame(&deflated(text.as_bytes()))).await;
    }

    /// The next message, if one comes before the end.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            let (first, payload) = self.0.read_whole().await?;
            if first & 0x0f == Opcode::Ping as u8 {
                // A pong without a payload: a story may take longer than a heartbeat.
                self.0.send_bytes(&[0x8a, 0x80, 0, 0, 0, 0]).await;
            }
            if first & 0x0f != Opcode::Text as u8 {
                continue;
            }
            let is_compressed = first & 0x40 != 0;
            let wire = payload.len();
            let bytes = if is_compressed { inflated(&payload) } else { payload };
            return Some(Message { is_compressed, wire, text: String::from_utf8(bytes).expect("a text") });
        }
    }

    /// The next message that matches.
    pub(crate) async fn until(&mut self, matches: impl Fn(&Message) -> bool) -> Message {
        loop {
            let message = self.next().await.expect("a message");
            if matches(&message) {
                return message;
            }
        }
    }

    /// The next entry, and how it came.
    pub(crate) async fn entry(&mut self) -> (Entry, Message) {
        let message = self.until(|message| matches!(message.frame(), ServerFrame::Entry(_))).await;
        let ServerFrame::Entry(entry) = message.frame() else { panic!("an entry") };
        (entry, message)
    }

    pub(crate) async fn farewell(&mut self) -> Farewell {
        self.0.farewell().await
    }
}

/// A compressed message, as a client makes one.
pub(crate) fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 1_000);
    let mut compressor = Compress::new(Compression::best(), false);
    compressor.compress_vec(bytes, &mut out, FlushCompress::Sync).expect("compression");
    assert_eq!(compressor.total_in(), bytes.len() as u64);
    out.truncate(out.len() - 4);
    out
}

/// The bytes of a compressed message.
pub(crate) fn inflated(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 << 20);
    let whole = [message, &[0, 0, 0xff, 0xff]].concat();
    Decompress::new(false).decompress_vec(&whole, &mut out, FlushDecompress::Sync).expect("a message");
    out
}

/// A text that compression shortens by a quarter, no more.
pub(crate) fn noise(length: usize) -> String {
    const DIGITS: &[u8; 64] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
    (0..length).map(|_| char::from(DIGITS[super::random(64) as usize])).collect()
}

/// The frame of a compressed text.
pub(crate) fn deflated_frame(payload: &[u8]) -> Vec<u8> {
    let mut bytes = frame(Opcode::Text, payload, true);
    bytes[0] |= 0x40;
    bytes
}
