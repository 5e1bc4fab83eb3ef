//! Each limit, one by one: what is beyond it is refused in so many words, and counted.

use madang_protocol::{ClientFrame, RefusalCode, RoomInfo};

use crate::harness::{Browser, Client, Dial, Server, lobby, until};

#[tokio::test]
async fn rate_limited_posts_work_after_retry_time() {
    let server = Server::with(&["--post-rate", "2", "--post-burst", "3"]);
    let mut ann = Client::join(&server, "ann").await;
    let limits = &ann.welcome().limits;
    assert_eq!((limits.post_rate, limits.post_burst), (2, 3));
    let mut outcomes = Vec::new();
    for n in 0..5 {
        let cmid = ann.post(&lobby(), &n.to_string()).await;
        outcomes.push(ann.outcome(cmid).await);
    }
    assert_eq!(outcomes[..3], [Ok(2), Ok(3), Ok(4)], "the burst passes");
    let Err((RefusalCode::TooFast, Some(wait))) = outcomes[4] else { panic!("{outcomes:?}") };
    assert!((1..=1_000).contains(&wait), "{wait} ms at 2 a second");
    assert_eq!(server.metric(r#"madang_refused_total{code="too_fast"}"#).await, 2);

    // The story is about time, so here time is waited for: exactly what the server asked for.
    tokio::time::sleep(std::time::Duration::from_millis(wait.into())).await;
    ann.say("in time").await;
    Client::join(&server, "bob").await.say("others have their own rate").await;
}

#[tokio::test]
async fn rate_limit_is_per_person_across_protocols() {
    let server = Server::with(&["--post-rate", "1", "--post-burst", "1"]);
    let mut ann = Client::join(&server, "ann").await;
    ann.say("the one").await;
    let mut phone = Client::join_as(&server, "ann's phone", &ann.cookie).await;
    let cmid = phone.post(&lobby(), "another").await;
    assert!(matches!(phone.outcome(cmid).await, Err((RefusalCode::TooFast, Some(_)))));
    let cmid = crate::harness::fresh_cmid().to_string();
    let form = [("body", "by form"), ("cmid", &cmid)];
    let refused = Browser::of(&server, &ann.cookie).script().submit("/r/lobby/post", &form).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn connections_per_address_are_bounded_and_released() {
    let server = Server::with(&["--connections-per-address", "2"]);
    let mut first = Client::join(&server, "first").await;
    let _second = Client::join(&server, "second").await;
    let mut third = Dial::new(&server).open("third").await.expect("an upgrade, so that it can be told why");
    let farewell = third.farewell().await;
    assert_eq!((farewell.bye, farewell.close), (Some(4504), Some(4504)));
    assert_eq!(server.metric(r#"madang_closed_total{code="4504"}"#).await, 1);
    first.say("those inside go on").await;

    drop(first);
    until("the place", async || server.connections().await == 1).await;
    server.lives().await;
}

#[tokio::test]
async fn a_session_watches_only_so_many_rooms() {
    let server = Server::with(&["--max-rooms-watched", "2"]);
    let mut ann = Client::join(&server, "ann").await;
    assert_eq!(ann.welcome().limits.rooms, 2);
    let mut browser = Browser::of(&server, &ann.cookie).script();
    let mut rooms = vec![lobby()];
    for title in ["food", "music"] {
        let opened: RoomInfo =
            serde_json::from_str(&browser.submit("/rooms", &[("title", title)]).await.body).unwrap();
        rooms.push(opened.room);
    }
    ann.watch(&rooms[0], Some(0)).await;
    ann.watch(&rooms[1], Some(0)).await;
    ann.send(&ClientFrame::Watch { room: rooms[2].clone(), after: Some(0) }).await;
    let refused = ann.refused().await;
    assert_eq!((refused.code, refused.room.as_ref()), (RefusalCode::TooManyRooms, Some(&rooms[2])));
    ann.watch(&rooms[0], Some(0)).await;
    ann.send(&ClientFrame::Unwatch { room: rooms[0].clone() }).await;
    ann.watch(&rooms[2], Some(0)).await;
}

#[tokio::test]
async fn there_can_be_only_so_many_rooms() {
    let server = Server::with(&["--post-rate", "0"]);
    let mut browser = Browser::new(&server).script();
    browser.get("/r/lobby").await;
    for n in 1..500 {
        assert_eq!(browser.submit("/rooms", &[("title", &n.to_string())]).await.status, 201, "room {n}");
    }
    let refused = browser.submit("/rooms", &[("title", "one too many")]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.body.contains(r#""code":"too_many_rooms""#), "{}", refused.body);
    assert_eq!(Client::join(&server, "ann").await.welcome().rooms.len(), 500);
}

#[tokio::test]
async fn a_limit_of_zero_is_none() {
    let zero = ["--post-rate", "0", "--frame-rate", "0", "--max-body", "0", "--connections-per-address", "0"];
    let server = Server::with(&zero);
    let mut ann = Client::join(&server, "ann").await;
    let mut cmids = Vec::new();
    for _ in 0..500 {
        cmids.push(ann.post(&lobby(), "quick").await);
    }
    for cmid in cmids {
        ann.done(cmid).await;
    }
    ann.say(&"long".repeat(15_000)).await;
}
