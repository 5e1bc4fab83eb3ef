//! A client of HTTP/2: many requests on one connection.

use std::net::SocketAddr;

use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::{Answer, Pipe, Server, within};

/// A connection that agreed on HTTP/2.
pub(crate) struct Http2 {
    pub(crate) host: SocketAddr,
    pub(crate) sender: SendRequest<Body>,
    /// Ends with the connection.
    pub(crate) connection: JoinHandle<()>,
}

/// Connects, and agrees on HTTP/2.
pub(crate) async fn h2_pipe(server: &Server) -> Pipe {
    let offer = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let trust = server.trust().with(|config| config.alpn_protocols = offer);
    let tcp = TcpStream::connect(server.addr).await.expect("a server");
    let tls = trust.wrap(tcp).await.expect("a handshake");
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    Box::new(tls)
}

impl Http2 {
    pub(crate) async fn connect(server: &Server) -> Self {
        Self::connect_with(server, 65_535).await
    }

    /// A connection on which so many bytes of each answer may be sent before they are read.
    pub(crate) async fn connect_with(server: &Server, window: u32) -> Self {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(window);
        let pipe = TokioIo::new(h2_pipe(server).await);
        let (sender, connection) = builder.handshake(pipe).await.expect("a handshake");
        let connection = tokio::spawn(async move {
            let _ = connection.await;
        });
        Self { host: server.addr, sender, connection }
    }

    /// A request of `path` at this server.
    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Request<Body> {
        let mut request = Request::builder().method(method).uri(format!("https://{}{path}", self.host));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::from(body.to_owned())).expect("a request")
    }

    /// Sends a request; the answer's body is unread.
    pub(crate) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> hyper::Result<axum::http::Response<Incoming>> {
        within("an answer", async {
            self.sender.ready().await?;
            self.sender.send_request(request).await
        })
        .await
    }

    /// Asks, and reads the whole answer.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let request = self.request(method, path, headers, body);
        let (head, body) = self.send(request).await.expect("an answer").into_parts();
        let bytes =
            within("a body", axum::body::to_bytes(Body::new(body), usize::MAX)).await.expect("a body");
        let text = |value: &axum::http::HeaderValue| value.to_str().expect("text").to_owned();
        Answer {
            status: head.status.as_u16(),
            headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: String::from_utf8(bytes.to_vec()).expect("a body of text"),
        }
    }
}
