//! A connection over a WebSocket. tungstenite reads frames and answers control frames; what the server sends is framed
//! here, into one buffer that leaves in one system call.
//!
//! An idle connection costs little: what reads frames, with its buffer, is made when bytes come, and dropped once all of
//! them are read.
//!
//! Two things make a delivery cheap. Frames of many entries are written together. And a connection that is
//! woken to write does not look for input: the socket is read only when the kernel reports some.

mod stream;

use std::io::{self, ErrorKind};
use std::time::Duration;

use madang_protocol::CloseCode;
use tokio::task::yield_now;
use tokio::time::timeout;
use tungstenite::error::{CapacityError, ProtocolError};
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};

use super::transport::{End, Incoming, Transport};
use crate::encoded::Encoded;
use crate::io::Io;
use crate::metrics::Carrier;
use crate::unsent::Account;

use stream::Stream;

/// tungstenite reserves this much for a socket: its default of 128 KiB would be most of an idle connection.
const READ_BUFFER: usize = 1024;

/// Bytes that are read before the loop gets another turn.
const READ_BUDGET: usize = 64 * 1024;

/// Bytes on the wire allowed per message, as a multiple of the maximum size: a one-byte fragment carries a six-byte header.
const OVERHEAD: usize = 8;

/// A peer that takes nothing of what is written to it for so long has stalled.
const STALL: Duration = Duration::from_secs(10);

/// An open WebSocket.
pub(crate) struct WebSocketTransport {
    stream: Stream,
    /// Reads frames, and remembers what was read of a message; `None` between two of them.
    reader: Option<Box<WebSocketContext>>,
    /// Largest message, in bytes.
    max: Option<usize>,
    /// There may be more in the read buffer than the last message.
    more: bool,
    /// tungstenite has an answer to a ping or a close that has not been written.
    answers: bool,
    /// Account of the bytes that wait for the peer, if there are any.
    account: Account,
}

impl WebSocketTransport {
    /// A WebSocket on `io`, after the handshake. `early` was read already; a message has at most `max` bytes,
    /// 0: any number.
    pub(crate) fn new(io: Io, early: Vec<u8>, max: u32, account: Account) -> Self {
        let max = (max > 0).then_some(max as usize);
        let more = !early.is_empty() || io.is_secure();
        let mut stream = Stream::new(io);
        stream.close.follow(&early);
        let reader = (!early.is_empty())
            .then(|| Box::new(WebSocketContext::from_partially_read(early, Role::Server, Some(config(max)))));
        Self { stream, reader, max, more, answers: false, account }
    }

