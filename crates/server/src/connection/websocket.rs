//! A connection over a WebSocket. tungstenite reads frames and answers control frames; what the server sends is framed
//! here, into one buffer that leaves in one system call.
//!
//! Two things make a delivery cheap. Frames of many entries are written together. And a connection that is
//! woken to write does not look for input: the socket is read only when the kernel reports some.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

use madang_protocol::CloseCode;
use tokio::task::yield_now;
use tokio::time::timeout;
use tungstenite::error::{CapacityError, ProtocolError};
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

use super::close_frame::CloseFrame as Seen;
use super::transport::{End, Incoming, Transport};
use crate::encoded::Encoded;
use crate::io::Io;
use crate::metrics::Carrier;
use crate::unsent::Account;

/// tungstenite reserves this much for a socket: its default of 128 KiB would be most of an idle connection.
const READ_BUFFER: usize = 1024;

/// Bytes that are read before the loop gets another turn.
const READ_BUDGET: usize = 64 * 1024;

/// WebSocketTransport bytes allowed per message, as a multiple of the maximum size: a one-byte fragment carries a six-byte header.
const OVERHEAD: usize = 8;

/// Capacity that an empty buffer of outgoing frames keeps.
const IDLE_BYTES: usize = 4 * 1024;

/// A peer that takes nothing of what is written to it for so long has stalled.
const STALL: Duration = Duration::from_secs(10);

/// An open WebSocket.
pub(crate) struct WebSocketTransport {
    socket: WebSocket<Stream>,
    /// Largest message, in bytes.
    max: Option<usize>,
    /// There may be more in the read buffer than the last message.
    more: bool,
    /// tungstenite has an answer to a ping or a close that has not been written.
    answers: bool,
    /// Account of the bytes that wait for the peer, if there are any.
    account: Account,
}

/// Stream that tungstenite reads from and writes to: it never waits here.
struct Stream {
    io: Io,
    out: Vec<u8>,
    /// So many bytes of `out` have left.
    left: usize,
    /// So many bytes may still be read before the loop gets another turn.
    read_budget: usize,
    /// So many bytes were read since the last whole message.
    read: usize,
    /// The peer's Close.
    close: Seen,
}

impl WebSocketTransport {
    /// A WebSocket on `io`, after the handshake. `early` was read already; a message has at most `max` bytes,
    /// 0: any number.
    pub(crate) fn new(io: Io, early: Vec<u8>, max: u32, account: Account) -> Self {
        let max = (max > 0).then_some(max as usize);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .max_message_size(max)
            .max_frame_size(max);
        let more = !early.is_empty() || io.is_secure();
        let mut stream = Stream::new(io);
        stream.close.follow(&early);
        let socket = WebSocket::from_partially_read(stream, early, Role::Server, Some(config));
        Self { socket, max, more, answers: false, account }
    }

    /// The next message, or none after the end. Cancel safe.
    async fn read(&mut self) -> Option<Result<Message, Error>> {
        loop {
            if !self.more
                && let Err(error) = self.socket.get_ref().io.read_ready().await
            {
                return Some(Err(error.into()));
            }
            self.socket.get_mut().read_budget = READ_BUDGET;
            match self.socket.read() {
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                    if let Some(error) = self.too_much() {
                        return Some(Err(error));
                    }
                    // A peer that sends faster than is read must not keep the loop from all else.
                    self.more = self.socket.get_ref().read_budget == 0;
                    if self.more {
                        yield_now().await;
                    }
                }
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => return None,
                result => {
                    self.more = true;
                    self.answers |= matches!(result, Ok(Message::Ping(_) | Message::Close(_)));
                    self.socket.get_mut().read = 0;
                    if matches!(result, Ok(Message::Close(_))) {
                        self.echo_bad_gateway();
                    }
                    return Some(result);
                }
            }
        }
    }

    /// Answers 1014, which the registry has since 2011 and tungstenite takes for a broken rule, with itself.
    fn echo_bad_gateway(&mut self) {
        const BAD_GATEWAY: u16 = 1014;
        if self.socket.get_ref().close.code() == Some(BAD_GATEWAY) {
            let [high, low] = BAD_GATEWAY.to_be_bytes();
            self.socket.get_mut().out.extend([0x88, 2, high, low]);
            self.answers = false;
        }
    }

    /// A message in ever so small fragments, or in empty ones for ever, is as bad as one that is too large.
    fn too_much(&self) -> Option<Error> {
        let max_size = self.max?;
        let size = self.socket.get_ref().read;
        let too_long = size > max_size.saturating_mul(OVERHEAD).saturating_add(READ_BUFFER);
        too_long.then_some(Error::Capacity(CapacityError::MessageTooLong { size, max_size }))
    }

    /// Adds a text message, of parts, to what leaves with the next write.
    fn add_text(&mut self, parts: &[&str]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.add_head(OpCode::Data(Data::Text), length);
        let out = &mut self.socket.get_mut().out;
        parts.iter().for_each(|part| out.extend(part.as_bytes()));
    }

    /// Adds the head of a frame whose payload has `length` bytes.
    fn add_head(&mut self, opcode: OpCode, length: usize) {
        let head = FrameHeader { opcode, ..FrameHeader::default() };
        // Writing to memory does not fail.
        let _ = head.format(length as u64, &mut self.socket.get_mut().out);
    }

    /// Writes what was added.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] if the peer took nothing for 10 s; [`ErrorKind::QuotaExceeded`] if of all it is the one
    /// that keeps the most waiting, when that is too much, and nothing is kept for it any more; any other: the connection is gone.
    async fn write(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.answers) {
            match self.socket.flush() {
                Ok(()) | Err(Error::ConnectionClosed | Error::AlreadyClosed) => {}
                Err(Error::Io(error)) => return Err(error),
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        let stream = self.socket.get_mut();
        while stream.holds_output() {
            match stream.write_some() {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.account.hold(stream.out.len() - stream.left);
                    tokio::select! {
                        () = self.account.dropped() => {
                            (stream.out, stream.left) = (Vec::new(), 0);
                            return Err(ErrorKind::QuotaExceeded.into());
                        }
                        ready = timeout(STALL, stream.io.write_ready()) => {
                            ready.map_err(|_| io::Error::from(ErrorKind::TimedOut))??;
                        }
                    }
                }
                Err(error) => return Err(error),
            }
        }
        self.account.hold(0);
        stream.left = 0;
        stream.out.clear();
        if stream.out.capacity() > IDLE_BYTES {
            stream.out = Vec::new();
        }
        Ok(())
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
        self.answers || self.socket.get_ref().holds_output()
    }

    fn output_bytes(&self) -> usize {
        let Stream { out, left, .. } = self.socket.get_ref();
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
        let _ = self.socket.close(Some(CloseFrame { code: code.0.into(), reason: reason.into() }));
        // A peer that sent a Close, be it malformed, sends nothing more, and waits for the end (RFC 6455, 7.1.7).
        if self.write().await.is_ok() && !self.socket.get_ref().close.began() {
            while let Some(Ok(_)) = self.read().await {}
        }
    }

    async fn acknowledge_close(&mut self) {
        let _ = self.write().await;
    }
}

