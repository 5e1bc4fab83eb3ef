//! Coming back: by a cursor exactly what was missed, and where no cursor helps, a snapshot.

use madang_protocol::{ClientFrame, EntryKind, RefusalCode, ResumePoint, RoomId, ServerFrame};

use crate::harness::{Browser, Client, Dial, Server, UNLIMITED, bodies, body, lobby, seqs};

/// The room of a title, opened by the person of `client`.
async fn room(server: &Server, client: &Client, title: &str) -> RoomId {
    let opened = Browser::of(server, &client.cookie).script().submit("/rooms", &[("title", title)]).await;
    serde_json::from_str::<madang_protocol::RoomInfo>(&opened.body).unwrap().room
}

/// Posts `count` messages without waiting for each.
async fn chatter(client: &mut Client, count: usize) {
    let mut cmids = Vec::new();
    for n in 0..count {
        cmids.push(client.post(&lobby(), &format!("message {n}")).await);
    }
    for cmid in cmids {
        client.done(cmid).await;
    }
}

#[tokio::test]
async fn a_cursor_gets_exactly_what_was_missed() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    bob.watch_now(&lobby()).await;
    ann.say("seen").await;
    let cursor = bob.next_entry(&lobby()).await.seq;
    for n in 0..5 {
        ann.say(&format!("missed {n}")).await;
    }
    let mut back = Client::resume(&server, &bob, &[(&lobby(), cursor)]).await;
    let attached = back.attached(&lobby()).await;
    assert!(attached.snapshot.is_none());
    assert_eq!(seqs(&attached.entries), [3, 4, 5, 6, 7]);
    assert_eq!(attached.head, 7);
    assert_eq!(back.say("and on").await, 8);
    assert_eq!(back.next_entry(&lobby()).await.seq, 8, "it is live");
}

#[tokio::test]
async fn cursor_at_head_gets_only_live() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let head = ann.say("all there is").await;
    let attached = Client::resume(&server, &ann, &[(&lobby(), head)]).await.attached(&lobby()).await;
    assert!(attached.snapshot.is_none() && attached.entries.is_empty());
    assert_eq!(attached.head, head);
}

#[tokio::test]
async fn cursor_zero_replays_the_whole_log() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    ann.say("hello").await;
    let attached = Client::join(&server, "bob").await.watch(&lobby(), Some(0)).await;
    assert_eq!(seqs(&attached.entries), [1, 2]);
    let opened = &attached.entries[0];
    assert_eq!(opened.by.as_str(), "madang");
    assert!(matches!(opened.what, EntryKind::Opened { .. }), "{opened:?}");
}

#[tokio::test]
async fn a_cursor_survives_the_restart_of_the_server() {
    let mut server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    for n in 0..4 {
        ann.say(&n.to_string()).await;
    }
    server.start_again();
    let mut back = Client::resume(&server, &ann, &[(&lobby(), 3)]).await;
    assert_eq!(back.id(), ann.id());
    assert_eq!(back.welcome().epoch, ann.welcome().epoch);
    let attached = back.attached(&lobby()).await;
    assert_eq!(attached.entries.iter().map(body).collect::<Vec<_>>(), ["2", "3"]);
}

#[tokio::test]
async fn cursor_of_other_or_no_epoch_gets_snapshot() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    ann.say("hello").await;
    for epoch in [Some("another".parse().unwrap()), None] {
        let mut back = Dial::new(&server).cookie(&ann.cookie).open("ann").await.unwrap();
        back.hello(vec![ResumePoint { room: lobby(), seq: 1 }], epoch, None).await;
        let attached = back.attached(&lobby()).await;
        let snapshot = attached.snapshot.expect("a snapshot");
        assert_eq!((bodies(&snapshot.messages), snapshot.head), (vec!["hello"], 2));
        assert!(attached.entries.is_empty());
    }
}

#[tokio::test]
async fn cursor_ahead_of_log_gets_snapshot() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    ann.say("hello").await;
    for ahead in [3, 1_000_000, u64::MAX] {
        let attached = ann.watch(&lobby(), Some(ahead)).await;
        assert_eq!(attached.snapshot.expect("a snapshot").head, 2, "cursor {ahead}");
    }
    ann.say("still").await;
    assert_eq!(ann.next_entry(&lobby()).await.seq, 3);
}

#[tokio::test]
async fn cursor_over_thousand_behind_gets_snapshot() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    ann.watch_now(&lobby()).await;
    chatter(&mut ann, 1_001).await;
    // A durable entry has also been delivered.
    ann.entries_up_to(&lobby(), 1_002).await;
    let attached = ann.watch(&lobby(), Some(2)).await;
    assert!(attached.snapshot.is_none());
    assert_eq!(seqs(&attached.entries), (3..=1_002).collect::<Vec<_>>());
    let attached = ann.watch(&lobby(), Some(1)).await;
    let snapshot = attached.snapshot.expect("a snapshot");
    assert_eq!((snapshot.head, snapshot.messages.len(), snapshot.before), (1_002, 50, true));
    assert!(attached.entries.is_empty());
}

