//! Peers that do not do what TLS asks of them.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::harness::{
    Client, Dial, Server, UNLIMITED, ask, exchange, random, until, upgrade_request, within,
};

/// A handshake of TLS 1.1 as an old client begins it: version 3.2 in the record and in the hello, one suite, and
/// no word of newer versions; and these extensions.
fn hello_of_tls_1_1(extensions: &[u8]) -> Vec<u8> {
    let mut hello = vec![0x03, 0x02];
    hello.extend([7; 32]);
    // No session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
    hello.extend([0, 0, 2, 0x00, 0x2f, 1, 0]);
    hello.extend([0, extensions.len() as u8]);
    hello.extend(extensions);
    let mut message = vec![1, 0, 0, hello.len() as u8];
    message.extend(hello);
    let mut record = vec![0x16, 0x03, 0x02, 0, message.len() as u8];
    record.extend(message);
    record
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.addr).await.unwrap()
}

/// Everything up to the end.
async fn all(stream: &mut TcpStream) -> Vec<u8> {
    let mut heard = Vec::new();
    let _ = within("the end", stream.read_to_end(&mut heard)).await;
    heard
}

#[tokio::test]
async fn tls_1_1_gets_a_fatal_alert() {
    const FATAL: u8 = 2;
    // It cannot name what it can check, or it can: RSA with SHA-256.
    for (extensions, alert) in [(&[][..], 40), (&[0, 13, 0, 4, 0, 2, 4, 1][..], 70)] {
        let server = Server::secure(&[]);
        let mut old = connect(&server).await;
        old.write_all(&hello_of_tls_1_1(extensions)).await.unwrap();
        assert_eq!(all(&mut old).await, [0x15, 3, 3, 0, 2, FATAL, alert]);
        server.has_rejected("tls", 1).await;
        server.lives().await;
    }
}

#[tokio::test]
async fn false_tls_start_ends_immediately() {
    let server = Server::secure(&["--hello-timeout", "3600"]);
    let mut long = vec![0x16, 0x03, 0x01, 0xff, 0xff];
    long.extend([0; 70_000]);
    for garbage in [
        &b"\x16\x03\x01\x00\x05hello"[..],
        b"\x16\x16\x16\x16\x16\x16\x16\x16\x16\x16",
        b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",
        b"\x16\x03\x01\x00\x00\x16\x03\x01\x00\x00",
        &long,
    ] {
        let mut stream = connect(&server).await;
        let _ = stream.write_all(garbage).await;
        let heard = all(&mut stream).await;
        assert!(heard.is_empty() || heard[0] == 0x15, "nothing but an alert: {heard:?}");
    }
    server.has_rejected("tls", 5).await;
    for _ in 0..50 {
        let mut stream = connect(&server).await;
        let mut noise = vec![0x16, 0x03, 0x01, 0x02, 0x00];
        noise.extend((0..512).map(|_| random(256) as u8));
        let _ = stream.write_all(&noise).await;
        // By chance it is the beginning of a longer message: then there is no more to come.
        let _ = stream.shutdown().await;
        all(&mut stream).await;
    }
    server.lives().await;
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[tokio::test]
async fn half_a_handshake_times_out() {
    let server = Server::secure(&["--hello-timeout", "1", "--connections-per-address", "2"]);
    let hello = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01];
    let mut halves = Vec::new();
    for _ in 0..100 {
        let mut half = connect(&server).await;
        half.write_all(&hello).await.unwrap();
        halves.push(half);
    }
    let silent = connect(&server).await;
    halves.push(silent);
    let mut ann = Client::join(&server, "ann").await;
    ann.say("there is room").await;
    for mut half in halves {
        assert_eq!(all(&mut half).await, b"");
    }
    server.has_rejected("tls", 101).await;
    ann.say("still").await;
}

