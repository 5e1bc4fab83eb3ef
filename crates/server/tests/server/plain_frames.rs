//! The plain protocol: frames without a message, and their authors.

use serde_json::json;

use crate::harness::{Api, By, PlainSocket, Server, Stomp, UNLIMITED, ask, stomp_server, token};
use madang_stomp::Version;

#[tokio::test]
async fn empty_frames_and_pings_choose_no_form() {
    let server = Server::with(&UNLIMITED);
    let mut ada = PlainSocket::open(&server, "/").await;
    assert_eq!(ada.json().await["type"], "userId");
    for nothing in ["", "  ", "\n", "\u{feff}"] {
        ada.send(nothing).await;
    }
    for ping in ["ping", "PING", "ping\n", "\u{feff}ping"] {
        ada.send(ping).await;
        assert_eq!(ada.read().await, "pong", "{ping:?}");
    }
    ada.send(r#"{"type":"ping"}"#).await;
    assert_eq!(ada.json().await, json!({"type": "pong"}));
    ada.send("\u{feff}{\"message\":\"first\"}").await;
    let line = ada.line().await;
    assert_eq!((line.seq, line.message.as_str()), (2, "first"), "it is JSON still, and nothing was posted");
    ada.send("").await;
    ada.send("ping").await;
    assert_eq!(ada.read().await, "pong");

    let mut bora = PlainSocket::open(&server, "/plain?mode=text").await;
    bora.send("ping").await;
    assert_eq!(bora.read().await, "pong");
    bora.send("\u{feff}Bora => hi").await;
    assert_eq!(bora.read().await, "Bora => hi");
    bora.send(" ").await;
    bora.send("ping").await;
    assert_eq!(bora.read().await, "Bora => ping", "among texts it is one");
}

#[tokio::test]
async fn json_array_is_answered_and_posts_nothing() {
    let server = Server::with(&UNLIMITED);
    let mut ada = PlainSocket::open(&server, "/").await;
    ada.json().await;
    for array in ["[]", "[1]", r#"[{"message":"x"}]"#, " [\n] "] {
        ada.send(array).await;
        let refusal = ada.json().await;
        assert_eq!((&refusal["type"], &refusal["code"]), (&json!("error"), &json!("bad_frame")), "{array}");
    }
    ada.send("text after all").await;
    assert!(ada.read().await.ends_with(" => text after all"), "an array chooses no form");
    ada.send(r#"[{"message":"x"}]"#).await;
    assert!(ada.read().await.starts_with("madang => "));
    for (sent, shown) in
        [("[1] a", "[1] a"), ("[1]", "[1]"), (r#"{"a":1}"#, r#"{"a":1}"#), ("null", "null"), ("7", "7")]
    {
        ada.send(sent).await;
        assert!(ada.read().await.ends_with(&format!(" => {shown}")), "{sent}");
    }
}

#[tokio::test]
async fn bot_cannot_rename_itself_by_any_protocol() {
    let server = stomp_server(&[]);
    let secret = token(&server.data(), "Robo", &[]).await;
    let bearer = format!("Bearer {secret}");
    let auth = [("Authorization", bearer.as_str())];
    let mut robo = PlainSocket::open_with(&server, "/", &auth).await;
    robo.json().await;
    robo.send(r#"{"message":"x","nickname":"Ada"}"#).await;
    assert_eq!(robo.json().await["code"], "not_allowed");
    robo.send(r#"{"message":"as myself","nickname":"Robo"}"#).await;
    let line = robo.line().await;
    assert_eq!((line.seq, line.nickname.as_str()), (2, "Robo"));

    let mut text = PlainSocket::open_with(&server, "/plain?mode=text", &auth).await;
    text.send("Ada => x").await;
    assert!(text.read().await.starts_with("madang => "));
    text.send("Robo => y").await;
    assert_eq!(text.read().await, "Robo => y");

    let form = [auth[0], ("Content-Type", "application/x-www-form-urlencoded")];
    let answer = ask(server.addr, "POST", "/me", &form, "name=Ada&room=lobby").await;
    assert!(answer.status >= 400, "{answer:?}");

    let mut stomp = Stomp::bot(&server, By::Tcp, Version::V12, &secret).await;
    stomp.say("z").await;
    let mut reader = PlainSocket::open(&server, "/?after=0").await;
    reader.json().await;
    for _ in 0..3 {
        assert_eq!(reader.line().await.nickname, "Robo");
    }
}

#[tokio::test]
async fn json_shows_headers_and_takes_none() {
    let server = Server::with(&UNLIMITED);
    let mut ada = PlainSocket::open(&server, "/").await;
    assert_eq!(ada.json().await["type"], "userId");
    let mut bora = PlainSocket::open(&server, "/plain?mode=text").await;
    let api = Api::new(&server, "Robo", &[]).await;
    let headers = json!({"content-type": "text/csv", "x-b": "2", "한": "글"});
    let refused = api.post_raw("lobby", &json!({"body": "a,b", "headers": headers}).to_string(), &[]).await;
    assert_eq!(refused.status, 422, "names are ASCII");
    let headers = json!({"content-type": "text/csv", "x-b": "한\n글"});
    let posted = api.post_raw("lobby", &json!({"body": "a,b", "headers": headers}).to_string(), &[]).await;
    assert_eq!(posted.status, 201);
    let seen = ada.json().await;
    assert_eq!((&seen["message"], &seen["headers"]), (&json!("a,b"), &headers));
    assert_eq!(bora.read().await, "Robo => a,b", "a line has no place for them");

    // Whatever stands there.
    for theirs in [json!({"x-b": "2"}), json!({"seq": "9"}), json!([7]), json!("x"), json!(null)] {
        ada.send(&json!({"message": "mine", "headers": theirs}).to_string()).await;
        let seen = ada.json().await;
        assert_eq!((&seen["message"], seen.get("headers")), (&json!("mine"), None), "{theirs}");
    }

    // They are kept with the message: also for whoever reads on from an earlier place.
    let mut again = PlainSocket::open(&server, "/?after=1").await;
    assert_eq!(again.json().await["type"], "userId");
    assert_eq!(again.json().await["headers"], headers);
}
