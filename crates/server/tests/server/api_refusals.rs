//! Every refusal of the API is a problem with a code, whatever was wrong and whoever found out.

use serde_json::json;

use crate::harness::{Api, Client, Server, UNLIMITED, ask, exchange, lobby, refused, revoke};

const JSON: (&str, &str) = ("Content-Type", "application/json");

#[tokio::test]
async fn anonymous_caller_gets_401_and_leaves_no_trace() {
    let server = Server::start();
    let robo = Api::new(&server, "Robo", &[]).await;
    let post = r#"{"body":"x"}"#;
    for (method, path) in [
        ("GET", "/api/rooms"),
        ("GET", "/api/rooms/lobby/entries"),
        ("GET", "/api/rooms/lobby/stream"),
        ("POST", "/api/rooms/lobby/messages"),
        ("GET", "/api/rooms/nowhere/entries"),
    ] {
        for (header, code) in [
            (("X-Nothing", ""), "login_required"),
            (("Authorization", "Basic dXNlcjpwYXNz"), "login_required"),
            (("Cookie", "madang_login=0000"), "login_required"),
            (("Authorization", "Bearer mdg_0"), "unknown_login"),
            (("Authorization", "Bearer"), "unknown_login"),
        ] {
            let answer = ask(server.addr, method, path, &[header, JSON], post).await;
            assert_eq!(refused(&answer, 401), code, "{method} {path} {header:?}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            assert_eq!(answer.header("set-cookie"), None);
        }
    }
    revoke(&server.data(), "Robo").await;
    assert_eq!(refused(&robo.get("/api/rooms").await, 401), "unknown_login");
    assert_eq!(refused(&robo.post("lobby", "x", &[]).await, 401), "unknown_login");
}

#[tokio::test]
async fn unknown_addresses_and_methods_are_problems_too() {
    let server = Server::start();
    let robo = Api::new(&server, "Robo", &[]).await;
    for path in
        ["/api/", "/api/nothing", "/api/rooms/", "/api/rooms/lobby", "/api/rooms/lobby/entries/1", "/api/%00"]
    {
        assert_eq!(refused(&robo.get(path).await, 404), "not_found", "{path}");
    }
    for path in ["/api/rooms/Not%20A%20Room/entries", "/api/rooms/%ff/stream", "/api/rooms/..%2f/entries"] {
        assert_eq!(refused(&robo.get(path).await, 404), "unknown_room", "{path}");
    }
    for (method, path, allow) in [
        ("DELETE", "/api/rooms", "GET,HEAD"),
        ("GET", "/api/rooms/lobby/messages", "POST"),
        ("PUT", "/api/rooms/lobby/stream", "GET,HEAD"),
        ("POST", "/api/openapi.json", "GET,HEAD"),
        ("GET", "/hooks/mdh_0", "POST"),
    ] {
        let answer = ask(server.addr, method, path, &[], "").await;
        assert_eq!(refused(&answer, 405), "method_not_allowed", "{method} {path}");
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
}

#[tokio::test]
async fn malformed_bodies_are_refused_and_post_nothing() {
    let server = Server::with(&["--max-body", "20", "--post-rate", "0"]);
    let robo = Api::new(&server, "Robo", &[]).await;
    let large = json!({ "body": "x".repeat(70_000) }).to_string();
    let deep = "[".repeat(60_000);
    for (body, status, code) in [
        ("", 400, "bad_request"),
        ("{", 400, "bad_request"),
        (r#"{"body":"x"} {"#, 400, "bad_request"),
        (&deep, 400, "bad_request"),
        (r#"{"body":"\ud800"}"#, 400, "bad_request"),
        ("[]", 422, "bad_body"),
        (r#"["x"]"#, 422, "bad_body"),
        (r#""x""#, 422, "bad_body"),
        ("{}", 422, "bad_body"),
        (r#"{"body":7}"#, 422, "bad_body"),
        (r#"{"body":"x","reply_to":-1}"#, 422, "bad_body"),
        (r#"{"body":"x","reply_to":0}"#, 422, "bad_body"),
        (r#"{"body":"x","reply_to":1.5}"#, 422, "bad_body"),
        (r#"{"body":"x","reply_to":9223372036854775808}"#, 422, "bad_body"),
        (r#"{"body":"x","reply_to":99}"#, 404, "unknown_message"),
        (r#"{"body":"x","reply_to":99.0}"#, 404, "unknown_message"),
        (r#"{"body":""}"#, 422, "empty"),
        (r#"{"body":" \n\u200b"}"#, 422, "empty"),
        (r#"{"body":"012345678901234567890"}"#, 422, "too_long"),
        (&large, 413, "too_big"),
    ] {
        let answer = robo.post_raw("lobby", body, &[]).await;
        let start: String = body.chars().take(40).collect();
        assert_eq!(refused(&answer, status), code, "{start}");
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data; boundary=x"] {
        let answer = robo.post_raw("lobby", r#"{"body":"x"}"#, &[("Content-Type", kind)]).await;
        assert_eq!(refused(&answer, 415), "unsupported_media_type", "{kind}");
    }
    assert_eq!(robo.say("fine").await, 2, "nothing was posted before");
}

#[tokio::test]
async fn malformed_keys_cursors_and_queries_are_refused() {
    let server = Server::start();
    let robo = Api::new(&server, "Robo", &[]).await;
    let long = "k".repeat(201);
    for key in ["", &long, "sch\u{f6}n"] {
        let answer = robo.post("lobby", "x", &[("Idempotency-Key", key)]).await;
        assert_eq!(refused(&answer, 400), "bad_request", "{key}");
    }
    let two = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")];
    assert_eq!(refused(&robo.post("lobby", "x", &two).await, 400), "bad_request");
    for query in [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=x",
        "limit=",
        "after=",
        "after=x",
        "after=-1",
        "after=1&after=2",
        "after=%ff",
    ] {
        let answer = robo.get(&format!("/api/rooms/lobby/entries?{query}")).await;
        assert_eq!(refused(&answer, 400), "bad_request", "{query}");
    }
    for query in ["after=2", "after=18446744073709551616", "after=1@other"] {
        for path in ["entries", "stream"] {
            let answer = robo.get(&format!("/api/rooms/lobby/{path}?{query}")).await;
            assert_eq!(refused(&answer, 409), "unusable_cursor", "{query}");
        }
    }
    for last in ["", "x", "\u{ff}", "1 "] {
        // A space at the end is no part of a header's value.
        let expected = if last == "1 " { None } else { Some(400) };
        assert_eq!(robo.stream("", Some(last)).await.err(), expected, "{last:?}");
    }
    assert_eq!(robo.say("fine").await, 2);
}

#[tokio::test]
async fn header_values_with_line_breaks_inject_nothing() {
    let server = Server::start();
    let robo = Api::new(&server, "Robo", &[]).await;
    let body = r#"{"body":"x"}"#;
    for key in ["a\rb", "a\nSet-Cookie: b=c", "a\r\n\r\nHTTP/1.1 200 OK"] {
        let request = format!(
            "POST /api/rooms/lobby/messages HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nIdempotency-Key: {key}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            robo.bearer(),
            body.len()
        );
        let answer = exchange(server.addr, request.as_bytes()).await;
        assert_eq!(answer.header("set-cookie"), None);
        assert!(answer.status < 500, "{key:?}: {answer:?}");
    }
    for path in ["/api/rooms/lobby%0d%0aX-Evil:%201/entries", "/api/rooms/lobby/entries?after=%0d%0aX-Evil:1"]
    {
        let answer = robo.get(path).await;
        assert_eq!(answer.header("x-evil"), None);
        assert!(answer.status == 404 || answer.status == 400, "{answer:?}");
    }
    server.lives().await;
}

#[tokio::test]
async fn rate_limited_posts_get_retry_after() {
    let server = Server::with(&["--post-rate", "1", "--post-burst", "2"]);
    let robo = Api::new(&server, "Robo", &[]).await;
    robo.say("1").await;
    robo.say("2").await;
    let mut last = robo.post("lobby", "3", &[]).await;
    // Where making them took long enough for another one.
    while last.status == 201 {
        last = robo.post("lobby", "more", &[]).await;
    }
    assert_eq!(refused(&last, 429), "too_fast");
    assert!(last.header("retry-after").is_some_and(|after| after == "1"), "{last:?}");
}

#[tokio::test]
async fn full_disk_refuses_posts_and_keeps_key_valid() {
    let mut server = Server::with(&["--max-database", "1", "--post-rate", "0"]);
    let robo = Api::new(&server, "Robo", &[]).await;
    let text = "가".repeat(8_000);
    let key = [("Idempotency-Key", "order-1")];
    let mut full = robo.post("lobby", &text, &[]).await;
    while full.status == 201 {
        full = robo.post("lobby", &text, &[]).await;
    }
    assert_eq!(refused(&full, 503), "storage_unavailable");
    assert_eq!(full.header("retry-after"), Some("5"));
    assert_eq!(refused(&robo.post("lobby", &text, &key).await, 503), "storage_unavailable");
    let head = robo.read("/api/rooms/lobby/entries?limit=1").await["head"].as_u64().unwrap();
    server.start_again_with(&UNLIMITED);
    let robo = robo.at(&server);
    let posted = robo.post("lobby", &text, &key).await;
    assert_eq!((posted.status, crate::harness::seq(&posted)), (201, head + 1));
    assert_eq!(robo.post("lobby", &text, &key).await.status, 200);
}

#[tokio::test]
async fn a_body_that_never_comes_is_given_up() {
    let server = Server::with(&["--hello-timeout", "1"]);
    let robo = Api::new(&server, "Robo", &[]).await;
    let request = format!(
        "POST /api/rooms/lobby/messages HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n\
         Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{{",
        robo.bearer()
    );
    assert_eq!(refused(&exchange(server.addr, request.as_bytes()).await, 408), "timeout");
    let mut ann = Client::join(&server, "ann").await;
    ann.watch_now(&lobby()).await;
}