#[tokio::test]
async fn a_handshake_that_drips_is_cut_off_too() {
    let server = Server::secure(&["--hello-timeout", "1"]);
    let mut dripping = connect(&server).await;
    dripping.write_all(&[0x16, 0x03, 0x01, 0x02, 0x00]).await.unwrap();
    within("the end", async {
        while dripping.write_all(&[1]).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    server.has_rejected("tls", 1).await;
}

#[tokio::test]
async fn silent_end_is_not_logged() {
    let server = Server::secure(&[]);
    for _ in 0..10 {
        drop(connect(&server).await);
    }
    server.lives().await;
    assert_eq!(server.metric(r#"madang_rejected_total{code="tls"}"#).await, 0);
}

#[tokio::test]
async fn damaged_records_end_the_connection() {
    let server = Server::secure(&[]);
    let tcp = connect(&server).await;
    let tls = server.trust().wrap(tcp).await.expect("a handshake");
    let (mut tcp, _) = tls.into_inner();
    // A record that nobody with the key has written.
    tcp.write_all(b"\x17\x03\x03\x00\x20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").await.unwrap();
    all(&mut tcp).await;
    until("its socket to be let go", async || server.connections().await == 0).await;
    server.lives().await;
}

#[tokio::test]
async fn half_a_request_under_tls_times_out() {
    let server = Server::secure(&["--hello-timeout", "1"]);
    for half in ["", "GET /ws HT", "GET /r/lobby HTTP/1.1\r\nHost: localhost\r\nX: "] {
        let mut stream = server.connect().await;
        stream.write_all(half.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        let mut heard = Vec::new();
        let _ = within("to be cut off", stream.read_to_end(&mut heard)).await;
        assert!(!String::from_utf8_lossy(&heard).contains("200 OK"), "{half:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unread_answer_under_tls_is_dropped() {
    let server = Server::secure(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    let text = "x".repeat(8_000);
    for _ in 0..50 {
        ann.say(&text).await;
    }
    let before = server.open_sockets();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let mut deaf = server.wrap(socket.connect(server.addr).await.unwrap()).await.expect("a handshake");
    let request = b"GET /r/lobby HTTP/1.1\r\nHost: localhost\r\n\r\n";
    deaf.write_all(&request.repeat(200)).await.unwrap();
    deaf.flush().await.unwrap();
    until("its connection", async || server.open_sockets() > before).await;
    until("its connection to be given up", async || server.open_sockets() <= before).await;
    ann.say("undisturbed").await;
}

#[tokio::test]
async fn clear_http_is_redirected_and_served_nothing() {
    let server = Server::secure(&[]);
    let addr = server.addr;
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/r/lobby?at=1"),
        ("POST", "/r/lobby/post"),
        ("GET", "/metrics"),
        ("GET", "//evil.example"),
    ] {
        let answer = ask(addr, method, path, &[], "").await;
        let there = format!("https://{addr}{path}");
        assert_eq!((answer.status, answer.header("location")), (308, Some(there.as_str())));
        assert_eq!(answer.header("connection"), Some("close"));
        assert!(answer.all("set-cookie").is_empty());
    }
    let named = exchange(addr, b"GET /x HTTP/1.1\r\nHost: chat.example:8443\r\n\r\n").await;
    assert_eq!(named.header("location"), Some("https://chat.example:8443/x"));
    for odd in ["evil.example/", "a@evil.example", "<b>", ""] {
        let request = format!("GET /x HTTP/1.1\r\nHost: {odd}\r\n\r\n");
        let answer = exchange(addr, request.as_bytes()).await;
        assert_eq!((answer.status, answer.header("location")), (400, None), "{odd}");
    }
    let absolute = exchange(addr, b"GET http://b.example/x HTTP/1.1\r\nHost: a.example:1\r\n\r\n").await;
    assert_eq!(absolute.header("location"), Some("https://b.example/x"), "the target goes before Host");
    server.lives().await;
}

#[tokio::test]
async fn clear_websocket_is_told_to_use_tls() {
    let server = Server::secure(&[]);
    let answer = exchange(server.addr, upgrade_request(server.addr, "").as_bytes()).await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains(&format!("wss://{}", server.addr)), "{}", answer.body);
    assert_eq!(answer.header("location"), None, "nobody would follow it");
}

#[tokio::test]
async fn another_port_only_shows_the_way() {
    let server = Server::secure(&["--http-addr", "127.0.0.1:0", "--hello-timeout", "1"]);
    let redirector = server.redirector();
    let port = server.addr.port();
    let answer =
        exchange(redirector, format!("GET /r/lobby HTTP/1.1\r\nHost: {redirector}\r\n\r\n").as_bytes()).await;
    let there = format!("https://127.0.0.1:{port}/r/lobby");
    assert_eq!((answer.status, answer.header("location")), (308, Some(there.as_str())));
    // A name without a port came to port 80, which somebody passes on to this one.
    let answer = exchange(redirector, b"GET / HTTP/1.1\r\nHost: chat.example\r\n\r\n").await;
    assert_eq!(answer.header("location"), Some("https://chat.example/"));
    assert_eq!(exchange(redirector, upgrade_request(redirector, "").as_bytes()).await.status, 403);
    // It has the limits of every other: half a request, a head without end, something else than HTTP.
    let mut half = TcpStream::connect(redirector).await.unwrap();
    half.write_all(b"GET / HT").await.unwrap();
    all(&mut half).await;
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(17 * 1024));
    assert_eq!(exchange(redirector, long.as_bytes()).await.status, 431);
    let mut tls = TcpStream::connect(redirector).await.unwrap();
    tls.write_all(&hello_of_tls_1_1(&[])).await.unwrap();
    all(&mut tls).await;
    assert!(Dial::new(&server).open("ann").await.is_some());
}
