//! HTTP/2 under TLS: what holds with HTTP/1.1 holds there, for many requests on one connection.

use axum::body::Body;
use axum::http::Request;
use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Client, Http2, Server, UNLIMITED, body, h2_pipe, lobby, until, within};

/// Most that the server may grow under a flood. KiB.
const FLAT: u64 = 24 * 1024;

#[tokio::test]
async fn newest_common_http_version_is_agreed_on() {
    let server = Server::secure(&[]);
    for (offer, agreed) in [
        (vec!["h2", "http/1.1"], Some("h2")),
        (vec!["http/1.1", "h2"], Some("h2")),
        (vec!["http/1.1"], Some("http/1.1")),
        (vec![], None),
    ] {
        let offers = offer.iter().map(|name| name.as_bytes().to_vec()).collect();
        let trust = server.trust().with(|config| config.alpn_protocols = offers);
        let tcp = TcpStream::connect(server.addr).await.unwrap();
        let tls = trust.wrap(tcp).await.expect("a handshake");
        assert_eq!(tls.get_ref().1.alpn_protocol(), agreed.map(str::as_bytes), "{offer:?}");
    }
}

#[tokio::test]
async fn page_form_and_api_share_one_connection() {
    let server = Server::secure(&["--hsts", "60"]);
    let mut ann = Client::join(&server, "ann").await;
    ann.watch(&lobby(), Some(1)).await;
    let mut http = Http2::connect(&server).await;
    let page = http.ask("GET", "/r/lobby", &[], "").await;
    assert_eq!(page.status, 200, "{page:?}");
    assert_eq!(page.header("strict-transport-security"), Some("max-age=60"));
    assert!(page.login().unwrap().contains("Secure"), "{page:?}");
    let cookie = page.login().unwrap().split(';').next().unwrap().to_owned();
    let origin = format!("https://{}", server.addr);
    let form = ("content-type", "application/x-www-form-urlencoded");
    let headers = [("cookie", cookie.as_str()), ("origin", &origin), form];
    let posted = http
        .ask("POST", "/r/lobby/post", &headers, "body=over+two&cmid=0123456789abcdef0123456789abcdef")
        .await;
    assert_eq!(posted.status, 303, "{posted:?}");
    assert_eq!(body(&ann.next_entry(&lobby()).await), "over two");
    let entries = http.ask("GET", "/api/rooms/lobby/entries", &[("cookie", &cookie)], "").await;
    assert!(entries.status == 200 && entries.body.contains("over two"), "{entries:?}");
    let foreign = [("cookie", cookie.as_str()), ("origin", "https://evil.example"), form];
    assert_eq!(
        http.ask("POST", "/r/lobby/post", &foreign, "body=no&cmid=0123456789abcdef0123456789abcdee")
            .await
            .status,
        403
    );
    assert_eq!(http.ask("GET", "/nowhere", &[], "").await.status, 404);
    assert_eq!(http.ask("GET", "/healthz", &[], "").await.status, 200, "and the connection lives on");
}

