//! Compressed messages: agreed on by the standard, made once for all receivers, and read within bounds.

use madang_protocol::{CloseCode, ServerFrame};

use crate::harness::{
    Client, DeflatedSocket, OFFER, Opcode, RawSocket, Server, UNLIMITED, ask_upgrade, body, deflated,
    deflated_frame, frame, inflated, lobby, noise, stomp_server, until,
};

const NAME: &str = "sec-websocket-extensions";
const COUNTER: &str = "madang_frames_compressed_total";
const ANSWER: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// Most that the server may grow while it is sent megabytes. KiB.
const FLAT: u64 = 16 * 1024;

/// A text of some length, as people write them.
fn long() -> String {
    "네, 그럼 내일 회의는 오후 세 시에 2층 회의실에서 합니다. I will bring the numbers. ".repeat(10)
}

#[tokio::test]
async fn acceptable_offer_is_answered_and_bad_one_declined() {
    for server in [Server::start(), Server::secure(&[])] {
        let with_window = format!("{ANSWER}; server_max_window_bits=10");
        for (offer, answer) in [
            ("permessage-deflate", Some(ANSWER)),
            ("permessage-deflate; client_max_window_bits", Some(ANSWER)),
            ("permessage-deflate; server_max_window_bits=\"10\"", Some(with_window.as_str())),
            ("permessage-deflate; server_max_window_bits=99, permessage-deflate", Some(ANSWER)),
            ("permessage-deflate; server_max_window_bits=99", None),
            ("permessage-deflate; unheard=of", None),
            ("permessage-deflate; \"", None),
            ("gzip, ;;=,", None),
        ] {
            let asked = ask_upgrade(&server, &format!("Sec-WebSocket-Extensions: {offer}\r\n")).await;
            assert_eq!((asked.status, asked.header(NAME)), (101, answer), "{offer}");
        }
        assert_eq!(ask_upgrade(&server, "").await.header(NAME), None);
    }
}

#[tokio::test]
async fn compressed_and_plain_receivers_get_the_same() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    let mut plain = Client::join(&server, "plain").await;
    plain.watch(&lobby(), Some(1)).await;
    let mut compressed = DeflatedSocket::join(&server).await;
    compressed.watch().await;
    for text in ["short", &long(), "again", &long()] {
        ann.say(text).await;
        let (entry, message) = compressed.entry().await;
        assert_eq!(body(&entry), text);
        assert_eq!(plain.next_entry(&lobby()).await, entry);
        assert_eq!(message.is_compressed, text.len() > 100);
        assert!(!message.is_compressed || message.wire < message.text.len() / 2, "{message:?}");
    }
    compressed.send(r#"{"t":"nonsense"}"#).await;
    let refused = compressed.until(|message| message.text.contains("refused")).await;
    assert!(!refused.is_compressed, "a short answer stays as it is");
}

#[tokio::test]
async fn entry_is_compressed_once_for_all_receivers() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    let mut receivers = Vec::new();
    for _ in 0..20 {
        let mut receiver = DeflatedSocket::join(&server).await;
        receiver.watch().await;
        receivers.push(receiver);
    }
    ann.say("what concerns who came has passed").await;
    for receiver in &mut receivers {
        receiver.entry().await;
    }
    let before = server.metric(COUNTER).await;
    for n in 1..=5 {
        ann.say(&long()).await;
        for receiver in &mut receivers {
            assert!(receiver.entry().await.1.is_compressed);
        }
        assert_eq!(server.metric(COUNTER).await - before, n);
    }
}

