//! How a client comes in.

use std::net::SocketAddr;

use madang_protocol::SUBPROTOCOL;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};

use super::{Client, Server, within};

/// A connection that is still to be made.
pub(crate) struct Dial {
    addr: SocketAddr,
    headers: Vec<(&'static str, String)>,
}

impl Dial {
    pub(crate) fn new(server: &Server) -> Self {
        Self { addr: server.addr, headers: vec![("sec-websocket-protocol", SUBPROTOCOL.into())] }
    }

    /// As the person of this cookie.
    pub(crate) fn cookie(mut self, cookie: &str) -> Self {
        self.headers.push(("cookie", cookie.into()));
        self
    }

    /// Upgrades the connection, and says nothing yet. None if the server is not there.
    pub(crate) async fn open(self, name: &'static str) -> Option<Client> {
        let mut request = format!("ws://{}/ws", self.addr).into_client_request().expect("a request");
        let mut cookie = String::new();
        for (key, value) in self.headers {
            if key == "cookie" {
                cookie.clone_from(&value);
            }
            request.headers_mut().append(HeaderName::from_static(key), HeaderValue::try_from(value).unwrap());
        }
        let stream = TcpStream::connect(self.addr).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let upgraded = within("an upgrade", tokio_tungstenite::client_async(request, stream)).await;
        let (ws, answer) = upgraded.ok()?;
        if let Some(set) = answer.headers().get("set-cookie") {
            cookie = set.to_str().unwrap().split(';').next().unwrap().to_owned();
        }
        Some(Client::new(name, ws, cookie))
    }
}