impl Stream {
    fn new(io: Io) -> Self {
        Self { io, out: Vec::new(), left: 0, read_budget: READ_BUDGET, read: 0, close: Seen::default() }
    }

    fn holds_output(&self) -> bool {
        self.left < self.out.len() || self.io.holds_output()
    }

    /// Writes what the peer takes now.
    fn write_some(&mut self) -> io::Result<()> {
        let rest = self.out.get(self.left..).unwrap_or_default();
        if rest.is_empty() {
            return self.io.try_flush();
        }
        match self.io.try_write(rest)? {
            0 => Err(ErrorKind::WriteZero.into()),
            written => {
                self.left += written;
                Ok(())
            }
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read_budget == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let bytes = self.io.try_read(buffer)?;
        self.read_budget = self.read_budget.saturating_sub(bytes);
        self.read += bytes;
        self.close.follow(buffer.get(..bytes).unwrap_or_default());
        Ok(bytes)
    }
}

impl Write for Stream {
    fn write(&mut self, frames: &[u8]) -> io::Result<usize> {
        self.out.extend(frames);
        Ok(frames.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    async fn pair(max: u32) -> (WebSocketTransport, WebSocketTransport) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let mut client = WebSocketTransport::new(Io::Plain(client), Vec::new(), 0, account());
        let stream = std::mem::replace(&mut client.socket, placeholder().await).into_inner();
        client.socket = WebSocket::from_raw_socket(stream, Role::Client, None);
        (WebSocketTransport::new(Io::Plain(server), Vec::new(), max, account()), client)
    }

    fn account() -> Account {
        let unsent = crate::unsent::Unsent::new(0, Default::default());
        unsent.account(std::net::Ipv4Addr::LOCALHOST.into(), Default::default())
    }

    async fn placeholder() -> WebSocket<Stream> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        WebSocket::from_raw_socket(Stream::new(Io::Plain(tcp)), Role::Server, None)
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
                let Some(Ok(Message::Text(text))) = client.read().await else { panic!("a text") };
                assert_eq!(text.len(), length - length % 3);
            }
        };
        let (server, ()) = tokio::join!(writer, reader);
        assert!(!server.has_output());
        assert_eq!(server.socket.get_ref().out.capacity(), 0, "an idle connection keeps no large buffer");
    }

    #[tokio::test]
    async fn ping_is_answered_between_frames() {
        let (mut server, mut client) = pair(0).await;
        client.socket.send(Message::Ping(vec![1, 2].into())).unwrap();
        client.answers = true;
        client.write().await.unwrap();
        server.add_text(&["be", "fore"]);
        assert!(matches!(server.read().await, Some(Ok(Message::Ping(_)))));
        server.add_text(&["after"]);
        server.write().await.unwrap();
        let mut seen = Vec::new();
        while seen.len() < 3 {
            seen.push(client.read().await.unwrap().unwrap());
        }
        assert!(seen.contains(&Message::Pong(vec![1, 2].into())));
        assert!(seen.contains(&Message::text("before")) && seen.contains(&Message::text("after")));
    }

    #[tokio::test]
    async fn a_message_over_the_limit_is_an_error() {
        let (mut server, mut client) = pair(10).await;
        client.socket.send(Message::text("0123456789a")).unwrap();
        client.answers = true;
        client.write().await.unwrap();
        assert!(matches!(server.read().await, Some(Err(Error::Capacity(_)))));
    }
}
