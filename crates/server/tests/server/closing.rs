//! Closed connections get the reason: `bye`, and a close code of its own.

use madang_protocol::CloseCode;

use crate::harness::{Client, Dial, Farewell, Opcode, RawSocket, Server, lobby, until, within};

fn said(code: CloseCode) -> Farewell {
    Farewell { bye: Some(code.0), retry_after_ms: 0, close: Some(code.0) }
}

/// The text of a frame of exactly so many bytes.
fn frame_of(bytes: usize) -> String {
    let (head, tail) = (r#"{"t":"unwatch","room":"lobby","x":""#, r#""}"#);
    format!("{head}{}{tail}", "x".repeat(bytes - head.len() - tail.len()))
}

#[tokio::test]
async fn a_binary_frame_is_a_protocol_error() {
    let server = Server::start();
    let mut before = Dial::new(&server).open("ann").await.unwrap();
    before.send_binary(br#"{"t":"hello"}"#).await;
    assert_eq!(before.farewell().await, said(CloseCode::PROTOCOL_ERROR), "before hello");
    let mut after = Client::join(&server, "ann").await;
    after.send_binary(&[0xff, 0]).await;
    assert_eq!(after.farewell().await, said(CloseCode::PROTOCOL_ERROR), "after hello");
    assert_eq!(server.metric(r#"madang_closed_total{code="4501"}"#).await, 2);
}

#[tokio::test]
async fn a_second_hello_is_a_protocol_error() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    ann.send_text(r#"{"t":"hello"}"#).await;
    assert_eq!(ann.farewell().await, said(CloseCode::PROTOCOL_ERROR));
}

#[tokio::test]
async fn the_first_frame_must_be_hello() {
    let server = Server::start();
    for first in [
        "",
        "hello",
        "null",
        r#"{"t":"watch","room":"lobby"}"#,
        r#"{"t":"Hello"}"#,
        r#"{"t":"hello","resume":[{"room":"NO","seq":1}]}"#,
        r#"{"t":"hello","epoch":7}"#,
    ] {
        let mut ann = Dial::new(&server).open("ann").await.unwrap();
        ann.send_text(first).await;
        assert_eq!(ann.farewell().await, said(CloseCode::NO_HELLO), "{first}");
    }
}

#[tokio::test]
async fn hello_is_awaited_only_so_long() {
    let server = Server::with(&["--hello-timeout", "1"]);
    let mut silent = Dial::new(&server).open("silent").await.unwrap();
    assert_eq!(silent.farewell().await, said(CloseCode::NO_HELLO));
    let mut pinging = RawSocket::open(&server).await;
    for _ in 0..10 {
        pinging.send(Opcode::Ping, b"not hello").await;
    }
    assert_eq!(pinging.farewell().await, said(CloseCode::NO_HELLO), "a ping is no hello");
}

#[tokio::test]
async fn frame_over_64_kib_is_refused() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    ann.send_text(&frame_of(64 * 1024)).await;
    ann.say("it passed").await;
    ann.send_text(&frame_of(64 * 1024 + 1)).await;
    assert_eq!(ann.farewell().await, said(CloseCode::TOO_BIG));
    let mut early = Dial::new(&server).open("bob").await.unwrap();
    early.send_text(&frame_of(64 * 1024 + 1)).await;
    assert_eq!(early.farewell().await, said(CloseCode::TOO_BIG), "before hello");
}

#[tokio::test]
async fn fragments_are_measured_together() {
    let server = Server::start();
    let mut socket = RawSocket::welcomed(&server).await;
    socket.send_part(Opcode::Text, &[b' '; 40_000], false).await;
    socket.send_part(Opcode::Continuation, &[b' '; 30_000], false).await;
    assert_eq!(socket.farewell().await, said(CloseCode::TOO_BIG));
}

#[tokio::test]
async fn impossible_length_is_refused_before_its_bytes() {
    let server = Server::start();
    let mut socket = RawSocket::welcomed(&server).await;
    // The head of a text frame of 2^62 bytes, masked.
    let mut head = vec![0x81, 0xff];
    head.extend((1_u64 << 62).to_be_bytes());
    head.extend([0; 4]);
    socket.send_bytes(&head).await;
    assert_eq!(socket.farewell().await, said(CloseCode::TOO_BIG));
}

#[tokio::test]
async fn invalid_utf_8_closes_with_its_code() {
    let server = Server::start();
    for broken in [&b"\xff\xfe"[..], b"\"\xed\xa0\x80\"", b"\xc0\xaf", b"ends in half of \xea\xb0"] {
        let mut socket = RawSocket::welcomed(&server).await;
        socket.send(Opcode::Text, broken).await;
        assert_eq!(socket.farewell().await, said(CloseCode::NOT_UTF8), "{broken:?}");
    }
    let mut socket = RawSocket::welcomed(&server).await;
    socket.send_part(Opcode::Text, b"\"\xea\xb0", false).await;
    socket.send_part(Opcode::Continuation, b"\"", true).await;
    assert_eq!(socket.farewell().await, said(CloseCode::NOT_UTF8), "broken across fragments");
}

#[tokio::test]
async fn a_character_may_lie_across_fragments() {
    let server = Server::start();
    let mut socket = RawSocket::welcomed(&server).await;
    let post = r#"{"t":"post","room":"lobby","cmid":"000102030405060708090a0b0c0d0e0f","body":"가나다"}"#;
    let bytes = post.as_bytes();
    for (n, byte) in bytes.iter().enumerate() {
        let opcode = if n == 0 { Opcode::Text } else { Opcode::Continuation };
        socket.send_part(opcode, &[*byte], n + 1 == bytes.len()).await;
        // Control frames may stand between the fragments of a message.
        if n % 20 == 0 {
            socket.send(Opcode::Ping, b"still there?").await;
        }
    }
    let done = socket.read_frame().await.unwrap();
    assert!(matches!(done, madang_protocol::ServerFrame::Done { seq: 2, .. }), "{done:?}");
}

#[tokio::test]
async fn frames_beyond_rate_limit_close_the_session() {
    let server = Server::with(&["--frame-rate", "5"]);
    let mut ann = Client::join(&server, "ann").await;
    for _ in 0..40 {
        ann.send_text(r#"{"t":"unwatch","room":"lobby"}"#).await;
    }
    let farewell = ann.farewell().await;
    assert_eq!((farewell.bye, farewell.close), (Some(4013), Some(4013)));
    assert!((5_000..10_000).contains(&farewell.retry_after_ms), "{farewell:?}");
    server.lives().await;
}

#[tokio::test]
async fn peer_without_pong_is_dropped() {
    let server = Server::with(&["--heartbeat", "1"]);
    let mut dead = RawSocket::welcomed(&server).await;
    assert_eq!(dead.farewell().await, said(CloseCode::NO_PONG));
    until("its connection to be gone", async || server.connections().await == 0).await;
}

#[tokio::test]
async fn peer_with_pongs_stays_and_gets_heads() {
    let server = Server::with(&["--heartbeat", "1"]);
    let mut ann = Client::join(&server, "ann").await;
    assert_eq!(ann.welcome().heartbeat_ms, 1_000);
    ann.watch_now(&lobby()).await;
    let seq = ann.say("moves the head").await;
    for _ in 0..2 {
        let heads = ann
            .expect("heads", |frame| match frame {
                madang_protocol::ServerFrame::Heads { heads } => Some(heads.clone()),
                _ => None,
            })
            .await;
        assert_eq!(heads, [(lobby(), seq)]);
    }
}

#[tokio::test]
async fn a_close_is_answered_by_a_close() {
    let server = Server::start();
    let mut socket = RawSocket::welcomed(&server).await;
    socket.send(Opcode::Close, &1000_u16.to_be_bytes()).await;
    assert_eq!(socket.farewell().await, Farewell { close: Some(1000), ..Farewell::default() });
    crate::harness::until("the connection's end", async || server.connections().await == 0).await;
}

#[tokio::test]
async fn huge_frame_is_refused_while_being_sent() {
    let server = Server::start();
    let mut socket = RawSocket::welcomed(&server).await;
    let huge = crate::harness::frame(Opcode::Text, &vec![b' '; 4 * 1024 * 1024], true);
    let farewell = socket.farewell_while_sending(&huge).await;
    assert_eq!(farewell, said(CloseCode::TOO_BIG));
    server.lives().await;
}

#[tokio::test]
async fn malformed_close_ends_the_connection_unasked() {
    let server = Server::start();
    let mut waited_for = RawSocket::welcomed(&server).await;
    waited_for.send(Opcode::Reserved, b"").await;
    for close in [&b"a"[..], b"\x03\xe8\xff\xfe", b"\x00\x00", b"\x03\xed", b"\x03\xe7", b"\x13\x88"] {
        let mut socket = RawSocket::welcomed(&server).await;
        socket.send(Opcode::Close, close).await;
        let mut ended = Vec::new();
        // Nothing is sent from here on, not even an answer to its Close.
        within("the end", tokio::io::AsyncReadExt::read_to_end(&mut socket.reading, &mut ended))
            .await
            .unwrap();
        assert!(ended.windows(2).any(|pair| pair[0] == 0x88), "it says why: {close:?} {ended:?}");
    }
    assert_eq!(waited_for.farewell().await.close, Some(1002));
}

#[tokio::test]
async fn registered_close_codes_are_echoed() {
    let server = Server::start();
    for code in [1000, 1001, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999_u16] {
        let mut socket = RawSocket::welcomed(&server).await;
        socket.send(Opcode::Close, &code.to_be_bytes()).await;
        assert_eq!(socket.farewell().await.close, Some(code));
    }
}
