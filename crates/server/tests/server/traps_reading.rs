//! Losses and doubles of others when a connection came back, on the side of the server; each story is told
//! on each transport. (The client's side is in `crates/client/tests/behaviour/traps.rs`.)
//!
//! | | what went wrong elsewhere | here |
//! | --- | --- | --- |
//! | 1 | a position counted per connection | [`cursor_means_the_same_on_every_connection`] |
//! | 2 | no position before the first message | [`client_without_entries_has_a_cursor`] |
//! | 3 | a recovered batch that did not advance the position | [`interrupted_replay_resumes_where_it_stopped`] |
//! | 4 | a node's death not recovered | [`killed_server_misses_no_acknowledged_write`] |
//! | 5 | a new epoch with an old cursor, or no epoch, taken for recovered | [`a_cursor_without_its_epoch_is_none`] |
//! | 6 | doubles after a swap; watching again meanwhile | [`transport_swap_amid_traffic_doubles_nothing`], [`rewatch_during_replay_restarts_and_ends_once`] |
//! | 7 | delivery after teardown; a failed POST unnoticed | `traps_holding::nothing_comes_after_the_end`, `traps_holding::post_to_ended_session_is_answered_410` |
//! | 8 | a restart pins clients to a lower step | `traps_holding::session_before_restart_is_gone_and_can_reconnect` |
//! | 9 | old sockets not reaped | `traps_holding::vanished_client_is_gone_within_two_heartbeats` |
//! | 10 | a limit that one way in bypasses | `traps_holding::rate_limit_holds_for_every_kind_of_write` |
//! | 11 | only so many missed, no edits, not all rooms | [`missed_edits_and_deletes_arrive_in_every_room`] |
//! | 12 | ids of writes forgotten | `traps_holding::repeat_is_known_on_every_transport_after_kill` |
//! | 13 | coming back without jitter | `traps_holding::disconnected_clients_get_different_return_times` |

use madang_protocol::{ClientFrame, Epoch, ResumePoint, RoomId, RoomInfo, Seq, ServerFrame};

use crate::harness::{Browser, Client, Dial, Over, Server, UNLIMITED, lobby, seqs};

async fn chatter(client: &mut Client, count: usize) -> Seq {
    let mut last = 0;
    for n in 0..count {
        last = client.say(&n.to_string()).await;
    }
    last
}

#[tokio::test]
async fn cursor_means_the_same_on_every_connection() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    // Two connections that were told very different things: names, presence, typing, answers.
    let mut quiet = Client::join(&server, "quiet").await;
    quiet.watch(&lobby(), Some(1)).await;
    let mut busy = Client::join_over(&server, "busy", Over::Events).await;
    busy.watch(&lobby(), Some(1)).await;
    busy.send_text(r#"{"t":"present","room":"lobby"}"#).await;
    for _ in 0..5 {
        busy.history("before", 9, 10).await;
        ann.send_text(r#"{"t":"typing","room":"lobby"}"#).await;
    }
    let cursor = chatter(&mut ann, 10).await;
    quiet.entries_up_to(&lobby(), cursor).await;
    busy.entries_up_to(&lobby(), cursor).await;
    let last = chatter(&mut ann, 3).await;
    for old in [&quiet, &busy] {
        for over in Over::ALL {
            let mut again = Client::resume_over(&server, old, &[(&lobby(), cursor)], over).await;
            let missed: Vec<Seq> = (cursor + 1..=last).collect();
            assert_eq!(seqs(&again.attached(&lobby()).await.entries), missed, "{over:?}");
        }
    }
}

#[tokio::test]
async fn client_without_entries_has_a_cursor() {
    let server = Server::start();
    for over in Over::ALL {
        let mut ann = Client::join(&server, "ann").await;
        let idle = Client::join_over(&server, "idle", over).await;
        let rooms = &idle.welcome().rooms;
        let head = rooms.iter().find(|info| info.room == lobby()).unwrap().head;
        let last = ann.say("the first that they miss").await;
        let mut again = Client::resume_over(&server, &idle, &[(&lobby(), head)], over).await;
        let attached = again.attached(&lobby()).await;
        assert_eq!((attached.snapshot, seqs(&attached.entries)), (None, vec![last]), "{over:?}");
    }
}

#[tokio::test]
async fn interrupted_replay_resumes_where_it_stopped() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    let last = chatter(&mut ann, 200).await;
    let mut reader = Client::join(&server, "reader").await;
    let (mut cursor, mut got) = (1, Vec::new());
    for over in Over::ALL.into_iter().cycle() {
        reader = Client::resume_over(&server, &reader, &[(&lobby(), cursor)], over).await;
        for _ in 0..37.min(last - cursor) {
            let entry = reader.next_entry(&lobby()).await;
            got.push(entry.seq);
            cursor = entry.seq;
        }
        if cursor == last {
            break;
        }
    }
    assert_eq!(got, (2..=last).collect::<Vec<_>>(), "each once, in order");
}

