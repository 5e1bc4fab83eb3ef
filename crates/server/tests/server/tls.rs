//! https and wss by the server itself: what holds in clear holds under TLS.

use madang_protocol::CloseCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, HandshakeKind};

use crate::harness::{
    Certificate, Client, Opcode, RawSocket, Server, Trust, UNLIMITED, ask, body, frame, lobby, until,
    upgrade_request, within,
};

#[tokio::test]
async fn a_page_and_a_chat_go_over_it() {
    let server = Server::secure(&[]);
    let page = ask(&server, "GET", "/r/lobby", &[], "").await;
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.login().unwrap().contains("Secure"), "{page:?}");
    assert_eq!(page.header("strict-transport-security"), None, "only if it is asked for");

    let mut ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    bob.watch(&lobby(), Some(1)).await;
    ann.say("over wss").await;
    assert_eq!(body(&bob.next_entry(&lobby()).await), "over wss");
}

#[tokio::test]
async fn hsts_is_sent_only_if_configured() {
    let server = Server::secure(&["--hsts", "3600"]);
    let page = ask(&server, "GET", "/healthz", &[], "").await;
    assert_eq!(page.header("strict-transport-security"), Some("max-age=3600"));
}

#[tokio::test]
async fn both_tls_versions_work_and_resume_sessions() {
    let server = Server::secure(&[]);
    for version in [&TLS12, &TLS13] {
        let remembers = |config: &mut ClientConfig| config.resumption = Resumption::in_memory_sessions(8);
        let trust = server.trust().speaking_only(version).with(remembers);
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let mut tls =
                trust.wrap(TcpStream::connect(server.addr).await.unwrap()).await.expect("a handshake");
            let ask = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.addr);
            tls.write_all(ask.as_bytes()).await.unwrap();
            let mut answer = String::new();
            within("the answer", tls.read_to_string(&mut answer)).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            kinds.push(tls.get_ref().1.handshake_kind());
        }
        assert_eq!(kinds, [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)], "{version:?}");
    }
}

#[tokio::test]
async fn frames_of_a_mebibyte_go_both_ways_whole() {
    let long = ["--max-frame", "4194304", "--max-body", "0", "--post-rate", "0"];
    let server = Server::secure(&long);
    let mut ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    bob.watch(&lobby(), Some(1)).await;
    let text: String = (0..1024 * 1024 / 8).map(|n| format!("{n:08}")).collect();
    for _ in 0..3 {
        ann.say(&text).await;
        assert!(body(&bob.next_entry(&lobby()).await) == text, "not a byte is lost or moved");
    }
}

#[tokio::test]
async fn frames_that_come_with_the_upgrade_are_read() {
    let server = Server::secure(&[]);
    let mut stream = server.connect().await;
    let mut all = upgrade_request(server.addr, "").into_bytes();
    all.extend(frame(Opcode::Text, br#"{"t":"hello"}"#, true));
    all.extend(frame(Opcode::Text, br#"{"t":"watch","room":"lobby","after":1}"#, true));
    stream.write_all(&all).await.unwrap();
    stream.flush().await.unwrap();
    let mut heard = Vec::new();
    within("both answers", async {
        while !String::from_utf8_lossy(&heard).contains(r#""t":"live""#) {
            assert_ne!(stream.read_buf(&mut heard).await.unwrap(), 0, "it goes on");
        }
    })
    .await;
}

#[tokio::test]
async fn single_bytes_are_reassembled() {
    let server = Server::secure(&[]);
    let mut socket = RawSocket::welcomed(&server).await;
    for byte in frame(Opcode::Text, br#"{"t":"watch","room":"lobby","after":1}"#, true) {
        socket.send_bytes(&[byte]).await;
        socket.writing.flush().await.unwrap();
    }
    let (_, answer) = socket.read().await.unwrap();
    assert!(answer.starts_with(br#"{"t":"live""#), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn a_client_that_vanishes_is_forgotten() {
    let server = Server::secure(&[]);
    for round in 0..20 {
        let mut socket = RawSocket::welcomed(&server).await;
        if round % 2 == 0 {
            socket.send_part(Opcode::Text, b"half of a", false).await;
            socket.writing.flush().await.unwrap();
        }
    }
    until("the vanished to be forgotten", async || server.connections().await == 0).await;
    server.lives().await;
}

#[tokio::test]
async fn killed_server_keeps_acknowledged_writes() {
    let mut server = Server::secure(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    let seq = ann.say("acknowledged").await;
    server.kill();
    assert_eq!(ann.farewell().await.close, None, "it could say nothing");
    server.start_again();
    let mut ann = Client::resume(&server, &ann, &[(&lobby(), seq - 1)]).await;
    assert_eq!(body(&ann.next_entry(&lobby()).await), "acknowledged");
}

#[tokio::test]
async fn stopping_server_closes_every_layer() {
    let mut server = Server::secure(&[]);
    let mut socket = RawSocket::welcomed(&server).await;
    let mut idle = server.connect().await;
    server.terminate();
    assert_eq!(socket.farewell().await.bye, Some(CloseCode::RESTART.0));
    // A connection that is cut would be an error here.
    assert_eq!(within("the end", socket.reading.read(&mut [0])).await.unwrap(), 0, "TLS was ended too");
    assert_eq!(within("the end", idle.read(&mut [0])).await.unwrap(), 0, "on an idle connection too");
    assert!(server.ended().await.success());
}

#[tokio::test]
async fn new_certificate_serves_new_connections_only() {
    let server = Server::secure(&[]);
    let (old, new) = (server.trust(), Certificate::new());
    let mut ann = Client::join(&server, "ann").await;
    let shown =
        async |trust: &Trust| trust.wrap(TcpStream::connect(server.addr).await.unwrap()).await.is_some();
    assert!(shown(&old).await && !shown(&new.trusted()).await);

    new.write(server.folder());
    until("the new one", async || shown(&new.trusted()).await).await;
    assert!(!shown(&old).await);
    ann.say("still inside").await;

    // Half of a pair does not count: whoever comes sees the last good one.
    std::fs::write(server.folder().join("key.pem"), rcgen::KeyPair::generate().unwrap().serialize_pem())
        .unwrap();
    let kept = "the certificate stays the old one";
    until("the complaint", async || server.told(kept) == 1).await;
    assert!(server.log().contains("does not fit"), "{}", server.log());
    assert!(shown(&new.trusted()).await);

    std::fs::write(server.folder().join("certificate.pem"), "no certificate").unwrap();
    until("the next complaint", async || server.told(kept) == 2).await;
    assert!(shown(&new.trusted()).await);
    new.write(server.folder());
    until("the good one again", async || server.told("the certificate was read anew") == 2).await;
    assert_eq!(server.told(kept), 2, "each is told once: {}", server.log());
    ann.say("through all of it").await;
}
