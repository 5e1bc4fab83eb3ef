//! A connection over a WebSocket. Frames to the client are made here, in one buffer that leaves in one system call.
//!
//! An idle connection costs little: memory for what is read and written is taken when bytes come, and given back once all
//! of them have gone. Compression keeps nothing of a message for the next one.
//!
//! Two things make a delivery cheap. Frames of many entries are written together. And a connection that is
//! woken to write does not look for input: the socket is read only when the kernel reports some.

#[cfg(feature = "echo")]
mod echo;
mod reader;
mod stream;

use std::io::{self, ErrorKind};
use std::time::Duration;

use madang_protocol::CloseCode;
use tokio::task::yield_now;
use tokio::time::timeout;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::transport::{End, Incoming, Transport};
use crate::deflate::{Deflate, store, stored_bytes};
use crate::encoded::Encoded;
use crate::io::Io;
use crate::metrics::Carrier;
use crate::unsent::Account;

use reader::{Reader, Received};
use stream::Stream;

/// Bytes that are read before the loop gets another turn.
const READ_BUDGET: usize = 64 * 1024;

/// A peer that takes nothing of what is written to it for so long has stalled.
const STALL: Duration = Duration::from_secs(10);

/// An open WebSocket.
pub(crate) struct WebSocketTransport {
    stream: Stream,
    reader: Reader,
    /// There may be more to read than the last message.
    more: bool,
    /// Compression, if it was agreed on.
    deflate: Option<Deflate>,
    /// Account of the bytes that wait for the peer, if there are any.
    account: Account,
}

impl WebSocketTransport {
    /// A WebSocket on `io`, after the handshake. `early` was read already; a message has at most `max` bytes,
    /// 0: any number.
    pub(crate) fn new(io: Io, early: &[u8], max: u32, deflate: Option<Deflate>, account: Account) -> Self {
        let max = (max > 0).then_some(max as usize);
        let more = !early.is_empty() || io.is_secure();
        let reader = Reader::new(early, max, deflate.is_some());
        Self { stream: Stream::new(io), reader, more, deflate, account }
    }

    /// Waits for the next frame or message. Cancel safe.
    async fn receive(&mut self) -> Result<Received, End> {
        loop {
            if !self.more {
                self.stream.io.read_ready().await.map_err(|_| End::Gone)?;
            }
            self.stream.read_budget = READ_BUDGET;
            if let Some(received) = self.reader.read(&mut self.stream)? {
                self.more = true;
                return Ok(received);
            }
            // A peer that sends faster than is read must not keep the loop from all else.
            self.more = self.stream.read_budget == 0;
            if self.more {
                yield_now().await;
            } else {
                self.reader.release();
            }
        }
    }

    /// Adds a message of one frame, as it is.
    fn add_message(&mut self, kind: Data, parts: &[&[u8]]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.add_head(FrameHeader { opcode: OpCode::Data(kind), ..FrameHeader::default() }, length);
        parts.iter().for_each(|part| self.stream.out.extend(*part));
    }

    /// Adds a text message of one frame: `own` as it is, and `deflated` behind it.
    fn add_deflated(&mut self, own: &str, deflated: &[u8]) {
        let opcode = OpCode::Data(Data::Text);
        let length = stored_bytes(own.len()) + deflated.len();
        self.add_head(FrameHeader { opcode, rsv1: true, ..FrameHeader::default() }, length);
        store(own.as_bytes(), &mut self.stream.out);
        self.stream.out.extend(deflated);
    }

    /// Adds a control frame.
    fn add_control(&mut self, kind: Control, parts: &[&[u8]]) {
        let length = parts.iter().map(|part| part.len()).sum();
        self.add_head(FrameHeader { opcode: OpCode::Control(kind), ..FrameHeader::default() }, length);
        parts.iter().for_each(|part| self.stream.out.extend(*part));
    }

    /// Adds a Close.
    fn add_close(&mut self, code: Option<CloseCode>, reason: &str) {
        let code = code.map(|code| code.0.to_be_bytes());
        self.add_control(
            Control::Close,
            &[code.as_ref().map_or(&[], <[u8; 2]>::as_slice), reason.as_bytes()],
        );
    }

