//! A client of the plain protocol: the WebSocket of the textbooks, and nothing besides.

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::{Server, within};

pub(crate) struct PlainSocket {
    ws: WebSocketStream<TcpStream>,
    /// The login that the upgrade gave, if it did.
    pub(crate) cookie: Option<String>,
}

/// Content of a message, as a plain client of JSON reads it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) seq: u64,
    pub(crate) nickname: String,
    pub(crate) message: String,
}

impl PlainSocket {
    /// Opens `path`, such as `/?room=lobby`.
    pub(crate) async fn open(server: &Server, path: &str) -> Self {
        Self::open_with(server, path, &[]).await
    }

    pub(crate) async fn open_with(server: &Server, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut request = format!("ws://{}{path}", server.addr).into_client_request().expect("a request");
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a name");
            request.headers_mut().append(name, HeaderValue::try_from(*value).expect("a value"));
        }
        let stream = TcpStream::connect(server.addr).await.expect("a connection");
        let (ws, answer) = within("an upgrade", client_async(request, stream)).await.expect("an upgrade");
        let cookie = answer.headers().get("set-cookie").and_then(|set| set.to_str().ok());
        let cookie = cookie.and_then(|set| set.split(';').next()).map(str::to_owned);
        Self { ws, cookie }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.ws.send(Message::text(text)).await.expect("a frame");
    }

    pub(crate) async fn send_binary(&mut self, bytes: &[u8]) {
        self.ws.send(Message::binary(bytes.to_vec())).await.expect("a frame");
    }

    /// The next text.
    pub(crate) async fn read(&mut self) -> String {
        within("a text", async {
            loop {
                match self.ws.next().await.expect("an open socket").expect("a frame") {
                    Message::Text(text) => return text.to_string(),
                    Message::Close(close) => panic!("closed: {close:?}"),
                    _ => {}
                }
            }
        })
        .await
    }

    pub(crate) async fn json(&mut self) -> Value {
        let text = self.read().await;
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
    }

    /// The next message of a person; what has a `type` is none.
    pub(crate) async fn line(&mut self) -> Line {
        loop {
            let said = self.json().await;
            if said.get("type").is_none() {
                return Line {
                    seq: said["seq"].as_u64().expect("a seq"),
                    nickname: said["nickname"].as_str().expect("a nickname").into(),
                    message: said["message"].as_str().expect("a message").into(),
                };
            }
        }
    }

    /// The code and the reason of the close; texts before it are passed over.
    pub(crate) async fn closed(mut self) -> (u16, String) {
        within("a close", async {
            while let Some(Ok(message)) = self.ws.next().await {
                if let Message::Close(Some(close)) = message {
                    return (close.code.into(), close.reason.to_string());
                }
            }
            panic!("the socket ended without a close");
        })
        .await
    }
}
