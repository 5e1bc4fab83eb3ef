//! Moderation on the command line, as those who are connected and those who come back see it.

use madang_protocol::{ClientFrame, EntryKind, RefusalCode, RoomId, RoomInfo, ServerFrame};
use madang_stomp::{ClientCommand, Frame};

use crate::harness::{
    Api, Browser, By, Client, Dial, EventStream, Over, PlainSocket, Server, Stomp, fresh_cmid, lobby, order,
    stomp_server, until,
};

async fn open(server: &Server, title: &str) -> RoomInfo {
    let answer = Browser::new(server).script().submit("/rooms", &[("title", title)]).await;
    serde_json::from_str(&answer.body).expect("a room")
}

/// Carries out an order that must be done; answers what it printed for programs, and for people.
async fn done(server: &Server, words: &[&str]) -> (String, String) {
    let ordered = order(&server.data(), words).await;
    assert!(ordered.done, "{words:?}: {ordered:?}");
    (ordered.out, ordered.note)
}

async fn refused(server: &Server, words: &[&str]) -> String {
    let ordered = order(&server.data(), words).await;
    assert!(!ordered.done, "{words:?}: {ordered:?}");
    ordered.note
}

async fn changed(client: &mut Client, id: &RoomId) -> Option<String> {
    client
        .expect("a changed room", |frame| match frame {
            ServerFrame::RoomChanged { room, title } if room == id => Some(title.clone()),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn a_renamed_room_reaches_everyone_and_the_log() {
    let mut server = Server::start();
    let room = open(&server, "Gaden").await;
    let (mut ann, mut bob) = (Client::join(&server, "ann").await, Client::join(&server, "bob").await);
    ann.watch_now(&room.room).await;
    done(&server, &["room", "rename", room.room.as_str(), "Garden"]).await;
    assert_eq!(ann.next_entry(&room.room).await.what, EntryKind::Renamed { title: "Garden".into() });
    assert_eq!(changed(&mut ann, &room.room).await.as_deref(), Some("Garden"));
    assert_eq!(changed(&mut bob, &room.room).await.as_deref(), Some("Garden"), "who does not follow it, too");

    let mut back = Client::resume(&server, &ann, &[(&room.room, 1)]).await;
    assert_eq!(back.next_entry(&room.room).await.what, EntryKind::Renamed { title: "Garden".into() });
    server.start_again();
    let cem = Client::join(&server, "cem").await;
    let listed = cem.welcome().rooms.iter().find(|info| info.room == room.room).expect("the room");
    assert_eq!((listed.title.as_str(), listed.head), ("Garden", 2));
    let (out, _) = done(&server, &["room", "list"]).await;
    assert!(out.contains(&format!("{}\t2\tGarden\n", room.room)), "{out}");
    let page = Browser::new(&server).get(&format!("/r/{}", room.room)).await;
    assert!(page.body.contains("Garden"));
    assert!(refused(&server, &["room", "rename", room.room.as_str(), " "]).await.contains("visible"));
    assert!(refused(&server, &["room", "rename", "nowhere", "X"]).await.contains("no such room"));
}

#[tokio::test]
async fn closed_room_is_gone_on_every_protocol() {
    let mut server = Server::start();
    let room = open(&server, "Spam").await.room;
    let (mut ann, mut bob) = (Client::join(&server, "ann").await, Client::join(&server, "bob").await);
    ann.watch_now(&room).await;
    ann.say_in(&room, "buy").await;
    let bot = Api::new(&server, "Robo", &[]).await;
    let plain = PlainSocket::open(&server, &format!("/plain?room={room}")).await;
    done(&server, &["room", "close", room.as_str()]).await;

    assert_eq!(ann.next_entry(&room).await.what, EntryKind::posted("buy", None));
    assert_eq!(ann.next_entry(&room).await.what, EntryKind::Closed {});
    assert_eq!(changed(&mut ann, &room).await, None);
    assert_eq!(changed(&mut bob, &room).await, None);
    assert_eq!(plain.closed().await.0, 4001, "it comes back, and learns that there is no such room");
    let cmid = ann.post(&room, "more").await;
    assert_eq!(ann.outcome(cmid).await, Err((RefusalCode::UnknownRoom, None)));
    assert_eq!(bot.post(room.as_str(), "more", &[]).await.status, 404);
    assert_eq!(bot.get(&format!("/api/rooms/{room}/entries")).await.status, 404);
    let form = [("body", "more"), ("cmid", &fresh_cmid().to_string())];
    let answer = Browser::new(&server).script().submit(&format!("/r/{room}/post"), &form).await;
    assert_eq!(answer.status, 404);
    assert_eq!(PlainSocket::open(&server, &format!("/plain?room={room}")).await.closed().await.0, 4505);
    assert_eq!(Browser::new(&server).get(&format!("/r/{room}")).await.status, 404);

    server.start_again();
    let cem = Client::join(&server, "cem").await;
    assert!(cem.welcome().rooms.iter().all(|info| info.room != room));
    assert!(refused(&server, &["room", "close", room.as_str()]).await.contains("no such room"));
    assert!(refused(&server, &["room", "close", "lobby"]).await.contains("lobby stays"));
}

#[tokio::test]
async fn message_deleted_by_owner_is_gone_everywhere() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    bob.watch_now(&lobby()).await;
    let seq = ann.say("an insult").await;
    bob.next_entry(&lobby()).await;
    let (_, note) = done(&server, &["message", "delete", "lobby", &seq.to_string()]).await;
    assert!(note.contains(ann.id().as_str()), "{note}");
    assert_eq!(bob.next_entry(&lobby()).await.what, EntryKind::Deleted { seq });
    let snapshot = Client::join(&server, "cem").await.watch_now(&lobby()).await;
    assert!(snapshot.messages.iter().any(|message| message.seq == seq && message.is_deleted()));
    let page = Browser::new(&server).get("/r/lobby").await;
    assert!(!page.body.contains("an insult"));
    for words in [["message", "delete", "lobby", "999"], ["message", "delete", "lobby", &seq.to_string()]] {
        assert!(refused(&server, &words).await.contains("no such message"));
    }
}

#[tokio::test]
async fn banned_person_is_disconnected_and_stays_out() {
    let mut server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    let id = ann.id();
    let (_, note) = done(&server, &["ban", id.as_str()]).await;
    assert!(note.contains("127.0.0.1"), "the address is named: {note}");
    let farewell = ann.farewell().await;
    assert_eq!((farewell.bye, farewell.close), (Some(4503), Some(4503)));
    bob.say("others go on").await;
    for _ in 0..2 {
        for over in [Over::WebSocket, Over::Poll] {
            let dial = Dial::new(&server).cookie(&ann.cookie).over(over);
            let mut again = dial.open("ann").await.expect("an upgrade, so that it can be told why");
            // Over HTTP there is nothing before it.
            again.send(&ClientFrame::Hello { resume: vec![], epoch: None, locale: None }).await;
            assert_eq!(again.farewell().await.bye, Some(4503), "{}", over.name());
        }
        let form = [("body", "by form"), ("cmid", &fresh_cmid().to_string())];
        let mut browser = Browser::of(&server, &ann.cookie).script();
        let answer = browser.submit("/r/lobby/post", &form).await;
        assert_eq!(answer.status, 403);
        assert!(answer.body.contains(r#""code":"banned""#), "{answer:?}");
        assert_eq!(browser.get("/api/rooms").await.status, 403);
        server.start_again();
    }
    assert_eq!(done(&server, &["bans"]).await.0, format!("{id}\n"));
    done(&server, &["unban", id.as_str()]).await;
    Client::join_as(&server, "ann", &ann.cookie).await.say("back").await;
    assert!(refused(&server, &["unban", id.as_str()]).await.contains("not banned"));
    assert!(refused(&server, &["ban", "nobody at all"]).await.contains("nobody's"));
}

#[tokio::test]
async fn ban_by_name_needs_a_unique_name() {
    let server = Server::start();
    let mut kim = Browser::new(&server).script();
    kim.submit("/me", &[("name", "kim")]).await;
    done(&server, &["ban", "kim"]).await;
    done(&server, &["unban", "kim"]).await;
    Browser::new(&server).script().submit("/me", &[("name", "kim")]).await;
    assert!(refused(&server, &["ban", "kim"]).await.contains("Several"));
}

#[tokio::test]
async fn banned_address_is_refused_on_every_protocol() {
    let mut server = stomp_server(&["--trusted-proxy", "127.0.0.1"]);
    let mut ann = Client::join(&server, "ann").await;
    let bot = Api::new(&server, "Robo", &[]).await;
    let _stream = bot.stream("", None).await.expect("a stream");
    let plain = PlainSocket::open(&server, "/plain").await;
    let mut stomp = Stomp::join(&server, By::Tcp, madang_stomp::Version::V12).await;
    until("all of them", async || server.connections().await == 4).await;
    done(&server, &["ban", "127.0.0.1"]).await;
    assert_eq!(ann.farewell().await.close, Some(4503));
    assert_eq!(plain.closed().await.0, 4503);
    assert!(stomp.wrong().await.contains("banned"));
    until("the end of all", async || server.connections().await == 0).await;

    server.start_again();
    let mut again = Dial::new(&server).open("bob").await.expect("an upgrade");
    assert_eq!(again.farewell().await.close, Some(4503));
    let answer = bot.at(&server).get("/api/rooms").await;
    assert_eq!((answer.status, crate::harness::refused(&answer, 403).as_str()), (403, "banned"));
    let page = Browser::new(&server).korean().get("/r/lobby").await;
    assert!(page.status == 403 && page.body.contains("차단"), "{page:?}");
    let origin = format!("http://{}", server.addr);
    for (address, status) in [("::ffff:127.0.0.1", 403), ("203.0.113.7", 200), ("2001:db8::1", 200)] {
        let headers = [("X-Forwarded-For", address), ("Origin", origin.as_str())];
        let answer = crate::harness::ask(server.addr, "GET", "/r/lobby", &headers, "").await;
        assert_eq!(answer.status, status, "{address}");
    }
    done(&server, &["ban", "2001:db8::7"]).await;
    assert_eq!(done(&server, &["bans"]).await.0, "127.0.0.1\n2001:db8::/64\n");
    for (address, status) in [("2001:db8::1", 403), ("2001:db8:0:1::1", 200)] {
        let headers = [("X-Forwarded-For", address)];
        let answer = crate::harness::ask(server.addr, "GET", "/r/lobby", &headers, "").await;
        assert_eq!(answer.status, status, "{address}");
    }
    done(&server, &["unban", "127.0.0.1"]).await;
    Client::join(&server, "ann").await.say("back").await;
}

#[tokio::test]
async fn orders_are_carried_out_without_a_server_too() {
    let mut server = Server::start();
    let room = open(&server, "Garden").await.room;
    let mut ann = Client::join(&server, "ann").await;
    let seq = ann.say("hello").await;
    server.kill();
    done(&server, &["room", "rename", room.as_str(), "Yard"]).await;
    done(&server, &["message", "delete", "lobby", &seq.to_string()]).await;
    done(&server, &["ban", ann.id().as_str()]).await;
    server.start_again();
    let bob = Client::join(&server, "bob").await;
    assert!(bob.welcome().rooms.iter().any(|info| info.room == room && info.title == "Yard"));
    let mut again = Dial::new(&server).cookie(&ann.cookie).open("ann").await.expect("an upgrade");
    assert_eq!(again.farewell().await.close, Some(4503));
}

#[tokio::test]
async fn banned_newcomer_without_a_row_stays_out() {
    let mut server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let (id, name) = (ann.id(), format!("guest-{}", &ann.id().as_str()[8..]));
    done(&server, &["ban", &name]).await;
    assert_eq!(ann.farewell().await.close, Some(4503));
    server.start_again();
    let mut again = Dial::new(&server).cookie(&ann.cookie).open("ann").await.expect("an upgrade");
    assert_eq!(again.farewell().await.close, Some(4503));
    assert_eq!(Browser::of(&server, &ann.cookie).get("/r/lobby").await.status, 403);
    done(&server, &["unban", id.as_str()]).await;
    Client::join_as(&server, "ann", &ann.cookie).await.say("back").await;

    let bob = Client::join(&server, "bob").await;
    let id = bob.id();
    server.start_again();
    let note = refused(&server, &["ban", id.as_str()]).await;
    assert!(note.contains("ban their address"), "{note}");
}

#[tokio::test]
async fn banned_person_is_refused_by_every_form() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let seq = ann.say("hello").await;
    done(&server, &["ban", ann.id().as_str()]).await;
    let cmid = fresh_cmid().to_string();
    for (path, form) in [
        ("/r/lobby/post".to_owned(), vec![("body", "x"), ("cmid", cmid.as_str())]),
        (format!("/r/lobby/{seq}/edit"), vec![("body", "x"), ("cmid", cmid.as_str())]),
        (format!("/r/lobby/{seq}/delete"), vec![("cmid", cmid.as_str())]),
        ("/me".to_owned(), vec![("name", "other")]),
        ("/rooms".to_owned(), vec![("title", "Room")]),
    ] {
        let answer = Browser::of(&server, &ann.cookie).script().submit(&path, &form).await;
        assert!(answer.status == 403 && answer.body.contains(r#""code":"banned""#), "{path}: {answer:?}");
    }
    for path in ["/r/lobby", "/r/nowhere", "/r/lobby/1", "/r/lobby/1/edit"] {
        let answer = Browser::of(&server, &ann.cookie).korean().get(path).await;
        assert!(answer.status == 403 && answer.body.contains("차단"), "{path}: {answer:?}");
    }
    for path in ["/api/rooms", "/api/rooms/lobby/entries", "/api/rooms/lobby/stream"] {
        let answer = Browser::of(&server, &ann.cookie).get(path).await;
        assert_eq!(crate::harness::refused(&answer, 403), "banned", "{path}");
    }
}

#[tokio::test]
async fn banned_bot_is_refused_on_every_protocol() {
    let server = stomp_server(&[]);
    let token = crate::harness::token(&server.data(), "Robo", &[]).await;
    let bot = Api::with(&server, &token);
    bot.say("hello").await;
    let mut stomp = Stomp::bot(&server, By::Tcp, madang_stomp::Version::V12, &token).await;
    done(&server, &["ban", "Robo"]).await;
    assert!(stomp.wrong().await.contains("banned"));
    assert_eq!(crate::harness::refused(&bot.get("/api/rooms").await, 403), "banned");
    assert_eq!(crate::harness::refused(&bot.post("lobby", "x", &[]).await, 403), "banned");
    assert!(bot.stream("", None).await.is_err());
    let hook = ["webhook", "incoming", "--room", "lobby", "--name", "Alerts"];
    let (path, _) = done(&server, &hook).await;
    done(&server, &["ban", "Alerts"]).await;
    let answer = crate::harness::ask(server.addr, "POST", path.trim(), &[], r#"{"text":"x"}"#).await;
    assert_eq!(answer.status, 403, "{answer:?}");
}

#[tokio::test]
async fn closed_room_ends_what_programs_follow() {
    let server = stomp_server(&[]);
    let room = open(&server, "Spam").await.room;
    let bot = Api::new(&server, "Robo", &[]).await;
    let path = format!("/api/rooms/{room}/stream");
    let bearer = [("Authorization", bot.bearer().to_owned())];
    let mut stream = EventStream::open(server.addr, &path, &bearer).await.expect("a stream");
    let mut stomp = Stomp::join(&server, By::Tcp, madang_stomp::Version::V12).await;
    let topic = format!("/topic/{room}");
    stomp.done(Frame::new(ClientCommand::Subscribe).with("id", "1").with("destination", topic)).await;
    done(&server, &["room", "close", room.as_str()]).await;
    assert_eq!(stomp.wrong().await, "unknown_room");
    while stream.next_block().await.is_some() {}
    assert_eq!(EventStream::open(server.addr, &path, &bearer).await.err(), Some(404));
}
