//! Requests that two readers could understand differently, and those that no reader should believe.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Answer, Over, Rt, Server, ask, exchange, upgrade_request, within};

/// Sends `bytes`, and reads all answers up to the end of the connection, which must come.
async fn to_the_end(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut said = Vec::new();
    let end = within("the end of the connection", stream.read_to_end(&mut said)).await;
    assert!(end.is_ok() || !said.is_empty(), "{bytes:?}");
    String::from_utf8_lossy(&said).into_owned()
}

fn statuses(said: &str) -> Vec<&str> {
    said.match_indices("HTTP/1.1 ").filter_map(|(at, _)| said.get(at + 9..at + 12)).collect()
}

#[tokio::test]
async fn ambiguous_request_is_400_and_closed() {
    let server = Server::start();
    let smuggled = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for head in [
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n",
        "GET / HTTP/1.1\r\nHost: \r\n",
        "GET / HTTP/1.1\r\nHost: a@localhost\r\n",
        "GET / HTTP/1.1\r\nHost: a, b\r\n",
        "GET / HTTP/1.1\r\nHost: localhost:x\r\n",
        "GET / HTTP/1.1\r\nHost : localhost\r\n",
        "POST /me HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "POST /me HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "POST /me HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, chunked\r\n",
        "POST /me HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "POST /me HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n",
        "POST /me HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1, 2\r\n",
        "POST /me HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n",
        "GET / HTTP/1.1\nHost: localhost\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\n",
    ] {
        let said = to_the_end(&server, format!("{head}\r\n{smuggled}").as_bytes()).await;
        assert_eq!(statuses(&said), ["400"], "{head:?}: {said}");
    }
    server.lives().await;
}

#[tokio::test]
async fn unknown_transfer_coding_is_501_and_closed() {
    let server = Server::start();
    for coding in ["gzip, chunked", "gzip", "identity", "x, chunked, chunked"] {
        let head =
            format!("POST /me HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: {coding}\r\n\r\n0\r\n\r\n");
        let said = to_the_end(&server, head.as_bytes()).await;
        assert!(matches!(statuses(&said)[..], ["501" | "400"]), "{coding}: {said}");
    }
}

#[tokio::test]
async fn absurd_length_is_refused_before_it_comes() {
    let server = Server::start();
    for (length, path) in [
        ("9007199254740993", "/me"),
        ("18446744073709551615", "/rt"),
        ("1000000000", "/r/lobby/post"),
        ("1000000000", "/nope"),
    ] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
        let said = to_the_end(&server, head.as_bytes()).await;
        assert!(matches!(statuses(&said)[..], ["413" | "400" | "431"]), "{length} {path}: {said}");
    }
}

#[tokio::test]
async fn pipelined_well_formed_requests_are_all_answered() {
    let server = Server::start();
    let addr = server.addr;
    let all = format!(
        "GET /healthz HTTP/1.1\r\nHost: {addr}\r\n\r\nPOST /rt HTTP/1.1\r\nHost: {addr}\r\n\
         Transfer-Encoding: chunked\r\n\r\n2\r\n\n\n\r\n0\r\n\r\nPOST /rt HTTP/1.1\r\nHost: {addr}\r\n\
         Content-Length: 3\r\n\r\n\n\n\nGET /healthz HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n"
    );
    let said = to_the_end(&server, all.as_bytes()).await;
    assert_eq!(statuses(&said), ["200", "400", "400", "200"], "{said}");
}

#[tokio::test]
async fn http_1_0_and_head_open_no_websocket() {
    let server = Server::start();
    let upgrade = upgrade_request(server.addr, "");
    for (from, to) in
        [("GET /ws HTTP/1.1", "GET /ws HTTP/1.0"), ("GET /ws", "HEAD /ws"), ("GET /ws", "HEAD /plain")]
    {
        let said = to_the_end(&server, upgrade.replace(from, to).as_bytes()).await;
        assert!(said.contains(" 426 ") && said.to_lowercase().contains("upgrade: websocket"), "{to}: {said}");
    }
    assert_eq!(server.metric("madang_connections").await, 0);
}

#[tokio::test]
async fn handshake_headers_may_not_stand_twice() {
    let server = Server::start();
    let status =
        async |lines: &str| exchange(server.addr, upgrade_request(server.addr, lines).as_bytes()).await;
    assert_eq!(status("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n").await.status, 400);
    assert_eq!(status("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n").await.status, 400);
    let version: Answer = status("Sec-WebSocket-Version: 8\r\n").await;
    assert_eq!(version.status, 426);
    assert_eq!(
        (version.header("upgrade"), version.header("sec-websocket-version")),
        (Some("websocket"), Some("13"))
    );
}

#[tokio::test]
async fn refused_upgrade_ends_its_connection() {
    let server = Server::start();
    let refused = upgrade_request(server.addr, "Sec-WebSocket-Protocol: unknown\r\n");
    let said =
        to_the_end(&server, format!("{refused}GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
            .await;
    assert_eq!(statuses(&said), ["400"], "{said}");
}

#[tokio::test]
async fn head_on_a_poll_does_not_displace_it() {
    let server = Server::start();
    let mut rt = Rt::new(server.addr, Over::Poll, String::new());
    rt.send(r#"{"t":"hello"}"#).await.expect("a session");
    rt.next().await.expect("the welcome");
    let cookie = [("Cookie", rt.cookie.as_str())];
    for path in ["poll", "events"] {
        let head = format!(
            "HEAD {}/{path} HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\nConnection: close\r\n\r\n",
            rt.path, rt.cookie
        );
        let said = to_the_end(&server, head.as_bytes()).await;
        assert!(said.contains(" 405 ") && said.to_lowercase().contains("allow: get"), "{path}: {said}");
    }
    for (method, path) in [("GET", "/rt"), ("PUT", rt.path.as_str()), ("POST", &format!("{}/poll", rt.path))]
    {
        let answer = ask(server.addr, method, path, &cookie, "").await;
        assert_eq!(answer.status, 405, "{method} {path}");
        assert!(answer.body.contains("\"code\":\"method_not_allowed\""), "{}", answer.body);
    }
    assert_eq!(server.metric("madang_sessions").await, 1, "the session still stands");
}
