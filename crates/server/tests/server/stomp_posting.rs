//! STOMP: SEND, its receipts, and what is refused.

use madang_protocol::ServerFrame;
use madang_stomp::{ClientCommand, Frame, ServerCommand, Version};

use crate::harness::{By, Client, Stomp, body, lobby, shared, stomp_server, to};

use Version::V12;

#[tokio::test]
async fn receipt_means_durable_under_both_destinations() {
    let mut server = stomp_server(&[]);
    let mut client = Stomp::join(&server, By::Tcp, V12).await;
    let app = Frame::new(ClientCommand::Send).with("destination", "/app/lobby").with_body("to the app");
    client.done(app).await;
    client.done(to("lobby", "to the topic")).await;
    server.kill();
    server.start_again();
    let mut ann = Client::join(&server, "ann").await;
    let snapshot = ann.watch_now(&lobby()).await;
    let bodies: Vec<_> = snapshot.messages.iter().filter_map(|message| message.body.as_deref()).collect();
    assert_eq!(bodies, ["to the app", "to the topic"]);
}

#[tokio::test]
async fn receipts_keep_the_order_of_sends() {
    let server = stomp_server(&["--post-rate", "0"]);
    let mut client = Stomp::join(&server, By::Tcp, V12).await;
    for n in 0..200 {
        client.send(&to("lobby", &n.to_string()).with("receipt", n.to_string())).await;
    }
    for n in 0..200 {
        let receipt = client.expect(ServerCommand::Receipt).await;
        assert_eq!(receipt.header("receipt-id"), Some(&*n.to_string()));
    }
}

#[tokio::test]
async fn cmid_makes_repeats_one_message_across_restart() {
    let mut server = stomp_server(&[]);
    let cookie = shared(&server).await;
    let headers = [("cookie", &*cookie)];
    let hex = "000102030405060708090a0b0c0d0e0f";
    for _ in 0..2 {
        let mut client = Stomp::open_at(&server, "/stomp", By::Text, &headers).await;
        client.connect(V12, &[]).await;
        for key in ["order 7", "order 7", hex] {
            client.done(to("lobby", key).with("cmid", key)).await;
        }
        server.kill();
        server.start_again();
    }
    let mut reader = Stomp::join(&server, By::Tcp, V12).await;
    reader.subscribe("0", &[("after", "0")]).await;
    assert_eq!(reader.message().await.body, b"order 7");
    assert_eq!(reader.message().await.header("cmid"), Some(hex), "a cmid's text means itself");
    assert!(!reader.holds_message());
}

#[tokio::test]
async fn refusal_ends_connection_and_drops_later_sends() {
    let server = stomp_server(&["--max-body", "10"]);
    for (refused, code) in [
        (to("nowhere", "hi"), "unknown_room"),
        (to("lobby", "longer than ten"), "too_long"),
        (to("lobby", " "), "empty"),
        (to("lobby", ""), "empty"),
        (Frame::new(ClientCommand::Send).with("destination", "/queue/a"), "destination"),
        (Frame::new(ClientCommand::Send), "header"),
        (
            Frame { body: vec![0xff], ..Frame::new(ClientCommand::Send).with("destination", "/topic/lobby") },
            "content",
        ),
    ] {
        let mut client = Stomp::join(&server, By::Tcp, V12).await;
        let mut all = Vec::new();
        for frame in [
            to("lobby", "before").with("receipt", "first"),
            refused.with("receipt", "second"),
            to("lobby", "behind").with("receipt", "third"),
        ] {
            madang_stomp::encode(&frame, V12, &mut all).unwrap();
        }
        client.send_bytes(&all).await;
        let (error, receipts) = client.error().await;
        assert_eq!((error.header("code"), error.header("receipt-id")), (Some(code), Some("second")));
        assert_eq!(receipts, ["first"], "what came before is answered: {code}");
    }
    let mut ann = Client::join(&server, "ann").await;
    let snapshot = ann.watch_now(&lobby()).await;
    assert!(snapshot.messages.iter().all(|message| message.body.as_deref() == Some("before")));
    assert_eq!(snapshot.messages.len(), 7);
}

#[tokio::test]
async fn rate_limited_send_gets_retry_time() {
    let server = stomp_server(&["--post-rate", "1", "--post-burst", "2"]);
    let mut client = Stomp::join(&server, By::Text, V12).await;
    for n in 0..3 {
        client.send(&to("lobby", "quick").with("receipt", n.to_string())).await;
    }
    let (error, receipts) = client.error().await;
    assert_eq!((error.header("code"), error.header("receipt-id")), (Some("too_fast"), Some("2")));
    assert!(error.header("retry-after-ms").is_some_and(|ms| ms.parse::<u32>().unwrap() > 0));
    assert_eq!((receipts, client.closed), (vec!["0".into(), "1".into()], Some(4507)));
    assert_eq!(server.metric(r#"madang_refused_total{code="too_fast"}"#).await, 1);
    assert_eq!(server.metric(r#"madang_stomp_errors_total{code="too_fast"}"#).await, 1);
}

#[tokio::test]
async fn disconnect_receipt_waits_for_durable_writes() {
    let server = stomp_server(&["--post-rate", "0"]);
    for by in By::ALL {
        let mut client = Stomp::join(&server, by, V12).await;
        for n in 0..20 {
            client.send(&to("lobby", &n.to_string())).await;
        }
        client.send(&Frame::new(ClientCommand::Disconnect).with("receipt", "bye")).await;
        client.send(&to("lobby", "behind")).await;
        client.receipt("bye").await;
        let mut reader = Stomp::join(&server, By::Tcp, V12).await;
        reader.subscribe("0", &[("after", "0")]).await;
        assert_eq!(reader.texts(20).await.last().map(String::as_str), Some("19"));
        client.ended().await;
        assert!(by == By::Tcp || client.closed == Some(1000));
        reader.send(&Frame::new(ClientCommand::Disconnect)).await;
        reader.ended().await;
    }
}

#[tokio::test]
async fn page_sees_stomp_message_like_others() {
    let server = stomp_server(&[]);
    let mut ann = Client::join(&server, "ann").await;
    ann.watch_now(&lobby()).await;
    let mut client = Stomp::open(&server, By::Tcp).await;
    client.connect(V12, &[("login", "Ticker")]).await;
    client.say("42").await;
    let entry = ann.next_entry(&lobby()).await;
    assert_eq!(body(&entry), "42");
    ann.expect("its name", |frame| match frame {
        ServerFrame::People { people } => people.iter().any(|person| person.name == "Ticker").then_some(()),
        _ => None,
    })
    .await;
}
