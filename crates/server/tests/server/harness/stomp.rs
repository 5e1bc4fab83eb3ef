//! A client of STOMP, over TCP or a WebSocket: the codec that the server uses, and bytes as they are.

use std::collections::VecDeque;

use futures_util::{SinkExt, StreamExt};
use madang_stomp::{ClientCommand, Decoder, Frame, Item, Limits, ServerCommand, Version, encode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::{Client, Server, within};

const LIMITS: Limits = Limits { headers: 100, line: 1 << 20, head: 1 << 20, body: 1 << 24 };

/// Transports of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Tcp,
    /// In text messages.
    Text,
    /// In binary messages.
    Binary,
}

impl By {
    pub(crate) const ALL: [Self; 3] = [Self::Tcp, Self::Text, Self::Binary];
}

pub(crate) type Outgoing = Frame<ServerCommand>;

pub(crate) struct Stomp {
    link: Link,
    decoder: Decoder<ServerCommand>,
    version: Version,
    held: VecDeque<Outgoing>,
    /// The code that the server closed the WebSocket with.
    pub(crate) closed: Option<u16>,
    /// Heart-beats that came.
    pub(crate) beats: usize,
    /// The subprotocol that the server chose.
    pub(crate) subprotocol: Option<String>,
}

enum Link {
    Tcp(TcpStream),
    Ws(Box<WebSocketStream<TcpStream>>, By),
}

/// A server with STOMP on TCP, and these options.
pub(crate) fn stomp_server(options: &[&str]) -> Server {
    Server::with(&[&["--stomp-addr", "127.0.0.1:0"], options].concat())
}

/// A frame to a room.
pub(crate) fn to(room: &str, body: &str) -> Frame<ClientCommand> {
    Frame::new(ClientCommand::Send).with("destination", format!("/topic/{room}")).with_body(body)
}

/// The cookie of somebody who has been here by the page.
pub(crate) async fn shared(server: &Server) -> String {
    Client::join(server, "the page").await.cookie
}

// --- Beginning.
impl Stomp {
    pub(crate) async fn open(server: &Server, by: By) -> Self {
        if by != By::Tcp {
            return Self::open_at(server, "/stomp", by, &[]).await;
        }
        let stream = TcpStream::connect(server.stomp.expect("--stomp-addr")).await.expect("a connection");
        stream.set_nodelay(true).expect("an option");
        Self::on(Link::Tcp(stream), None)
    }

    /// A WebSocket at this path, with these headers.
    pub(crate) async fn open_at(server: &Server, path: &str, by: By, headers: &[(&str, &str)]) -> Self {
        Self::try_open_at(server, path, by, headers).await.expect("an upgrade")
    }

    pub(crate) async fn try_open_at(
        server: &Server,
        path: &str,
        by: By,
        headers: &[(&str, &str)],
    ) -> Option<Self> {
        let mut request = format!("ws://{}{path}", server.addr).into_client_request().expect("a request");
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a name");
            request.headers_mut().append(name, HeaderValue::try_from(*value).expect("a value"));
        }
        let stream = TcpStream::connect(server.addr).await.expect("a connection");
        stream.set_nodelay(true).expect("an option");
        let (ws, answer) = within("an upgrade", client_async(request, stream)).await.ok()?;
        let chosen = answer.headers().get("sec-websocket-protocol");
        let chosen = chosen.map(|chosen| chosen.to_str().expect("text").to_owned());
        Some(Self::on(Link::Ws(Box::new(ws), by), chosen))
    }

    fn on(link: Link, subprotocol: Option<String>) -> Self {
        let (held, closed, beats) = Default::default();
        let decoder = Decoder::new(LIMITS);
        Self { link, decoder, version: Version::V12, held, closed, beats, subprotocol }
    }

    /// A guest's session.
    pub(crate) async fn join(server: &Server, by: By, version: Version) -> Self {
        let mut client = Self::open(server, by).await;
        client.connect(version, &[]).await;
        client
    }

    /// A bot's session.
    pub(crate) async fn bot(server: &Server, by: By, version: Version, token: &str) -> Self {
        let mut client = Self::open(server, by).await;
        client.connect(version, &[("passcode", token)]).await;
        client
    }

    /// Says CONNECT with these headers, and takes the answer.
    pub(crate) async fn connect(&mut self, version: Version, headers: &[(&str, &str)]) -> Outgoing {
        let mut frame = Frame::new(ClientCommand::Connect).with("host", "localhost");
        if version > Version::V10 {
            frame = frame.with("accept-version", version.as_str());
        }
        for (name, value) in headers {
            frame = frame.with(*name, *value);
        }
        self.version = version;
        self.send(&frame).await;
        let connected = self.expect(ServerCommand::Connected).await;
        self.decoder.agree(version);
        connected
    }
}

