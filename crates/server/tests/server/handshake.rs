//! The handshake of RFC 6455, 4.2, in clear and under TLS: a right one is answered by the standard,
//! what is wrong with what is right.

use crate::harness::{Answer, Server, ask_upgrade, exchange, upgrade_request};

/// One of each kind: what holds for ws holds for wss.
fn both() -> [Server; 2] {
    [Server::start(), Server::secure(&[])]
}

/// The request with one of its lines replaced.
async fn altered(server: &Server, line: &str, by: &str) -> Answer {
    let request = upgrade_request(server.addr, "");
    assert!(request.contains(line), "{request}");
    exchange(server, request.replace(line, by).as_bytes()).await
}

#[tokio::test]
async fn each_key_gets_its_own_answer() {
    for server in both() {
        for (key, accept) in [
            // The example of RFC 6455, 1.3.
            ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ("AAAAAAAAAAAAAAAAAAAAAA==", "ICX+Yqv66kxgM0FcWaLWlFLwTAI="),
            ("/////////////////////w==", "XXpj4jYzLM2yUE0C7TIgMwTQh2g="),
        ] {
            let answer = altered(&server, "dGhlIHNhbXBsZSBub25jZQ==", key).await;
            assert_eq!((answer.status, answer.header("sec-websocket-accept")), (101, Some(accept)), "{key}");
            assert!(answer.header("upgrade").unwrap().eq_ignore_ascii_case("websocket"));
            assert!(answer.header("connection").unwrap().eq_ignore_ascii_case("upgrade"));
        }
    }
}

#[tokio::test]
async fn header_names_and_values_ignore_case() {
    for server in both() {
        for (line, by) in [
            ("Connection: Upgrade", "connection: keep-alive, UPGRADE"),
            ("Upgrade: websocket", "UPGRADE: WebSocket"),
            ("Sec-WebSocket-Key", "sec-websocket-key"),
            ("Connection: Upgrade", "Connection: keep-alive\r\nConnection: upgrade"),
        ] {
            assert_eq!(altered(&server, line, by).await.status, 101, "{by}");
        }
    }
}

#[tokio::test]
async fn unknown_version_is_answered_with_supported_one() {
    for server in both() {
        for version in ["0", "8", "12", "14", "255", "x", "", "13, 8", "013"] {
            let line = format!("Sec-WebSocket-Version: {version}\r\n");
            let answer = altered(&server, "Sec-WebSocket-Version: 13\r\n", &line).await;
            let told = (answer.status, answer.header("sec-websocket-version"));
            assert_eq!(told, (426, Some("13")), "{version:?}");
        }
        let none = altered(&server, "Sec-WebSocket-Version: 13\r\n", "").await;
        assert_eq!((none.status, none.header("sec-websocket-version")), (426, Some("13")));
    }
}

#[tokio::test]
async fn malformed_websocket_key_is_refused() {
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for server in both() {
        assert_eq!(altered(&server, key, "").await.status, 400, "missing");
        for wrong in ["", "short", "bm90IDE2IGJ5dGVz", "dGhlIHNhbXBsZSBub25jZQ", "!!!!!!!!!!!!!!!!!!!!!!=="] {
            let answer = altered(&server, key, &format!("Sec-WebSocket-Key: {wrong}\r\n")).await;
            assert_eq!(answer.status, 400, "{wrong:?}");
            assert_eq!(answer.header("sec-websocket-accept"), None);
        }
    }
}

#[tokio::test]
async fn other_extensions_are_never_accepted() {
    for server in both() {
        let answer = ask_upgrade(&server, "Sec-WebSocket-Extensions: x-webkit-deflate-frame, mux\r\n").await;
        assert_eq!((answer.status, answer.header("sec-websocket-extensions")), (101, None));
        assert_eq!(answer.header("sec-websocket-protocol"), None, "none was offered");
    }
}
