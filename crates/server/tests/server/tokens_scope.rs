//! A token that is limited to rooms: the others do not exist for it, over any protocol.

use madang_protocol::{ClientFrame, RefusalCode, RoomId, ServerFrame};

use crate::harness::{Browser, Client, Dial, Server, ask, fresh_cmid, lobby, token};

/// A server with a second room, a client who opened it, and a bot that is limited to the lobby.
async fn limited() -> (Server, Client, RoomId, Client, String) {
    let server = Server::start();
    let ann = Client::join(&server, "ann").await;
    let opened = Browser::of(&server, &ann.cookie).script().submit("/rooms", &[("title", "Secret")]).await;
    let room: madang_protocol::RoomInfo = serde_json::from_str(&opened.body).unwrap();
    let token = token(&server.data(), "Robo", &["lobby"]).await;
    let mut robo = Dial::new(&server).token(&token).open("the bot").await.unwrap();
    robo.hello(vec![], None, None).await;
    (server, ann, room.room, robo, token)
}

#[tokio::test]
async fn room_outside_scope_is_unknown_to_every_frame() {
    let (_server, mut ann, secret, mut robo, _) = limited().await;
    let said = ann.say_in(&secret, "for us alone").await;
    assert_eq!(robo.welcome().rooms.iter().map(|info| &info.room).collect::<Vec<_>>(), [&lobby()]);
    let nowhere: RoomId = "nowhere".parse().unwrap();
    let mut answers = Vec::new();
    for room in [&secret, &nowhere] {
        let mut codes = Vec::new();
        for after in [None, Some(0), Some(said)] {
            robo.send(&ClientFrame::Watch { room: room.clone(), after }).await;
            codes.push(robo.refused().await.code);
        }
        robo.send(&ClientFrame::Present { room: Some(room.clone()) }).await;
        codes.push(robo.refused().await.code);
        robo.send(&ClientFrame::Read { room: room.clone(), seq: 1 }).await;
        codes.push(robo.refused().await.code);
        for place in ["before", "after", "around"] {
            let history = format!(r#"{{"t":"history","req":7,"room":"{room}","{place}":{said},"limit":10}}"#);
            robo.send_text(&history).await;
            codes.push(robo.refused().await.code);
        }
        let cmid = robo.post(room, "let me in").await;
        codes.push(robo.outcome(cmid).await.unwrap_err().0);
        for write in [
            ClientFrame::Edit { room: room.clone(), cmid: fresh_cmid(), seq: said, body: "mine".into() },
            ClientFrame::Delete { room: room.clone(), cmid: fresh_cmid(), seq: said },
        ] {
            robo.send(&write).await;
            codes.push(robo.refused().await.code);
        }
        answers.push(codes);
    }
    assert_eq!(answers[0], vec![RefusalCode::UnknownRoom; 11]);
    assert_eq!(answers[0], answers[1], "nothing tells it from a room that does not exist");
    robo.say("here I may").await;
}

#[tokio::test]
async fn room_outside_scope_sends_the_bot_nothing() {
    let (server, mut ann, secret, mut robo, _) = limited().await;
    robo.watch_now(&lobby()).await;
    ann.watch_now(&secret).await;
    ann.send(&ClientFrame::Present { room: Some(secret.clone()) }).await;
    // A bot's notice of typing stays outside of the room.
    robo.send(&ClientFrame::Typing { room: secret.clone() }).await;
    ann.say_in(&secret, "for us alone").await;
    let later = Browser::of(&server, &ann.cookie).script().submit("/rooms", &[("title", "Later")]).await;
    assert_eq!(later.status, 201);
    ann.expect("the news of the room", |frame| matches!(frame, ServerFrame::Rooms { .. }).then_some(()))
        .await;
    let seq = ann.say("hello").await;
    assert_eq!(robo.next_entry(&lobby()).await.seq, seq);
    robo.round_trip().await;
    ann.round_trip().await;
    assert!(
        !robo.holds(|frame| matches!(frame, ServerFrame::Rooms { .. })),
        "a new room is not its business"
    );
    assert!(!robo.holds(|frame| matches!(frame, ServerFrame::Entry(entry) if entry.room == secret)));
    assert!(!ann.holds(|frame| matches!(frame, ServerFrame::Typing { .. })));
}

#[tokio::test]
async fn pages_and_forms_know_the_scope_too() {
    let (server, mut ann, secret, _, token) = limited().await;
    let said = ann.say_in(&secret, "for us alone").await;
    let bearer = format!("Bearer {token}");
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Accept", "application/json"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    for path in [format!("/r/{secret}"), format!("/r/{secret}/{said}"), format!("/r/{secret}/{said}/edit")] {
        let page = ask(server.addr, "GET", &path, &headers[..1], "").await;
        assert_eq!(page.status, 404, "{path}");
        assert!(!page.body.contains("for us alone") && !page.body.contains("Secret"), "{path}");
    }
    let form = format!("body=hello&cmid={}", fresh_cmid());
    let posted = ask(server.addr, "POST", &format!("/r/{secret}/post"), &headers, &form).await;
    assert!(posted.status == 404 && posted.body.contains("unknown_room"), "{posted:?}");
    let posted = ask(server.addr, "POST", "/r/lobby/post", &headers, &form).await;
    assert_eq!(posted.status, 303);
    let opened = ask(server.addr, "POST", "/rooms", &headers, "title=Mine").await;
    assert!(opened.status == 403 && opened.body.contains("not_allowed"), "{opened:?}");
}

#[tokio::test]
async fn unlimited_bot_reaches_and_opens_any_room() {
    let server = Server::start();
    let token = token(&server.data(), "Robo", &[]).await;
    let bearer = format!("Bearer {token}");
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Accept", "application/json"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let opened = ask(server.addr, "POST", "/rooms", &headers, "title=Mine").await;
    assert_eq!(opened.status, 201, "{opened:?}");
    let room: madang_protocol::RoomInfo = serde_json::from_str(&opened.body).unwrap();
    let mut robo = Dial::new(&server).token(&token).open("the bot").await.unwrap();
    robo.hello(vec![], None, None).await;
    assert_eq!(robo.say_in(&room.room, "hello").await, 2);
}