// --- Saying.
impl Stomp {
    pub(crate) async fn send(&mut self, frame: &Frame<ClientCommand>) {
        let mut bytes = Vec::new();
        encode(frame, self.version, &mut bytes).expect("a frame that can be said");
        self.send_bytes(&bytes).await;
    }

    /// Sends bytes as they are; over a WebSocket, in one message.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        // A server that has ended the connection takes none; what it said before is still to be read.
        let _ = match &mut self.link {
            Link::Tcp(tcp) => tcp.write_all(bytes).await.map_err(drop),
            Link::Ws(ws, By::Text) => {
                let text = String::from_utf8(bytes.to_vec()).expect("text");
                ws.send(Message::text(text)).await.map_err(drop)
            }
            Link::Ws(ws, _) => ws.send(Message::binary(bytes.to_vec())).await.map_err(drop),
        };
    }

    /// Sends a frame, and waits for its receipt.
    pub(crate) async fn done(&mut self, frame: Frame<ClientCommand>) {
        static RECEIPTS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let id = format!("r:{}", RECEIPTS.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        self.send(&frame.with("receipt", id.clone())).await;
        self.receipt(&id).await;
    }

    pub(crate) async fn say(&mut self, body: &str) {
        self.done(to("lobby", body)).await;
    }

    /// Subscribes to the lobby, with these headers, and waits until it is attached.
    pub(crate) async fn subscribe(&mut self, id: &str, headers: &[(&str, &str)]) {
        self.done(Self::subscription(id, headers)).await;
    }

    pub(crate) fn subscription(id: &str, headers: &[(&str, &str)]) -> Frame<ClientCommand> {
        let frame = Frame::new(ClientCommand::Subscribe).with("id", id).with("destination", "/topic/lobby");
        headers.iter().fold(frame, |frame, (name, value)| frame.with(*name, *value))
    }

    pub(crate) async fn ack(&mut self, message: &Outgoing) {
        let ack = self.judge(ClientCommand::Ack, message);
        self.done(ack).await;
    }

    pub(crate) async fn nack(&mut self, message: &Outgoing) {
        let nack = self.judge(ClientCommand::Nack, message);
        self.done(nack).await;
    }

    pub(crate) fn judge(&self, command: ClientCommand, message: &Outgoing) -> Frame<ClientCommand> {
        let said = |name| message.header(name).expect(name).to_owned();
        let frame = Frame::new(command);
        match self.version {
            Version::V12 => frame.with("id", said("ack")),
            _ => frame.with("message-id", said("message-id")).with("subscription", said("subscription")),
        }
    }
}

// --- Hearing.
impl Stomp {
    /// Returns the next frame; `None` after the end.
    pub(crate) async fn next(&mut self) -> Option<Outgoing> {
        match self.held.pop_front() {
            Some(frame) => Some(frame),
            None => self.receive().await,
        }
    }

    async fn receive(&mut self) -> Option<Outgoing> {
        loop {
            let bytes = within("bytes", self.read()).await?;
            let mut rest = &bytes[..];
            while let Some(item) = self.decoder.next(&mut rest).expect("a server speaks STOMP") {
                match item {
                    Item::Frame(frame) => self.held.push_back(frame),
                    Item::HeartBeat => self.beats += 1,
                }
                // The frames behind CONNECTED are in its version.
                if self.held.back().is_some_and(|frame| frame.command == ServerCommand::Connected) {
                    self.decoder.agree(self.version);
                }
            }
            if let Some(frame) = self.held.pop_front() {
                return Some(frame);
            }
        }
    }

