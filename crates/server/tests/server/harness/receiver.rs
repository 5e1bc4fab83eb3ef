//! An address that webhooks are delivered to, and that answers as the story wants.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

use super::{Certificate, Pipe, within};

/// Answer to a delivery.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// With this status, and nothing else.
    Status(u16),
    /// With a redirect to this address.
    Redirect(String),
    /// Not at all.
    Never,
    /// With a yes whose body has no end.
    EndlessBody,
    /// With a head that has no end.
    EndlessHead,
}

/// A delivered request.
#[derive(Debug)]
pub(crate) struct Delivered {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Delivered {
    pub(crate) fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        found.next().unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    pub(crate) fn seq(&self) -> u64 {
        self.json()["seq"].as_u64().expect("a number")
    }
}

/// The address.
pub(crate) struct Receiver {
    pub(crate) addr: SocketAddr,
    delivered: UnboundedReceiver<Delivered>,
    accepting: JoinHandle<()>,
}

impl Receiver {
    /// Listens; the number of a delivery, from 0, decides how it is answered.
    pub(crate) async fn start(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::behind(None, reply).await
    }

    /// As [`Receiver::willing`], by https.
    pub(crate) async fn secure(certificate: Certificate) -> Self {
        Self::behind(Some(certificate), |_| Reply::Status(204)).await
    }

    async fn behind(
        certificate: Option<Certificate>,
        reply: impl Fn(usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let (sender, delivered) = unbounded_channel();
        let (reply, certificate) = (Arc::new(reply), Arc::new(certificate));
        let accepting = tokio::spawn(async move {
            for number in 0.. {
                let Ok((tcp, _)) = listener.accept().await else { return };
                let (sender, reply, certificate) = (sender.clone(), reply.clone(), certificate.clone());
                tokio::spawn(async move {
                    let mut stream: Pipe = match &*certificate {
                        Some(certificate) => {
                            let Some(stream) = certificate.accept(tcp).await else { return };
                            stream
                        }
                        None => Box::new(tcp),
                    };
                    let Some(delivery) = read(&mut stream).await else { return };
                    // The test may be over.
                    let _ = sender.send(delivery);
                    answer(&mut stream, reply(number)).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { addr, delivered, accepting }
    }

    /// Says yes to everything.
    pub(crate) async fn willing() -> Self {
        Self::start(|_| Reply::Status(204)).await
    }

    /// Its address for webhooks.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/told?by=madang", self.addr)
    }

    pub(crate) async fn next(&mut self) -> Delivered {
        within("a delivery", self.delivered.recv()).await.expect("it listens")
    }

    /// Returns true if nothing was delivered since.
    pub(crate) fn is_silent(&mut self) -> bool {
        self.delivered.try_recv().is_err()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn read(stream: &mut Pipe) -> Option<Delivered> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let mut delivered = Delivered { head, body: String::new() };
    let mut body = vec![0; delivered.header("content-length").parse().ok()?];
    stream.read_exact(&mut body).await.ok()?;
    delivered.body = String::from_utf8(body).ok()?;
    Some(delivered)
}

async fn answer(stream: &mut Pipe, reply: Reply) {
    let head = match reply {
        Reply::Status(status) => format!("HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n\r\n"),
        Reply::Redirect(url) => format!("HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n"),
        Reply::Never => return std::future::pending().await,
        Reply::EndlessBody => "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n".to_owned(),
        Reply::EndlessHead => "HTTP/1.1 200 OK\r\nX-More: ".to_owned(),
    };
    let is_endless = head.ends_with("plain\r\n\r\n") || head.ends_with("More: ");
    let mut written = stream.write_all(head.as_bytes()).await;
    while is_endless && written.is_ok() {
        written = stream.write_all(&[b'x'; 4096]).await;
    }
}
