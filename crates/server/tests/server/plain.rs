//! The plain protocol: what clients of the textbooks send and see, in the same rooms as everybody else.

use madang_protocol::{ClientFrame, RoomId};
use serde_json::json;

use crate::harness::{
    Browser, Client, PlainSocket, Server, UNLIMITED, ask, ask_upgrade, body, exchange, lobby, revoke, token,
    until, upgrade_request,
};

#[tokio::test]
async fn json_clients_and_page_share_one_order() {
    let server = Server::with(&UNLIMITED);
    let mut page = Client::join(&server, "page").await;
    page.watch_now(&lobby()).await;
    let mut ada = PlainSocket::open(&server, "/").await;
    let mut bora = PlainSocket::open(&server, "/plain").await;
    let greeting = ada.json().await;
    assert_eq!(greeting["type"], "userId");
    let id = greeting["userId"].as_str().unwrap();

    ada.send(r#"{"userId":"somebody-else","message":"안녕"}"#).await;
    let seen = ada.json().await;
    assert_eq!(seen["message"], "안녕");
    assert_eq!(seen["userId"], id, "the server's own id, not the client's");
    assert!(seen["at"].as_u64().unwrap() > 0);
    assert_eq!(bora.line().await.message, "안녕");
    assert_eq!(body(&page.next_entry(&lobby()).await), "안녕");

    page.say("hello").await;
    bora.send(r#"{"message":"and hello","nickname":"Bora"}"#).await;
    let (first, second) = (ada.line().await, ada.line().await);
    let mut texts = [first.message.as_str(), second.message.as_str()];
    assert_eq!(second.seq, first.seq + 1);
    texts.sort_unstable();
    assert_eq!(texts, ["and hello", "hello"]);
    assert_eq!(bora.line().await, first, "everybody sees one order");
    assert_eq!(bora.line().await, second);
}

#[tokio::test]
async fn text_clients_send_and_read_lines() {
    let server = Server::with(&UNLIMITED);
    let mut ada = PlainSocket::open(&server, "/plain?mode=text").await;
    let mut bora = PlainSocket::open(&server, "/").await;
    ada.send("Ada => hello => there").await;
    assert_eq!(ada.read().await, "Ada => hello => there", "without a greeting, and to the sender too");
    let line = bora.line().await;
    assert_eq!((line.nickname.as_str(), line.message.as_str()), ("Ada", "hello => there"));

    bora.send("Bora => me too").await;
    assert_eq!(bora.read().await, "Bora => me too", "the first frame turned it to text");
    assert_eq!(ada.read().await, "Bora => me too");
    bora.send(r#"{"message":"x"}"#).await;
    assert_eq!(ada.read().await, "Bora => x", "a message is one also then");
    assert_eq!(bora.read().await, "Bora => x", "and it stays text");

    let mut page = Client::join(&server, "page").await;
    page.say("two\nlines").await;
    let tag = page.id().as_str()[8..].to_owned();
    assert_eq!(ada.read().await, format!("guest-{tag} => two lines"));
}

#[tokio::test]
async fn repeated_name_renames_once_new_name_immediately() {
    let server = Server::with(&UNLIMITED);
    let mut ada = PlainSocket::open(&server, "/plain?mode=text").await;
    let mut page = Client::join(&server, "page").await;
    page.watch_now(&lobby()).await;
    for line in ["Ada => 1", "Ada => 2", "Bora => 3", "4"] {
        ada.send(line).await;
    }
    for line in ["Ada => 1", "Ada => 2", "Bora => 3", "Bora => 4"] {
        assert_eq!(ada.read().await, line);
    }
}

#[tokio::test]
async fn invalid_posts_are_refused_and_connection_continues() {
    let server = Server::with(&["--max-body", "20", "--post-rate", "0"]);
    let mut ada = PlainSocket::open(&server, "/").await;
    ada.json().await;
    for (sent, code) in [
        (r#"{"message":"012345678901234567890"}"#, "too_long"),
        (r#"{"message":"  "}"#, "empty"),
        (r#"{"message":7}"#, "bad_frame"),
        (r#"{}"#, "bad_frame"),
        (r#"[1]"#, "bad_frame"),
        (r#"hello"#, "bad_frame"),
    ] {
        // The first of them is an object, so all of them are JSON.
        ada.send(sent).await;
        let refusal = ada.json().await;
        assert_eq!((&refusal["type"], &refusal["code"]), (&json!("error"), &json!(code)), "{sent}");
        assert!(refusal["message"].as_str().unwrap().len() > 10, "{refusal}");
    }
    let name = "n".repeat(500);
    ada.send(&format!(r#"{{"message":"x","nickname":"{name}"}}"#)).await;
    assert_eq!(ada.json().await["code"], "too_long", "nothing is posted under a name that was refused");
    ada.send(r#"{"message":"fine"}"#).await;
    assert_eq!(ada.line().await.seq, 2, "and nothing was, so far");

    let mut bora = PlainSocket::open(&server, "/plain?mode=text").await;
    bora.send("Bora => 012345678901234567890").await;
    assert!(bora.read().await.starts_with("madang => The text is too long"));
    bora.send("Bora => short").await;
    assert_eq!(bora.read().await, "Bora => short");
}

#[tokio::test]
async fn rate_limited_posts_are_refused_with_retry_time() {
    let server = Server::with(&["--post-rate", "1", "--post-burst", "2"]);
    let mut ada = PlainSocket::open(&server, "/").await;
    ada.json().await;
    for number in 0..3 {
        ada.send(&format!(r#"{{"message":"{number}","cmid":"{number}"}}"#)).await;
    }
    let mut refused = Vec::new();
    let mut done = Vec::new();
    while refused.len() + done.len() < 3 {
        let said = ada.json().await;
        match said["type"].as_str() {
            Some("error") => refused.push(said),
            Some("done") => done.push(said["cmid"].clone()),
            _ => {}
        }
    }
    assert_eq!(done, ["0", "1"]);
    assert_eq!((&refused[0]["code"], &refused[0]["cmid"]), (&json!("too_fast"), &json!("2")));
    assert!(refused[0]["retryAfterMs"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn keyed_post_is_made_once_across_restart() {
    let mut server = Server::with(&UNLIMITED);
    let mut ada = PlainSocket::open(&server, "/").await;
    let cookie = ada.cookie.clone().unwrap();
    ada.json().await;
    ada.send(r#"{"message":"once","cmid":"order-1"}"#).await;
    let seq = ada.line().await.seq;
    drop(ada);
    server.kill();
    server.start_again();
    let mut ada = PlainSocket::open_with(&server, "/", &[("cookie", &cookie)]).await;
    ada.json().await;
    ada.send(r#"{"message":"once","cmid":"order-1"}"#).await;
    assert_eq!(ada.json().await, json!({"type": "done", "cmid": "order-1", "seq": seq}));
    ada.send(r#"{"message":"next"}"#).await;
    assert_eq!(ada.line().await.seq, seq + 1, "nothing came in between");
}

#[tokio::test]
async fn lost_connection_resumes_from_any_cursor() {
    let mut server = Server::with(&UNLIMITED);
    let mut ada = PlainSocket::open(&server, "/").await;
    ada.json().await;
    ada.send(r#"{"message":"0"}"#).await;
    let seen = ada.line().await.seq;
    drop(ada);
    let mut page = Client::join(&server, "page").await;
    // More than a snapshot holds, and than the page would replay.
    let count = 1_500;
    let mut last = None;
    for number in 1..=count {
        last = Some(page.post(&lobby(), &number.to_string()).await);
    }
    page.done(last.unwrap()).await;
    server.kill();
    server.start_again();
    let mut ada = PlainSocket::open(&server, &format!("/?after={seen}")).await;
    for number in 1..=count {
        let line = ada.line().await;
        assert_eq!((line.seq, line.message), (seen + number, number.to_string()));
    }
    ada.send(r#"{"message":"live"}"#).await;
    assert_eq!(ada.line().await.message, "live");
}

#[tokio::test]
async fn unknown_room_or_cursor_closes_with_reason() {
    let server = Server::start();
    for (path, code, reason) in [
        ("/?room=nowhere", 4505, "no such room"),
        ("/plain?room=No%20Room!", 4505, "no such room"),
        ("/?after=99", 4506, "cursor"),
        ("/?after=-1", 4506, "cursor"),
        ("/?after=latest", 4506, "cursor"),
    ] {
        let (closed, said) = PlainSocket::open(&server, path).await.closed().await;
        assert_eq!(closed, code, "{path}");
        assert!(said.contains(reason), "{path}: {said}");
    }
    server.has_closed(4505, 2).await;
    server.has_closed(4506, 3).await;
}

#[tokio::test]
async fn forbidden_frame_closes_plain_socket_with_reason() {
    let server = Server::with(&["--max-frame", "1000"]);
    let mut ada = PlainSocket::open(&server, "/").await;
    ada.send_binary(b"\x00\x01").await;
    assert_eq!(ada.closed().await, (1003, "text frames only".into()));
    let mut ada = PlainSocket::open(&server, "/").await;
    ada.send(&"x".repeat(2_000)).await;
    assert_eq!(ada.closed().await.0, 1009);
    let mut ada = PlainSocket::open(&server, "/").await;
    for _ in 0..1_000 {
        ada.send("{}").await;
    }
    assert_eq!(ada.closed().await.0, 4013);
}

#[tokio::test]
async fn named_room_is_entered_and_no_other_received() {
    let server = Server::with(&UNLIMITED);
    let mut browser = Browser::new(&server);
    let opened = browser.submit("/rooms", &[("title", "Garden")]).await;
    let room: RoomId = opened.header("location").unwrap().rsplit('/').next().unwrap().parse().unwrap();
    let mut there = PlainSocket::open(&server, &format!("/?room={room}")).await;
    let mut lobby_client = PlainSocket::open(&server, "/").await;
    lobby_client.json().await;
    lobby_client.send(r#"{"message":"in the lobby"}"#).await;
    lobby_client.line().await;
    there.send(r#"{"message":"in the garden"}"#).await;
    assert_eq!(there.line().await.message, "in the garden");
}

#[tokio::test]
async fn stopping_server_closes_with_1012() {
    let mut server = Server::start();
    let mut ada = PlainSocket::open(&server, "/").await;
    ada.json().await;
    server.terminate();
    assert_eq!(ada.closed().await.0, 1012);
    assert!(server.ended().await.success());
}

#[tokio::test]
async fn front_path_serves_page_or_socket() {
    let server = Server::start();
    assert_eq!(ask(server.addr, "GET", "/", &[], "").await.header("location"), Some("/r/lobby"));
    for path in ["/", "/plain"] {
        let at = |extra: &str| upgrade_request(server.addr, extra).replace("/ws", path);
        let answer = exchange(server.addr, at("").as_bytes()).await;
        assert_eq!(answer.status, 101, "{path}");
        assert_eq!(answer.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert_eq!(answer.header("sec-websocket-protocol"), None);
        let version = at("").replace("Version: 13", "Version: 8");
        let answer = exchange(server.addr, version.as_bytes()).await;
        assert_eq!((answer.status, answer.header("sec-websocket-version")), (426, Some("13")));
        let key = at("").replace("dGhlIHNhbXBsZSBub25jZQ==", "short");
        assert_eq!(exchange(server.addr, key.as_bytes()).await.status, 400);
        let offered = at("Sec-WebSocket-Protocol: customProtocol, chat\r\n");
        let answer = exchange(server.addr, offered.as_bytes()).await;
        assert_eq!(answer.status, 400);
        assert!(answer.body.contains("madang.v1"), "{}", answer.body);
        let offered = at("Sec-WebSocket-Protocol: customProtocol, madang.v1\r\n");
        let answer = exchange(server.addr, offered.as_bytes()).await;
        assert_eq!((answer.status, answer.header("sec-websocket-protocol")), (101, Some("madang.v1")));
    }
}

#[tokio::test]
async fn page_on_other_port_is_guest_foreign_refused() {
    let server = Server::start();
    let ada = Client::join(&server, "ada").await;
    let login = ada.cookie.clone();
    let next_door = [("origin", "http://localhost:5173"), ("cookie", login.as_str())];
    let mut socket = PlainSocket::open_with(&server, "/", &next_door).await;
    let greeting = socket.json().await;
    assert_ne!(greeting["userId"].as_str().unwrap(), ada.id().as_str(), "its visitor's login is not used");
    assert_eq!(socket.cookie, None, "and none is set");
    let own = format!("http://{}", server.addr);
    let own = [("origin", own.as_str()), ("cookie", login.as_str())];
    let greeting = PlainSocket::open_with(&server, "/", &own).await.json().await;
    assert_eq!(greeting["userId"].as_str().unwrap(), ada.id().as_str());

    let foreign = upgrade_request(server.addr, "Origin: http://evil.example\r\n").replace("/ws", "/plain");
    assert_eq!(exchange(server.addr, foreign.as_bytes()).await.status, 403);
    let at_ws = ask_upgrade(&server, "Origin: http://localhost:5173\r\n").await;
    assert_eq!(at_ws.status, 403, "the page's own door is for the page");
    server.has_rejected("origin", 2).await;
}

#[tokio::test]
async fn a_deleted_message_is_not_replayed() {
    let server = Server::with(&UNLIMITED);
    let mut page = Client::join(&server, "page").await;
    let seq = page.say("secret").await;
    page.say("after").await;
    page.write(|cmid| ClientFrame::Delete { room: lobby(), cmid, seq }).await;
    let mut ada = PlainSocket::open(&server, "/?after=0").await;
    assert_eq!(ada.line().await.message, "after");
}

#[tokio::test]
async fn bot_connects_by_token_within_its_rooms() {
    let server = Server::with(&UNLIMITED);
    let token = token(&server.data(), "ticker", &["lobby"]).await;
    let mut browser = Browser::new(&server);
    let opened = browser.submit("/rooms", &[("title", "Garden")]).await;
    let room = opened.header("location").unwrap().rsplit('/').next().unwrap().to_owned();
    let bearer = format!("Bearer {token}");
    let bearer = [("authorization", bearer.as_str())];
    let mut bot = PlainSocket::open_with(&server, "/plain?mode=text", &bearer).await;
    bot.send("100 won").await;
    assert_eq!(bot.read().await, "ticker => 100 won");
    let elsewhere = PlainSocket::open_with(&server, &format!("/?room={room}"), &bearer).await;
    assert_eq!(elsewhere.closed().await.0, 4505, "as if there were no such room");
    revoke(&server.data(), "ticker").await;
    assert_eq!(bot.closed().await.0, 4500);
}

#[tokio::test]
async fn cursor_before_restored_backup_is_refused() {
    let mut server = Server::with(&UNLIMITED);
    let mut ada = PlainSocket::open(&server, "/").await;
    ada.json().await;
    ada.send(r#"{"message":"kept"}"#).await;
    let seen = ada.line().await.seq;
    drop(ada);
    server.kill();
    // State after a restore: the database without the mark of what it must contain.
    std::fs::remove_file(server.data().join("madang.mark")).unwrap();
    server.start_again();
    let stale = PlainSocket::open(&server, &format!("/?after={seen}")).await;
    assert_eq!(stale.closed().await.0, 4506);
    let mut anew = PlainSocket::open(&server, "/").await;
    anew.json().await;
    anew.send(r#"{"message":"new"}"#).await;
    let new = anew.json().await;
    assert_eq!(new["seq"], seen + 1);
    let cursor = new["cursor"].as_str().unwrap();
    anew.send(r#"{"message":"newer"}"#).await;
    anew.json().await;
    let mut back = PlainSocket::open(&server, &format!("/?after={cursor}")).await;
    back.json().await;
    assert_eq!(back.line().await.message, "newer", "who keeps the cursor of now goes on behind it");
}

#[tokio::test]
async fn client_without_messages_can_resume() {
    let server = Server::with(&UNLIMITED);
    let mut page = Client::join(&server, "page").await;
    let head = page.say("before").await;
    let mut ada = PlainSocket::open(&server, "/").await;
    let seq = ada.json().await["seq"].as_u64().unwrap();
    assert_eq!(seq, head, "where the room stands");
    drop(ada);
    page.say("missed").await;
    let mut ada = PlainSocket::open(&server, &format!("/?after={seq}")).await;
    assert_eq!(ada.json().await["seq"], seq, "where it reads on from");
    assert_eq!(ada.line().await.message, "missed");
}

#[tokio::test]
async fn connections_and_errors_are_logged_and_counted() {
    let server = Server::start();
    let mut ada = PlainSocket::open(&server, "/").await;
    let id = ada.json().await["userId"].as_str().unwrap().to_owned();
    ada.send("{}").await;
    assert_eq!(ada.json().await["type"], "error");
    drop(ada);
    until("its end", async || {
        server.metric(r#"madang_ended_total{protocol="plain",door="plain"}"#).await == 1
    })
    .await;
    assert_eq!(server.metric(r#"madang_opened_total{protocol="plain",door="plain"}"#).await, 1);
    assert_eq!(server.metric(r#"madang_refused_total{code="bad_frame"}"#).await, 1);
    let log = server.log();
    for what in [" connected ", " disconnected ", "what cannot be read"] {
        let told: Vec<&str> = log.lines().filter(|line| line.contains(what) && line.contains(&id)).collect();
        assert_eq!(told.len(), 1, "{what}: {log}");
    }
}
