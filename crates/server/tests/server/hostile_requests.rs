//! Requests that mean harm, over each protocol: the WebSocket's, and those of the transports over plain HTTP. Each is
//! refused, counted and logged once; memory stays where it was, and everybody else goes on.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::harness::{
    Client, Over, Rt, Server, UNLIMITED, ask, exchange, lobby, until, upgrade_request, within,
};

const HELLO: &str = r#"{"t":"hello"}"#;

/// The head of a request over each protocol, without the empty line that ends it.
fn doors(addr: SocketAddr, rt: &Rt) -> [String; 5] {
    let (path, cookie) = (&rt.path, &rt.cookie);
    let upgrade = upgrade_request(addr, "");
    [
        upgrade.trim_end().to_owned(),
        format!("POST /rt HTTP/1.1\r\nHost: {addr}\r\nContent-Length: {}", HELLO.len()),
        format!("POST {path} HTTP/1.1\r\nHost: {addr}\r\nCookie: {cookie}\r\nContent-Length: 2"),
        format!("GET {path}/events HTTP/1.1\r\nHost: {addr}\r\nCookie: {cookie}"),
        format!("GET {path}/poll HTTP/1.1\r\nHost: {addr}\r\nCookie: {cookie}"),
    ]
}

async fn bystander(server: &Server) -> Client {
    Client::join_over(server, "bystander", Over::Poll).await
}

#[tokio::test]
async fn foreign_origins_are_refused_and_missing_ones_accepted() {
    let server = Server::start();
    let addr = server.addr;
    let mut ann = bystander(&server).await;
    let foreign = [
        "null".into(),
        String::new(),
        "https://evil.example".into(),
        format!("http://{addr}.evil.example"),
        format!("http://evil{addr}"),
        format!("http://{addr}@evil.example"),
        format!("http://{addr}, http://evil.example"),
        format!("http://{addr}\r\nOrigin: http://evil.example"),
    ];
    for (door, head) in doors(addr, ann.link.http()).iter().enumerate() {
        let body = ["", HELLO, "[]", "", ""][door];
        for origin in &foreign {
            let request = format!("{head}\r\nOrigin: {origin}\r\n\r\n{body}");
            assert_eq!(exchange(addr, request.as_bytes()).await.status, 403, "{request}");
        }
    }
    let delete = [("Origin", "null"), ("Cookie", &ann.cookie)];
    assert_eq!(ask(addr, "DELETE", &ann.link.http().path, &delete, "").await.status, 403);
    server.has_rejected("origin", 5 * 8 + 1).await;
    assert_eq!(server.metric("madang_sessions").await, 1, "nobody came in");
    ann.say("the session goes on").await;
}

#[tokio::test]
async fn half_a_request_head_times_out_everywhere() {
    let server = Server::with(&["--hello-timeout", "1"]);
    let mut ann = bystander(&server).await;
    let before = (server.resident_kib(), server.open_sockets());
    let mut halves = Vec::new();
    for head in doors(server.addr, ann.link.http()) {
        for _ in 0..20 {
            let mut stream = TcpStream::connect(server.addr).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            halves.push(stream);
        }
    }
    for stream in &mut halves {
        // Whatever is said to it, the connection ends.
        within("the end of half a request", stream.read_to_end(&mut Vec::new())).await.unwrap();
    }
    server.has_rejected("head", 100).await;
    assert!(server.resident_kib().saturating_sub(before.0) < 16 * 1024);
    until("the sockets to be closed", async || server.open_sockets() <= before.1).await;
    server.lives().await;
}

#[tokio::test]
async fn thousands_of_headers_are_refused_everywhere() {
    let server = Server::start();
    let mut ann = bystander(&server).await;
    let before = server.resident_kib();
    let many: String = (0..5_000).map(|n| format!("X-{n}: {n}\r\n")).collect();
    let long = format!("X: {}\r\n", "x".repeat(100_000));
    for head in doors(server.addr, ann.link.http()) {
        for headers in [&many, &long] {
            let request = format!("{head}\r\n{headers}\r\n");
            assert_eq!(exchange(server.addr, request.as_bytes()).await.status, 431);
        }
    }
    server.has_rejected("head", 10).await;
    assert!(server.resident_kib().saturating_sub(before) < 16 * 1024);
    ann.say("the session goes on").await;
}

#[tokio::test]
async fn an_upgrade_with_a_body_is_no_upgrade() {
    let server = Server::start();
    for extra in ["Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"] {
        let mut request = upgrade_request(server.addr, extra);
        request.push_str("5\r\nhello\r\n0\r\n\r\n");
        assert_eq!(exchange(server.addr, request.as_bytes()).await.status, 400, "{extra}");
    }
    server.has_rejected("upgrade", 2).await;
    assert_eq!(server.connections().await, 0);
}

#[tokio::test]
async fn ambiguous_request_is_refused() {
    let server = Server::start();
    for lines in [
        "Content-Length: 4\r\nContent-Length: 40\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "X : y\r\n",
        "X: a\0b\r\n",
    ] {
        let request = format!("POST /rt HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n{HELLO}");
        assert_eq!(exchange(server.addr, request.as_bytes()).await.status, 400, "{lines}");
    }
    server.has_rejected("head", 7).await;
    assert_eq!(server.connections().await, 0);
}

