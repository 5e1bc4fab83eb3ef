//! Transports: the means by which a connection carries its frames.

/// The number of a connection: the first carrier of a page is 1, and each later one counts on. Whatever an
/// older carrier still reports is recognised by it, and ignored.
pub type Conn = u64;

/// The state of the socket, by the names of the WebSocket standard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReadyState {
    /// The socket is being opened.
    Connecting,
    /// Frames can be sent.
    Open,
    /// The end was announced.
    Closing,
    /// There is no socket.
    #[default]
    Closed,
}

impl ReadyState {
    /// `CONNECTING`, `OPEN`, `CLOSING` or `CLOSED`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "CONNECTING",
            Self::Open => "OPEN",
            Self::Closing => "CLOSING",
            Self::Closed => "CLOSED",
        }
    }
}

/// Means by which frames are carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A WebSocket.
    #[default]
    WebSocket,
    /// `POST`s up, server-sent events down.
    EventSource,
    /// `POST`s up, one `GET` after another down.
    Poll,
    /// Through the tab that leads.
    Tab,
}

impl Transport {
    /// `websocket`, `eventsource`, `poll` or `tab`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::EventSource => "eventsource",
            Self::Poll => "poll",
            Self::Tab => "tab",
        }
    }
}
