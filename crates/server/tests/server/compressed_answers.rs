//! Answers in gzip or brotli: event streams, polls and the API, which say the same as they do plain.

use std::io::Read;
use std::net::SocketAddr;

use axum::body::Body;
use axum::http::{HeaderMap, Request};
use flate2::read::GzDecoder;
use futures_util::StreamExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::harness::{Client, Over, Server, UNLIMITED, lobby, within};

/// A text of some length, as people write them.
fn long(n: usize) -> String {
    format!("{n}: {}", "내일 회의는 오후 세 시에 2층 회의실에서 합니다. I will bring the numbers. ".repeat(8))
}

/// An answer whose body is read piece by piece.
struct Coded {
    headers: HeaderMap,
    bytes: Vec<u8>,
    body: axum::body::BodyDataStream,
}

impl Coded {
    async fn ask(addr: SocketAddr, path: &str, cookie: &str, codings: &str) -> Self {
        let io = TokioIo::new(TcpStream::connect(addr).await.unwrap());
        let (mut sender, connection) = http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        let request = Request::get(path)
            .header("host", addr.to_string())
            .header("cookie", cookie)
            .header("accept-encoding", codings)
            .body(Body::empty())
            .unwrap();
        let answer = within("an answer", sender.send_request(request)).await.unwrap();
        assert_eq!(answer.status(), 200);
        let (head, body) = answer.into_parts();
        // The connection ends with its sender, and the answer with it.
        tokio::spawn(async move { sender.ready().await });
        Self { headers: head.headers, bytes: Vec::new(), body: Body::new(body).into_data_stream() }
    }

    fn coding(&self) -> Option<&str> {
        self.headers.get("content-encoding").map(|coding| coding.to_str().unwrap())
    }

    /// Reads until the text has this in it, or to the end. Returns the text.
    async fn until(&mut self, wanted: &str) -> String {
        within(wanted, async {
            loop {
                let text = self.text();
                if text.contains(wanted) {
                    return text;
                }
                match self.body.next().await {
                    Some(piece) => self.bytes.extend(piece.unwrap()),
                    None => return text,
                }
            }
        })
        .await
    }

    /// Returns what is readable so far.
    fn text(&self) -> String {
        let mut text = Vec::new();
        match self.coding() {
            Some("gzip") => drop(GzDecoder::new(&self.bytes[..]).read_to_end(&mut text)),
            None => text.clone_from(&self.bytes),
            other => panic!("{other:?}"),
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

#[tokio::test]
async fn event_stream_in_gzip_says_the_same() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join_over(&server, "ann", Over::Poll).await;
    let cookie = ann.link.http().cookie.clone();
    let path = "/api/rooms/lobby/stream?after=1";
    let mut plain = Coded::ask(server.addr, path, &cookie, "br, identity").await;
    let mut coded = Coded::ask(server.addr, path, &cookie, "gzip, deflate, br").await;
    assert_eq!((plain.coding(), coded.coding()), (None, Some("gzip")));
    assert_eq!(coded.headers["cache-control"], "no-store, no-transform");
    assert_eq!(coded.headers["vary"], "accept-encoding");
    for n in 0..30 {
        let text = if n % 3 == 0 { format!("{n}: short") } else { long(n) };
        ann.say(&text).await;
        let wanted = format!("\"{n}: ");
        assert!(coded.until(&wanted).await.contains(&wanted), "it does not wait for more");
    }
    assert_eq!(plain.until("\"29: ").await, coded.until("\"29: ").await);
    assert!(coded.bytes.len() * 2 < plain.bytes.len(), "{} of {}", coded.bytes.len(), plain.bytes.len());
}

#[tokio::test]
async fn poll_and_frames_in_gzip_say_the_same() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    for n in 0..40 {
        ann.say(&long(n)).await;
    }
    let mut bob = Client::join_over(&server, "bob", Over::Poll).await;
    bob.watch_now(&lobby()).await;
    let mut last = String::new();
    for tail in ["/poll?ack=1", "/events?after=1"] {
        let rt = bob.link.http();
        let path = format!("{}{tail}", rt.path);
        let mut plain = Coded::ask(server.addr, &path, &rt.cookie, "identity").await;
        let said = plain.until("\"live\"").await;
        let mut coded = Coded::ask(server.addr, &path, &rt.cookie, "gzip").await;
        assert_eq!(coded.coding(), Some("gzip"), "{tail}");
        assert_eq!(coded.until("\"live\"").await, said, "{tail}");
        assert!(coded.bytes.len() * 4 < plain.bytes.len(), "{} of {}", coded.bytes.len(), plain.bytes.len());
        last = said;
    }
    assert!(last.contains("39: "), "{last}");
}

#[tokio::test]
async fn history_is_compressed_for_who_takes_it() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join_over(&server, "ann", Over::Poll).await;
    for n in 0..40 {
        ann.say(&long(n)).await;
    }
    let cookie = ann.link.http().cookie.clone();
    let path = "/api/rooms/lobby/entries?after=1";
    let plain = Coded::ask(server.addr, path, &cookie, "").await.until("no end").await;
    let mut coded = Coded::ask(server.addr, path, &cookie, "gzip").await;
    assert_eq!(coded.until("no end").await, plain);
    assert!(coded.bytes.len() * 4 < plain.len(), "{} of {}", coded.bytes.len(), plain.len());
    assert_eq!(Coded::ask(server.addr, path, &cookie, "br").await.coding(), Some("br"));
    let short = Coded::ask(server.addr, "/healthz", &cookie, "gzip").await;
    assert_eq!(short.coding(), None, "not worth it");
}

#[tokio::test]
async fn option_turns_compression_off() {
    let server = Server::with(&["--no-compression"]);
    let mut ann = Client::join_over(&server, "ann", Over::Poll).await;
    ann.say("one").await;
    let cookie = ann.link.http().cookie.clone();
    for path in ["/api/rooms/lobby/stream?after=1", "/api/rooms/lobby/entries"] {
        assert_eq!(Coded::ask(server.addr, path, &cookie, "gzip").await.coding(), None, "{path}");
    }
}
