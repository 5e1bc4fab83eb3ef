//! Connections to the server under load, cheap enough for thousands on one core.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, anyhow, bail};
use futures_util::{SinkExt, StreamExt};
use madang_protocol::{ClientFrame, RoomId, SUBPROTOCOL, Seq, ServerFrame};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// Protocols that a server may speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Protocol {
    /// `madang.v1`.
    Madang,
    /// Nothing: each text frame from a socket on `/send` goes to all others.
    Raw,
    /// JSON without a subprotocol, as Madang's plain protocol does.
    Plain,
    /// STOMP 1.2 over a WebSocket.
    Stomp,
    /// The same to a durable queue, which keeps each message before its receipt.
    Queue,
    /// MQTT 3.1.1 over a WebSocket.
    Mqtt,
    /// NATS over a WebSocket, to a stream that keeps each message before its acknowledgement.
    Nats,
}

impl Protocol {
    /// True if a writer is sent an acknowledgement of each write.
    pub fn acknowledges(self) -> bool {
        matches!(self, Self::Madang | Self::Queue | Self::Nats)
    }

    /// True if an entry tells its place in the log of its room; otherwise each writer is a log of its own.
    pub(crate) fn is_logged(self) -> bool {
        self == Self::Madang
    }

    /// True if a run may have other rooms than the lobby.
    pub(crate) fn has_rooms(self) -> bool {
        matches!(self, Self::Madang | Self::Raw)
    }

    fn subprotocol(self) -> Option<&'static str> {
        match self {
            Self::Madang => Some(SUBPROTOCOL),
            Self::Raw | Self::Plain | Self::Nats => None,
            Self::Stomp | Self::Queue => Some("v12.stomp"),
            Self::Mqtt => Some("mqtt"),
        }
    }
}

/// The server under load.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Address of the server.
    pub address: SocketAddr,
    /// Protocol of the server.
    pub speaks: Protocol,
}

/// An open connection.
pub type Socket = WebSocketStream<TcpStream>;

/// Connections from one loopback address; below the limit per address that a server may have.
const PER_ADDRESS: usize = 200;

/// Bytes that a connection reads at once. tungstenite fills the buffer with zeros before each read, and keeps it.
const READ_BYTES: usize = 8 * 1024;

/// Opens connection `number` to `path`.
///
/// # Errors
/// If the server cannot be reached, or refuses the upgrade.
pub async fn connect(target: Target, path: &str, number: usize) -> Result<Socket> {
    connect_with(target, path, number, None).await
}

/// Opens connection `number`, for which the kernel holds at most about so many bytes that were not read.
///
/// # Errors
/// If the server cannot be reached, or refuses the upgrade.
pub async fn connect_with(
    target: Target,
    path: &str,
    number: usize,
    kernel_bytes: Option<u32>,
) -> Result<Socket> {
    let stream = connect_tcp(target.address, number, kernel_bytes).await?;
    let mut request = format!("ws://{}{path}", target.address).into_client_request()?;
    let headers = request.headers_mut();
    let mut set = |name: HeaderName, value: &str| -> Result<()> {
        headers.insert(name, HeaderValue::from_str(value)?);
        Ok(())
    };
    // A page of the server itself would send this.
    set(header::ORIGIN, &format!("http://{}", target.address))?;
    if let Some(subprotocol) = target.speaks.subprotocol() {
        set(header::SEC_WEBSOCKET_PROTOCOL, subprotocol)?;
    }
    let config = WebSocketConfig::default().read_buffer_size(READ_BYTES);
    let (socket, _) = tokio_tungstenite::client_async_with_config(request, stream, Some(config))
        .await
        .with_context(|| format!("opening connection {number} to {}", target.address))?;
    Ok(socket)
}