#[tokio::test]
async fn welcome_snapshot_and_pages_are_compressed() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    for _ in 0..20 {
        ann.say(&long()).await;
    }
    let mut bob = DeflatedSocket(RawSocket::open_with(&server, OFFER).await);
    bob.send(r#"{"t":"hello"}"#).await;
    bob.send(r#"{"t":"watch","room":"lobby"}"#).await;
    bob.send(r#"{"t":"history","req":1,"room":"lobby","after":0,"limit":20}"#).await;
    for kind in ["welcome", "snapshot", "page"] {
        let message = bob.until(|message| message.text.starts_with(&format!(r#"{{"t":"{kind}""#))).await;
        assert!(message.is_compressed && message.wire < message.text.len(), "{kind}: {}", message.wire);
    }
}

#[tokio::test]
async fn bombs_are_closed_with_memory_flat() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    let bomb = deflated_frame(&deflated(&vec![b' '; 50 << 20]));
    assert!(bomb.len() < 60_000, "within the limit of a frame");
    let before = server.resident_kib();
    for n in 1..=20 {
        let mut mallory = DeflatedSocket::join(&server).await;
        mallory.0.send_bytes(&bomb).await;
        assert_eq!(mallory.farewell().await.close, Some(CloseCode::TOO_BIG.0));
        server.has_closed(1009, n).await;
    }
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < FLAT, "a gigabyte was promised, and the server grew by {grown} KiB");
    ann.say("undisturbed").await;
}

#[tokio::test]
async fn broken_compression_closes_with_its_code() {
    let server = Server::start();
    let hello = deflated(br#"{"t":"unwatch","room":"lobby"}"#);
    let compressed = |opcode, fin| {
        let mut bytes = frame(opcode, &hello, fin);
        bytes[0] |= 0x40;
        bytes
    };
    let parts = [compressed(Opcode::Text, false), compressed(Opcode::Continuation, true)].concat();
    let many_ends = [3, 0].repeat(30_000);
    let broken = [
        deflated_frame(b"\xff\xff\xff"),
        deflated_frame(&hello[..hello.len() - 3]),
        deflated_frame(&many_ends),
        compressed(Opcode::Ping, true),
        parts,
    ];
    for bytes in &broken {
        let mut socket = DeflatedSocket::join(&server).await;
        socket.0.send_bytes(bytes).await;
        assert_eq!(socket.farewell().await.close, Some(1002), "{bytes:.9?}");
    }
    server.has_closed(1002, broken.len() as u64).await;
    server.lives().await;
}

#[tokio::test]
async fn compressed_fragments_are_read_between_pings() {
    let server = Server::start();
    let mut socket = DeflatedSocket::join(&server).await;
    let post = format!(
        r#"{{"t":"post","room":"lobby","cmid":"000102030405060708090a0b0c0d0e0f","body":"{}"}}"#,
        long()
    );
    let payload = deflated(post.as_bytes());
    for (n, byte) in payload.iter().enumerate() {
        let opcode = if n == 0 { Opcode::Text } else { Opcode::Continuation };
        let mut part = frame(opcode, &[*byte], n + 1 == payload.len());
        part[0] |= if n == 0 { 0x40 } else { 0 };
        socket.0.send_bytes(&part).await;
        if n % 50 == 0 {
            socket.0.send(Opcode::Ping, b"").await;
        }
    }
    let done = socket.until(|message| message.text.contains("done")).await;
    assert!(matches!(done.frame(), ServerFrame::Done { seq: 2, .. }), "{done:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stalled_compressed_readers_cost_their_bound() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    let mut bob = DeflatedSocket::join(&server).await;
    bob.watch().await;
    let mut stalled = Vec::new();
    for _ in 0..10 {
        let socket = RawSocket::open_narrow(&server, OFFER).await;
        let mut socket = DeflatedSocket::hello(socket).await;
        socket.watch().await;
        stalled.push(socket);
    }
    let before = server.resident_kib();
    let mut last = 0;
    for _ in 0..40 {
        let mut cmids = Vec::new();
        for _ in 0..20 {
            cmids.push(ann.post(&lobby(), &noise(8_000)).await);
        }
        for cmid in cmids {
            last = ann.done(cmid).await;
            assert_eq!(bob.entry().await.0.seq, last, "nobody else waits");
        }
    }
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < 48 * 1024, "6 MB passed ten who do not read, and the server grew by {grown} KiB");
    until("the stalled ones to be let go", async || {
        server.metric(r#"madang_closed_total{code="4008"}"#).await == 10
    })
    .await;
    assert_eq!(ann.say("we go on").await, last + 1);
}

#[tokio::test]
async fn other_protocols_are_compressed_as_well() {
    let server = stomp_server(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    let offer = "permessage-deflate; server_max_window_bits=15";
    let mut readers = Vec::new();
    for (path, first) in [
        ("/plain", ""),
        (
            "/stomp",
            "CONNECT\naccept-version:1.2\nhost:x\n\n\0SUBSCRIBE\nid:1\ndestination:/topic/lobby\nreceipt:r\n\n\0",
        ),
    ] {
        let mut reader =
            RawSocket::open_at(&server, path, &format!("Sec-WebSocket-Extensions: {offer}\r\n")).await;
        if !first.is_empty() {
            reader.send_bytes(&deflated_frame(&deflated(first.as_bytes()))).await;
            while !String::from_utf8_lossy(&reader.read().await.expect("a receipt").1).contains("RECEIPT") {}
        } else {
            reader.read().await.expect("a greeting");
        }
        readers.push(reader);
    }
    ann.say(&long()).await;
    for mut reader in readers {
        let (first, payload) = reader.read_whole().await.expect("a message");
        let text = String::from_utf8(inflated(&payload)).expect("a text");
        assert_eq!(first, 0xc1, "a compressed text");
        assert!(text.contains(&long()) && payload.len() < text.len() / 2, "{text}");
    }
}

/// Counts what a phone receives in a busy hour of one room, both ways. `docs/bench.md` has the figures; `--nocapture`
/// prints them.
#[tokio::test]
async fn busy_hour_costs_a_phone_fewer_bytes() {
    let server = Server::with(&UNLIMITED);
    let mut writers = Vec::new();
    for name in ["ann", "bob", "cho", "dae", "eun"] {
        writers.push(Client::join(&server, name).await);
    }
    for n in 0..60 {
        writers[n % 5].say(&chat(n)).await;
    }
    let mut phones = Vec::new();
    for offer in [OFFER, ""] {
        let mut phone = DeflatedSocket(RawSocket::open_with(&server, offer).await);
        phone.0.send(Opcode::Text, br#"{"t":"hello"}"#).await;
        phone.0.send(Opcode::Text, br#"{"t":"watch","room":"lobby"}"#).await;
        phones.push((phone, 0, 0, 0));
    }
    let mut bodies = 0;
    let mut last = 0;
    for n in 0..600 {
        let text = chat(n + 60);
        bodies += text.len();
        last = writers[n % 5].say(&text).await;
    }
    for (phone, opening, hour, text) in &mut phones {
        loop {
            let message = phone.next().await.expect("a message");
            let frame = message.frame();
            let wire = message.wire + if message.wire < 126 { 2 } else { 4 };
            *if matches!(frame, ServerFrame::Entry(_)) { &mut *hour } else { &mut *opening } += wire;
            *text += message.text.len();
            if matches!(frame, ServerFrame::Entry(entry) if entry.seq == last) {
                break;
            }
        }
    }
    let [(_, opening, hour, text), (_, opening_as_it_is, hour_as_it_is, _)] = &phones[..] else { panic!() };
    println!("600 messages, {bodies} bytes of text themselves, {text} with all frames");
    println!("opening: {opening_as_it_is} bytes as they are, {opening} compressed");
    println!("the hour: {hour_as_it_is} bytes as they are, {hour} compressed");
    assert!(opening * 2 < *opening_as_it_is && hour * 10 < hour_as_it_is * 9);
}

/// Messages as people write them, of many lengths.
fn chat(n: usize) -> String {
    let said = [
        "네 알겠습니다",
        "ㅋㅋㅋㅋ 맞아요",
        "회의는 오후 세 시에 2층 회의실에서 합니다",
        "sounds good to me",
        "can you take a look at the failing build?",
        "자료는 제가 오늘 저녁까지 공유 드리겠습니다. 확인 부탁드려요!",
        "I pushed a fix for the flaky test, please pull and try again",
        "ok",
        "We should move the meeting to tomorrow afternoon since most of the team is out in the morning",
        "배포는 끝났고, 지금까지는 오류가 없습니다. 한 시간만 더 지켜보고 퇴근할게요 🙂",
    ];
    format!(
        "{} {}",
        said[n * 7 % 10],
        ["", "그리고 내일 봬요", "by the way, lunch at noon?", "#42"][n * 3 % 4]
    )
}