    async fn read(&mut self) -> Option<Vec<u8>> {
        match &mut self.link {
            Link::Tcp(tcp) => {
                let mut buffer = vec![0; 4096];
                let count = tcp.read(&mut buffer).await.ok()?;
                buffer.truncate(count);
                (count > 0).then_some(buffer)
            }
            Link::Ws(ws, _) => loop {
                match ws.next().await?.ok()? {
                    Message::Text(text) => return Some(text.as_bytes().to_vec()),
                    Message::Close(close) => self.closed = close.map(|close| close.code.into()),
                    _ => {}
                }
            },
        }
    }

    /// The next frame of this kind. Others stay held.
    pub(crate) async fn expect(&mut self, command: ServerCommand) -> Outgoing {
        self.pick(&format!("{command:?}"), |frame| frame.command == command).await
    }

    pub(crate) async fn receipt(&mut self, id: &str) {
        self.pick(&format!("the receipt {id}"), |frame| {
            frame.command == ServerCommand::Receipt && frame.header("receipt-id") == Some(id)
        })
        .await;
    }

    async fn pick(&mut self, what: &str, is_meant: impl Fn(&Outgoing) -> bool) -> Outgoing {
        let mut passed = std::mem::take(&mut self.held);
        if let Some(at) = passed.iter().position(&is_meant) {
            let found = passed.remove(at).expect("it is there");
            self.held = passed;
            return found;
        }
        loop {
            let Some(frame) = self.next().await else {
                panic!("lost the connection waiting for {what}; held: {passed:?}")
            };
            if is_meant(&frame) {
                // Frames received with it are behind it.
                passed.append(&mut self.held);
                self.held = passed;
                return frame;
            }
            if frame.command == ServerCommand::Error {
                panic!("waiting for {what}: {frame:?}");
            }
            passed.push_back(frame);
        }
    }

    /// The next MESSAGE.
    pub(crate) async fn message(&mut self) -> Outgoing {
        self.expect(ServerCommand::Message).await
    }

    /// Waits for so many heart-beats.
    pub(crate) async fn hears_beats(&mut self, count: usize) {
        let wanted = self.beats + count;
        while self.beats < wanted {
            let bytes = within("a heart-beat", self.read()).await.expect("an open connection");
            let mut rest = &bytes[..];
            while let Some(item) = self.decoder.next(&mut rest).expect("a server speaks STOMP") {
                match item {
                    Item::Frame(frame) => self.held.push_back(frame),
                    Item::HeartBeat => self.beats += 1,
                }
            }
        }
    }

    /// The texts of the next messages.
    pub(crate) async fn texts(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        for _ in 0..count {
            texts.push(text(&self.message().await));
        }
        texts
    }

    /// Returns true if a message is held: for messages that must not have come.
    pub(crate) fn holds_message(&self) -> bool {
        self.held.iter().any(|frame| frame.command == ServerCommand::Message)
    }

    /// Reads to the end: the ERROR, which is the last frame, and its code. Receipts before it are given too.
    pub(crate) async fn error(&mut self) -> (Outgoing, Vec<String>) {
        let mut receipts = Vec::new();
        let error = loop {
            let frame = self.next().await.expect("an ERROR before the end");
            match frame.command {
                ServerCommand::Error => break frame,
                ServerCommand::Receipt => {
                    receipts.push(frame.header("receipt-id").expect("an id").to_owned())
                }
                _ => {}
            }
        };
        assert_eq!(self.next().await, None, "nothing comes behind an ERROR");
        (error, receipts)
    }

    /// The code of the ERROR that ends the connection.
    pub(crate) async fn wrong(&mut self) -> String {
        self.error().await.0.header("code").expect("a code").to_owned()
    }

    /// Reads to the end, which comes without an ERROR.
    pub(crate) async fn ended(&mut self) {
        while let Some(frame) = self.next().await {
            assert_ne!(frame.command, ServerCommand::Error, "{frame:?}");
        }
    }
}

/// A message's text.
pub(crate) fn text(message: &Outgoing) -> String {
    String::from_utf8(message.body.clone()).expect("text")
}
