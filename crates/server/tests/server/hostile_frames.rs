//! Frames that mean harm, on each transport they can come by: refused or closed with the code of the reason,
//! counted, logged once, and with memory where it was.

use madang_protocol::{CloseCode, RefusalCode};
use tokio::io::AsyncWriteExt;

use crate::harness::{Client, Opcode, Over, RawSocket, Server, UNLIMITED, exchange, frame, until};

/// Most that the server may grow while it is sent megabytes. KiB.
const FLAT: u64 = 16 * 1024;

#[tokio::test]
async fn malformed_packets_are_refused_and_logged_once() {
    let server = Server::with(&UNLIMITED);
    let deep = format!("{}1{}", r#"{"a":"#.repeat(5_000), "}".repeat(5_000));
    let long = format!(r#"{{"t":"watch","room":"{}"}}"#, "x".repeat(60_000));
    let packets = [
        r#"{"t":["hello"]}"#,
        r#"{"t":"post","room":"lobby","cmid":null,"body":"x"}"#,
        r#"{"t":"post","room":{"$ne":1},"cmid":"000102030405060708090a0b0c0d0e0f","body":"x"}"#,
        r#"{"t":"history","req":99999999999,"room":"lobby","before":1,"limit":1}"#,
        r#"{"t":"watch","room":"lobby","after":1e400}"#,
        r#"{"__proto__":{"t":"hello"}}"#,
        "null",
        "0",
        &deep,
        &long,
    ];
    for (n, over) in Over::ALL.into_iter().enumerate() {
        let mut ann = Client::join_over(&server, "ann", over).await;
        for packet in packets {
            ann.send_text(packet).await;
            assert_eq!(ann.refused().await.code, RefusalCode::BadFrame, "{over:?}: {packet:.99}");
        }
        ann.say("the session goes on").await;
        let count = (n as u64 + 1) * packets.len() as u64;
        assert_eq!(server.metric(r#"madang_refused_total{code="bad_frame"}"#).await, count);
        // The log comes by a pipe, in its own time.
        until("its line in the log", async || server.told("frames that are not of madang.v1") > n).await;
        assert_eq!(server.told("frames that are not of madang.v1"), n + 1);
    }
    assert_eq!(server.told("panicked"), 0);
}

#[tokio::test]
async fn websocket_violations_are_logged_and_counted_once() {
    let server = Server::start();
    for bytes in [&b"\x81\x02{}"[..], &frame(Opcode::Reserved, b"x", true), &frame(Opcode::Ping, b"x", false)]
    {
        let mut socket = RawSocket::welcomed(&server).await;
        socket.send_bytes(bytes).await;
        assert_eq!(socket.farewell().await.close, Some(1002));
    }
    server.has_closed(1002, 3).await;
    until("all to be gone", async || server.connections().await == 0).await;
}

#[tokio::test]
async fn broken_text_across_fragments_is_refused_everywhere() {
    let server = Server::start();
    let mut socket = RawSocket::welcomed(&server).await;
    socket.send_part(Opcode::Text, b"{\"t\":\"\xea\xb0", false).await;
    socket.send_part(Opcode::Continuation, b"\"}", true).await;
    assert_eq!(socket.farewell().await.bye, Some(CloseCode::NOT_UTF8.0));
    server.has_closed(1007, 1).await;

    let mut ann = Client::join_over(&server, "ann", Over::Events).await;
    let rt = ann.link.http();
    let mut broken = format!(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        rt.path, rt.cookie
    )
    .into_bytes();
    broken.extend(b"8\r\n{\"t\":\"\xea\xb0\r\n2\r\n\"}\r\n0\r\n\r\n");
    assert_eq!(exchange(server.addr, &broken).await.status, 400);
    server.has_rejected("bad_frame", 1).await;
    ann.say("a body is a body: the session goes on").await;
}

#[tokio::test]
async fn endless_fragment_is_closed_at_the_limit() {
    let server = Server::with(&UNLIMITED);
    let mut parts = frame(Opcode::Text, b"{", false);
    (0..8_000).for_each(|_| parts.extend(frame(Opcode::Continuation, &[b' '; 1_000], false)));
    never_ending(&server, &parts).await;
}

#[tokio::test]
async fn endless_one_byte_fragments_are_closed() {
    let server = Server::with(&UNLIMITED);
    let mut parts = frame(Opcode::Text, b"{", false);
    (0..200_000).for_each(|_| parts.extend(frame(Opcode::Continuation, b" ", false)));
    never_ending(&server, &parts).await;
}

#[tokio::test]
async fn endless_empty_fragments_are_closed() {
    let server = Server::with(&UNLIMITED);
    let mut parts = frame(Opcode::Text, b"{", false);
    (0..500_000).for_each(|_| parts.extend(frame(Opcode::Continuation, b"", false)));
    never_ending(&server, &parts).await;
}

async fn never_ending(server: &Server, parts: &[u8]) {
    let mut ann = Client::join(server, "ann").await;
    let before = server.resident_kib();
    let mut socket = RawSocket::welcomed(server).await;
    let (farewell, seq) = tokio::join!(socket.farewell_while_sending(parts), ann.say("undisturbed"));
    assert_eq!((farewell.bye, seq), (Some(CloseCode::TOO_BIG.0), 2));
    server.has_closed(1009, 1).await;
    assert!(server.resident_kib().saturating_sub(before) < FLAT);
}

#[tokio::test]
async fn message_in_one_byte_fragments_is_read() {
    let server = Server::with(&UNLIMITED);
    let mut socket = RawSocket::welcomed(&server).await;
    let text = format!(r#"{{"t":"unwatch","room":"lobby","x":"{}"}}"#, "x".repeat(60_000));
    let mut parts = frame(Opcode::Text, b"", false);
    text.bytes().for_each(|byte| parts.extend(frame(Opcode::Continuation, &[byte], false)));
    parts.extend(frame(Opcode::Continuation, b"", true));
    parts.extend(frame(Opcode::Text, br#"{"t":"sing"}"#, true));
    socket.send_bytes(&parts).await;
    let refused = socket.read_frame().await.unwrap();
    assert!(format!("{refused:?}").contains("UnknownType"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ping_flood_ends_connection_without_memory_growth() {
    let server = Server::with(&["--frame-rate", "20"]);
    let mut ann = Client::join(&server, "ann").await;
    let before = server.resident_kib();
    let mut socket = RawSocket::welcomed(&server).await;
    let pings: Vec<u8> = (0..20_000).flat_map(|_| frame(Opcode::Ping, &[b'?'; 125], true)).collect();
    assert_eq!(socket.farewell_while_sending(&pings).await.bye, Some(CloseCode::TOO_FAST.0));
    for over in Over::HTTP {
        let mut flooding = Client::join_over(&server, "flooding", over).await;
        let rt = flooding.link.http();
        until("410", async || rt.post("[]").await.status == 410).await;
    }
    server.has_closed(4013, 3).await;
    assert!(server.resident_kib().saturating_sub(before) < FLAT);
    ann.say("undisturbed").await;
}

#[tokio::test]
async fn compressed_bytes_without_agreement_stay_unread() {
    let server = Server::start();
    // gzip of ten megabytes of spaces would be ten kilobytes. Whatever is in it, it is not looked into.
    let packed = [b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03".as_slice(), &[0xed; 10_000]].concat();
    for path in ["/rt"] {
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            packed.len()
        )
        .into_bytes();
        request.extend(&packed);
        assert_eq!(exchange(server.addr, &request).await.status, 400);
    }
    server.has_rejected("bad_frame", 1).await;
    let mut socket = RawSocket::welcomed(&server).await;
    let mut deflated = frame(Opcode::Text, &packed, true);
    deflated[0] |= 0x40;
    let _ = socket.writing.write_all(&deflated).await;
    assert_eq!(socket.farewell().await.close, Some(1002));
    server.has_closed(1002, 1).await;
}
