//! Requests on one connection, as fast as they are answered.

use std::net::SocketAddr;

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{ACCEPT_ENCODING, COOKIE, HOST, SET_COOKIE};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::spawn_local;

/// A connection that is opened anew when it was cut.
pub(super) struct Client {
    address: SocketAddr,
    open: Option<SendRequest<Empty<Bytes>>>,
    cookie: Option<String>,
}

impl Client {
    /// No connection yet.
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, open: None, cookie: None }
    }

    /// Asks, and reads all of the answer; whether it was one of success.
    pub(super) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        known: bool,
        compressed: bool,
    ) -> Result<bool> {
        let mut sender = match self.open.take() {
            Some(sender) if sender.is_ready() => sender,
            _ => self.connect().await?,
        };
        let mut request = Request::builder().method(method).uri(path).header(HOST, self.address.to_string());
        if let Some(cookie) = self.cookie.as_ref().filter(|_| known) {
            request = request.header(COOKIE, cookie);
        }
        if compressed {
            request = request.header(ACCEPT_ENCODING, "br, gzip");
        }
        let answer = sender.send_request(request.body(Empty::new())?).await?;
        let status = answer.status();
        if known && self.cookie.is_none() {
            let set = answer.headers().get(SET_COOKIE).and_then(|set| set.to_str().ok());
            self.cookie = set.and_then(|set| set.split(';').next()).map(str::to_owned);
        }
        answer.into_body().collect().await?;
        sender.ready().await.map(|()| self.open = Some(sender)).unwrap_or_default();
        Ok(status.is_success())
    }

    async fn connect(&self) -> Result<SendRequest<Empty<Bytes>>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        spawn_local(connection);
        Ok(sender)
    }
}
