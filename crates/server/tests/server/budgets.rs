//! Budgets of an address and of a person: what is beyond them is refused in so many words over each protocol, and counted.

use madang_protocol::{ClientFrame, RefusalCode, RoomInfo, ServerFrame};
use madang_stomp::{ClientCommand, Frame, Version};
use serde_json::Value;

use crate::harness::{
    Answer, Api, Browser, By, Client, EventStream, Over, Server, Stomp, ask, fresh_cmid, lobby, next_entry,
    stomp_server, text, within,
};

const POSTS: [&str; 6] = ["--post-rate", "10", "--address-post-rate", "1", "--trusted-proxy", "127.0.0.1"];

/// The code of a refusal as JSON, which must name the time to retry.
fn refused(answer: &Answer) -> String {
    assert_eq!(answer.status, 429, "{answer:?}");
    let json: Value = serde_json::from_str(&answer.body).expect("JSON");
    let ms = json["retry_after_ms"].as_u64().expect("a time");
    assert_eq!(answer.header("retry-after"), Some(ms.div_ceil(1000).to_string().as_str()));
    json["code"].as_str().expect("a code").to_owned()
}

async fn open(browser: &mut Browser, title: &str) -> Answer {
    browser.submit("/rooms", &[("title", title)]).await
}

#[tokio::test]
async fn posts_of_one_address_are_bounded_together() {
    let server = Server::with(&POSTS);
    let (mut outcomes, mut people) = (Vec::new(), Vec::new());
    for name in ["ann", "bob"] {
        let mut person = Client::join(&server, name).await;
        for n in 0..8 {
            let cmid = person.post(&lobby(), &n.to_string()).await;
            outcomes.push(person.outcome(cmid).await);
        }
        people.push(person);
    }
    let passed = outcomes.iter().take_while(|outcome| outcome.is_ok()).count();
    assert!((10..14).contains(&passed), "{outcomes:?}");
    let Err((RefusalCode::TooFast, Some(wait))) = outcomes[15] else { panic!("{outcomes:?}") };
    assert!((1..=1_000).contains(&wait), "{wait}");
    assert!(server.metric(r#"madang_over_budget_total{budget="writes"}"#).await >= 1);

    let form = [("body", "by form"), ("cmid", &fresh_cmid().to_string())];
    let mut cem = Browser::new(&server).script();
    assert_eq!(refused(&cem.submit("/r/lobby/post", &form).await), "too_fast");
    let mut dee = Client::join_over(&server, "dee", Over::Poll).await;
    let cmid = dee.post(&lobby(), "by polls").await;
    assert!(matches!(dee.outcome(cmid).await, Err((RefusalCode::TooFast, Some(_)))));

    let bot = Api::new(&server, "Robo", &[]).await;
    bot.say("a bot pays for itself").await;
    let (cookie, cmid) = (cem.cookies(), fresh_cmid());
    let body = format!("body=elsewhere&cmid={cmid}");
    for (address, status) in [("2001:db8::1", 204), ("127.0.0.1", 429), ("::ffff:127.0.0.1", 429)] {
        let origin = format!("http://{}", server.addr);
        let headers = [
            ("X-Forwarded-For", address),
            ("Cookie", &cookie),
            ("Origin", &origin),
            ("Accept", "application/json"),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        let answer = ask(server.addr, "POST", "/r/lobby/post", &headers, &body).await;
        let fits = if status == 204 { answer.status < 400 } else { answer.status == status };
        assert!(fits, "{address}: {answer:?}");
    }
}

#[tokio::test]
async fn bytes_of_one_address_are_bounded() {
    let server = Server::with(&["--address-kib", "1"]);
    let mut ann = Client::join(&server, "ann").await;
    let long = "l".repeat(7_000);
    let mut outcomes = Vec::new();
    for _ in 0..4 {
        let cmid = ann.post(&lobby(), &long).await;
        outcomes.push(ann.outcome(cmid).await.is_ok());
    }
    assert_eq!(outcomes, [true, true, false, false]);
    ann.say("a short one fits").await;

    let server = Server::with(&["--address-hour-mib", "1", "--address-kib", "0", "--post-burst", "200"]);
    let mut bob = Client::join(&server, "bob").await;
    let mut refused = None;
    for _ in 0..160 {
        let cmid = bob.post(&lobby(), &long).await;
        if let Err((RefusalCode::TooFast, wait)) = bob.outcome(cmid).await {
            refused = wait;
            break;
        }
    }
    assert!(refused.is_some_and(|wait| wait > 1_000), "an hour's bytes are used up: {refused:?}");
}

#[tokio::test]
async fn a_new_person_opens_three_rooms() {
    let server = Server::start();
    let mut ann = Browser::new(&server).script();
    for n in 0..3 {
        let answer = open(&mut ann, &format!("room {n}")).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let _: RoomInfo = serde_json::from_str(&answer.body).unwrap();
    }
    let answer = open(&mut ann, "one more").await;
    assert_eq!(refused(&answer), "rooms_too_fast");
    let wait: Value = serde_json::from_str(&answer.body).unwrap();
    let hour = wait["retry_after_ms"].as_u64().unwrap();
    assert!((3_500_000..=3_600_000).contains(&hour), "{hour}");
    let cookies = ann.cookies();
    let page = open(&mut Browser::of(&server, &cookies).korean(), "one more").await;
    assert_eq!(page.status, 429);
    assert!(page.body.contains("지금은 방을 더 만들 수 없어요"), "the page says so");
    assert_eq!(server.metric(r#"madang_over_budget_total{budget="own_rooms"}"#).await, 2);
}

#[tokio::test]
async fn rooms_of_one_address_are_bounded_whoever_opens() {
    let server = Server::start();
    let mut opened = 0;
    for n in 0..30 {
        let answer = open(&mut Browser::new(&server).script(), &format!("room {n}")).await;
        match answer.status {
            201 => opened += 1,
            _ => assert_eq!(refused(&answer), "rooms_too_fast"),
        }
    }
    assert_eq!(opened, 10);
}

#[tokio::test]
async fn reading_of_one_address_is_bounded() {
    let server = Server::with(&["--address-read-kib", "1", "--trusted-proxy", "127.0.0.1"]);
    let mut ann = Client::join(&server, "ann").await;
    let bot = Api::new(&server, "Robo", &[]).await;
    for _ in 0..3 {
        bot.say(&"l".repeat(7_000)).await;
    }
    let mut pages = 0;
    let (code, wait) = loop {
        let frame = r#"{"t":"history","req":7,"room":"lobby","before":100,"limit":50}"#;
        ann.send_text(frame).await;
        let answered = ann.expect("an answer", |frame| match frame {
            ServerFrame::Page { req: 7, .. } => Some(None),
            ServerFrame::Refused { req: Some(7), code, retry_after_ms, .. } => {
                Some(Some((*code, *retry_after_ms)))
            }
            _ => None,
        });
        match answered.await {
            Some(refused) => break refused,
            None => pages += 1,
        }
    };
    assert!((1..=2).contains(&pages), "16 KiB at once: {pages}");
    assert!(code == RefusalCode::TooFast && wait.is_some_and(|wait| wait > 1_000), "{code:?} {wait:?}");

    ann.send_text(r#"{"t":"watch","room":"lobby"}"#).await;
    let watch = ann.refused().await;
    assert_eq!((watch.room, watch.code), (Some(lobby()), RefusalCode::TooFast), "a snapshot, too");
    let cookie = ann.cookie.clone();
    let of = async |path: &str, from: &str| {
        ask(server.addr, "GET", path, &[("Cookie", &cookie), ("X-Forwarded-For", from)], "").await
    };
    let page = of("/r/lobby", "127.0.0.1").await;
    assert_eq!(page.status, 429);
    assert!(page.header("retry-after").is_some());
    assert_eq!(refused(&of("/api/rooms/lobby/entries", "127.0.0.1").await), "too_fast");
    assert_eq!(of("/r/lobby", "192.0.2.7").await.status, 200, "another address has its own");
    assert_eq!(bot.get("/api/rooms/lobby/entries").await.status, 200, "a bot pays for itself alone");
    assert!(server.metric(r#"madang_over_budget_total{budget="reads"}"#).await >= 4);
    ann.say("writing costs another budget").await;
}

#[tokio::test]
async fn refused_watch_keeps_the_room_followed() {
    let server = Server::with(&["--address-read-kib", "1"]);
    let mut ann = Client::join(&server, "ann").await;
    let bot = Api::new(&server, "Robo", &[]).await;
    let first = bot.say(&"l".repeat(7_000)).await;
    ann.watch(&lobby(), Some(first)).await;
    let watch = ClientFrame::Watch { room: lobby(), after: None };
    let refused = async |ann: &mut Client| {
        ann.send(&watch).await;
        let answer = ann.expect("an answer", |frame| match frame {
            ServerFrame::Live { .. } => Some(false),
            ServerFrame::Refused { code, .. } => Some(*code == RefusalCode::TooFast),
            _ => None,
        });
        answer.await
    };
    while !refused(&mut ann).await {}
    let next = bot.say("still heard").await;
    assert_eq!(ann.next_entry(&lobby()).await.seq, next);
}

#[tokio::test]
async fn long_log_is_read_slower_beyond_budget() {
    let server = Server::with(&["--address-read-kib", "64", "--post-rate", "0"]);
    let ann = Client::join(&server, "ann").await;
    let bot = Api::new(&server, "Robo", &[]).await;
    // More than the hub holds, by more than the budget has at once.
    for _ in 0..320 {
        bot.say(&"l".repeat(7_000)).await;
    }
    let cookie = [("Cookie", ann.cookie.clone())];
    let path = "/api/rooms/lobby/stream?after=0";
    let mut stream = EventStream::open(server.addr, path, &cookie).await.expect("a stream");
    for seq in 1..=321 {
        let entry = within("an entry", next_entry(&mut stream)).await.expect("an entry");
        assert_eq!(entry.seq, seq);
    }
    assert!(server.metric(r#"madang_over_budget_total{budget="reads"}"#).await >= 1);
}

#[tokio::test]
async fn frames_beyond_an_addresss_rate_are_read_later() {
    let server = Server::with(&["--address-frame-rate", "50", "--post-rate", "0"]);
    let (mut ann, mut bob) = (Client::join(&server, "ann").await, Client::join(&server, "bob").await);
    let mut cmids = Vec::new();
    for n in 0..150 {
        cmids.push((ann.post(&lobby(), &n.to_string()).await, bob.post(&lobby(), &n.to_string()).await));
    }
    for (anns, bobs) in cmids {
        ann.done(anns).await;
        bob.done(bobs).await;
    }
    assert!(server.metric(r#"madang_over_budget_total{budget="frames"}"#).await >= 1);
}

#[tokio::test]
async fn connections_beyond_an_addresss_rate_begin_later() {
    // Two hundred frames at once, which are twenty beginnings.
    let server = Server::with(&["--address-frame-rate", "50"]);
    let over = async || server.metric(r#"madang_over_budget_total{budget="frames"}"#).await;
    let bot = Api::new(&server, "Robo", &[]).await;
    for _ in 0..10 {
        Client::join(&server, "ann").await;
    }
    assert_eq!(over().await, 0);
    for _ in 0..15 {
        Client::join(&server, "ann").await;
    }
    assert!(over().await >= 1, "all were let in, and some had to wait");
    let before = over().await;
    for _ in 0..10 {
        drop(bot.stream("?after=0", None).await.expect("a stream"));
    }
    assert_eq!(over().await, before, "a bot pays for itself alone");
}

#[tokio::test]
async fn log_beyond_budget_delays_no_other_room() {
    let server = stomp_server(&["--address-read-kib", "4", "--post-rate", "0"]);
    let bot = Api::new(&server, "Robo", &[]).await;
    // More than the hub holds, by more than the budget has at once.
    for n in 0..1_500 {
        bot.say(&n.to_string()).await;
    }
    let opened = open(&mut Browser::new(&server), "Garden").await;
    let garden = opened.header("location").unwrap().trim_start_matches("/r/").to_owned();
    let mut reader = Stomp::join(&server, By::Tcp, Version::V12).await;
    bot.post(&garden, "roses", &[]).await;
    reader.send(&Stomp::subscription("all", &[("after", "0")])).await;
    let frame = Frame::new(ClientCommand::Subscribe).with("id", "garden");
    reader.send(&frame.with("destination", format!("/topic/{garden}")).with("after", "0")).await;
    let mut before = 0;
    while text(&reader.message().await) != "roses" {
        before += 1;
    }
    assert!(before < 1_400, "it came before the log's end: {before}");
    assert!(server.metric(r#"madang_over_budget_total{budget="reads"}"#).await >= 1);
}

#[tokio::test]
async fn a_pause_is_not_taken_for_silence() {
    // A connection's beginning alone is more than there is at once: it waits five seconds, and so does its first frame.
    let server = Server::with(&["--address-frame-rate", "1", "--heartbeat", "1"]);
    let mut ann = Client::join(&server, "ann").await;
    let cmids = [ann.post(&lobby(), "one").await, ann.post(&lobby(), "two").await];
    for cmid in cmids {
        ann.done(cmid).await;
    }
}