#[tokio::test]
async fn several_rooms_are_resumed_each_from_its_cursor() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let (food, music) = (room(&server, &ann, "food").await, room(&server, &ann, "music").await);
    for n in 2..=4 {
        assert_eq!(ann.say_in(&food, "kimchi").await, n);
        assert_eq!(ann.say_in(&music, "gugak").await, n);
    }
    let cursors = [(&food, 1), (&lobby(), 1), (&music, 3)];
    let mut back = Client::resume(&server, &ann, &cursors).await;
    assert_eq!(seqs(&back.attached(&food).await.entries), [2, 3, 4]);
    assert_eq!(seqs(&back.attached(&music).await.entries), [4]);
    assert!(back.attached(&lobby()).await.entries.is_empty());
    ann.say_in(&music, "pansori").await;
    assert_eq!(back.next_entry(&music).await.seq, 5);
}

#[tokio::test]
async fn missing_room_is_refused_and_others_resume() {
    let server = Server::start();
    let ann = Client::join(&server, "ann").await;
    let nowhere: RoomId = "nowhere".parse().unwrap();
    let mut back = Client::resume(&server, &ann, &[(&nowhere, 7), (&lobby(), 0)]).await;
    let refused = back.refused().await;
    assert_eq!((refused.code, refused.room), (RefusalCode::UnknownRoom, Some(nowhere)));
    assert_eq!(seqs(&back.attached(&lobby()).await.entries), [1]);
}

#[tokio::test]
async fn unwatched_room_is_silent_until_watched_again() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    ann.watch_now(&lobby()).await;
    bob.watch_now(&lobby()).await;
    ann.say("heard").await;
    bob.next_entry(&lobby()).await;
    bob.send(&ClientFrame::Unwatch { room: lobby() }).await;
    bob.round_trip().await;
    ann.say("not heard").await;
    ann.entries_up_to(&lobby(), 3).await;
    bob.round_trip().await;
    assert!(!bob.holds(|frame| matches!(frame, ServerFrame::Entry(_))));
    let attached = bob.watch(&lobby(), Some(2)).await;
    assert_eq!(attached.entries.iter().map(body).collect::<Vec<_>>(), ["not heard"]);
}

#[tokio::test]
async fn unwatched_room_sends_nothing() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let mut eve = Client::join(&server, "eve").await;
    let food = room(&server, &ann, "food").await;
    eve.watch_now(&lobby()).await;
    ann.watch_now(&food).await;
    ann.say_in(&food, "kimchi").await;
    ann.send(&ClientFrame::Typing { room: food.clone() }).await;
    ann.next_entry(&food).await;
    eve.round_trip().await;
    assert!(!eve.holds(|frame| matches!(
        frame,
        ServerFrame::Entry(_) | ServerFrame::Typing { .. } | ServerFrame::People { .. }
    )));
}

#[tokio::test]
async fn room_watched_twice_is_followed_once() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    for n in 0..10 {
        ann.say(&n.to_string()).await;
    }
    let mut bob = Client::join(&server, "bob").await;
    bob.send(&ClientFrame::Watch { room: lobby(), after: Some(0) }).await;
    bob.send(&ClientFrame::Watch { room: lobby(), after: Some(5) }).await;
    bob.round_trip().await;
    ann.say("once").await;
    // A client keeps what follows its cursor: whatever came of the first watch, the second one completes it.
    let mut cursor = 0;
    let mut last = Vec::new();
    while cursor < 12 {
        let entry = bob.next_entry(&lobby()).await;
        assert!(entry.seq <= cursor + 1 || (cursor == 0 && entry.seq == 6), "a hole before {}", entry.seq);
        cursor = cursor.max(entry.seq);
        last.push(entry.seq);
    }
    bob.round_trip().await;
    assert_eq!(last.iter().filter(|seq| **seq == 12).count(), 1, "{last:?}");
    assert!(!bob.holds(|frame| matches!(frame, ServerFrame::Entry(_))));
}

#[tokio::test]
async fn cursor_before_restored_backup_gets_snapshot() {
    let mut server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    ann.say("in the backup").await;
    server.terminate();
    server.ended().await;
    let database = server.data().join("madang.db");
    let backup = std::fs::read(&database).unwrap();

    server.start_again();
    let mut seen = Client::resume(&server, &ann, &[(&lobby(), 2)]).await;
    assert_eq!(seen.welcome().epoch, ann.welcome().epoch);
    for n in 0..5 {
        seen.say(&format!("lost {n}")).await;
    }
    server.kill();
    for name in ["madang.db-wal", "madang.db-shm"] {
        let _ = std::fs::remove_file(server.data().join(name));
    }
    std::fs::write(&database, backup).unwrap();

    server.start_again();
    let mut other = Client::join_as(&server, "ann elsewhere", &ann.cookie).await;
    for n in 0..9 {
        other.say(&format!("instead {n}")).await;
    }
    for cursor in [2, 5, 7] {
        let mut back = Client::resume(&server, &ann, &[(&lobby(), cursor)]).await;
        assert_ne!(back.welcome().epoch, ann.welcome().epoch);
        let snapshot = back.attached(&lobby()).await.snapshot.expect("a snapshot");
        assert!(bodies(&snapshot.messages).iter().all(|body| !body.starts_with("lost")));
        assert_eq!(snapshot.head, 11);
    }
    let mut next = Client::resume(&server, &other, &[(&lobby(), 10)]).await;
    assert_eq!(seqs(&next.attached(&lobby()).await.entries), [11], "under the new epoch cursors count again");
}
