//! The event stream: every entry once, in order, whatever happens to the connection.

use std::time::Duration;

use madang_protocol::Seq;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use crate::harness::{
    Api, Client, EventStream, Server, UNLIMITED, body, lobby, next_entry, revoke, until, within,
};

/// Reads entries up to `last`; each must follow the one before.
async fn read_up_to(stream: &mut EventStream, after: Seq, last: Seq) {
    for seq in after + 1..=last {
        assert_eq!(next_entry(stream).await.expect("an entry").seq, seq, "every entry once, in order");
    }
}

async fn flood(server: &Server, count: usize, text: &str) -> Seq {
    let mut writer = Client::join(server, "writer").await;
    let mut last = 0;
    for _ in 0..count / 50 {
        let mut cmids = Vec::new();
        for _ in 0..50 {
            cmids.push(writer.post(&lobby(), text).await);
        }
        for cmid in cmids {
            last = writer.done(cmid).await;
        }
    }
    last
}

#[tokio::test]
async fn stream_begins_at_head_or_named_cursor() {
    let server = Server::start();
    let robo = Api::new(&server, "Robo", &["lobby"]).await;
    robo.say("before").await;
    let mut stream = robo.stream("", None).await.unwrap();
    assert_eq!(stream.head.header("content-type"), Some("text/event-stream"));
    assert_eq!(stream.head.header("cache-control"), Some("no-store, no-transform"));
    assert_eq!(stream.next_block().await.unwrap(), "id: 2", "where it stands is known before anything comes");
    assert_eq!(stream.next_block().await.unwrap(), ": live");
    robo.say("one\nline").await;
    let entry = next_entry(&mut stream).await.unwrap();
    assert_eq!((entry.seq, body(&entry)), (3, "one\nline"));
    for (query, last, first) in
        [("?after=0", None, 1), ("?after=2", None, 3), ("", Some("1"), 2), ("?after=0", Some("2"), 3)]
    {
        let mut stream = robo.stream(query, last).await.unwrap();
        assert_eq!(next_entry(&mut stream).await.unwrap().seq, first, "{query} {last:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missed_thousands_are_replayed_while_more_come() {
    let server = Server::with(&UNLIMITED);
    let robo = Api::new(&server, "Robo", &[]).await;
    let behind = flood(&server, 3_000, "missed").await;
    let mut stream = robo.stream("", Some("0")).await.unwrap();
    let writing = async { flood(&server, 300, "and more").await };
    let reading = read_up_to(&mut stream, 0, behind + 300);
    let (last, ()) = within("all of them", async { tokio::join!(writing, reading) }).await;
    assert_eq!(last, behind + 300);
}

#[tokio::test]
async fn stream_resumes_from_cursor_after_kill() {
    let mut server = Server::with(&UNLIMITED);
    let mut robo = Api::new(&server, "Robo", &[]).await;
    let mut last = 1;
    for _ in 0..3 {
        let mut stream = robo.stream("", Some(&last.to_string())).await.unwrap();
        robo.say("seen").await;
        robo.say("and this").await;
        read_up_to(&mut stream, last, last + 1).await;
        last += 1;
        server.kill();
        while next_entry(&mut stream).await.is_some() {}
        server.start_again();
        robo = robo.at(&server);
        let mut stream = robo.stream("", Some(&last.to_string())).await.unwrap();
        read_up_to(&mut stream, last, last + 1).await;
        last += 1;
    }
}

#[tokio::test]
async fn stopping_server_ends_stream_with_notice() {
    let mut server = Server::start();
    let robo = Api::new(&server, "Robo", &[]).await;
    let mut stream = robo.stream("", None).await.unwrap();
    stream.next_block().await.unwrap();
    server.terminate();
    let mut blocks = Vec::new();
    while let Some(block) = within("the end", stream.next_block()).await {
        blocks.push(block);
    }
    let bye = blocks.pop().unwrap();
    assert!(bye.starts_with("retry: ") && bye.contains("\nevent: bye\ndata: {\"code\":1012,"), "{bye}");
    assert!(server.ended().await.success());
}

#[tokio::test]
async fn revoked_token_ends_stream_and_opens_no_other() {
    let server = Server::start();
    let robo = Api::new(&server, "Robo", &[]).await;
    let other = Api::new(&server, "Other", &[]).await;
    let mut stream = robo.stream("", None).await.unwrap();
    let mut left = other.stream("", None).await.unwrap();
    revoke(&server.data(), "Robo").await;
    let mut last = String::new();
    while let Some(block) = within("the end", stream.next_block()).await {
        last = block;
    }
    assert_eq!(last, "event: bye\ndata: {\"code\":4500,\"retry_after_ms\":0}");
    assert_eq!(robo.stream("", None).await.err(), Some(401));
    other.say("still here").await;
    assert_eq!(next_entry(&mut left).await.unwrap().seq, 2);
}

#[tokio::test]
async fn quiet_stream_sends_heartbeats_and_stays() {
    let server = Server::with(&["--heartbeat", "1"]);
    let robo = Api::new(&server, "Robo", &[]).await;
    let mut stream = robo.stream("", None).await.unwrap();
    assert_eq!(stream.next_block().await.unwrap(), "id: 1");
    assert_eq!(stream.next_block().await.unwrap(), ": live");
    for _ in 0..3 {
        assert_eq!(within("a sign of life", stream.next_block()).await.unwrap(), ":");
    }
    robo.say("hello").await;
    while within("the entry", stream.next_block()).await.unwrap() == ":" {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reader_that_never_reads_is_dropped_cheaply() {
    let server = Server::with(&UNLIMITED);
    let robo = Api::new(&server, "Robo", &[]).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut deaf = socket.connect(server.addr).await.unwrap();
    let bearer = robo.bearer();
    let request =
        format!("GET /api/rooms/lobby/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: {bearer}\r\n\r\n");
    deaf.write_all(request.as_bytes()).await.unwrap();
    until("its stream", async || server.connections().await == 1).await;
    let mut fine = robo.stream("?after=1", None).await.unwrap();
    let before = server.resident_kib();
    let text = "x".repeat(8_000);
    let writing = flood(&server, 800, &text);
    let (last, ()) = tokio::join!(writing, read_up_to(&mut fine, 1, 801));
    assert_eq!(last, 801, "nobody else is held back");
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < 96 * 1024, "6 MB passed, and the server grew by {grown} KiB");
    // Its socket takes nothing, or it gives no sign of life: whichever is found out first.
    until("the deaf one to be let go", async || server.connections().await == 1).await;
    robo.say("we go on").await;
    assert_eq!(next_entry(&mut fine).await.unwrap().seq, 802);
    drop(fine);
    until("its place to be free", async || server.connections().await == 0).await;
    // Whatever it was sent before, nothing more comes.
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(30), deaf.read_to_end(&mut rest)).await;
}

#[tokio::test]
async fn hung_up_reader_is_forgotten() {
    let server = Server::start();
    let robo = Api::new(&server, "Robo", &[]).await;
    let streams = [robo.stream("", None).await.unwrap(), robo.stream("", None).await.unwrap()];
    until("two streams", async || server.connections().await == 2).await;
    drop(streams);
    until("nobody", async || server.connections().await == 0).await;
}

#[tokio::test]
async fn streams_count_among_the_connections_of_an_address() {
    let server = Server::with(&["--connections-per-address", "2"]);
    let robo = Api::new(&server, "Robo", &[]).await;
    let one = robo.stream("", None).await.unwrap();
    let _other = robo.stream("", None).await.unwrap();
    assert_eq!(robo.stream("", None).await.err(), Some(429));
    server.has_rejected("over_limit", 1).await;
    drop(one);
    until("a place", async || robo.stream("", None).await.is_ok()).await;
}

#[tokio::test]
async fn cursors_before_restore_are_refused() {
    let mut server = Server::with(&UNLIMITED);
    let robo = Api::new(&server, "Robo", &[]).await;
    let old = robo.say("kept").await;
    server.kill();
    // State after a restore: the database without the mark of what it must contain.
    std::fs::remove_file(server.data().join("madang.mark")).unwrap();
    server.start_again();
    let robo = robo.at(&server);
    let path = format!("/api/rooms/lobby/entries?after={old}");
    assert_eq!(crate::harness::refused(&robo.get(&path).await, 409), "unusable_cursor");
    assert_eq!(robo.stream("", Some(&old.to_string())).await.err(), Some(409));
    let page = robo.read("/api/rooms/lobby/entries?limit=1").await;
    let cursor = page["cursor"].as_str().unwrap().to_owned();
    assert!(cursor.starts_with("1@") && page["entries"][0]["cursor"] == page["cursor"], "{cursor}");
    let rest = robo.read(&format!("/api/rooms/lobby/entries?after={cursor}")).await;
    assert_eq!(rest["entries"][0]["seq"], old);
    let mut stream = robo.stream("", Some(&cursor)).await.unwrap();
    assert_eq!(stream.next_block().await.unwrap(), format!("id: {cursor}"));
    let block = stream.next_block().await.unwrap();
    assert!(block.starts_with(&format!("id: {old}@")), "{block}");
}
