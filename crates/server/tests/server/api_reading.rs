//! Reading by the API: the log in pages, and the rooms.

use madang_protocol::{ClientFrame, Entry};
use serde_json::{Value, json};

use crate::harness::{Api, Browser, Client, Server, UNLIMITED, lobby, refused};

#[tokio::test]
async fn log_is_read_page_by_page() {
    let server = Server::with(&UNLIMITED);
    let robo = Api::new(&server, "Robo", &["lobby"]).await;
    for number in 2..=25 {
        assert_eq!(robo.say(&format!("line {number}")).await, number);
    }
    let (mut after, mut seqs) = ("0".to_owned(), Vec::new());
    loop {
        let page = robo.read(&format!("/api/rooms/lobby/entries?after={after}&limit=7")).await;
        assert_eq!((&page["room"], &page["head"]), (&json!("lobby"), &json!(25)));
        let entries = page["entries"].as_array().unwrap();
        assert!(entries.len() <= 7);
        for entry in entries {
            assert_eq!(entry["cursor"], entry["seq"].to_string());
            seqs.push(entry["seq"].as_u64().unwrap());
        }
        after = page["cursor"].as_str().unwrap().to_owned();
        if page["more"] == json!(false) {
            break;
        }
    }
    assert_eq!(seqs, (1..=25).collect::<Vec<_>>());
    let end = robo.read(&format!("/api/rooms/lobby/entries?after={after}")).await;
    assert_eq!((&end["entries"], &end["cursor"], &end["more"]), (&json!([]), &json!("25"), &json!(false)));
}

#[tokio::test]
async fn entry_matches_other_protocols_and_names_author() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    ann.watch_now(&lobby()).await;
    let robo = Api::new(&server, "Robo", &[]).await;
    let said = robo.say("hello").await;
    let cmid = crate::harness::fresh_cmid();
    let posted = ann.say("typo").await;
    ann.send(&ClientFrame::Edit { room: lobby(), cmid, seq: posted, body: "fixed".into() }).await;
    ann.done(cmid).await;
    let cmid = crate::harness::fresh_cmid();
    ann.send(&ClientFrame::Delete { room: lobby(), cmid, seq: posted }).await;
    let last = ann.done(cmid).await;
    let seen = ann.entries_up_to(&lobby(), last).await;
    let page = robo.read(&format!("/api/rooms/lobby/entries?after={}", said - 1)).await;
    let read: Vec<Entry> = serde_json::from_value(page["entries"].clone()).unwrap();
    assert_eq!(read.len(), 4);
    // Live entries and those read later differ in the texts that were taken back, and in nothing else.
    for (live, later) in seen.iter().zip(&read) {
        assert_eq!((live.seq, live.at, &live.by, live.cmid), (later.seq, later.at, &later.by, later.cmid));
    }
    assert_eq!(page["entries"][0]["name"], "Robo");
    assert_eq!(page["entries"][3]["what"], json!({"t": "deleted", "seq": posted}));
}

#[tokio::test]
async fn page_without_cursor_begins_the_log() {
    let server = Server::with(&UNLIMITED);
    let robo = Api::new(&server, "Robo", &[]).await;
    let long = "x".repeat(8_000);
    for _ in 0..150 {
        robo.say(&long).await;
    }
    let page = robo.read("/api/rooms/lobby/entries").await;
    assert_eq!(page["entries"][0]["what"]["t"], "opened");
    assert!((20..100).contains(&page["entries"].as_array().unwrap().len()), "as many as 256 KiB hold");
    let page = robo.get("/api/rooms/lobby/entries?limit=200").await;
    assert!(page.body.len() < 400_000, "{} bytes", page.body.len());
    let page: Value = serde_json::from_str(&page.body).unwrap();
    assert_eq!(page["more"], json!(true));
    assert_eq!(page["cursor"], page["entries"].as_array().unwrap().last().unwrap()["cursor"]);
}

#[tokio::test]
async fn listed_rooms_are_those_of_the_token() {
    let server = Server::start();
    let ann = Client::join(&server, "ann").await;
    let opened = Browser::of(&server, &ann.cookie).script().submit("/rooms", &[("title", "Secret")]).await;
    let secret: madang_protocol::RoomInfo = serde_json::from_str(&opened.body).unwrap();
    let [all, one] = [Api::new(&server, "All", &[]).await, Api::new(&server, "One", &["lobby"]).await];
    let rooms = all.read("/api/rooms").await["rooms"].as_array().unwrap().len();
    assert_eq!(rooms, 2);
    let list = one.read("/api/rooms").await;
    assert_eq!(list["rooms"].as_array().unwrap().len(), 1);
    assert_eq!((&list["rooms"][0]["room"], &list["rooms"][0]["cursor"]), (&json!("lobby"), &json!("1")));
    // A room outside of the scope is refused word for word as one that does not exist.
    for path in ["entries", "stream"] {
        let [hidden, unknown] = [
            one.get(&format!("/api/rooms/{}/{path}", secret.room)).await,
            one.get(&format!("/api/rooms/nowhere/{path}")).await,
        ];
        assert_eq!(refused(&hidden, 404), "unknown_room");
        assert_eq!(hidden.body, unknown.body);
    }
    let [hidden, unknown] =
        [one.post(secret.room.as_str(), "x", &[]).await, one.post("nowhere", "x", &[]).await];
    assert_eq!(refused(&hidden, 404), "unknown_room");
    assert_eq!(hidden.body, unknown.body);
    assert_eq!(all.post(secret.room.as_str(), "x", &[]).await.status, 201);
}
