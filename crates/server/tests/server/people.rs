//! Presence, typing, read markers, and the list of rooms.

use madang_protocol::{ClientFrame, RoomId, RoomInfo, Seq, ServerFrame, UserId};

use crate::harness::{Browser, Client, Server, lobby};

async fn looks_at(client: &mut Client, room: Option<RoomId>) {
    client.send(&ClientFrame::Present { room }).await;
}

/// Waits until `client` has exactly these people as here.
async fn here_are(client: &mut Client, people: &[UserId]) {
    let mut expected = people.to_vec();
    expected.sort();
    client
        .expect(&format!("presence of {expected:?}"), |frame| match frame {
            ServerFrame::Presence { here, here_count, .. } if *here == expected => {
                assert_eq!(*here_count as usize, expected.len());
                Some(())
            }
            _ => None,
        })
        .await;
}

async fn read(client: &mut Client, seq: Seq) {
    client.send(&ClientFrame::Read { room: lobby(), seq }).await;
}

async fn marker(client: &mut Client) -> (Seq, u32) {
    client
        .expect("read", |frame| match frame {
            ServerFrame::Read { seq, unread, .. } => Some((*seq, *unread)),
            _ => None,
        })
        .await
}

async fn open_room(server: &Server, cookie: &str, title: &str) -> RoomInfo {
    let opened = Browser::of(server, cookie).script().submit("/rooms", &[("title", title)]).await;
    assert_eq!(opened.status, 201, "{opened:?}");
    serde_json::from_str(&opened.body).unwrap()
}

#[tokio::test]
async fn viewers_of_a_room_see_each_other() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    let (alone, both) = ([ann.id()], [ann.id(), bob.id()]);
    looks_at(&mut ann, Some(lobby())).await;
    here_are(&mut ann, &alone).await;
    looks_at(&mut bob, Some(lobby())).await;
    here_are(&mut ann, &both).await;
    here_are(&mut bob, &both).await;
    let snapshot = Client::join(&server, "eve").await.watch_now(&lobby()).await;
    assert_eq!(snapshot.here_count, 2, "who does not look is not here");

    looks_at(&mut bob, None).await;
    here_are(&mut ann, &alone).await;
    looks_at(&mut bob, Some(lobby())).await;
    here_are(&mut ann, &both).await;
    drop(bob);
    here_are(&mut ann, &alone).await;
}

#[tokio::test]
async fn a_person_with_two_sessions_is_here_once() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let mut phone = Client::join_as(&server, "ann's phone", &ann.cookie).await;
    looks_at(&mut ann, Some(lobby())).await;
    looks_at(&mut phone, Some(lobby())).await;
    let once = [ann.id()];
    here_are(&mut phone, &once).await;
}

#[tokio::test]
async fn typing_reaches_only_viewers_of_the_room() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    let mut eve = Client::join(&server, "eve").await;
    for client in [&mut ann, &mut bob] {
        looks_at(client, Some(lobby())).await;
    }
    eve.watch_now(&lobby()).await;
    ann.round_trip().await;
    bob.round_trip().await;
    ann.send(&ClientFrame::Typing { room: lobby() }).await;
    let typing = bob
        .expect("typing", |frame| match frame {
            ServerFrame::Typing { by, .. } => Some(by.clone()),
            _ => None,
        })
        .await;
    assert_eq!(typing, ann.id());
    for client in [&mut ann, &mut eve] {
        client.round_trip().await;
        assert!(!client.holds(|frame| matches!(frame, ServerFrame::Typing { .. })));
    }
}

#[tokio::test]
async fn read_marker_only_advances_and_reaches_all_sessions() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let mut phone = Client::join_as(&server, "ann's phone", &ann.cookie).await;
    let mut bob = Client::join(&server, "bob").await;
    for n in 2..=6 {
        bob.say(&n.to_string()).await;
    }
    read(&mut ann, 4).await;
    assert_eq!(marker(&mut ann).await, (4, 2));
    assert_eq!(marker(&mut phone).await, (4, 2));
    read(&mut ann, 2).await;
    assert_eq!(marker(&mut phone).await, (4, 2), "it does not move back");
    read(&mut phone, 1_000_000).await;
    assert_eq!(marker(&mut phone).await, (6, 0), "it does not move beyond the head");
    bob.round_trip().await;
    assert!(!bob.holds(|frame| matches!(frame, ServerFrame::Read { .. })), "it is nobody else's business");
}

#[tokio::test]
async fn messages_by_others_count_as_unread_until_read() {
    let server = Server::start();
    let mut bob = Client::join(&server, "bob").await;
    bob.say("before ann came").await;
    let mut ann = Client::join(&server, "ann").await;
    let room = async |client: &Client| {
        let again = Client::join_as(&server, "again", &client.cookie).await;
        let room = again.welcome().rooms[0].clone();
        (room.read, room.unread)
    };
    assert_eq!(room(&ann).await, (2, 0), "to a newcomer nothing is unread");
    ann.say("mine").await;
    bob.say("one").await;
    let last = bob.say("two").await;
    assert_eq!(room(&ann).await, (2, 2), "one's own are not unread");
    bob.write(|cmid| ClientFrame::Delete { room: lobby(), cmid, seq: last }).await;
    assert_eq!(room(&ann).await, (2, 1), "what was deleted is not unread");
    read(&mut ann, last).await;
    assert_eq!(marker(&mut ann).await, (last, 0));
    assert_eq!(room(&ann).await, (last, 0));
}

#[tokio::test]
async fn new_room_is_announced_and_usable() {
    let server = Server::start();
    let ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    let opened = open_room(&server, &ann.cookie, "  저녁   약속 ").await;
    assert_eq!((opened.title.as_str(), opened.head), ("저녁 약속", 1));
    let told = bob
        .expect("rooms", |frame| match frame {
            ServerFrame::Rooms { rooms } => Some(rooms.clone()),
            _ => None,
        })
        .await;
    assert_eq!(told, std::slice::from_ref(&opened));
    bob.watch(&opened.room, Some(0)).await;
    assert_eq!(bob.say_in(&opened.room, "seven?").await, 2);
    let eve = Client::join(&server, "eve").await;
    let listed: Vec<_> = eve.welcome().rooms.iter().map(|info| info.room.clone()).collect();
    assert_eq!(listed, [opened.room, lobby()], "the most recently active first");
}

#[tokio::test]
async fn rename_reaches_those_who_know_the_person() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    let mut eve = Client::join(&server, "eve").await;
    bob.watch_now(&lobby()).await;
    ann.say("hello").await;
    bob.next_entry(&lobby()).await;

    let mut browser = Browser::of(&server, &ann.cookie).script();
    assert_eq!(browser.submit("/me", &[("name", " 앤 ")]).await.status, 204);
    for client in [&mut ann, &mut bob] {
        client
            .expect("the new name", |frame| match frame {
                ServerFrame::People { people } => people.iter().any(|p| p.name == "앤").then_some(()),
                _ => None,
            })
            .await;
    }
    eve.round_trip().await;
    assert!(!eve.holds(|frame| matches!(frame, ServerFrame::People { .. })), "eve never met ann");
    assert_eq!(Client::join_as(&server, "ann again", &ann.cookie).await.welcome().you.name, "앤");
}
