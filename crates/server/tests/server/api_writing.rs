//! Posting by the API: once, durable, and numbered.

use serde_json::{Value, json};

use crate::harness::{Api, Client, Server, UNLIMITED, ask, body, lobby, seq};

#[tokio::test]
async fn post_returns_its_seq_and_reaches_all() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    ann.watch_now(&lobby()).await;
    let robo = Api::new(&server, "Robo", &["lobby"]).await;
    let answer = robo.post("lobby", "Build 7 is <green> & 안녕", &[]).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("location"), Some("/r/lobby/2"));
    let posted: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((&posted["room"], &posted["seq"]), (&json!("lobby"), &json!(2)));
    assert_eq!((&posted["cursor"], &posted["repeat"]), (&json!("2"), &json!(false)));
    let entry = ann.next_entry(&lobby()).await;
    assert_eq!((entry.seq, body(&entry)), (2, "Build 7 is <green> & 안녕"));
    assert_eq!(entry.cmid.unwrap().to_string(), posted["cmid"].as_str().unwrap());
}

#[tokio::test]
async fn repeated_key_posts_nothing_even_after_kill() {
    let mut server = Server::with(&UNLIMITED);
    let mut robo = Api::new(&server, "Robo", &[]).await;
    let mut other = Api::new(&server, "Other", &[]).await;
    let cmid = "00000000000000000000000000c0ffee";
    for key in ["order-1", cmid] {
        let key = [("Idempotency-Key", key)];
        let first = robo.post("lobby", "once", &key).await;
        assert_eq!(first.status, 201);
        let again = robo.post("lobby", "something else", &key).await;
        assert_eq!((again.status, seq(&again)), (200, seq(&first)));
        assert!(again.body.contains(r#""repeat":true"#), "{}", again.body);
        let others = other.post("lobby", "mine", &key).await;
        assert_eq!(others.status, 201, "a key is its sender's own");
        server.kill();
        server.start_again();
        (robo, other) = (robo.at(&server), other.at(&server));
        let again = robo.post("lobby", "once", &key).await;
        assert_eq!((again.status, seq(&again)), (200, seq(&first)));
    }
}

#[tokio::test]
async fn key_in_cmid_form_is_that_cmid() {
    let server = Server::start();
    let robo = Api::new(&server, "Robo", &[]).await;
    let cmid = "0123456789abcdef0123456789abcdef";
    let posted = robo.post("lobby", "once", &[("Idempotency-Key", cmid)]).await;
    assert!(posted.body.contains(&format!(r#""cmid":"{cmid}""#)), "{}", posted.body);
}

#[tokio::test]
async fn without_a_key_each_request_posts() {
    let server = Server::start();
    let robo = Api::new(&server, "Robo", &[]).await;
    assert_eq!([robo.say("tick").await, robo.say("tick").await], [2, 3]);
}

#[tokio::test]
async fn an_answer_names_what_it_answers() {
    let server = Server::start();
    let robo = Api::new(&server, "Robo", &[]).await;
    let asked = robo.say("anybody here?").await;
    let answer = robo.post_raw("lobby", &json!({"body": "me", "reply_to": asked}).to_string(), &[]).await;
    assert_eq!(answer.status, 201);
    let entries = robo.read("/api/rooms/lobby/entries?after=2").await;
    assert_eq!(entries["entries"][0]["what"], json!({"t": "posted", "body": "me", "reply_to": asked}));
}

#[tokio::test]
async fn login_opens_the_api_from_this_site_only() {
    let server = Server::start();
    let ann = Client::join(&server, "ann").await;
    let post = async |headers: &[(&str, &str)]| {
        let mut all = vec![("Cookie", ann.cookie.as_str()), ("Content-Type", "application/json")];
        all.extend(headers);
        ask(server.addr, "POST", "/api/rooms/lobby/messages", &all, r#"{"body":"by hand"}"#).await
    };
    assert_eq!(post(&[("Sec-Fetch-Site", "same-origin")]).await.status, 201);
    let evil = post(&[("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")]).await;
    assert_eq!(crate::harness::refused(&evil, 403), "origin");
}