#[tokio::test]
async fn huge_post_is_refused_unread() {
    let server = Server::start();
    let mut ann = bystander(&server).await;
    let before = server.resident_kib();
    let addr = server.addr;
    let huge = "Content-Length: 1000000000000";
    // Not a byte of the body is sent: the length that is told is enough.
    let opening = format!("POST /rt HTTP/1.1\r\nHost: {addr}\r\n{huge}\r\n\r\n");
    assert_eq!(exchange(addr, opening.as_bytes()).await.status, 413);
    server.has_rejected("too_big", 1).await;
    let rt = ann.link.http();
    let posting =
        format!("POST {} HTTP/1.1\r\nHost: {addr}\r\nCookie: {}\r\n{huge}\r\n\r\n", rt.path, rt.cookie);
    assert_eq!(exchange(addr, posting.as_bytes()).await.status, 413);
    server.has_closed(1009, 1).await;
    assert!(server.resident_kib().saturating_sub(before) < 8 * 1024);
    server.lives().await;
}

#[tokio::test]
async fn endless_chunked_post_is_cut_at_limit() {
    let server = Server::start();
    let mut ann = bystander(&server).await;
    let before = server.resident_kib();
    let rt = ann.link.http();
    for (path, cookie) in [("/rt", ""), (rt.path.as_str(), rt.cookie.as_str())] {
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut reading, mut writing) = stream.into_split();
        let sending = tokio::spawn(async move {
            let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
            let mut sent = 0;
            while sent < 64 * 1024 * 1024 && writing.write_all(chunk.as_bytes()).await.is_ok() {
                sent += chunk.len();
            }
            sent
        });
        let mut answer = vec![0; 12];
        within("an answer", reading.read_exact(&mut answer)).await.unwrap();
        assert_eq!(answer, b"HTTP/1.1 413");
        drop(reading);
        assert!(within("its end", sending).await.unwrap() < 64 * 1024 * 1024, "it is not read to its end");
    }
    server.has_rejected("too_big", 1).await;
    server.has_closed(1009, 1).await;
    assert!(server.resident_kib().saturating_sub(before) < 16 * 1024);
}

#[tokio::test]
async fn unfinished_post_times_out() {
    let server = Server::with(&["--hello-timeout", "1"]);
    let mut ann = bystander(&server).await;
    let rt = ann.link.http();
    for (path, cookie) in [("/rt", ""), (rt.path.as_str(), rt.cookie.as_str())] {
        let begun = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n"
        );
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        // A drop now and then does not make it last longer.
        let dripping = async {
            while stream.write_all(b"1\r\n \r\n").await.is_ok() {
                let mut answer = [0; 12];
                let read = stream.read_exact(&mut answer);
                if let Ok(read) = tokio::time::timeout(std::time::Duration::from_millis(100), read).await {
                    read.unwrap();
                    return answer;
                }
            }
            panic!("no answer");
        };
        assert_eq!(&within("an answer", dripping).await, b"HTTP/1.1 408");
    }
    server.has_rejected("timeout", 2).await;
    ann.say("the session goes on").await;
}

#[tokio::test]
async fn too_many_concurrent_posts_are_refused() {
    let server = Server::start();
    let mut ann = bystander(&server).await;
    let (path, cookie) = (ann.link.http().path.clone(), ann.cookie.clone());
    let half = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\nContent-Length: 60000\r\n\r\n["
    );
    // Which of them come too late is the network's business, how many is not.
    let (held, too_many) = (4, 3);
    let mut halves = Vec::new();
    for _ in 0..held + too_many {
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        stream.write_all(half.as_bytes()).await.unwrap();
        halves.push(stream);
    }
    server.has_rejected("too_fast", too_many).await;
    let answer = ann.link.http().post("[]").await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("1")));
    assert!(answer.body.contains(r#""retry_after_ms":1000"#), "{answer:?}");
    drop(halves);
    until("a place for a post", async || ann.link.http().post("[]").await.status == 204).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn request_with_unread_answer_is_dropped() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    let text = "x".repeat(8_000);
    for _ in 0..50 {
        ann.say(&text).await;
    }
    let mut deaf = bystander(&server).await;
    let rt = deaf.link.http();
    assert_eq!(rt.post(r#"{"t":"watch","room":"lobby","after":1}"#).await.status, 204);
    let before = (server.resident_kib(), server.open_sockets());
    // Each asks again and again on one connection, and reads nothing: a stream, polls, and pages.
    let mut silent = Vec::new();
    for (path, times) in [
        (format!("{}/events?after=1", rt.path), 1),
        (format!("{}/poll?ack=1", rt.path), 500),
        ("/r/lobby".into(), 500),
    ] {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4 * 1024).unwrap();
        let stream = socket.connect(server.addr).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\n\r\n", rt.cookie);
        let _ = stream.try_write(request.repeat(times).as_bytes());
        stream.writable().await.unwrap();
        silent.push(stream);
    }
    // Not three more: a connection that was open before may end meanwhile.
    until("their connections", async || server.open_sockets() > before.1).await;
    for _ in 0..600 {
        ann.say(&text).await;
    }
    until("their connections to be given up", async || server.open_sockets() <= before.1).await;
    // The kernel's own memory of them is its own business: it tells them at its leisure, or never.
    drop(silent);
    until("the deaf one's session to end", async || server.connections().await == 1).await;
    assert!(server.resident_kib().saturating_sub(before.0) < 48 * 1024);
    assert_eq!(ann.watch(&lobby(), Some(651)).await.head, 651);
}
