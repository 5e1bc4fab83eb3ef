//! How a client comes in.

use madang_protocol::SUBPROTOCOL;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use super::over::{Link, Over};
use super::{Client, Rt, Server, To, within};

/// A connection that is still to be made.
pub(crate) struct Dial<'a> {
    server: &'a Server,
    over: Over,
    cookie: String,
    token: Option<String>,
}

impl<'a> Dial<'a> {
    pub(crate) fn new(server: &'a Server) -> Self {
        Self { server, over: Over::WebSocket, cookie: String::new(), token: None }
    }

    /// Over this transport.
    pub(crate) fn over(self, over: Over) -> Self {
        Self { over, ..self }
    }

    /// As the person of this cookie.
    pub(crate) fn cookie(self, cookie: &str) -> Self {
        Self { cookie: cookie.into(), ..self }
    }

    /// As the bot of this token, over a WebSocket.
    pub(crate) fn token(self, token: &str) -> Self {
        Self { token: Some(token.into()), ..self }
    }

    /// Upgrades the connection, and says nothing yet. Over plain HTTP there is nothing to be done before hello.
    /// None if the server is not there.
    pub(crate) async fn open(self, name: &'static str) -> Option<Client> {
        let Self { server, over, cookie, token } = self;
        let addr = server.addr;
        if over != Over::WebSocket {
            let rt = Rt::new(addr, over, cookie.clone());
            return Some(Client::new(name, Link::Http(Box::new(rt)), cookie));
        }
        let mut request = format!("ws://{addr}/ws").into_client_request().expect("a request");
        let headers = request.headers_mut();
        headers.append("sec-websocket-protocol", HeaderValue::from_static(SUBPROTOCOL));
        headers.append("cookie", HeaderValue::try_from(&cookie).expect("a cookie"));
        if let Some(token) = token {
            headers.append("authorization", HeaderValue::try_from(format!("Bearer {token}")).expect("text"));
        }
        let stream = server.reach().await?;
        let upgraded = within("an upgrade", tokio_tungstenite::client_async(request, stream)).await;
        let (ws, answer) = upgraded.ok()?;
        let set = answer.headers().get("set-cookie").map(|set| set.to_str().expect("text"));
        let cookie = set.and_then(|set| set.split(';').next()).map_or(cookie, str::to_owned);
        Some(Client::new(name, Link::WebSocket(Box::new(ws)), cookie))
    }
}
