//! Pages that may act with their visitor's login, and names under which the server answers.

use crate::harness::{Answer, Browser, Server, ask, exchange};

async fn post(server: &Server, path: &str, host: &str, origin: &str) -> Answer {
    let form = "name=x&back=/r/lobby";
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nAccept: application/json\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    exchange(server.addr, head.as_bytes()).await
}

#[tokio::test]
async fn foreign_origin_is_refused_on_every_route() {
    let server = Server::start();
    let mut ann = Browser::new(&server);
    ann.get("/r/lobby").await;
    let cookie = ann.cookies();
    let headers = [("Origin", "https://evil.example"), ("Cookie", cookie.as_str())];
    for path in [
        "/me",
        "/rooms",
        "/settings",
        "/r/lobby/post",
        "/r/lobby/1/edit",
        "/nope",
        "/",
        "/ws",
        "/pkg/x",
        "/rt",
        "/api/rooms",
        "/healthz",
    ] {
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            let answer = ask(server.addr, method, path, &headers, "").await;
            assert_eq!(answer.status, 403, "{method} {path}");
            assert!(answer.all("set-cookie").is_empty(), "{method} {path}");
        }
    }
    assert_eq!(ask(server.addr, "GET", "/r/lobby", &headers, "").await.status, 200, "a link from elsewhere");
    let told = ask(server.addr, "POST", "/rt", &headers, "").await;
    assert!(told.body.contains(r#""code":"origin""#), "{}", told.body);
    let told = ask(server.addr, "POST", "/api/rooms/lobby/messages", &headers, "{}").await;
    assert_eq!(told.header("content-type"), Some("application/problem+json"));
}

#[tokio::test]
async fn unknown_address_sets_no_cookie() {
    let server = Server::start();
    for path in ["/nope", "/r/nope", "/r/lobby/9999/x/y", "/r/lobby/abc", "/.env", "/wp-login.php"] {
        let answer = Browser::new(&server).get(path).await;
        assert_eq!((answer.status, answer.all("set-cookie").len()), (404, 0), "{path}");
    }
    let posted = Browser::new(&server).submit("/nope", &[("a", "b")]).await;
    assert_eq!((posted.status, posted.all("set-cookie").len()), (404, 0));
}

#[tokio::test]
async fn addresses_people_type_lead_somewhere() {
    let server = Server::start();
    let mut ann = Browser::new(&server);
    for (path, to) in [
        ("/r", "/r/lobby"),
        ("/r/", "/r/lobby"),
        ("/r/lobby/", "/r/lobby"),
        ("/r/lobby/?before=3", "/r/lobby?before=3"),
        ("/r/lobby/1/", "/r/lobby/1"),
    ] {
        let answer = ann.get(path).await;
        assert_eq!((answer.status, answer.header("location")), (308, Some(to)), "{path}");
    }
    for path in ["/favicon.ico", "/apple-touch-icon.png", "/apple-touch-icon-precomposed.png"] {
        let answer = ask(server.addr, "GET", path, &[], "").await;
        assert!(answer.status == 200 || answer.status == 308, "{path}: {}", answer.status);
        assert!(answer.all("set-cookie").is_empty(), "{path}");
    }
}

#[tokio::test]
async fn own_origin_matches_any_spelling_of_port() {
    let server = Server::with(&["--host", "chat.example"]);
    for (host, origin) in [
        ("chat.example:443", "https://chat.example"),
        ("chat.example:80", "http://chat.example"),
        ("Chat.Example", "https://chat.example"),
        ("chat.example", "https://CHAT.example"),
    ] {
        assert_eq!(post(&server, "/me", host, origin).await.status, 204, "{host} {origin}");
    }
    for _ in 0..3 {
        assert_eq!(post(&server, "/me", "chat.example:8080", "https://chat.example").await.status, 403);
    }
    let log = server.log();
    let told =
        log.lines().filter(|line| line.contains("--trusted-proxy") && line.contains("chat.example:8080"));
    assert_eq!(told.count(), 1, "the log names both, once: {log}");
}

#[tokio::test]
async fn foreign_host_on_loopback_is_misdirected() {
    let server = Server::with(&["--host", "chat.lan"]);
    let status = async |host: &str| {
        let request = format!("GET /r/lobby HTTP/1.1\r\nHost: {host}\r\n\r\n");
        exchange(server.addr, request.as_bytes()).await.status
    };
    for host in ["localhost", "localhost:3000", "127.0.0.1", "[::1]:80", "chat.lan", "CHAT.LAN:8080"] {
        assert_eq!(status(host).await, 200, "{host}");
    }
    for host in ["evil.example", "evil.example:80", "chat.lan.evil.example", "localhost.evil.example"] {
        assert_eq!(status(host).await, 421, "{host}");
    }
    let proxied = Server::with(&["--trusted-proxy", "127.0.0.1"]);
    let request = b"GET /r/lobby HTTP/1.1\r\nHost: chat.example\r\n\r\n";
    assert_eq!(exchange(proxied.addr, request).await.status, 200, "the proxy knows whom it forwards");
}

#[tokio::test]
async fn every_answer_carries_the_protective_headers() {
    let server = Server::start();
    for (method, path) in [
        ("GET", "/r/lobby"),
        ("GET", "/nope"),
        ("POST", "/ws"),
        ("GET", "/ws"),
        ("GET", "/healthz"),
        ("GET", "/rt/x/poll"),
        ("GET", "/api/rooms"),
        ("POST", "/hooks/x"),
        ("GET", "/pkg/madang.css"),
        ("DELETE", "/r/lobby"),
    ] {
        let answer = ask(server.addr, method, path, &[], "").await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{method} {path}");
        }
    }
    let bad = exchange(server.addr, b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n").await;
    assert_eq!((bad.status, bad.header("cross-origin-resource-policy")), (400, Some("same-origin")));
}
