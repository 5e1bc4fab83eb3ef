//! Open connections of one address: before and after their first head, and requests that are answered.

use std::net::SocketAddr;
use std::process::Command;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::harness::{Api, Browser, Client, Over, Server, ask, lobby, read_answer, refused, until, within};

/// Another address of this machine.
const STRANGER: &str = "127.0.0.2:0";

async fn connect(from: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(from.parse().unwrap()).unwrap();
    within("a connection", socket.connect(to)).await.unwrap()
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    within("the end", async { matches!(stream.read(&mut [0; 64]).await, Ok(0) | Err(_)) }).await
}

/// Asks on an open connection, which stays open.
async fn get(stream: &mut TcpStream, path: &str) -> Option<u16> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    within("an answer", read_answer(stream)).await.map(|answer| answer.status)
}

async fn rejected(server: &Server, reason: &str) -> u64 {
    server.metric(&format!(r#"madang_rejected_total{{code="{reason}"}}"#)).await
}

#[tokio::test]
async fn silent_strangers_beyond_the_bound_touch_nobody_else() {
    let server = Server::with(&["--hello-timeout", "300"]);
    let mut ann = Client::join(&server, "ann").await;
    let mut own = connect("127.0.0.1:0", server.addr).await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(connect(STRANGER, server.addr).await);
    }
    until("the oldest to go", async || rejected(&server, "silent").await == 300 - 128).await;
    for stream in &mut silent[..300 - 128] {
        assert!(is_closed(stream).await);
    }
    for newest in [172, 299] {
        assert_eq!(get(&mut silent[newest], "/healthz").await, Some(200), "the newest stay");
    }
    assert_eq!(get(&mut own, "/healthz").await, Some(200), "others' stay");
    // Half a head is none.
    silent[200].write_all(b"GET / HTTP/1.1\r\nHost:").await.unwrap();
    let mut newer = Vec::new();
    for _ in 0..128 {
        newer.push(connect(STRANGER, server.addr).await);
    }
    assert!(is_closed(&mut silent[200]).await);
    assert_eq!(get(&mut silent[172], "/healthz").await, Some(200), "who has asked stays");
    ann.say("hello").await;
    assert_eq!(Browser::new(&server).get("/r/lobby").await.status, 200);
    Client::join(&server, "bob").await.say("hello").await;
}

#[tokio::test]
async fn silent_connections_under_tls_are_bounded() {
    let server = Server::secure(&["--silent-per-address", "2", "--hello-timeout", "300"]);
    let mut first = connect(STRANGER, server.addr).await;
    let _second = connect(STRANGER, server.addr).await;
    let _third = connect(STRANGER, server.addr).await;
    assert!(is_closed(&mut first).await);
}

#[tokio::test]
async fn streams_per_address_are_bounded_and_released() {
    let server = Server::with(&["--tcp-per-address", "3"]);
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut stream = connect(STRANGER, server.addr).await;
        assert_eq!(get(&mut stream, "/healthz").await, Some(200));
        open.push(stream);
    }
    let mut more = connect(STRANGER, server.addr).await;
    let told = within("an answer", read_answer(&mut more)).await.expect("an answer");
    assert_eq!((told.status, told.header("retry-after")), (429, Some("1")));
    assert!(is_closed(&mut more).await);
    assert_eq!(ask(server.addr, "GET", "/r/lobby", &[], "").await.status, 200, "others have their own");
    assert_eq!(rejected(&server, "tcp").await, 1);
    drop(open.pop());
    until("a place", async || get(&mut connect(STRANGER, server.addr).await, "/healthz").await == Some(200))
        .await;

    let server = Server::with(&["--tcp-per-address", "1", "--silent-per-address", "1"]);
    let mut ann = Client::join(&server, "ann").await;
    Client::join(&server, "bob").await.say("an upgraded one counts as a connection").await;
    ann.say("still here").await;
}

#[tokio::test]
async fn trusted_proxies_streams_are_not_bounded() {
    let options = ["--tcp-per-address", "1", "--silent-per-address", "1", "--trusted-proxy", "127.0.0.0/8"];
    let server = Server::with(&options);
    let mut open = Vec::new();
    for _ in 0..5 {
        open.push(connect(STRANGER, server.addr).await);
    }
    for stream in &mut open {
        assert_eq!(get(stream, "/healthz").await, Some(200));
    }
}

