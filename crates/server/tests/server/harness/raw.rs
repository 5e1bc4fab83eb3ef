//! A WebSocket client that sends whatever bytes a story needs, and answers nothing by itself.

use std::net::SocketAddr;

use madang_protocol::ServerFrame;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpSocket;

use super::heard::Farewell;
use super::http::read_answer;
use super::{Answer, Pipe, Server, To, within};

/// Of RFC 6455, 5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Opcode {
    Continuation = 0,
    Text = 1,
    Reserved = 3,
    Close = 8,
    Ping = 9,
}

pub(crate) struct RawSocket {
    pub(crate) reading: ReadHalf<Pipe>,
    pub(crate) writing: WriteHalf<Pipe>,
}

const HELLO: &[u8] = br#"{"t":"hello"}"#;

impl RawSocket {
    /// A connection that is upgraded, before hello.
    pub(crate) async fn open(server: &Server) -> Self {
        Self::open_with(server, "").await
    }

    /// A connection that has sent hello and was welcomed.
    pub(crate) async fn welcomed(server: &Server) -> Self {
        let mut socket = Self::open(server).await;
        socket.hello().await;
        socket
    }

    /// A welcomed connection whose end of the network takes as little as possible before it is read from.
    pub(crate) async fn narrow(server: &Server) -> Self {
        let mut socket = Self::open_narrow(server, "").await;
        socket.hello().await;
        socket
    }

    /// As [`RawSocket::narrow`], before hello and with these lines in the request.
    pub(crate) async fn open_narrow(server: &Server, lines: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4 * 1024).expect("a small buffer");
        let stream = socket.connect(server.addr).await.expect("a connection");
        let stream = server.wrap(stream).await.expect("a handshake");
        Self::upgrade(stream, server.addr, lines).await
    }

    /// As [`RawSocket::open_with`], at another path.
    pub(crate) async fn open_at(server: &Server, path: &str, lines: &str) -> Self {
        let stream = server.reach().await.expect("a connection");
        Self::begin(stream, upgrade_request(server.addr, lines).replacen("/ws", path, 1)).await
    }

    async fn upgrade(stream: Pipe, addr: SocketAddr, extra: &str) -> Self {
        Self::begin(stream, upgrade_request(addr, extra)).await
    }

    async fn begin(mut stream: Pipe, request: String) -> Self {
        stream.write_all(request.as_bytes()).await.expect("a request");
        let answer = within("the upgrade", read_answer(&mut stream)).await.expect("an answer");
        assert_eq!(answer.status, 101, "{answer:?}");
        let (reading, writing) = tokio::io::split(stream);
        Self { reading, writing }
    }

    /// As [`RawSocket::open`], with these lines in the request.
    pub(crate) async fn open_with(server: &Server, lines: &str) -> Self {
        let stream = server.reach().await.expect("a connection");
        Self::upgrade(stream, server.addr, lines).await
    }

    async fn hello(&mut self) {
        assert!(self.try_hello().await, "a welcome");
    }

    /// Sends hello. Returns true if it is welcome.
    pub(crate) async fn try_hello(&mut self) -> bool {
        let _ = self.writing.write_all(&frame(Opcode::Text, HELLO, true)).await;
        self.read().await.is_some_and(|(_, frame)| frame.starts_with(br#"{"t":"welcome""#))
    }

    /// Sends one whole, masked frame.
    pub(crate) async fn send(&mut self, opcode: Opcode, payload: &[u8]) {
        self.send_part(opcode, payload, true).await;
    }

    /// Sends one masked frame, which is the message's last one if `fin`.
    pub(crate) async fn send_part(&mut self, opcode: Opcode, payload: &[u8], fin: bool) {
        let bytes = frame(opcode, payload, fin);
        self.writing.write_all(&bytes).await.expect("it takes a frame");
    }

    /// Sends bytes as they are.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.writing.write_all(bytes).await.expect("it takes bytes");
    }

    /// The next frame, if one comes before the end.
    pub(crate) async fn read(&mut self) -> Option<(u8, Vec<u8>)> {
        let (first, payload) = self.read_whole().await?;
        Some((first & 0x0f, payload))
    }

    /// The next frame, with all of its first byte.
    pub(crate) async fn read_whole(&mut self) -> Option<(u8, Vec<u8>)> {
        within("a frame", read(&mut self.reading)).await
    }

    /// The next text frame that is typed.
    pub(crate) async fn read_frame(&mut self) -> Option<ServerFrame> {
        loop {
            let (opcode, payload) = self.read().await?;
            if opcode == Opcode::Text as u8 {
                return Some(serde_json::from_slice(&payload).expect("a frame of madang.v1"));
            }
        }
    }

    /// Reads to the end: the last `bye` and the close code, if they came.
    pub(crate) async fn farewell(&mut self) -> Farewell {
        let farewell = heard(&mut self.reading).await;
        if let Some(code) = farewell.close {
            let _ = self.writing.write_all(&frame(Opcode::Close, &code.to_be_bytes(), true)).await;
        }
        while self.read().await.is_some() {}
        farewell
    }

    /// Reads to the end while `bytes` are sent, or as many as the server takes.
    pub(crate) async fn farewell_while_sending(&mut self, bytes: &[u8]) -> Farewell {
        let (farewell, _) = tokio::join!(heard(&mut self.reading), self.writing.write_all(bytes));
        farewell
    }
}

async fn read(reading: &mut ReadHalf<Pipe>) -> Option<(u8, Vec<u8>)> {
    let first = reading.read_u8().await.ok()?;
    let length = match reading.read_u8().await.ok()? & 0x7f {
        126 => u64::from(reading.read_u16().await.ok()?),
        127 => reading.read_u64().await.ok()?,
        short => u64::from(short),
    };
    let mut payload = vec![0; usize::try_from(length).expect("a length")];
    reading.read_exact(&mut payload).await.ok()?;
    Some((first, payload))
}

/// Reads all frames up to a close or the end. Pings do not count as a sign that it is still coming.
async fn heard(reading: &mut ReadHalf<Pipe>) -> Farewell {
    within("the farewell", heard_at_last(reading)).await
}

async fn heard_at_last(reading: &mut ReadHalf<Pipe>) -> Farewell {
    let mut farewell = Farewell::default();
    while let Some((opcode, payload)) = read(reading).await {
        if opcode & 0x0f == Opcode::Close as u8 {
            farewell.close = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
            break;
        }
        if let Ok(ServerFrame::Bye { code, retry_after_ms }) = serde_json::from_slice(&payload) {
            farewell.bye = Some(code.0);
            farewell.retry_after_ms = retry_after_ms;
        }
    }
    farewell
}

/// An upgrade as a browser's, with these lines added.
pub(crate) fn upgrade_request(addr: SocketAddr, extra: &str) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: {addr}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extra}\r\n"
    )
}

/// Asks for an upgrade with these lines added.
pub(crate) async fn ask_upgrade(server: &Server, extra: &str) -> Answer {
    super::exchange(server, upgrade_request(server.addr, extra).as_bytes()).await
}

/// The bytes of one masked frame.
pub(crate) fn frame(opcode: Opcode, payload: &[u8], fin: bool) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut bytes = vec![opcode as u8 | if fin { 0x80 } else { 0 }];
    match payload.len() {
        short @ 0..126 => bytes.push(0x80 | short as u8),
        medium @ 126..0x1_0000 => {
            bytes.push(0x80 | 126);
            bytes.extend((medium as u16).to_be_bytes());
        }
        long => {
            bytes.push(0x80 | 127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}
