//! Outgoing webhooks: a room's entries are delivered to an address, in order, signed, and without a hole.

use hmac::{Hmac, Mac};
use madang_protocol::{ClientFrame, Entry};
use serde_json::json;
use sha2::Sha256;

use crate::harness::{
    Api, Browser, Client, Delivered, Receiver, Reply, Server, UNLIMITED, fresh_cmid, lobby, order, until,
};

/// Options of a server whose webhooks may go to this machine.
pub(crate) const HERE: [&str; 6] = ["--webhook-allow", "127.0.0.1", "--post-rate", "0", "--frame-rate", "0"];

/// A new webhook from the lobby: its key.
pub(crate) async fn webhook(server: &Server, name: &str, url: &str) -> String {
    let words = ["webhook", "outgoing", "--room", "lobby", "--name", name, "--url", url];
    let made = order(&server.data(), &words).await;
    assert!(made.done, "{made:?}");
    made.out.trim_end().to_owned()
}

/// Computes the signature as a receiver does, by docs/api.md.
fn signature(key: &str, delivered: &Delivered) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(format!("{}.{}", delivered.header("madang-timestamp"), delivered.body).as_bytes());
    let bytes = mac.finalize().into_bytes();
    format!("v1={}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

#[tokio::test]
async fn entries_are_delivered_in_order_and_signed() {
    let server = Server::with(&HERE);
    let mut ann = Client::join(&server, "ann").await;
    ann.say("before").await;
    let mut receiver = Receiver::willing().await;
    let key = webhook(&server, "Mirror", &receiver.url()).await;
    assert!(key.starts_with("mds_") && key.len() == 68, "{key}");
    let posted = ann.say("안녕 <b>").await;
    let cmid = fresh_cmid();
    ann.send(&ClientFrame::Edit { room: lobby(), cmid, seq: posted, body: "fixed".into() }).await;
    ann.done(cmid).await;
    let first = receiver.next().await;
    assert!(first.head.starts_with("POST /told?by=madang HTTP/1.1\r\n"), "{}", first.head);
    assert_eq!(first.header("host"), receiver.addr.to_string());
    assert_eq!(first.header("content-type"), "application/json");
    assert!(first.header("user-agent").starts_with("madang/"));
    assert_eq!(first.header("madang-delivery"), format!("lobby/{posted}"));
    assert_eq!(first.header("madang-signature"), signature(&key, &first));
    let timestamp: u64 = first.header("madang-timestamp").parse().unwrap();
    let entry: Entry = serde_json::from_str(&first.body).unwrap();
    assert_eq!((entry.seq, entry.by), (posted, ann.id()), "nothing of what was before");
    assert!(timestamp.abs_diff(u64::try_from(entry.at).unwrap() / 1000) < 60, "in seconds");
    assert_eq!(first.json()["what"], json!({"t": "posted", "body": "안녕 <b>"}));
    let second = receiver.next().await;
    assert_eq!(second.json()["what"], json!({"t": "edited", "seq": posted, "body": "fixed"}));
    assert_eq!(second.header("madang-signature"), signature(&key, &second));
    assert_ne!(second.header("madang-signature"), first.header("madang-signature"));
}

#[tokio::test]
async fn other_rooms_are_not_delivered() {
    let server = Server::with(&HERE);
    let mut ann = Client::join(&server, "ann").await;
    let mut receiver = Receiver::willing().await;
    webhook(&server, "Mirror", &receiver.url()).await;
    let opened = Browser::of(&server, &ann.cookie).script().submit("/rooms", &[("title", "Secret")]).await;
    let secret: madang_protocol::RoomInfo = serde_json::from_str(&opened.body).unwrap();
    ann.say_in(&secret.room, "for us alone").await;
    let seq = ann.say("for all").await;
    let told = receiver.next().await;
    assert_eq!((told.seq(), told.json()["room"].clone()), (seq, json!("lobby")));
    assert!(receiver.is_silent());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_leaves_no_hole_however_it_came() {
    let mut server = Server::with(&HERE);
    let mut receiver = Receiver::willing().await;
    webhook(&server, "Mirror", &receiver.url()).await;
    let robo = Api::new(&server, "Robo", &[]).await;
    let mut told = 1;
    for round in 0..4 {
        let robo = robo.at(&server);
        let mut last = 0;
        for _ in 0..10 {
            last = robo.say("news").await;
        }
        // Somewhere on the way.
        while told + 5 < last {
            told = next_after(&mut receiver, told).await;
        }
        if round % 2 == 0 {
            server.kill();
        } else {
            server.terminate();
            assert!(server.ended().await.success());
        }
        server.start_again();
    }
    let last = robo.at(&server).say("the end").await;
    while told < last {
        told = next_after(&mut receiver, told).await;
    }
}

/// The next delivery: the next entry, or one again that was on its way when the server went.
async fn next_after(receiver: &mut Receiver, told: u64) -> u64 {
    let seq = receiver.next().await.seq();
    assert!(seq == told + 1 || seq == told, "{seq} after {told}");
    seq
}

#[tokio::test]
async fn webhook_made_offline_begins_with_the_server() {
    let mut server = Server::with(&HERE);
    let robo = Api::new(&server, "Robo", &[]).await;
    robo.say("before").await;
    server.terminate();
    server.ended().await;
    let mut receiver = Receiver::willing().await;
    webhook(&server, "Mirror", &receiver.url()).await;
    server.start_again();
    let seq = robo.at(&server).say("after").await;
    assert_eq!(receiver.next().await.seq(), seq);
}

#[tokio::test]
async fn removed_webhook_gets_nothing_and_loses_key() {
    let mut server = Server::with(&HERE);
    let mut receiver = Receiver::start(|_| Reply::Status(500)).await;
    let mut other = Receiver::willing().await;
    let key = webhook(&server, "Mirror", &receiver.url()).await;
    webhook(&server, "Other", &other.url()).await;
    let listed = order(&server.data(), &["webhook", "list"]).await.out;
    let line = listed.lines().find(|line| line.contains("\tMirror\t")).unwrap();
    assert!(line.ends_with("\tvalid\tlobby\tMirror\t127.0.0.1"), "{listed}");
    let robo = Api::new(&server, "Robo", &[]).await;
    robo.say("one").await;
    receiver.next().await;
    let id = line.split('\t').next().unwrap();
    assert!(order(&server.data(), &["webhook", "remove", id]).await.done);
    let last = robo.say("two").await;
    while other.next().await.seq() < last {}
    // Its next try would have come within a second.
    until("its courier's end", async || server.metric("madang_sessions").await == 1).await;
    assert!(receiver.is_silent());
    server.start_again();
    let last = robo.at(&server).say("three").await;
    while other.next().await.seq() < last {}
    assert!(receiver.is_silent());
    assert!(!server.log().contains(&key) && !server.log().contains("told?by"), "the log keeps secrets");
}

#[tokio::test]
async fn invalid_webhook_address_is_refused() {
    let server = Server::with(&UNLIMITED);
    for (room, url) in [
        ("lobby", "example.org/hook"),
        ("lobby", "ftp://example.org"),
        ("lobby", "https://user:word@example.org"),
        ("lobby", "https://"),
        ("nowhere", "https://example.org"),
    ] {
        let words = ["webhook", "outgoing", "--room", room, "--name", "x", "--url", url];
        let ordered = order(&server.data(), &words).await;
        assert!(!ordered.done && ordered.out.is_empty(), "{url}: {ordered:?}");
    }
    assert_eq!(order(&server.data(), &["webhook", "list"]).await.out, "");
}