    /// The next message, or none after the end. Cancel safe.
    async fn read(&mut self) -> Option<Result<Message, Error>> {
        loop {
            if !self.more
                && let Err(error) = self.stream.io.read_ready().await
            {
                return Some(Err(error.into()));
            }
            self.stream.read_budget = READ_BUDGET;
            let (reader, stream) = self.reader();
            match reader.read(stream) {
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                    if let Some(error) = self.too_much() {
                        return Some(Err(error));
                    }
                    // A peer that sends faster than is read must not keep the loop from all else.
                    self.more = self.stream.read_budget == 0;
                    if self.more {
                        yield_now().await;
                    } else {
                        self.release_reader();
                    }
                }
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => return None,
                result => {
                    self.more = true;
                    self.answers |= matches!(result, Ok(Message::Ping(_) | Message::Close(_)));
                    self.stream.read = 0;
                    if matches!(result, Ok(Message::Close(_))) {
                        self.echo_bad_gateway();
                    }
                    return Some(result);
                }
            }
        }
    }

    /// Returns the reader of frames, made if there is none, and the stream to read from.
    fn reader(&mut self) -> (&mut WebSocketContext, &mut Stream) {
        let max = self.max;
        let new = || Box::new(WebSocketContext::new(Role::Server, Some(config(max))));
        (self.reader.get_or_insert_with(new), &mut self.stream)
    }

    /// Drops the reader, if it knows nothing: all that was read was whole messages, and no end.
    fn release_reader(&mut self) {
        let is_open = self.reader.as_ref().is_some_and(|reader| reader.can_write());
        if is_open && !self.answers && self.stream.close.is_between_messages() {
            self.reader = None;
        }
    }

    /// Answers 1014, which the registry has since 2011 and tungstenite takes for a broken rule, with itself.
    fn echo_bad_gateway(&mut self) {
        const BAD_GATEWAY: u16 = 1014;
        if self.stream.close.code() == Some(BAD_GATEWAY) {
            let [high, low] = BAD_GATEWAY.to_be_bytes();
            self.stream.out.extend([0x88, 2, high, low]);
            self.answers = false;
        }
    }

    /// A message in ever so small fragments, or in empty ones for ever, is as bad as one that is too large.
    fn too_much(&self) -> Option<Error> {
        let max_size = self.max?;
        let size = self.stream.read;
        let too_long = size > max_size.saturating_mul(OVERHEAD).saturating_add(READ_BUFFER);
        too_long.then_some(Error::Capacity(CapacityError::MessageTooLong { size, max_size }))
    }

    /// Adds a text message, of parts, to what leaves with the next write.
    fn add_text(&mut self, parts: &[&str]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        // The longest head has ten bytes.
        self.stream.out.reserve(length + 10);
        self.add_head(OpCode::Data(Data::Text), length);
        let out = &mut self.stream.out;
        parts.iter().for_each(|part| out.extend(part.as_bytes()));
    }

    /// Adds the head of a frame whose payload has `length` bytes.
    fn add_head(&mut self, opcode: OpCode, length: usize) {
        let head = FrameHeader { opcode, ..FrameHeader::default() };
        // Writing to memory does not fail.
        let _ = head.format(length as u64, &mut self.stream.out);
    }

    /// Writes what was added.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] if the peer took nothing for 10 s; [`ErrorKind::QuotaExceeded`] if of all it is the one
    /// that keeps the most waiting, when that is too much, and nothing is kept for it any more; any other: the connection is gone.
    async fn write(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.answers) {
            let (reader, stream) = self.reader();
            match reader.flush(stream) {
                Ok(()) | Err(Error::ConnectionClosed | Error::AlreadyClosed) => {}
                Err(Error::Io(error)) => return Err(error),
                Err(error) => return Err(io::Error::other(error)),
            }
        }
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
        let incoming = match self.read().await {
            Some(Ok(Message::Text(text))) => Incoming::Text(text),
            Some(Ok(Message::Binary(bytes))) => Incoming::Binary(bytes),
            // A bare frame is something that tungstenite writes, and never reads.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Incoming::Life,
            Some(Ok(Message::Close(_))) | None => return Err(End::Gone),
            Some(Err(error)) => return Err(unreadable(error)),
        };
        Ok(incoming)
    }

    fn text(&mut self, frame: Encoded) {
        self.add_text(&[&frame]);
    }

    fn joined(&mut self, own: &str, shared: &Encoded) {
        self.add_text(&[own, shared]);
    }

    fn ping(&mut self) {
        self.add_head(OpCode::Control(Control::Ping), 0);
    }

    fn has_output(&self) -> bool {
        self.answers || self.stream.holds_output()
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
        self.answers = true;
        let (reader, stream) = self.reader();
        let _ = reader.close(stream, Some(CloseFrame { code: code.0.into(), reason: reason.into() }));
        // A peer that sent a Close, be it malformed, sends nothing more, and waits for the end (RFC 6455, 7.1.7).
        if self.write().await.is_ok() && !self.stream.close.began() {
            while let Some(Ok(_)) = self.read().await {}
        }
    }

    async fn acknowledge_close(&mut self) {
        let _ = self.write().await;
    }
}

/// Returns the options of tungstenite for messages of at most `max` bytes.
fn config(max: Option<usize>) -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(READ_BUFFER).max_message_size(max).max_frame_size(max)
}