async fn connect_tcp(address: SocketAddr, number: usize, kernel_bytes: Option<u32>) -> Result<TcpStream> {
    let stream = match address.ip() {
        IpAddr::V4(ip) if ip.is_loopback() => {
            let from = Ipv4Addr::new(127, 0, 0, u8::try_from(2 + number / PER_ADDRESS)?);
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::new(from.into(), 0))?;
            kernel_bytes.map_or(Ok(()), |bytes| socket.set_recv_buffer_size(bytes))?;
            socket.connect(address).await
        }
        _ => TcpStream::connect(address).await,
    };
    let stream = stream.with_context(|| format!("connecting to {address}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Says `hello`; answers the lobby's head.
///
/// # Errors
/// If the server answers anything but `welcome`.
pub async fn hello(socket: &mut Socket) -> Result<Seq> {
    let rooms = rooms(socket).await?;
    let lobby = rooms.into_iter().find(|(room, _)| *room == RoomId::lobby());
    Ok(lobby.context("the welcome names no lobby")?.1)
}

/// Says `hello`; answers all rooms and their heads.
///
/// # Errors
/// If the server answers anything but `welcome`.
pub async fn rooms(socket: &mut Socket) -> Result<Vec<(RoomId, Seq)>> {
    send(socket, &ClientFrame::Hello { resume: Vec::new(), epoch: None, locale: None }).await?;
    loop {
        match next(socket).await? {
            ServerFrame::Welcome { rooms, .. } => {
                return Ok(rooms.into_iter().map(|info| (info.room, info.head)).collect());
            }
            ServerFrame::People { .. } => {}
            other => bail!("expected a welcome, got {other:?}"),
        }
    }
}

/// Watches the lobby from its present head, as a page does that was just rendered; answers the cursor.
///
/// # Errors
/// As [`watch_room`].
pub async fn watch(socket: &mut Socket) -> Result<Seq> {
    watch_room(socket, &RoomId::lobby()).await
}

/// Watches a room from its present head; answers the cursor.
///
/// # Errors
/// If the server does not list the room, or answers neither `live` nor a `snapshot` before it.
pub async fn watch_room(socket: &mut Socket, room: &RoomId) -> Result<Seq> {
    let listed = rooms(socket).await?.into_iter().find(|(listed, _)| listed == room);
    let mut cursor = listed.context("the welcome does not name the room")?.1;
    send(socket, &ClientFrame::Watch { room: room.clone(), after: Some(cursor) }).await?;
    loop {
        match next(socket).await? {
            ServerFrame::Live { .. } => return Ok(cursor),
            ServerFrame::Entry(entry) => cursor = entry.seq,
            ServerFrame::Snapshot(snapshot) => cursor = snapshot.head,
            ServerFrame::Refused { message, .. } => bail!("the room was refused: {message}"),
            _ => {}
        }
    }
}

/// A frame as a message.
///
/// # Errors
/// If the frame is one that only the other side sends.
pub fn text(frame: &ClientFrame) -> Result<Message> {
    Ok(Message::Text(Utf8Bytes::from(serde_json::to_string(frame)?)))
}

/// Sends a frame.
///
/// # Errors
/// If the connection is gone.
pub async fn send(socket: &mut Socket, frame: &ClientFrame) -> Result<()> {
    Ok(socket.send(text(frame)?).await?)
}

/// The next frame.
///
/// # Errors
/// If the connection is gone, or brings what is no frame.
pub async fn next(socket: &mut Socket) -> Result<ServerFrame> {
    Ok(serde_json::from_str(&next_text(socket).await?)?)
}

/// The next frame's text.
///
/// # Errors
/// If the connection is gone.
pub async fn next_text(socket: &mut Socket) -> Result<Utf8Bytes> {
    loop {
        match socket.next().await.ok_or_else(|| anyhow!("the server closed the connection"))?? {
            Message::Text(text) => return Ok(text),
            Message::Close(close) => bail!("the server closed the connection: {close:?}"),
            _ => {}
        }
    }
}
