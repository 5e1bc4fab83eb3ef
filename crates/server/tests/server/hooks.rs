//! Incoming webhooks: what tools send to a pasted address is posted to one room.

use serde_json::{Value, json};

use crate::harness::{Answer, Api, Client, Server, UNLIMITED, ask, body, lobby, order, refused};

/// A new webhook to the lobby: its path.
async fn webhook(server: &Server, name: &str) -> String {
    let made = order(&server.data(), &["webhook", "incoming", "--room", "lobby", "--name", name]).await;
    assert!(made.done, "{made:?}");
    made.out.trim_end().to_owned()
}

async fn send(server: &Server, path: &str, kind: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
    let mut all = vec![("Content-Type", kind)];
    all.extend(headers);
    ask(server.addr, "POST", path, &all, body).await
}

async fn send_json(server: &Server, path: &str, body: &Value) -> Answer {
    send(server, path, "application/json", &body.to_string(), &[]).await
}

#[tokio::test]
async fn tool_payloads_are_posted_under_webhooks_name() {
    let server = Server::start();
    let hook = webhook(&server, "Alerts").await;
    assert!(hook.starts_with("/hooks/mdh_") && hook.len() == 75, "{hook}");
    let mut ann = Client::join(&server, "ann").await;
    ann.watch_now(&lobby()).await;
    let attachments = json!([{"title": "db1", "text": "97 %", "fallback": "db1: 97 %", "color": "danger"}]);
    for (sent, posted) in [
        (json!({"text": "Disk is full"}), "Disk is full"),
        (
            json!({"text": "see <https://x.example/a|the log> &amp; act", "channel": "#ops", "mrkdwn": true}),
            "see the log (https://x.example/a) & act",
        ),
        (
            json!({"username": "Monitor", "icon_url": "https://x.example/i.png", "text": "down"}),
            "Monitor: down",
        ),
        (json!({"text": "Disk", "attachments": attachments}), "Disk\ndb1\n97 %"),
        (json!({"attachments": [{"fallback": "only this"}], "props": {}}), "only this"),
    ] {
        let answer = send_json(&server, &hook, &sent).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok"), "{sent}");
        assert_eq!(body(&ann.next_entry(&lobby()).await), posted);
    }
    let form = "payload=%7B%22text%22%3A%22100%25+%26+more%22%7D&other=x";
    let kind = "application/x-www-form-urlencoded; charset=UTF-8";
    assert_eq!(send(&server, &hook, kind, form, &[]).await.status, 200);
    assert_eq!(body(&ann.next_entry(&lobby()).await), "100% & more");
    let reader = Api::new(&server, "Reader", &[]).await;
    let page = reader.read("/api/rooms/lobby/entries?after=1&limit=1").await;
    assert_eq!(page["entries"][0]["name"], "Alerts");
}

#[tokio::test]
async fn repeat_with_same_key_is_posted_once() {
    let mut server = Server::with(&UNLIMITED);
    let hook = webhook(&server, "Alerts").await;
    let text = r#"{"text":"once"}"#;
    let key = [("Idempotency-Key", "alert-1")];
    for _ in 0..3 {
        assert_eq!(send(&server, &hook, "application/json", text, &key).await.status, 200);
        server.start_again();
    }
    let reader = Api::new(&server, "Reader", &[]).await;
    assert_eq!(reader.read("/api/rooms/lobby/entries").await["head"], 2);
}

#[tokio::test]
async fn long_text_continues_in_up_to_three_messages() {
    let mut server = Server::with(&["--max-body", "100", "--post-rate", "1", "--post-burst", "1"]);
    let hook = webhook(&server, "Alerts").await;
    let mut ann = Client::join(&server, "ann").await;
    ann.watch_now(&lobby()).await;
    let text = json!({"text": "word ".repeat(20_000)}).to_string();
    let key = [("Idempotency-Key", "alert-1")];
    // One request is one post of the rate, also where it makes three messages.
    assert_eq!(send(&server, &hook, "application/json", &text, &key).await.status, 200);
    let mut bodies = Vec::new();
    for _ in 0..3 {
        bodies.push(body(&ann.next_entry(&lobby()).await).to_owned());
    }
    assert!(bodies.iter().all(|body| body.chars().count() <= 100), "{bodies:?}");
    assert!(bodies[0].ends_with("word\n… (more)") && bodies[1].ends_with("word\n… (more)"), "{bodies:?}");
    assert!(bodies[2].lines().last().unwrap().starts_with("… (cut here: 99"), "{bodies:?}");
    server.start_again();
    assert_eq!(send(&server, &hook, "application/json", &text, &key).await.status, 200);
    let reader = Api::new(&server, "Reader", &[]).await;
    assert_eq!(reader.read("/api/rooms/lobby/entries").await["head"], 4, "a repeat posts nothing anew");
}