/// Returns the end for what the WebSocket layer could not read.
fn unreadable(error: Error) -> End {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => End::Close(CloseCode::TOO_BIG),
        Error::Utf8(_) => End::Close(CloseCode::NOT_UTF8),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::Gone,
        Error::Protocol(error) => {
            tracing::debug!(%error, "a peer broke the WebSocket protocol");
            End::Close(CloseCode(1002))
        }
        _ => End::Gone,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::{SinkExt, StreamExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_tungstenite::WebSocketStream;
    use tungstenite::protocol::frame::Frame;

    use super::*;

    async fn pair(max: u32) -> (WebSocketTransport, WebSocketStream<TcpStream>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let client = WebSocketStream::from_raw_socket(client, Role::Client, None).await;
        (WebSocketTransport::new(Io::Plain(server), Vec::new(), max, account()), client)
    }

    fn account() -> Account {
        let unsent = crate::unsent::Unsent::new(0, Default::default());
        unsent.account(std::net::Ipv4Addr::LOCALHOST.into(), None)
    }

    #[tokio::test]
    async fn texts_of_every_length_arrive_in_order() {
        let (mut server, mut client) = pair(0).await;
        let lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 300_000];
        let writer = async {
            for length in lengths {
                server.add_text(&[&"가".repeat(length).as_str()[..length - length % 3]]);
            }
            server.write().await.unwrap();
            server
        };
        let reader = async {
            for length in lengths {
                let Some(Ok(Message::Text(text))) = client.next().await else { panic!("a text") };
                assert_eq!(text.len(), length - length % 3);
            }
        };
        let (server, ()) = tokio::join!(writer, reader);
        assert!(!server.has_output());
        assert_eq!(server.stream.out.capacity(), 0, "an idle connection keeps no buffer");
    }

    #[tokio::test]
    async fn ping_is_answered_between_frames() {
        let (mut server, mut client) = pair(0).await;
        client.send(Message::Ping(vec![1, 2].into())).await.unwrap();
        server.add_text(&["be", "fore"]);
        assert!(matches!(server.read().await, Some(Ok(Message::Ping(_)))));
        server.add_text(&["after"]);
        server.write().await.unwrap();
        let mut seen = Vec::new();
        while seen.len() < 3 {
            seen.push(client.next().await.unwrap().unwrap());
        }
        assert!(seen.contains(&Message::Pong(vec![1, 2].into())));
        assert!(seen.contains(&Message::text("before")) && seen.contains(&Message::text("after")));
    }

    #[tokio::test]
    async fn a_message_over_the_limit_is_an_error() {
        let (mut server, mut client) = pair(10).await;
        client.send(Message::text("0123456789a")).await.unwrap();
        assert!(matches!(server.read().await, Some(Err(Error::Capacity(_)))));
    }

    #[tokio::test]
    async fn reader_is_kept_only_within_messages() {
        let (mut server, mut client) = pair(0).await;
        let fragment =
            |opcode, is_final| Message::Frame(Frame::message(vec![b'a'], OpCode::Data(opcode), is_final));
        let parts =
            [fragment(Data::Text, false), Message::Ping(Bytes::new()), fragment(Data::Continue, true)];
        let mut texts = 0;
        for (part, is_kept) in parts.into_iter().zip([true, true, false]) {
            client.send(part).await.unwrap();
            let mut waits = tokio::time::timeout(Duration::from_millis(50), server.read()).await;
            while let Ok(message) = waits {
                texts +=
                    usize::from(matches!(message, Some(Ok(Message::Text(text))) if text.as_str() == "aa"));
                server.write().await.unwrap();
                waits = tokio::time::timeout(Duration::from_millis(50), server.read()).await;
            }
            assert_eq!(server.reader.is_some(), is_kept);
        }
        assert_eq!(texts, 1, "what was read of it was not forgotten");
    }
}