    /// Adds the head of a frame whose payload has `length` bytes.
    fn add_head(&mut self, head: FrameHeader, length: usize) {
        // The longest head has ten bytes.
        self.stream.out.reserve(length + 10);
        // Writing to memory does not fail.
        let _ = head.format(length as u64, &mut self.stream.out);
    }

    /// Writes what was added.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] if the peer took nothing for 10 s; [`ErrorKind::QuotaExceeded`] if of all it is the one
    /// that keeps the most waiting, when that is too much, and nothing is kept for it any more; any other: the connection is gone.
    async fn write(&mut self) -> io::Result<()> {
        while self.stream.holds_output() {
            match self.stream.write_some() {
                Ok(()) => {}
                // On the heap: few connections ever come here, and all would keep room for it.
                Err(error) if error.kind() == ErrorKind::WouldBlock => Box::pin(self.wait_for_room()).await?,
                Err(error) => return Err(error),
            }
        }
        self.account.hold(0);
        (self.stream.out, self.stream.left) = (Vec::new(), 0);
        Ok(())
    }

    /// Waits until the peer takes more.
    async fn wait_for_room(&mut self) -> io::Result<()> {
        let Self { stream, account, .. } = self;
        account.hold(stream.out.len() - stream.left);
        tokio::select! {
            () = account.dropped() => {
                (stream.out, stream.left) = (Vec::new(), 0);
                Err(ErrorKind::QuotaExceeded.into())
            }
            ready = timeout(STALL, stream.io.write_ready()) => {
                ready.map_err(|_| io::Error::from(ErrorKind::TimedOut))?
            }
        }
    }
}

impl Transport for WebSocketTransport {
    fn carrier(&self) -> Carrier {
        Carrier::WebSocket
    }

    async fn next(&mut self) -> Result<Incoming, End> {
        match self.receive().await? {
            Received::Text(text) => Ok(Incoming::Text(text)),
            Received::Binary(bytes) => Ok(Incoming::Binary(bytes)),
            Received::Ping(payload) => {
                self.add_control(Control::Pong, &[&payload]);
                Ok(Incoming::Life)
            }
            Received::Pong => Ok(Incoming::Life),
            Received::Close(code) => {
                self.add_close(code, "");
                Err(End::Gone)
            }
        }
    }

    fn text(&mut self, frame: Encoded) {
        self.joined("", &frame);
    }

    /// Compressed, `own` stays as it is: so that the rest is compressed once for all.
    fn joined(&mut self, own: &str, shared: &Encoded) {
        match self.deflate.as_ref().and_then(|agreed| shared.deflated(agreed)) {
            Some(deflated) => self.add_deflated(own, deflated),
            None => self.add_message(Data::Text, &[own.as_bytes(), shared.as_bytes()]),
        }
    }

    fn ping(&mut self) {
        self.add_control(Control::Ping, &[]);
    }

    fn has_output(&self) -> bool {
        self.stream.holds_output()
    }

    fn output_bytes(&self) -> usize {
        let Stream { out, left, .. } = &self.stream;
        out.len() - left
    }

    async fn flush(&mut self) -> Result<(), End> {
        self.write().await.map_err(|error| match error.kind() {
            ErrorKind::TimedOut | ErrorKind::QuotaExceeded => End::Close(CloseCode::STALLED),
            _ => End::Gone,
        })
    }

    async fn close(&mut self, code: CloseCode, reason: &'static str) {
        // A frame behind bytes that were dropped would be nonsense to the peer.
        if self.account.is_dropped() {
            return;
        }
        self.add_close(Some(code), reason);
        self.reader.drain();
        // A peer that sent a Close, be it malformed, sends nothing more, and waits for the end (RFC 6455, 7.1.7).
        if self.write().await.is_ok() && !self.reader.is_closing() {
            while !matches!(self.receive().await, Err(_) | Ok(Received::Close(_))) {}
        }
    }

    async fn acknowledge_close(&mut self) {
        let _ = self.write().await;
    }
}

#[cfg(test)]
mod tests;
