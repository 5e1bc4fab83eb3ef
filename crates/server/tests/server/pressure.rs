//! A slow reader harms only itself, and loses nothing.

use madang_protocol::{Seq, ServerFrame};
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use crate::harness::{Client, Opcode, RawSocket, Server, UNLIMITED, lobby, until};

/// Long enough that a few hundred exceed every buffer on the way.
const LONG: usize = 8_000;

async fn flood(writer: &mut Client, count: usize) -> Seq {
    let text = "x".repeat(LONG);
    let mut last = 0;
    for _ in 0..count / 20 {
        let mut cmids = Vec::new();
        for _ in 0..20 {
            cmids.push(writer.post(&lobby(), &text).await);
        }
        for cmid in cmids {
            last = writer.done(cmid).await;
        }
    }
    last
}

/// A reader whose network takes next to nothing while it does not read, live in the lobby.
async fn narrow_reader(server: &Server) -> RawSocket {
    let mut reader = RawSocket::narrow(server).await;
    reader.send(Opcode::Text, br#"{"t":"watch","room":"lobby","after":1}"#).await;
    while !matches!(reader.read_frame().await, Some(ServerFrame::Live { .. })) {}
    reader
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paused_reader_gets_every_entry_and_delays_nobody() {
    stops_reading_for_a_while(Server::with(&UNLIMITED)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paused_reader_under_tls_gets_every_entry() {
    stops_reading_for_a_while(Server::secure(&UNLIMITED)).await;
}

async fn stops_reading_for_a_while(server: Server) {
    let mut ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    bob.watch(&lobby(), Some(1)).await;
    let mut slow = narrow_reader(&server).await;
    let before = server.resident_kib();

    let reading = tokio::spawn(async move {
        bob.entries_up_to(&lobby(), 801).await;
        bob
    });
    let last = flood(&mut ann, 800).await;
    assert_eq!(last, 801);
    // Bob has everything while the slow one has read nothing yet.
    let mut bob = crate::harness::within("bob to be up to date", reading).await.unwrap();
    assert!(server.metric("madang_dropped_total").await > 0, "the slow one's queue overflowed");
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < 96 * 1024, "6 MB passed, and the server grew by {grown} KiB");

    let mut next = 2;
    while next <= last {
        if let ServerFrame::Entry(entry) = slow.read_frame().await.expect("it is still connected") {
            assert_eq!(entry.seq, next, "every entry once, in order");
            next += 1;
        }
    }
    // It is live again, like everybody else.
    let asked = Instant::now();
    let seq = ann.say("and now together").await;
    assert_eq!(bob.next_entry(&lobby()).await.seq, seq);
    loop {
        if let Some(ServerFrame::Entry(entry)) = slow.read_frame().await {
            assert_eq!(entry.seq, seq);
            break;
        }
    }
    assert!(asked.elapsed().as_secs() < 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reader_that_never_reads_is_dropped_unnoticed() {
    never_reads(Server::with(&UNLIMITED)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reader_that_never_reads_under_tls_is_dropped() {
    never_reads(Server::secure(&UNLIMITED)).await;
}

async fn never_reads(server: Server) {
    let mut ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    bob.watch(&lobby(), Some(1)).await;
    let mut stalled = narrow_reader(&server).await;
    let last = flood(&mut ann, 800).await;
    bob.entries_up_to(&lobby(), last).await;
    until("the stalled one to be let go", async || {
        server.metric(r#"madang_closed_total{code="4008"}"#).await == 1
    })
    .await;
    let seq = ann.say("we go on").await;
    assert_eq!(bob.next_entry(&lobby()).await.seq, seq);
    until("its place to be free", async || server.connections().await == 2).await;
    while stalled.read().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writer_that_never_reads_is_held_back() {
    let server = Server::with(&UNLIMITED);
    let mut deaf = RawSocket::narrow(&server).await;
    let before = server.resident_kib();
    // Each asks for up to 200 messages; the answers pile up on the way back until no more questions are read.
    let mut ann = Client::join(&server, "ann").await;
    flood(&mut ann, 200).await;
    let question = br#"{"t":"history","req":1,"room":"lobby","after":0,"limit":200}"#;
    let questions: Vec<u8> =
        (0..500).flat_map(|_| crate::harness::frame(Opcode::Text, question, true)).collect();
    let asking = tokio::spawn(async move {
        let _ = deaf.writing.write_all(&questions).await;
        deaf
    });
    until("the deaf one to be let go", async || {
        server.metric(r#"madang_closed_total{code="4008"}"#).await == 1
    })
    .await;
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < 96 * 1024, "the server grew by {grown} KiB");
    drop(asking.await.unwrap());
    server.lives().await;
}