#[tokio::test]
async fn killed_server_misses_no_acknowledged_write() {
    let mut server = Server::with(&UNLIMITED);
    for over in Over::ALL {
        let mut ann = Client::join_over(&server, "ann", over).await;
        let cursor = ann.watch_now(&lobby()).await.head;
        let last = chatter(&mut ann, 5).await;
        server.kill();
        server.start_again();
        let mut again = Client::resume_over(&server, &ann, &[(&lobby(), cursor)], over).await;
        let attached = again.attached(&lobby()).await;
        assert_eq!(attached.snapshot, None, "the epoch is the database's, not the process's");
        assert_eq!(seqs(&attached.entries), (cursor + 1..=last).collect::<Vec<_>>(), "{over:?}");
    }
}

#[tokio::test]
async fn a_cursor_without_its_epoch_is_none() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let head = ann.say("all there is").await;
    let other: Epoch = "0123456789abcdef0123456789abcdef".parse().unwrap();
    for over in Over::ALL {
        for epoch in [None, Some(other.clone())] {
            let mut client = Dial::new(&server).over(over).open("client").await.unwrap();
            client.hello(vec![ResumePoint { room: lobby(), seq: head }], epoch.clone(), None).await;
            let attached = client.attached(&lobby()).await;
            let snapshot = attached.snapshot.unwrap_or_else(|| panic!("{over:?} {epoch:?}: a snapshot"));
            assert_eq!((snapshot.head, attached.entries.len()), (head, 0));
        }
        let mut empty = Dial::new(&server).over(over).open("empty").await.unwrap();
        let hello = r#"{"t":"hello","epoch":"","resume":[{"room":"lobby","seq":1}]}"#;
        if over == Over::WebSocket {
            empty.send_text(hello).await;
            assert_eq!(empty.farewell().await.bye, Some(4502), "an empty epoch is no epoch");
        } else {
            assert_eq!(empty.link.http().send(hello).await, None, "an empty epoch is no epoch");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transport_swap_amid_traffic_doubles_nothing() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    let mut reader = Client::join(&server, "reader").await;
    reader.watch(&lobby(), Some(1)).await;
    let writing = tokio::spawn(async move { chatter(&mut ann, 300).await });
    let (mut cursor, mut turn) = (1, Over::ALL.into_iter().cycle());
    while cursor < 301 {
        let last = (cursor + 40).min(301);
        let entries = reader.entries_up_to(&lobby(), last).await;
        assert_eq!(entries[0].seq, cursor + 1, "it goes on where the one before was left");
        cursor = last;
        // The old connection still stands, and goes on hearing, while the new one takes over.
        let next = Client::resume_over(&server, &reader, &[(&lobby(), cursor)], turn.next().unwrap()).await;
        drop(std::mem::replace(&mut reader, next));
    }
    assert_eq!(writing.await.unwrap(), 301);
    assert_eq!(reader.attached(&lobby()).await.entries.len(), 0);
}

#[tokio::test]
async fn rewatch_during_replay_restarts_and_ends_once() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    chatter(&mut ann, 200).await;
    for over in Over::ALL {
        let mut reader = Client::join_over(&server, "reader", over).await;
        for after in [1, 50, 150] {
            reader.send(&ClientFrame::Watch { room: lobby(), after: Some(after) }).await;
        }
        // The first replay may be complete, and live, before the last watch is read.
        reader.round_trip().await;
        let next = ann.say("after all of it").await;
        let mut heard = Vec::new();
        while heard.last() != Some(&next) {
            heard.push(reader.next_entry(&lobby()).await.seq);
        }
        // Whatever was left of the earlier ones, the last of them is complete, and live once.
        let tail: Vec<Seq> = (151..=next).collect();
        assert!(heard.ends_with(&tail), "{over:?}: {heard:?}");
        let further = ann.say("once").await;
        assert_eq!(reader.next_entry(&lobby()).await.seq, further);
        reader.round_trip().await;
        assert!(!reader.holds(|frame| matches!(frame, ServerFrame::Entry(_))), "{over:?}: each entry once");
    }
}

#[tokio::test]
async fn missed_edits_and_deletes_arrive_in_every_room() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    let opened = Browser::of(&server, &ann.cookie).script().submit("/rooms", &[("title", "elsewhere")]).await;
    let elsewhere: RoomId = serde_json::from_str::<RoomInfo>(&opened.body).unwrap().room;
    let before = ann.say("changed while they were away").await;
    for over in Over::ALL {
        let mut away = Client::join_over(&server, "away", over).await;
        let cursor = away.watch_now(&lobby()).await.head;
        let other = away.watch_now(&elsewhere).await.head;
        let edit = |cmid| ClientFrame::Edit { room: lobby(), cmid, seq: before, body: format!("{over:?}") };
        ann.write(edit).await;
        let last = chatter(&mut ann, 120).await;
        let last = ann.write(|cmid| ClientFrame::Delete { room: lobby(), cmid, seq: last }).await;
        let there = ann.say_in(&elsewhere, "and here").await;
        let cursors = [(&lobby(), cursor), (&elsewhere, other)];
        let mut again = Client::resume_over(&server, &away, &cursors, over).await;
        let missed = again.attached(&lobby()).await.entries;
        assert_eq!(seqs(&missed), (cursor + 1..=last).collect::<Vec<_>>(), "{over:?}: edit, 120, delete");
        assert_eq!(seqs(&again.attached(&elsewhere).await.entries), [there]);
    }
}
