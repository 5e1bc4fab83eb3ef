//! Once: a write that is repeated, because its answer was lost, is the same write.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use madang_protocol::{ClientFrame, Cmid, Entry, RefusalCode, Seq};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::harness::{Client, Server, UNLIMITED, body, fresh_cmid, lobby, random, seqs};

/// Everything in the lobby's log.
async fn log(server: &Server) -> Vec<Entry> {
    Client::join(server, "auditor").await.watch(&lobby(), Some(0)).await.entries
}

/// Posts under this cmid, and returns the seq of `done`.
async fn post_as(client: &mut Client, cmid: Cmid, body: &str) -> Seq {
    client.try_post(&lobby(), cmid, body).await.unwrap();
    client.done(cmid).await
}

#[tokio::test]
async fn a_repeat_gets_the_first_ones_seq() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let cmid = fresh_cmid();
    let first = post_as(&mut ann, cmid, "once").await;
    ann.say("something else").await;
    assert_eq!(post_as(&mut ann, cmid, "once").await, first, "on the same connection");
    let mut phone = Client::join_as(&server, "ann's phone", &ann.cookie).await;
    assert_eq!(post_as(&mut phone, cmid, "once").await, first, "on another connection");
    assert_eq!(log(&server).await.len(), 3);
}

#[tokio::test]
async fn a_repeat_that_follows_at_once_writes_once() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let cmid = fresh_cmid();
    for _ in 0..5 {
        ann.try_post(&lobby(), cmid, "impatient").await.unwrap();
    }
    for _ in 0..5 {
        assert_eq!(ann.done(cmid).await, 2);
    }
    assert_eq!(log(&server).await.len(), 2);
}

#[tokio::test]
async fn a_cmid_is_its_authors_own() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    let cmid = fresh_cmid();
    assert_eq!(post_as(&mut ann, cmid, "ann's").await, 2);
    assert_eq!(post_as(&mut bob, cmid, "bob's").await, 3);
}

#[tokio::test]
async fn edits_and_deletes_are_once_too() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let seq = ann.say("helo").await;
    let (edit, delete) = (fresh_cmid(), fresh_cmid());
    for _ in 0..2 {
        ann.send(&ClientFrame::Edit { room: lobby(), cmid: edit, seq, body: "hello".into() }).await;
        assert_eq!(ann.done(edit).await, 3);
    }
    for _ in 0..2 {
        ann.send(&ClientFrame::Delete { room: lobby(), cmid: delete, seq }).await;
        assert_eq!(ann.done(delete).await, 4, "the repeat is not a message that is gone");
    }
}

#[tokio::test]
async fn refused_write_does_not_use_its_cmid() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let cmid = fresh_cmid();
    ann.try_post(&lobby(), cmid, "  ").await.unwrap();
    assert_eq!(ann.outcome(cmid).await, Err((RefusalCode::Empty, None)));
    assert_eq!(post_as(&mut ann, cmid, "now with text").await, 2);
}

#[tokio::test]
async fn repeat_after_kill_returns_first_seq() {
    let mut server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let cmid = fresh_cmid();
    let first = post_as(&mut ann, cmid, "durable").await;
    server.kill();
    server.start_again();
    let mut back = Client::join_as(&server, "ann", &ann.cookie).await;
    assert_eq!(post_as(&mut back, cmid, "durable").await, first);
    assert_eq!(seqs(&log(&server).await), [1, 2]);
}

#[tokio::test]
async fn kill_between_commit_and_done_keeps_write_once() {
    let mut server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    bob.watch_now(&lobby()).await;
    let cmid = ann.post(&lobby(), "did it arrive?").await;
    // Bob sees it, so it is committed; ann never reads her answer.
    let seen = bob.next_entry(&lobby()).await;
    server.kill();
    server.start_again();
    let mut back = Client::resume(&server, &ann, &[(&lobby(), 1)]).await;
    assert_eq!(post_as(&mut back, cmid, "did it arrive?").await, seen.seq);
    let log = log(&server).await;
    assert_eq!(log[1..], [seen], "exactly one message, as bob saw it");
}

/// One writer's memory of its own writes.
struct Writer {
    name: usize,
    client: Client,
    acknowledged: BTreeMap<Seq, String>,
    next: usize,
    /// Sent, and not answered.
    open: Option<(Cmid, String)>,
}

impl Writer {
    /// Writes one after the other until the server is gone. Each answer counts in `answers`.
    async fn until_cut(mut self, answers: Arc<AtomicUsize>, answered: Arc<Notify>) -> Self {
        loop {
            let (cmid, text) = self.open.take().unwrap_or_else(|| {
                self.next += 1;
                (fresh_cmid(), format!("{} {}", self.name, self.next))
            });
            self.open = Some((cmid, text.clone()));
            let Some(seq) = self.client.try_say(cmid, &text).await else { return self };
            self.open = None;
            self.acknowledged.insert(seq, text);
            answers.fetch_add(1, Ordering::Relaxed);
            answered.notify_one();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_kills_keep_acknowledged_writes_once_in_order() {
    const ROUNDS: usize = 8;
    let mut server = Server::with(&UNLIMITED);
    let mut writers = Vec::new();
    for name in 0..4 {
        let client = Client::join(&server, "writer").await;
        writers.push(Writer { name, client, acknowledged: BTreeMap::new(), next: 0, open: None });
    }
    for _ in 0..ROUNDS {
        let (answers, answered) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let enough = random(80) as usize;
        let running: JoinSet<Writer> =
            writers.into_iter().map(|writer| writer.until_cut(answers.clone(), answered.clone())).collect();
        while answers.load(Ordering::Relaxed) < enough {
            answered.notified().await;
        }
        server.kill();
        writers = running.join_all().await;
        server.start_again();
        for writer in &mut writers {
            writer.client = Client::join_as(&server, "writer", &writer.client.cookie).await;
        }
    }
    for writer in &mut writers {
        if let Some((cmid, text)) = writer.open.take() {
            let seq = post_as(&mut writer.client, cmid, &text).await;
            writer.acknowledged.insert(seq, text);
        }
    }
    let log = log(&server).await;
    assert_eq!(seqs(&log), (1..=log.len() as u64).collect::<Vec<_>>(), "contiguous");
    let mut acknowledged = BTreeMap::new();
    for writer in &writers {
        let texts: Vec<_> = writer.acknowledged.values().cloned().collect();
        let in_order: Vec<_> = (1..=writer.next).map(|n| format!("{} {n}", writer.name)).collect();
        assert_eq!(texts, in_order, "each write once, in its writer's order");
        acknowledged.extend(writer.acknowledged.clone());
    }
    let there: BTreeMap<Seq, String> =
        log.iter().skip(1).map(|entry| (entry.seq, body(entry).to_owned())).collect();
    assert_eq!(there, acknowledged, "what was acknowledged is there, and nothing else is");
}