#[tokio::test]
async fn twenty_streams_share_one_connection() {
    let server = Server::secure(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    let mut http = Http2::connect(&server).await;
    let login = http.ask("GET", "/r/lobby", &[], "").await;
    let cookie = login.login().unwrap().split(';').next().unwrap().to_owned();
    let mut streams = Vec::new();
    for _ in 0..20 {
        let request = http.request("GET", "/api/rooms/lobby/stream", &[("cookie", &cookie)], "");
        let answer = http.send(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        streams.push(Body::new(answer.into_body()).into_data_stream());
    }
    ann.say("to all twenty").await;
    for stream in &mut streams {
        let mut heard = String::new();
        within("the entry", async {
            while !heard.contains("to all twenty") {
                let piece = stream.next().await.expect("it goes on").unwrap();
                heard.push_str(std::str::from_utf8(&piece).unwrap());
            }
        })
        .await;
    }
    drop(streams);
    until("the streams to be forgotten", async || server.metric("madang_sessions").await == 1).await;
    assert_eq!(http.ask("GET", "/healthz", &[], "").await.status, 200);
}

#[tokio::test]
async fn host_is_what_the_request_is_for() {
    let server = Server::secure(&[]);
    let mut http = Http2::connect(&server).await;
    for (authority, host, status) in [
        ("a.example", None, 200),
        ("a.example:8443", Some("A.example:8443"), 200),
        ("a.example", Some("b.example"), 400),
        ("u@a.example", None, 400),
    ] {
        let mut request = Request::builder().uri(format!("https://{authority}/healthz"));
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let answer = http.send(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), status, "{authority} {host:?}");
    }
    let connect = Request::connect("a.example:443").body(Body::empty()).unwrap();
    assert!(http.send(connect).await.is_ok_and(|answer| !answer.status().is_success()), "no tunnel");
}

#[tokio::test]
async fn upgrade_is_told_to_come_by_http_1() {
    let server = Server::secure(&[]);
    let mut http = Http2::connect(&server).await;
    let answer = http.ask("GET", "/ws", &[("sec-websocket-version", "13")], "").await;
    assert_eq!(answer.status, 426, "{answer:?}");
    Client::join(&server, "ann").await.say("over HTTP/1.1, as ever").await;
}

#[tokio::test]
async fn connection_that_asks_for_nothing_ends() {
    let server = Server::secure(&["--hello-timeout", "1"]);
    let mut mute = h2_pipe(&server).await;
    within("the end of one that is mute", mute.read_to_end(&mut Vec::new())).await.ok();
    let mut http = Http2::connect(&server).await;
    assert_eq!(http.ask("GET", "/healthz", &[], "").await.status, 200);
    within("the end of one that has asked", http.connection).await.unwrap();
    server.lives().await;
}

#[tokio::test]
async fn other_bytes_than_http_2_end_the_connection() {
    let server = Server::secure(&["--hello-timeout", "3600"]);
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for garbage in [
        &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..],
        &[0; 64],
        // A frame of 16 MiB; HEADERS of stream 0; a DATA of a stream that is not open.
        &[&preface[..], &[0xff, 0xff, 0xff, 4, 0, 0, 0, 0, 0]].concat(),
        &[&preface[..], &[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 1, 5, 0, 0, 0, 0, 0x82]].concat(),
        &[&preface[..], &[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 9, 0]].concat(),
    ] {
        let mut pipe = h2_pipe(&server).await;
        pipe.write_all(garbage).await.unwrap();
        pipe.flush().await.unwrap();
        within("the end", pipe.read_to_end(&mut Vec::new())).await.ok();
    }
    server.lives().await;
}

#[tokio::test]
async fn too_long_head_is_refused() {
    let server = Server::secure(&[]);
    let mut http = Http2::connect(&server).await;
    let long = "x".repeat(20 * 1024);
    let request = http.request("GET", "/healthz", &[("x-long", &long)], "");
    assert!(http.send(request).await.map_or(true, |answer| answer.status() == 431));
    server.lives().await;
}

#[tokio::test]
async fn resets_in_a_row_harm_nobody() {
    let server = Server::secure(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    let before = server.resident_kib();
    for _ in 0..20 {
        let mut http = Http2::connect(&server).await;
        for _ in 0..500 {
            let request = http.request("GET", "/r/lobby", &[], "");
            if http.sender.ready().await.is_err() {
                break;
            }
            // Dropped before it is answered, which resets its stream.
            drop(http.sender.send_request(request));
            tokio::task::yield_now().await;
        }
    }
    ann.say("still here").await;
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < FLAT, "{grown} KiB");
}

#[tokio::test]
async fn unread_answers_are_dropped_at_the_bound() {
    let server = Server::secure(&["--post-rate", "0", "--max-unsent", "1", "--address-read-kib", "0"]);
    let mut ann = Client::join(&server, "ann").await;
    for n in 0..60 {
        ann.say(&format!("{n} {}", "한".repeat(900))).await;
    }
    let before = server.resident_kib();
    let mut lazy = Http2::connect_with(&server, 1).await;
    let mut unread = Vec::new();
    for _ in 0..100 {
        let request = lazy.request("GET", "/r/lobby", &[], "");
        let Ok(answer) = lazy.send(request).await else { break };
        unread.push(answer);
    }
    server.has_rejected("unread", 1).await;
    within("its end", &mut lazy.connection).await.unwrap();
    ann.say("still here").await;
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < FLAT, "{grown} KiB");
}

#[tokio::test]
async fn server_ends_while_connections_are_open() {
    let mut server = Server::secure(&[]);
    let mut http = Http2::connect(&server).await;
    let page = http.ask("GET", "/r/lobby", &[], "").await;
    let cookie = page.login().unwrap().split(';').next().unwrap().to_owned();
    let request = http.request("GET", "/api/rooms/lobby/stream", &[("cookie", &cookie)], "");
    let stream = http.send(request).await.unwrap();
    server.terminate();
    assert!(server.ended().await.success());
    let told = axum::body::to_bytes(Body::new(stream.into_body()), usize::MAX).await;
    assert!(told.is_ok_and(|told| String::from_utf8_lossy(&told).contains("event: bye")));
}
