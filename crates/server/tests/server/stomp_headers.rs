//! STOMP: headers of a program come back on MESSAGE, and by every other protocol.

use madang_protocol::ClientFrame;
use madang_stomp::{ClientCommand, Frame, ServerCommand, Version};
use serde_json::{Value, json};

use crate::harness::{Api, By, Client, Server, Stomp, lobby, next_entry, refused, shared, stomp_server, to};

/// Returns the headers of a MESSAGE that are not the server's own.
fn theirs(message: &Frame<ServerCommand>) -> Vec<(String, String)> {
    const OWN: [&str; 14] = [
        "bot",
        "subscription",
        "destination",
        "message-id",
        "seq",
        "at",
        "user",
        "nickname",
        "cmid",
        "content-length",
        "ack",
        "redelivered",
        "type",
        "reply-to",
    ];
    let headers = message.headers.iter().filter(|(name, _)| !OWN.contains(name));
    headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn pairs(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn with(mut frame: Frame<ClientCommand>, headers: &[(&str, &str)]) -> Frame<ClientCommand> {
    headers.iter().for_each(|(name, value)| frame = frame.clone().with(*name, *value));
    frame
}

#[tokio::test]
async fn headers_and_content_type_return_on_message() {
    let server = stomp_server(&[]);
    for version in Version::ALL {
        for by in By::ALL {
            let mut client = Stomp::join(&server, by, version).await;
            client.subscribe("0", &[]).await;
            client
                .done(with(to("lobby", "{}"), &[("priority", "9"), ("content-type", "application/json")]))
                .await;
            client.done(to("lobby", "plain")).await;
            let message = client.message().await;
            assert_eq!(
                theirs(&message),
                pairs(&[("content-type", "application/json"), ("priority", "9")]),
                "{version}"
            );
            assert_eq!(theirs(&client.message().await), pairs(&[("content-type", "text/plain")]));
        }
    }
}

#[tokio::test]
async fn any_encodable_value_round_trips() {
    let server = stomp_server(&[]);
    let mut readers = Vec::new();
    for version in Version::ALL {
        let mut reader = Stomp::join(&server, By::Tcp, version).await;
        reader.subscribe("0", &[]).await;
        readers.push((version, reader));
    }
    let mut client = Stomp::join(&server, By::Tcp, Version::V12).await;
    let evil = "x\nuser:somebody\nack:1-1";
    let all =
        [("a:b", "c:d"), ("back", r"\n\c\"), ("cr", "1\r2"), ("evil", evil), ("pad", " p "), ("머리", "값")];
    client.done(with(to("lobby", "x"), &all)).await;
    for (version, mut reader) in readers {
        let message = reader.message().await;
        let mut told = theirs(&message);
        told.retain(|(name, _)| name != "content-type");
        let expected: Vec<_> = all
            .iter()
            .filter(|(name, _)| match version {
                Version::V12 => true,
                Version::V11 => *name != "cr",
                Version::V10 => !["a:b", "cr", "evil", "pad"].contains(name),
            })
            .copied()
            .collect();
        assert_eq!(told, pairs(&expected), "{version}");
        assert_eq!(message.headers.iter().filter(|(name, _)| *name == "user").count(), 1, "{version}");
        assert!(message.header("ack").is_none() && message.body == b"x", "{version}");
    }
}

#[tokio::test]
async fn server_headers_cannot_be_forged() {
    let server = stomp_server(&[]);
    let own = [
        "subscription",
        "message-id",
        "ack",
        "seq",
        "at",
        "user",
        "nickname",
        "redelivered",
        "type",
        "about",
        "reply-to",
        "login",
        "passcode",
        "authorization",
        "Cookie",
    ];
    for version in Version::ALL {
        let mut client = Stomp::join(&server, By::Text, version).await;
        client.subscribe("0", &[]).await;
        client.subscribe("1", &[("entries", "all")]).await;
        let forged: Vec<_> = own.iter().map(|name| (*name, "forged")).collect();
        client
            .done(with(to("lobby", "x"), &[&forged[..], &[("mine", "first"), ("mine", "second")]].concat()))
            .await;
        for _ in 0..2 {
            let message = client.message().await;
            assert!(!format!("{message:?}").contains("forged"), "{message:?}");
            assert_eq!(message.headers.iter().filter(|(name, _)| *name == "mine").count(), 1);
            assert_eq!(message.header("mine"), Some("first"), "of a repeated header the first counts");
        }
    }
}

#[tokio::test]
async fn too_many_long_or_malformed_headers_are_refused() {
    let server = stomp_server(&[]);
    let many: Vec<(String, String)> = (0..33).map(|n| (format!("h{n}"), "x".to_owned())).collect();
    let long = vec![("long".to_owned(), "x".repeat(4 * 1024))];
    let ill = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    for headers in [
        many.clone(),
        long,
        ill("a\nb", "x"),
        ill(" seq", "7"),
        ill("seq ", "7"),
        ill("tab\t", "x"),
        ill("esc", "\u{1b}[2J"),
    ] {
        let mut client = Stomp::join(&server, By::Tcp, Version::V12).await;
        let frame = headers.iter().fold(to("lobby", "never"), |frame, (name, value)| frame.with(name, value));
        client.send(&frame.with("receipt", "r")).await;
        let (error, receipts) = client.error().await;
        assert_eq!(
            (error.header("code"), error.header("receipt-id")),
            (Some("bad_headers"), Some("r")),
            "{headers:?}"
        );
        assert!(receipts.is_empty());
        // In a transaction nothing of it is posted.
        let mut client = Stomp::join(&server, By::Tcp, Version::V12).await;
        let begin = Frame::new(ClientCommand::Begin).with("transaction", "t");
        client.done(begin).await;
        client.send(&to("lobby", "never").with("transaction", "t")).await;
        let frame = headers.iter().fold(to("lobby", "never"), |frame, (name, value)| frame.with(name, value));
        client.send(&frame.with("transaction", "t")).await;
        client.send(&Frame::new(ClientCommand::Commit).with("transaction", "t").with("receipt", "r")).await;
        let (error, _) = client.error().await;
        assert_eq!((error.header("code"), error.header("receipt-id")), (Some("bad_headers"), Some("r")));
        assert!(error.header("message").unwrap().contains("SEND 2"), "{error:?}");
    }
    let mut reader = Stomp::join(&server, By::Tcp, Version::V12).await;
    reader.subscribe("0", &[("after", "0")]).await;
    let most = many.iter().take(32).fold(to("lobby", "most"), |frame, (name, value)| frame.with(name, value));
    reader.done(most).await;
    let message = reader.message().await;
    assert_eq!(
        (message.body.as_slice(), theirs(&message).len()),
        (&b"most"[..], 33),
        "with its content-type"
    );
}

#[tokio::test]
async fn headers_outlive_a_kill_on_every_way_back() {
    let mut server = stomp_server(&[]);
    let cookie = shared(&server).await;
    let headers = [("cookie", &*cookie)];
    let said = [("content-type", "text/csv"), ("x-a", "1:2\n3")];
    let mut client = Stomp::open_at(&server, "/stomp", By::Text, &headers).await;
    client.connect(Version::V12, &[]).await;
    client.subscribe("kept", &[("ack", "client")]).await;
    client.done(with(to("lobby", "a,b").with("cmid", "k"), &said)).await;
    assert_eq!(theirs(&client.message().await), pairs(&said));
    // A repeat says what it likes: the first one stands, as its text does.
    client.done(with(to("lobby", "other").with("cmid", "k"), &[("x-a", "other")])).await;
    server.kill();
    server.start_again();
    let mut again = Stomp::open_at(&server, "/stomp", By::Text, &headers).await;
    again.connect(Version::V12, &[]).await;
    again.subscribe("kept", &[("ack", "client")]).await;
    let message = again.message().await;
    assert_eq!((theirs(&message), message.header("redelivered")), (pairs(&said), Some("true")));
    again.subscribe("cursor", &[("after", "0")]).await;
    assert_eq!(theirs(&again.message().await), pairs(&said));
    let mut ann = Client::join(&server, "ann").await;
    let snapshot = ann.watch_now(&lobby()).await;
    let kept: Vec<_> = snapshot.messages[0].headers.iter().collect();
    assert_eq!((kept, snapshot.messages.len()), (said.to_vec(), 1));
}

async fn posted(api: &Api, seq: u64) -> Value {
    let read = api.read(&format!("/api/rooms/lobby/entries?after={}", seq - 1)).await;
    read["entries"][0]["what"].clone()
}

#[tokio::test]
async fn programs_read_headers_by_the_api_too() {
    let server = stomp_server(&[]);
    let api = Api::new(&server, "Robo", &[]).await;
    let mut stream = api.stream("", None).await.unwrap();
    let mut client = Stomp::join(&server, By::Tcp, Version::V11).await;
    client.done(with(to("lobby", "x"), &[("x-b", "2"), ("content-type", "text/csv")])).await;
    client.say("plain").await;
    let headers = json!({"content-type": "text/csv", "x-b": "2"});
    assert_eq!(posted(&api, 2).await["headers"], headers);
    assert_eq!(posted(&api, 3).await, json!({"t": "posted", "body": "plain"}), "none are not told");
    let event = next_entry(&mut stream).await.unwrap();
    assert_eq!(serde_json::to_value(&event.what).unwrap()["headers"], headers);
}

#[tokio::test]
async fn programs_post_headers_by_the_api_too() {
    let server = stomp_server(&[]);
    let api = Api::new(&server, "Robo", &[]).await;
    let mut reader = Stomp::join(&server, By::Tcp, Version::V12).await;
    reader.subscribe("0", &[]).await;
    let body = json!({"body": "x", "headers": {"x-c": "3\n4", "content-type": "text/csv"}}).to_string();
    assert_eq!(api.post_raw("lobby", &body, &[]).await.status, 201);
    assert_eq!(theirs(&reader.message().await), pairs(&[("content-type", "text/csv"), ("x-c", "3\n4")]));
    for empty in [r#"{"body":"x","headers":null}"#, r#"{"body":"x","headers":{}}"#] {
        assert_eq!(api.post_raw("lobby", empty, &[]).await.status, 201, "{empty}");
        assert_eq!(theirs(&reader.message().await), pairs(&[("content-type", "text/plain")]));
    }
    for own in ["seq", "user", "ack", "cmid", "Authorization"] {
        let body = json!({"body": "x", "headers": {own: "1"}}).to_string();
        assert_eq!(refused(&api.post_raw("lobby", &body, &[]).await, 422), "bad_headers", "{own}");
    }
    for headers in
        [json!([]), json!("x"), json!({"": "x"}), json!({"a b": "x"}), json!({"x": 7}), json!({"x": null})]
    {
        let body = json!({"body": "x", "headers": headers}).to_string();
        assert_eq!(refused(&api.post_raw("lobby", &body, &[]).await, 422), "bad_body", "{body}");
    }
    for value in ["\0", "\u{9b}", &*"x".repeat(4 * 1024)] {
        let body = json!({"body": "x", "headers": {"x": value}}).to_string();
        assert_eq!(refused(&api.post_raw("lobby", &body, &[]).await, 422), "bad_headers", "{body}");
    }
}

#[tokio::test]
async fn edit_keeps_headers_and_delete_removes_them() {
    let server = stomp_server(&[]);
    let mut ann = Client::join(&server, "ann").await;
    ann.watch_now(&lobby()).await;
    let cookie = ann.cookie.clone();
    let mut client = Stomp::open_at(&server, "/stomp", By::Text, &[("cookie", &*cookie)]).await;
    client.connect(Version::V12, &[]).await;
    client.done(with(to("lobby", "x"), &[("secret", "spilt")])).await;
    let seq = ann.next_entry(&lobby()).await.seq;
    ann.write(|cmid| ClientFrame::Edit { room: lobby(), cmid, seq, body: "y".into() }).await;
    assert_eq!(message(&server).await.headers.get("secret"), Some("spilt"));
    ann.write(|cmid| ClientFrame::Delete { room: lobby(), cmid, seq }).await;
    let message = message(&server).await;
    assert!(message.is_deleted() && message.headers.is_empty(), "{message:?}");
    let api = Api::new(&server, "Robo", &[]).await;
    let log = api.read("/api/rooms/lobby/entries").await;
    assert!(!log.to_string().contains("spilt"), "{log}");
    let mut late = Stomp::join(&server, By::Tcp, Version::V12).await;
    late.subscribe("0", &[("after", "0"), ("entries", "all")]).await;
    for _ in 0..4 {
        let message = late.message().await;
        assert!(!format!("{message:?}").contains("spilt"), "{message:?}");
    }
}

async fn message(server: &Server) -> madang_protocol::Message {
    Client::join(server, "reader").await.watch_now(&lobby()).await.messages[0].clone()
}
