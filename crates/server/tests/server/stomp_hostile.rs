//! Malformed or hostile STOMP: an ERROR with the reason, one line in the log, one count, and memory where it was.

use madang_stomp::Version;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{By, Server, Stomp, UNLIMITED, stomp_server, text, until};

/// Most that the server may grow while it is sent megabytes. KiB.
const FLAT: u64 = 16 * 1024;

#[tokio::test]
async fn malformed_frame_is_answered_counted_logged_once() {
    let server = stomp_server(&[]);
    let long = format!("SEND\nx:{}\n\n\0", "x".repeat(9_000));
    let many = format!("SEND\n{}\n\0", "x:y\n".repeat(65));
    let wide = format!("SEND\n{}\n\0", format!("x:{}\n", "y".repeat(1_000)).repeat(17));
    let body = format!("SEND\ndestination:/topic/lobby\n\n{}", "x".repeat(65_537));
    let cases: Vec<(&str, &[u8])> = vec![
        ("unknown command", b"SING\n\n\0"),
        ("a command of HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("a server's command", b"MESSAGE\n\n\0"),
        ("a header without a colon", b"SEND\ndestination\n\n\0"),
        ("a header without a name", b"SEND\n:x\n\n\0"),
        ("an undefined escape", b"SEND\ndestination:/topic/lobby\\t\n\n\0"),
        ("a stray carriage return", b"SEND\ndestination:/topic/\rlobby\n\n\0"),
        ("a NUL among the headers", b"SEND\ndestination:/topic/lobby\0\n\n\0"),
        ("an over-long header", long.as_bytes()),
        ("too many headers", many.as_bytes()),
        ("too wide a head", wide.as_bytes()),
        ("a body that never ends", body.as_bytes()),
        ("a length that is too long", b"SEND\ncontent-length:99999999999\n\n"),
        ("a length that is none", b"SEND\ncontent-length:-1\n\nx\0"),
        ("a body without its NUL", b"SEND\ndestination:/topic/lobby\ncontent-length:2\n\nabcd\0"),
        ("a body where there is none", b"BEGIN\ntransaction:a\n\nbody\0"),
        ("headers that are not UTF-8", b"SEND\nx:\xff\n\n\0"),
    ];
    let mut count = 0;
    for by in [By::Tcp, By::Binary] {
        for (what, bytes) in &cases {
            // More than a message of a WebSocket may be goes over TCP alone.
            if by == By::Binary && bytes.len() > 60_000 {
                continue;
            }
            let mut client = Stomp::join(&server, by, Version::V12).await;
            client.send_bytes(bytes).await;
            assert_eq!(client.wrong().await, "unreadable", "{what} by {by:?}");
            assert!(by == By::Tcp || client.closed == Some(4507), "{what}");
            count += 1;
        }
    }
    let metric = r#"madang_stomp_errors_total{code="unreadable"}"#;
    until("the count", async || server.metric(metric).await == count).await;
    let line = r#"a STOMP client is told what was wrong code="unreadable""#;
    until("the log", async || server.told(line) as u64 == count).await;
    assert_eq!(server.metric(r#"madang_closed_total{code="4507"}"#).await, count);
    assert_eq!(server.told("panicked"), 0);
    until("all to be gone", async || server.connections().await == 0).await;
}

#[tokio::test]
async fn missing_or_repeated_connect_is_an_error() {
    let server = stomp_server(&[]);
    for by in By::ALL {
        for first in ["SEND\ndestination:/topic/lobby\n\nx\0", "DISCONNECT\n\n\0", "SUBSCRIBE\nid:0\n\n\0"] {
            let mut client = Stomp::open(&server, by).await;
            client.send_bytes(first.as_bytes()).await;
            assert_eq!(client.wrong().await, "not_connected", "{first}");
        }
        let mut client = Stomp::open(&server, by).await;
        client.send_bytes(b"\n\r\n\nCONNECT\naccept-version:1.2\n\nbody\0").await;
        assert_eq!(client.wrong().await, "unreadable", "a body");
        for again in ["CONNECT\n\n\0", "STOMP\naccept-version:1.2\n\n\0"] {
            let mut client = Stomp::join(&server, by, Version::V12).await;
            client.send_bytes(again.as_bytes()).await;
            assert_eq!(client.wrong().await, "connected");
        }
    }
}

#[tokio::test]
async fn injected_newline_stays_within_one_header() {
    let server = stomp_server(&[]);
    let evil = "0\n\n\0ERROR\nmessage:evil";
    let mut client = Stomp::join(&server, By::Tcp, Version::V12).await;
    client
        .send_bytes(b"SUBSCRIBE\nid:0\\nadmin\\ctrue\\r\ndestination:/topic/lobby\nreceipt:a\\nb\n\n\0")
        .await;
    client.receipt("a\nb").await;
    client.say("hello").await;
    let message = client.message().await;
    assert_eq!((message.header("subscription"), message.header("admin")), (Some("0\nadmin:true\r"), None));
    // CONNECT is not escaped: there a newline cannot be said, and a name loses it.
    for login in ["Ada\\nadmin:true", evil] {
        let mut client = Stomp::open(&server, By::Tcp).await;
        client.send_bytes(format!("CONNECT\naccept-version:1.2\nlogin:{login}\n\n\0").as_bytes()).await;
        match client.next().await.map(|frame| (frame.command, frame.header("user-name").map(str::to_owned))) {
            Some((madang_stomp::ServerCommand::Connected, name)) => {
                assert!(name.is_some_and(|name| !name.contains('\n')), "{login}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn half_a_frame_before_connect_times_out() {
    let server = stomp_server(&["--hello-timeout", "1"]);
    for first in ["", "CONN", "CONNECT\naccept-version:1.2\n", "\n\n\n"] {
        for by in [By::Tcp, By::Text] {
            let mut client = Stomp::open(&server, by).await;
            if !first.is_empty() {
                client.send_bytes(first.as_bytes()).await;
            }
            assert_eq!(client.wrong().await, "no_connect", "{first:?} by {by:?}");
        }
    }
}

#[tokio::test]
async fn heart_beats_without_end_are_too_many_frames() {
    let server = stomp_server(&["--frame-rate", "20"]);
    for by in By::ALL {
        let mut client = Stomp::join(&server, by, Version::V12).await;
        client.send_bytes(&[b'\n'; 1_000]).await;
        assert_eq!(client.wrong().await, "too_fast", "{by:?}");
    }
}

#[tokio::test]
async fn endless_body_makes_nothing_grow() {
    let server = stomp_server(&UNLIMITED);
    let before = server.resident_kib();
    for _ in 0..20 {
        let mut client = Stomp::join(&server, By::Tcp, Version::V12).await;
        client.send_bytes(format!("SEND\n\n{}", "x".repeat(2_000_000)).as_bytes()).await;
        drop(client);
    }
    until("all to be gone", async || server.connections().await == 0).await;
    grew(&server, before);
}

#[tokio::test]
async fn single_bytes_are_read_like_whole_frames() {
    let server = stomp_server(&[]);
    let mut reader = Stomp::join(&server, By::Tcp, Version::V12).await;
    reader.subscribe("0", &[]).await;
    let before = server.resident_kib();
    let mut tcp = TcpStream::connect(server.stomp.unwrap()).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    let frames = format!(
        "CONNECT\naccept-version:1.2\n\n\0\nSEND\ndestination:/topic/lobby\n\n{}\0",
        "y".repeat(6_000)
    );
    for byte in frames.bytes() {
        tcp.write_all(&[byte]).await.unwrap();
    }
    assert_eq!(text(&reader.message().await).len(), 6_000);
    grew(&server, before);
}

fn grew(server: &Server, before: u64) {
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < FLAT, "{grown} KiB");
}
