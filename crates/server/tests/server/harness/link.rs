//! Transports of a client's frames.

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::protocol::Message;

use super::Pipe;
use super::rt::Rt;

/// One connection.
pub(crate) enum Link {
    WebSocket(Box<WebSocketStream<Pipe>>),
    Http(Box<Rt>),
}

/// Input of a client.
pub(crate) enum Heard {
    Text(Utf8Bytes),
    Close(Option<u16>),
}

impl Link {
    /// Sends one text frame. None if the connection is gone.
    pub(crate) async fn text(&mut self, text: &str) -> Option<()> {
        match self {
            Self::WebSocket(ws) => ws.send(Message::text(text)).await.ok(),
            Self::Http(rt) => rt.send(text).await,
        }
    }

    /// Sends one binary frame, which only a WebSocket has.
    pub(crate) async fn binary(&mut self, bytes: &[u8]) -> Option<()> {
        match self {
            Self::WebSocket(ws) => ws.send(Message::binary(bytes.to_vec())).await.ok(),
            Self::Http(_) => panic!("a body is a body"),
        }
    }

    /// Returns the next input; `None` after the end.
    pub(crate) async fn next(&mut self) -> Option<Heard> {
        match self {
            Self::WebSocket(ws) => loop {
                match ws.next().await? {
                    Ok(Message::Text(text)) => return Some(Heard::Text(text)),
                    Ok(Message::Close(close)) => {
                        return Some(Heard::Close(close.map(|close| close.code.into())));
                    }
                    Ok(_) => {}
                    Err(_) => return None,
                }
            },
            Self::Http(rt) => rt.next().await.map(Heard::Text),
        }
    }

    /// The login, if it came with the session.
    pub(crate) fn cookie(&self) -> Option<&str> {
        match self {
            Self::WebSocket(_) => None,
            Self::Http(rt) => Some(&rt.cookie),
        }
    }

    pub(crate) fn http(&mut self) -> &mut Rt {
        match self {
            Self::WebSocket(_) => panic!("this one talks over a WebSocket"),
            Self::Http(rt) => rt,
        }
    }
}
