//! Peers that mean harm: they get what they deserve, and nobody else notices.

use madang_protocol::CloseCode;
use tokio::io::AsyncWriteExt;

use crate::harness::{Client, Opcode, RawSocket, Server, UNLIMITED, ask_upgrade, frame, lobby, random};

/// Sends bytes on a welcomed connection and reads to its end.
async fn closed_by(server: &Server, bytes: &[u8]) -> Option<u16> {
    let mut socket = RawSocket::welcomed(server).await;
    socket.send_bytes(bytes).await;
    let farewell = socket.farewell().await;
    assert_eq!(farewell.bye, farewell.close, "what is announced is what comes");
    farewell.close
}

#[tokio::test]
async fn frames_breaking_websocket_rules_close_the_connection() {
    let server = Server::start();
    let unmasked = b"\x81\x02{}";
    let fragmented_ping = frame(Opcode::Ping, b"x", false);
    let long_ping = frame(Opcode::Ping, &[b'x'; 126], true);
    let reserved = frame(Opcode::Reserved, b"x", true);
    let continues_nothing = frame(Opcode::Continuation, b"x", true);
    let mut compressed = frame(Opcode::Text, b"x", true);
    compressed[0] |= 0x40;
    let mut two_beginnings = frame(Opcode::Text, b"x", false);
    two_beginnings.extend(frame(Opcode::Text, b"x", true));
    for (bytes, what) in [
        (&unmasked[..], "a frame without a mask"),
        (&fragmented_ping, "half a ping"),
        (&long_ping, "a ping of 126 bytes"),
        (&reserved, "a reserved opcode"),
        (&continues_nothing, "a continuation of nothing"),
        (&compressed, "a compressed frame that was never agreed on"),
        (&two_beginnings, "a message within a message"),
    ] {
        assert_eq!(closed_by(&server, bytes).await, Some(1002), "{what}");
    }
    server.lives().await;
}

#[tokio::test]
async fn compression_that_is_off_is_never_agreed_on() {
    let server = Server::with(&["--no-compression"]);
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    let answer = ask_upgrade(&server, offer).await;
    assert_eq!((answer.status, answer.header("sec-websocket-extensions")), (101, None));
}

#[tokio::test]
async fn a_fragment_that_never_ends_is_bounded() {
    let server = Server::with(&UNLIMITED);
    let mut socket = RawSocket::welcomed(&server).await;
    socket.send_part(Opcode::Text, b"{", false).await;
    let part = frame(Opcode::Continuation, &[b' '; 1_000], false);
    for _ in 0..200 {
        if socket.writing.write_all(&part).await.is_err() {
            break;
        }
    }
    assert_eq!(socket.farewell().await.bye, Some(CloseCode::TOO_BIG.0));
    server.lives().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_pings_ends_and_delays_nobody() {
    let server = Server::with(&["--frame-rate", "50"]);
    let mut ann = Client::join(&server, "ann").await;
    let mut socket = RawSocket::welcomed(&server).await;
    let pings: Vec<u8> = (0..1_000).flat_map(|_| frame(Opcode::Ping, b"?", true)).collect();
    let farewell = socket.farewell_while_sending(&pings).await;
    assert_eq!(farewell.bye, Some(CloseCode::TOO_FAST.0));
    ann.say("undisturbed").await;
}

#[tokio::test]
async fn random_bytes_harm_nobody() {
    let server = Server::with(&UNLIMITED);
    for _ in 0..60 {
        let rubbish: Vec<u8> = (0..random(2_000)).map(|_| random(256) as u8).collect();
        let mut socket = RawSocket::welcomed(&server).await;
        let _ = socket.writing.write_all(&rubbish).await;
        let _ = socket.writing.shutdown().await;
        while socket.read().await.is_some() {}
    }
    for _ in 0..60 {
        let rubbish: Vec<u8> = (0..random(200)).map(|_| random(256) as u8).collect();
        let mut socket = RawSocket::welcomed(&server).await;
        socket.send(Opcode::Text, &rubbish).await;
        let _ = socket.writing.shutdown().await;
        while socket.read().await.is_some() {}
    }
    server.lives().await;
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[tokio::test]
async fn frames_that_are_almost_right_harm_nobody() {
    let server = Server::with(&UNLIMITED);
    let frames = [
        r#"{"t":"post","room":"lobby","cmid":"000102030405060708090a0b0c0d0e0f","body":"hi","reply_to":1}"#,
        r#"{"t":"watch","room":"lobby","after":0}"#,
        r#"{"t":"history","req":1,"room":"lobby","before":9,"limit":200}"#,
        r#"{"t":"edit","room":"lobby","cmid":"000102030405060708090a0b0c0d0e0e","seq":2,"body":"안녕"}"#,
    ];
    let mut ann = Client::join(&server, "ann").await;
    for _ in 0..2_000 {
        let mut chars: Vec<char> = frames[random(frames.len() as u64) as usize].chars().collect();
        for _ in 0..=random(3) {
            let at = random(chars.len() as u64) as usize;
            match random(3) {
                0 => drop(chars.remove(at)),
                1 => chars.insert(at, char::from_u32(random(0xd800) as u32).unwrap()),
                _ => chars[at] = ['"', '{', '}', '0', '9', '\\', 'e', '-'][random(8) as usize],
            }
        }
        ann.send_text(&chars.into_iter().collect::<String>()).await;
    }
    let seq = ann.say("still here").await;
    let entries = Client::join(&server, "bob").await.watch(&lobby(), Some(0)).await.entries;
    assert_eq!(entries.len() as u64, seq, "what got through is whole and in order");
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[tokio::test]
async fn connections_that_vanish_are_forgotten() {
    let server = Server::start();
    for round in 0..50 {
        let mut socket =
            if round % 2 == 0 { RawSocket::open(&server).await } else { RawSocket::welcomed(&server).await };
        if round % 3 == 0 {
            socket.send_part(Opcode::Text, b"half of a", false).await;
        }
        if round % 5 == 0 {
            socket.send_bytes(b"\x81\xfe").await;
        }
    }
    let gone = async || server.connections().await == 0;
    crate::harness::until("the vanished to be forgotten", gone).await;
    assert_eq!(server.metric("madang_sessions").await, 0);
}
