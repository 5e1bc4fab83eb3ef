//! Outgoing webhooks whose address fails: nothing is lost, nothing goes first, and nobody else waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use madang_protocol::ClientFrame;
use serde_json::json;

use crate::harness::{Api, Client, Receiver, Reply, Server, fresh_cmid, lobby, until};
use crate::webhooks::{HERE, webhook};

#[tokio::test]
async fn failed_delivery_is_retried_in_order() {
    let server = Server::with(&HERE);
    let mut receiver = Receiver::start(|number| match number {
        0 => Reply::Status(500),
        1 => Reply::Status(404),
        3 => Reply::Status(300),
        _ => Reply::Status(200),
    })
    .await;
    webhook(&server, "Mirror", &receiver.url()).await;
    let robo = Api::new(&server, "Robo", &[]).await;
    for _ in 0..3 {
        robo.say("news").await;
    }
    let mut ids = Vec::new();
    for _ in 0..6 {
        let delivered = receiver.next().await;
        assert_eq!(delivered.header("madang-delivery"), format!("lobby/{}", delivered.seq()));
        ids.push(delivered.seq());
    }
    assert_eq!(ids, [2, 2, 2, 3, 3, 4], "each until it was taken");
    assert!(server.log().contains("it was answered 404 Not Found, not 2xx"), "{}", server.log());
}

#[tokio::test]
async fn pending_deliveries_survive_restart() {
    let mut server = Server::with(&HERE);
    let willing = Arc::new(AtomicBool::new(false));
    let mut receiver = Receiver::start({
        let willing = willing.clone();
        move |_| Reply::Status(if willing.load(Ordering::Relaxed) { 200 } else { 503 })
    })
    .await;
    webhook(&server, "Mirror", &receiver.url()).await;
    let robo = Api::new(&server, "Robo", &[]).await;
    robo.say("one").await;
    let last = robo.say("two").await;
    assert_eq!(receiver.next().await.seq(), 2);
    server.terminate();
    assert!(server.ended().await.success(), "a courier that waits holds nothing up");
    willing.store(true, Ordering::Relaxed);
    server.start_again();
    let mut told = Vec::new();
    while told.last() != Some(&last) {
        told.push(receiver.next().await.seq());
    }
    told.dedup();
    assert_eq!(told, [2, 3]);
}

#[tokio::test]
async fn redirect_is_a_failure_and_not_followed() {
    let server = Server::with(&HERE);
    let mut elsewhere = Receiver::willing().await;
    let url = elsewhere.url();
    let mut receiver = Receiver::start(move |_| Reply::Redirect(url.clone())).await;
    webhook(&server, "Mirror", &receiver.url()).await;
    Api::new(&server, "Robo", &[]).await.say("news").await;
    assert_eq!([receiver.next().await.seq(), receiver.next().await.seq()], [2, 2]);
    assert!(elsewhere.is_silent());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_receiver_times_out_and_delays_nobody() {
    let server = Server::with(&HERE);
    let mut silent =
        Receiver::start(|number| if number == 0 { Reply::Never } else { Reply::Status(200) }).await;
    let mut other = Receiver::willing().await;
    webhook(&server, "Silent", &silent.url()).await;
    webhook(&server, "Other", &other.url()).await;
    let robo = Api::new(&server, "Robo", &[]).await;
    for seq in 2..=4 {
        robo.say("news").await;
        assert_eq!(other.next().await.seq(), seq);
    }
    assert_eq!(silent.next().await.seq(), 2);
    assert!(silent.is_silent(), "nothing goes first");
    for seq in [2, 3, 4] {
        assert_eq!(silent.next().await.seq(), seq);
    }
    assert!(server.log().contains("it took longer than 10 s"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_without_an_end_cost_next_to_nothing() {
    let server = Server::with(&HERE);
    let mut bodies = Receiver::start(|_| Reply::EndlessBody).await;
    let mut heads = Receiver::start(|_| Reply::EndlessHead).await;
    webhook(&server, "Bodies", &bodies.url()).await;
    webhook(&server, "Heads", &heads.url()).await;
    let before = server.resident_kib();
    let robo = Api::new(&server, "Robo", &[]).await;
    for seq in 2..=10 {
        robo.say("news").await;
        assert_eq!(bodies.next().await.seq(), seq, "it was a yes");
    }
    assert_eq!([heads.next().await.seq(), heads.next().await.seq()], [2, 2], "and this was none");
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < 32 * 1024, "the server grew by {grown} KiB");
    server.lives().await;
}

#[tokio::test]
async fn text_deleted_while_waiting_is_not_delivered() {
    let server = Server::with(&HERE);
    let mut receiver = Receiver::start(|number| Reply::Status(if number < 2 { 500 } else { 200 })).await;
    webhook(&server, "Mirror", &receiver.url()).await;
    let mut ann = Client::join(&server, "ann").await;
    let seq = ann.say("regretted").await;
    assert_eq!(receiver.next().await.json()["what"]["body"], "regretted");
    let behind = ann.say("regretted too").await;
    for seq in [behind, seq] {
        let cmid = fresh_cmid();
        ann.send(&ClientFrame::Delete { room: lobby(), cmid, seq }).await;
        ann.done(cmid).await;
    }
    for told in [seq, seq, behind] {
        let delivered = receiver.next().await;
        assert_eq!(delivered.seq(), told);
        assert_eq!(delivered.json()["what"], json!({"t": "posted", "body": ""}));
    }
    for deleted in [behind, seq] {
        assert_eq!(receiver.next().await.json()["what"], json!({"t": "deleted", "seq": deleted}));
    }
}

#[tokio::test]
async fn absent_receiver_gets_everything_later() {
    let server = Server::with(&HERE);
    // A port that nobody listens at.
    let addr = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    webhook(&server, "Mirror", &format!("http://{addr}/")).await;
    Api::new(&server, "Robo", &[]).await.say("news").await;
    until("two tries", async || server.told("its host does not answer") >= 2).await;
}
