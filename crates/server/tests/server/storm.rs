//! Everybody comes back at once, after a restart: served from memory, each completely and in order.

use futures_util::future::join_all;
use madang_protocol::{ClientFrame, RoomId, Seq};

use crate::harness::{Browser, Client, Server, UNLIMITED, lobby, seqs, until};

const CLIENTS: usize = 200;

/// Reads of the database that do not depend on how many come: each for something that was not in memory.
const BESIDES: u64 = 2;

/// All these clients live in one thread, which may be slow to send hello for each of them.
fn unlimited() -> Vec<&'static str> {
    [&UNLIMITED[..], &["--connections-per-address", "0", "--hello-timeout", "60"]].concat()
}

async fn opened(server: &Server, client: &Client, title: &str) -> RoomId {
    let opened = Browser::of(server, &client.cookie).script().submit("/rooms", &[("title", title)]).await;
    serde_json::from_str::<madang_protocol::RoomInfo>(&opened.body).unwrap().room
}

/// Says so much in a room that cursors of all distances have something to miss.
async fn chatter(client: &mut Client, room: &RoomId, count: usize) {
    let mut cmids = Vec::new();
    for n in 0..count {
        cmids.push(client.post(room, &format!("message {n} of an ordinary length, as people write")).await);
    }
    for cmid in cmids {
        client.done(cmid).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reconnect_storm_reads_each_room_once() {
    let mut server = Server::with(&unlimited());
    let mut ann = Client::join(&server, "ann").await;
    let rooms = [lobby(), opened(&server, &ann, "food").await, opened(&server, &ann, "music").await];
    for room in &rooms {
        chatter(&mut ann, room, 200).await;
    }
    let deleted = ClientFrame::Delete { room: lobby(), cmid: crate::harness::fresh_cmid(), seq: 100 };
    ann.send(&deleted).await;
    ann.round_trip().await;
    let clients = join_all((0..CLIENTS).map(|_| Client::join(&server, "one of many"))).await;
    let heads = [202, 201, 201];
    for client in &clients {
        let heard: Vec<Seq> = rooms.iter().map(|room| head_of(client, room)).collect();
        assert_eq!(heard, heads);
    }

    server.kill();
    server.start_again();
    let back = join_all(clients.iter().enumerate().map(|(n, client)| back(&server, client, &rooms, n))).await;
    let reads = server.metric("madang_store_reads_total").await;
    assert!(reads <= rooms.len() as u64 + BESIDES, "{reads} reads for {CLIENTS} clients");
    assert_eq!(server.metric("madang_replays_total").await, 0);

    // All of them are live, and one snapshot serves those who come without a cursor.
    let seq = ann_again(&server, &ann).await.say("after the storm").await;
    for mut client in back {
        assert_eq!(client.next_entry(&lobby()).await.seq, seq);
        client.watch_now(&lobby()).await;
    }
    let after = server.metric("madang_store_reads_total").await;
    assert_eq!(after, reads, "snapshots and new entries are in memory too");
}

fn head_of(client: &Client, room: &RoomId) -> Seq {
    client.welcome().rooms.iter().find(|info| info.room == *room).unwrap().head
}

async fn ann_again(server: &Server, ann: &Client) -> Client {
    Client::join_as(server, "ann", &ann.cookie).await
}

/// Comes back to all rooms, each client from other cursors: some are at the head, some miss a lot.
async fn back(server: &Server, old: &Client, rooms: &[RoomId; 3], n: usize) -> Client {
    let cursors: Vec<(&RoomId, Seq)> =
        rooms.iter().map(|room| (room, head_of(old, room) - (n as Seq * 37) % 200)).collect();
    let mut client = Client::resume(server, old, &cursors).await;
    for (room, cursor) in cursors {
        let head = head_of(old, room);
        assert_eq!(head_of(&client, room), head);
        let attached = client.attached(room).await;
        assert!(attached.snapshot.is_none());
        assert_eq!((seqs(&attached.entries), attached.head), ((cursor + 1..=head).collect(), head));
        let text = |seq| attached.entries.iter().find(|entry| entry.seq == seq).map(crate::harness::body);
        if *room == lobby() && cursor < 100 {
            assert_eq!(text(100), Some(""), "what was deleted is not said again");
        }
    }
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newcomers_after_restart_cost_one_read_per_room() {
    let mut server = Server::with(&unlimited());
    let mut ann = Client::join(&server, "ann").await;
    chatter(&mut ann, &lobby(), 100).await;
    server.start_again();
    let cookie = ann.cookie.clone();
    let newcomers = (0..CLIENTS).map(async |n| {
        if n % 2 == 0 {
            let mut client = Client::join_as(&server, "one of many", &cookie).await;
            assert_eq!(client.watch_now(&lobby()).await.head, 101);
        } else {
            let mut browser = Browser::of(&server, &cookie);
            // Where rendering takes too long, the page comes without its messages, and fetches them by itself.
            let is_complete = async || browser.get("/r/lobby").await.body.contains("message 99 of");
            until("a complete page", is_complete).await;
        }
    });
    join_all(newcomers).await;
    let reads = server.metric("madang_store_reads_total").await;
    assert!(reads <= 1 + BESIDES, "{reads} reads");
}

#[tokio::test]
async fn room_of_long_messages_gets_snapshot_not_replay() {
    let mut server = Server::with(&unlimited());
    let mut ann = Client::join(&server, "ann").await;
    ann.watch_now(&lobby()).await;
    let long = "가".repeat(4_000);
    for _ in 0..120 {
        ann.post(&lobby(), &long).await;
    }
    ann.say("the last").await;
    ann.entries_up_to(&lobby(), 122).await;
    for restarted in [false, true] {
        if restarted {
            server.start_again();
        }
        let mut near = Client::resume(&server, &ann, &[(&lobby(), 100)]).await;
        assert_eq!(seqs(&near.attached(&lobby()).await.entries), (101..=122).collect::<Vec<_>>());
        let mut far = Client::resume(&server, &ann, &[(&lobby(), 1)]).await;
        assert_eq!(far.attached(&lobby()).await.snapshot.unwrap().head, 122);
        assert_eq!(server.metric("madang_replays_total").await, 0);
    }
}

#[tokio::test]
async fn returning_client_gets_present_names() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    ann.say("hello").await;
    let renamed = Browser::of(&server, &ann.cookie).script().submit("/me", &[("name", "Ann")]).await;
    assert_eq!(renamed.status, 204);
    let mut bob = Client::join(&server, "bob").await;
    bob.watch(&lobby(), Some(1)).await;
    let name = bob
        .expect("a name", |frame| match frame {
            madang_protocol::ServerFrame::People { people } => {
                people.iter().find(|person| person.id == ann.id()).map(|person| person.name.clone())
            }
            _ => None,
        })
        .await;
    assert_eq!(name, "Ann");
}
