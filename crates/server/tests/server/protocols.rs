//! The protocol of the WebSocket: who may connect, and the answers to all others.

use madang_protocol::SUBPROTOCOL;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{
    Answer, Browser, Server, UNLIMITED, ask, ask_upgrade, exchange, fresh_cmid, upgrade_request, within,
};

async fn with_origin(server: &Server, origin: &str) -> Answer {
    ask_upgrade(server, &format!("Origin: {origin}\r\n")).await
}

async fn offering(server: &Server, protocols: &str) -> Answer {
    ask_upgrade(server, &format!("Sec-WebSocket-Protocol: {protocols}\r\n")).await
}

/// The request with one of its lines replaced.
async fn altered(server: &Server, line: &str, by: &str) -> Answer {
    let request = upgrade_request(server.addr, "");
    assert!(request.contains(line), "{request}");
    exchange(server.addr, request.replace(line, by).as_bytes()).await
}

#[tokio::test]
async fn upgrade_is_answered_by_the_standard() {
    let server = Server::start();
    let answer = ask_upgrade(&server, "").await;
    assert_eq!(answer.status, 101);
    // The key and its answer are the example of RFC 6455, 1.3.
    assert_eq!(answer.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert!(answer.header("upgrade").unwrap().eq_ignore_ascii_case("websocket"));
    assert!(answer.header("connection").unwrap().eq_ignore_ascii_case("upgrade"));
    assert_eq!(answer.header("sec-websocket-protocol"), None, "none was offered");
    assert_eq!(answer.header("sec-websocket-extensions"), None);
    assert!(answer.login().is_some(), "a newcomer gets a login");
}

#[tokio::test]
async fn pages_of_other_sites_may_not_connect() {
    let server = Server::start();
    let addr = server.addr;
    let port = addr.port();
    for origin in [
        "http://evil.example".into(),
        "null".into(),
        "".into(),
        format!("http://{addr}.evil.example"),
        format!("http://evil.example/{addr}"),
        format!("http://evil{addr}"),
        format!("http://{addr}@evil.example"),
        format!("http://127.0.0.1:{}", port ^ 1),
        "http://127.0.0.1".into(),
        format!("http://localhost:{port}"),
        format!("ftp://{addr}"),
        format!("{addr}"),
        format!("http://{addr}, http://evil.example"),
    ] {
        let answer = with_origin(&server, &origin).await;
        assert_eq!(answer.status, 403, "{origin}");
        assert!(answer.body.contains("--origin"), "{}", answer.body);
        assert!(answer.login().is_none(), "no login for {origin}");
    }
    let twice = format!("Origin: http://{addr}\r\nOrigin: http://evil.example\r\n");
    assert_eq!(ask_upgrade(&server, &twice).await.status, 403);
    assert_eq!(server.metric(r#"madang_rejected_total{code="origin"}"#).await, 14);
}

#[tokio::test]
async fn its_own_pages_and_programs_may_connect() {
    let server = Server::start();
    assert_eq!(with_origin(&server, &format!("http://{}", server.addr)).await.status, 101);
    assert_eq!(with_origin(&server, &format!("https://{}", server.addr)).await.status, 101, "behind a proxy");
    assert_eq!(ask_upgrade(&server, "").await.status, 101, "programs send no Origin");
}

#[tokio::test]
async fn only_allowed_sites_may_connect() {
    let server = Server::with(&["--origin", "https://chat.example", "--origin", "http://b.example:81/"]);
    assert_eq!(with_origin(&server, "https://chat.example").await.status, 101);
    assert_eq!(with_origin(&server, "http://b.example:81").await.status, 101);
    for other in ["http://chat.example", "https://chat.example.evil.example", "https://chat.example:444"] {
        assert_eq!(with_origin(&server, other).await.status, 403, "{other}");
    }
}

#[tokio::test]
async fn forms_of_other_sites_write_nothing() {
    let server = Server::start();
    let mut ann = Browser::new(&server);
    ann.get("/r/lobby").await;
    let cmid = fresh_cmid().to_string();
    for (path, field) in [
        ("/r/lobby/post", ("body", "planted")),
        ("/r/lobby/1/edit", ("body", "planted")),
        ("/r/lobby/1/delete", ("body", "")),
        ("/me", ("name", "planted")),
        ("/rooms", ("title", "planted")),
        ("/settings", ("theme", "dark")),
    ] {
        for origin in ["https://evil.example", "null"] {
            let answer = ann.submit_from(origin, path, &[field, ("cmid", &cmid)]).await;
            assert_eq!(answer.status, 403, "{path} from {origin}");
            assert!(answer.all("set-cookie").is_empty());
        }
    }
    let mut auditor = crate::harness::Client::join(&server, "auditor").await;
    assert_eq!(auditor.history("after", 0, 10).await.head, 1);
    assert_eq!(auditor.welcome().rooms.len(), 1);
}

#[tokio::test]
async fn own_subprotocol_is_chosen_among_offers() {
    let server = Server::start();
    for offer in [SUBPROTOCOL, "v2.chat, madang.v1", "madang.v2,madang.v1,mqtt"] {
        let answer = offering(&server, offer).await;
        assert_eq!((answer.status, answer.header("sec-websocket-protocol")), (101, Some(SUBPROTOCOL)));
    }
}

#[tokio::test]
async fn unknown_subprotocols_are_refused_listing_known_ones() {
    let server = Server::start();
    for offer in ["madang.v2", "mqtt, v13.stomp", "madang.v1x", "MADANG.V1"] {
        let answer = offering(&server, offer).await;
        assert_eq!(answer.status, 400, "{offer}");
        assert!(answer.body.contains("Known: madang.v1"), "{}", answer.body);
    }
}

#[tokio::test]
async fn other_upgrade_versions_are_answered_with_13() {
    let server = Server::start();
    for version in ["8", "12", "14", "x"] {
        let line = format!("Sec-WebSocket-Version: {version}\r\n");
        let answer = altered(&server, "Sec-WebSocket-Version: 13\r\n", &line).await;
        assert_eq!((answer.status, answer.header("sec-websocket-version")), (426, Some("13")), "{version}");
    }
    let plain = ask(server.addr, "GET", "/ws", &[], "").await;
    assert_eq!((plain.status, plain.header("upgrade")), (426, Some("websocket")));
    assert_eq!(altered(&server, "Upgrade: websocket", "Upgrade: h2c").await.status, 426);
    assert_eq!(ask(server.addr, "POST", "/ws", &[], "").await.status, 405);
}

#[tokio::test]
async fn missing_or_wrong_key_is_refused() {
    let server = Server::start();
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    assert_eq!(altered(&server, key, "").await.status, 400, "missing");
    for wrong in ["", "short", "bm90IDE2IGJ5dGVz", "dGhlIHNhbXBsZSBub25jZQ", "!!!!!!!!!!!!!!!!!!!!!!=="] {
        let answer = altered(&server, key, &format!("Sec-WebSocket-Key: {wrong}\r\n")).await;
        assert_eq!(answer.status, 400, "{wrong:?}");
    }
}

#[tokio::test]
async fn an_upgrade_with_a_body_harms_nobody() {
    let server = Server::start();
    for body in
        ["Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"]
    {
        let request = upgrade_request(server.addr, "").trim_end().to_owned() + "\r\n" + body;
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        // Refused, or taken without the body being read as frames of a session: a welcome must not come.
        let mut heard = Vec::new();
        let _ = stream.shutdown().await;
        let _ = within("the end", stream.read_to_end(&mut heard)).await;
        assert!(!String::from_utf8_lossy(&heard).contains("welcome"));
    }
    server.lives().await;
}

#[tokio::test]
async fn half_a_request_is_not_awaited_for_ever() {
    let server = Server::with(&["--hello-timeout", "1"]);
    for half in ["", "GET /ws HT", "GET /r/lobby HTTP/1.1\r\nHost: localhost\r\nX: "] {
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        stream.write_all(half.as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        let _ = within("to be cut off", stream.read_to_end(&mut heard)).await;
        assert!(!String::from_utf8_lossy(&heard).contains("200 OK"), "{half:?}");
    }
}

#[tokio::test]
async fn oversized_head_is_refused() {
    let server = Server::start();
    let long = "x".repeat(17 * 1024);
    assert_eq!(ask(server.addr, "GET", "/healthz", &[("X-Long", &long)], "").await.status, 431);
    assert_eq!(ask_upgrade(&server, &format!("X-Long: {long}\r\n")).await.status, 431);
    let many: String = (0..5_000).map(|n| format!("a{n}: 1\r\n")).collect();
    assert_eq!(ask_upgrade(&server, &many).await.status, 431);
    let over_a_hundred = "a:\r\n".repeat(101);
    assert_eq!(ask_upgrade(&server, &over_a_hundred).await.status, 431);
    let path = format!("/r/{}", "x".repeat(17 * 1024));
    assert!(matches!(ask(server.addr, "GET", &path, &[], "").await.status, 414 | 431));
    server.lives().await;
}

#[tokio::test]
async fn non_http_bytes_are_answered_or_dropped() {
    let server = Server::with(&UNLIMITED);
    for rubbish in [
        &b"\0\0\0\0\0\0\0\0"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nHost : a\r\n\r\n",
        b"POST /me HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: \xff\r\nCookie: \xff=\xff\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        stream.write_all(rubbish).await.unwrap();
        let _ = stream.shutdown().await;
        let mut heard = Vec::new();
        let _ = within("an answer or the end", stream.read_to_end(&mut heard)).await;
        assert!(!heard.starts_with(b"HTTP/1.1 5"), "{}", String::from_utf8_lossy(&heard));
    }
    server.lives().await;
}
