//! Behind a proxy: who is named is believed, and nobody else can pass for somebody else.

use crate::harness::{RawSocket, Server, ask, ask_upgrade, until};

const TRUSTING: [&str; 2] = ["--trusted-proxy", "127.0.0.0/8"];

fn coming_from(address: &str) -> String {
    format!("X-Forwarded-For: {address}\r\n")
}

/// Opens one more connection with these lines, if it finds a place.
async fn finds_a_place(server: &Server, lines: &str) -> Option<RawSocket> {
    let mut socket = RawSocket::open_with(server, lines).await;
    socket.try_hello().await.then_some(socket)
}

#[tokio::test]
async fn a_forged_address_frees_nobody_from_a_limit() {
    let server = Server::with(&["--connections-per-address", "1"]);
    let _first = finds_a_place(&server, &coming_from("203.0.113.1")).await.expect("a place");
    for lines in [
        coming_from("203.0.113.2"),
        "Forwarded: for=203.0.113.2\r\n".into(),
        "X-Real-IP: 203.0.113.2\r\n".into(),
        String::new(),
    ] {
        assert!(finds_a_place(&server, &lines).await.is_none(), "{lines}");
    }
    server.has_closed(4504, 4).await;
    let closed = r#"transport="websocket" address=127.0.0.1"#;
    until("the log to name itself", async || server.told(closed) == 4).await;
}

#[tokio::test]
async fn forged_host_does_not_pass_origin_check() {
    let server = Server::start();
    for lines in [
        "Origin: https://evil.example\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\n",
        "Origin: https://evil.example\r\nForwarded: host=evil.example;proto=https\r\n",
    ] {
        assert_eq!(ask_upgrade(&server, lines).await.status, 403, "{lines}");
    }
    let page = ask(&server, "GET", "/r/lobby", &[("X-Forwarded-Proto", "https")], "").await;
    assert!(!page.login().unwrap().contains("Secure"), "it would not come back");
}

#[tokio::test]
async fn clients_behind_named_proxy_have_own_limits() {
    let server = Server::with(&[&TRUSTING[..], &["--connections-per-address", "1"]].concat());
    let _ann = finds_a_place(&server, &coming_from("203.0.113.1")).await.expect("a place for ann");
    let _bob = finds_a_place(&server, &coming_from("203.0.113.2")).await.expect("one for bob");
    // Addresses that a client writes itself stand before those that the proxy adds.
    for forged in
        ["198.51.100.9, 203.0.113.1", "127.0.0.1, 203.0.113.1", "?, 203.0.113.1", "203.0.113.1, 127.9.9.9"]
    {
        assert!(finds_a_place(&server, &coming_from(forged)).await.is_none(), "{forged}");
    }
    until("the log to name the client", async || server.told("address=203.0.113.1") == 4).await;
    let _proxy = finds_a_place(&server, "").await.expect("the proxy itself is somebody too");
}

#[tokio::test]
async fn named_proxy_passes_clients_host_and_scheme() {
    let server = Server::with(&TRUSTING);
    let said = "X-Forwarded-Host: chat.example\r\nX-Forwarded-Proto: https\r\n";
    for (origin, status) in [
        ("https://chat.example", 101),
        ("http://chat.example", 403),
        ("https://evil.example", 403),
        (format!("https://{}", server.addr).as_str(), 403),
    ] {
        let answer = ask_upgrade(&server, &format!("Origin: {origin}\r\n{said}")).await;
        assert_eq!(answer.status, status, "{origin}");
    }
    let secure = async |proto: &str| {
        let page = ask(&server, "GET", "/r/lobby", &[("X-Forwarded-Proto", proto)], "").await;
        page.login().unwrap().contains("Secure")
    };
    assert!(secure("https").await && !secure("http").await);
}

#[tokio::test]
async fn clear_page_is_foreign_under_tls() {
    let server = Server::secure(&[]);
    for (origin, status) in
        [(format!("https://{}", server.addr), 101), (format!("http://{}", server.addr), 403)]
    {
        assert_eq!(ask_upgrade(&server, &format!("Origin: {origin}\r\n")).await.status, status, "{origin}");
    }
}

#[test]
fn invalid_proxy_network_is_reported_at_start() {
    for wrong in ["10.0.0.0/33", "proxy.example", "10.0.0", "", "10.0.0.1/"] {
        let ended = Server::attempt(&["--trusted-proxy", wrong]);
        assert!(!ended.status.success());
        assert!(ended.stderr.contains("--trusted-proxy"), "{wrong}: {}", ended.stderr);
    }
}