#[tokio::test]
async fn without_free_files_the_oldest_silent_one_goes() {
    let server =
        Server::with(&["--silent-per-address", "0", "--tcp-per-address", "0", "--hello-timeout", "300"]);
    let mut ann = Client::join(&server, "ann").await;
    let limit = ["--pid", &server.pid().to_string(), "--nofile=100:100"].map(str::to_owned);
    assert!(Command::new("prlimit").args(limit).status().expect("prlimit").success());
    let mut silent = Vec::new();
    for _ in 0..150 {
        silent.push(connect(STRANGER, server.addr).await);
    }
    assert!(is_closed(&mut silent[0]).await);
    ann.say("still here").await;
    until("the newest to be served", async || {
        get(&mut connect("127.0.0.1:0", server.addr).await, "/healthz").await == Some(200)
    })
    .await;
}

#[tokio::test]
async fn requests_under_way_are_bounded_by_address() {
    let server = Server::with(&["--requests-per-address", "2"]);
    let bot = Api::new(&server, "Robo", &[]).await;
    let mut polls = Client::join_over(&server, "ann", Over::Poll).await;
    let mut more_polls = Client::join_over(&server, "bob", Over::Poll).await;
    let _stream = bot.stream("", None).await.expect("a stream");
    polls.say("polls and streams are connections").await;

    let mut slow = Vec::new();
    // A request before may still be under way while its answer is read: one that is refused for that is sent again.
    for _ in 0..100 {
        if slow.len() == 2 {
            break;
        }
        let mut stream = connect("127.0.0.1:0", server.addr).await;
        let origin = format!("http://{}", server.addr);
        let head = format!(
            "POST /r/lobby/post HTTP/1.1\r\nHost: {}\r\nOrigin: {origin}\r\nExpect: 100-continue\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 4\r\n\r\n",
            server.addr
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut interim = [0; 25];
        within("an interim answer", stream.read_exact(&mut interim)).await.unwrap();
        if interim == *b"HTTP/1.1 100 Continue\r\n\r\n" {
            stream.write_all(b"b").await.unwrap();
            slow.push(stream);
        }
    }
    assert_eq!(slow.len(), 2);
    let answer = ask(server.addr, "GET", "/r/lobby", &[("Accept", "application/json")], "").await;
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(answer.body.contains(r#""retry_after_ms":1000"#), "{answer:?}");
    assert_eq!(refused(&bot.get("/api/rooms").await, 429), "too_fast");
    let opened = ask(server.addr, "POST", "/rt", &[], r#"{"t":"hello"}"#).await;
    assert_eq!((opened.status, opened.header("retry-after")), (429, Some("1")));
    assert!(opened.body.contains(r#""code":"too_fast""#), "{opened:?}");
    assert!(opened.body.contains(r#""retry_after_ms":1000"#), "{opened:?}");
    let posted = ask(server.addr, "POST", "/rt/0", &[], "[]").await;
    assert!(posted.status == 429 && posted.body.contains(r#""retry_after_ms":1000"#), "{posted:?}");
    assert_eq!(ask(server.addr, "GET", "/healthz", &[], "").await.status, 200);
    assert!(rejected(&server, "requests").await >= 3);
    Client::join(&server, "cem").await.say("sockets go on").await;
    let mut stranger = connect(STRANGER, server.addr).await;
    assert_eq!(get(&mut stranger, "/r/lobby").await, Some(200), "others have their own");

    for mut stream in slow {
        stream.write_all(b"=ab").await.unwrap();
        within("an answer", read_answer(&mut stream)).await.expect("an answer");
    }
    assert_eq!(ask(server.addr, "GET", "/r/lobby", &[], "").await.status, 200);
    more_polls.say("and polls too").await;
    more_polls.watch(&lobby(), None).await;
}

#[tokio::test]
async fn unnamed_proxy_is_warned_of_once() {
    for (options, header, told) in [
        (&[][..], "X-Forwarded-For", 1),
        (&[], "Forwarded", 1),
        (&["--trusted-proxy", "127.0.0.1"], "X-Forwarded-For", 0),
        (&[], "X-Other", 0),
    ] {
        let mut server = Server::with(options);
        for _ in 0..3 {
            let answer = ask(server.addr, "GET", "/healthz", &[(header, "203.0.113.7")], "").await;
            assert_eq!(answer.status, 200);
        }
        server.terminate();
        server.ended().await;
        let log = server.log();
        let lines = log.lines().filter(|line| line.contains("--trusted-proxy"));
        assert_eq!(lines.count(), told, "{header} {options:?}: {log}");
    }
}