#[tokio::test]
async fn refused_payload_is_one_line_in_log() {
    let server = Server::start();
    let hook = webhook(&server, "Alerts").await;
    let id = order(&server.data(), &["webhook", "list"]).await.out.split('\t').next().unwrap().to_owned();
    for (sent, status, code) in [
        (json!({"text": "x".repeat(1_100_000)}), 413, "too_big"),
        (json!({"text": " "}), 422, "empty"),
        (json!({}), 422, "empty"),
        (json!([null]), 422, "empty"),
        (json!(7), 422, "bad_body"),
    ] {
        assert_eq!(refused(&send_json(&server, &hook, &sent).await, status), code);
    }
    for (kind, body, status, code) in [
        ("application/json", "{", 400, "bad_request"),
        ("application/json", "", 400, "bad_request"),
        ("application/x-www-form-urlencoded", "text=x", 400, "bad_request"),
        ("application/x-www-form-urlencoded", "payload=x", 400, "bad_request"),
        ("application/x-www-form-urlencoded", "payload=7", 422, "bad_body"),
        ("text/plain", "x", 415, "unsupported_media_type"),
    ] {
        let answer = send(&server, &hook, kind, body, &[]).await;
        assert_eq!(refused(&answer, status), code, "{kind} {body}");
    }
    let log = server.log();
    let lines: Vec<&str> =
        log.lines().filter(|line| line.contains(&id) && line.contains("is refused")).collect();
    assert_eq!(lines.len(), 11, "{log}");
    assert!(lines.iter().all(|line| line.contains("Alerts") && line.contains("why=")), "{log}");
    assert!(!log.contains(hook.trim_start_matches("/hooks/")), "the log keeps the secret");
    let reader = Api::new(&server, "Reader", &[]).await;
    assert_eq!(reader.read("/api/rooms/lobby/entries").await["head"], 1, "the room's opening alone");
}

#[tokio::test]
async fn odd_parts_and_wrong_types_refuse_nothing() {
    let server = Server::with(&UNLIMITED);
    let hook = webhook(&server, "Alerts").await;
    let mut ann = Client::join(&server, "ann").await;
    ann.watch_now(&lobby()).await;
    let deep = format!(r#"{{"text":"deep","x":{}{}}}"#, "[".repeat(5_000), "]".repeat(5_000));
    for (kind, sent, posted) in [
        ("application/x-www-form-urlencoded", r#"{"text":"100% & more"}"#, "100% & more"),
        ("text/plain", "\u{feff}{\"text\":\"a\nb\"}", "a\nb"),
        ("application/problem+json", r#"{"text":"t","attachments":[{"title":7}]}"#, "t\n7"),
        ("application/json", r#"{"text":"t","attachments":{}}"#, "t"),
        ("application/json", r#"{"text":"t","attachments":[null]}"#, "t"),
        ("application/json", r#"{"text":7,"username":5}"#, "5: 7"),
        ("application/json", r#"{"text":"t","attachments":"y"}"#, "t\ny"),
        ("application/json", deep.as_str(), "deep"),
        (
            "application/json",
            r#"{"blocks":[{"type":"header","text":{"type":"plain_text","text":"B"}}]}"#,
            "B",
        ),
    ] {
        let answer = send(&server, &hook, kind, sent, &[]).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok"), "{sent}");
        assert_eq!(body(&ann.next_entry(&lobby()).await), posted);
    }
}

#[tokio::test]
async fn a_webhook_posts_too_fast_like_anybody() {
    let server = Server::with(&["--post-rate", "1", "--post-burst", "1"]);
    let hook = webhook(&server, "Alerts").await;
    let text = json!({"text": "x"});
    let mut answer = send_json(&server, &hook, &text).await;
    while answer.status == 200 {
        answer = send_json(&server, &hook, &text).await;
    }
    assert_eq!(refused(&answer, 429), "too_fast");
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn secrets_and_tokens_are_not_interchangeable() {
    let server = Server::start();
    let hook = webhook(&server, "Alerts").await;
    let secret = hook.trim_start_matches("/hooks/");
    assert_eq!(refused(&Api::with(&server, secret).get("/api/rooms").await, 401), "unknown_login");
    let token = crate::harness::token(&server.data(), "Robo", &["lobby"]).await;
    let text = json!({"text": "x"});
    for wrong in [token.as_str(), "mdh_0", "%00", "%ff", &secret.to_uppercase()] {
        let answer = send_json(&server, &format!("/hooks/{wrong}"), &text).await;
        assert_eq!(refused(&answer, 404), "not_found", "{wrong}");
    }
    assert!(!server.log().contains(secret), "the log keeps the secret");
}

#[tokio::test]
async fn a_webhook_is_listed_and_removed() {
    let server = Server::start();
    let hook = webhook(&server, "Alerts").await;
    let listed = order(&server.data(), &["webhook", "list"]).await.out;
    let id = listed.split('\t').next().unwrap().to_owned();
    assert_eq!(listed, format!("{id}\tvalid\tlobby\tAlerts\n"));
    assert_eq!(order(&server.data(), &["token", "list"]).await.out, "", "it is no token");
    assert!(!order(&server.data(), &["token", "revoke", &id]).await.done);
    assert!(order(&server.data(), &["webhook", "remove", &id]).await.done);
    assert_eq!(refused(&send_json(&server, &hook, &json!({"text": "x"})).await, 404), "not_found");
    for words in [
        &["webhook", "incoming", "--room", "nowhere", "--name", "x"][..],
        &["webhook", "incoming", "--room", "lobby", "--name", " "],
        &["webhook", "remove", "nobody"],
    ] {
        assert!(!order(&server.data(), words).await.done, "{words:?}");
    }
}
