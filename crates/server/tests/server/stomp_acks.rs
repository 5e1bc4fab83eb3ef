//! STOMP: acknowledgements, and what is sent again.

use madang_stomp::{ClientCommand, Frame, Version};

use crate::harness::{By, Server, Stomp, shared, stomp_server, text, to, token};

use Version::{V11, V12};

/// A bot's session that is subscribed under `0` in this mode.
async fn reader(server: &Server, version: Version, secret: &str, mode: &str) -> Stomp {
    let mut client = Stomp::bot(server, By::Tcp, version, secret).await;
    client.subscribe("0", &[("ack", mode)]).await;
    client
}

#[tokio::test]
async fn unacknowledged_messages_are_resent_after_reconnect() {
    let server = stomp_server(&[]);
    for version in [V11, V12] {
        for (mode, left) in [("client", vec!["3", "4"]), ("client-individual", vec!["1", "3", "4"])] {
            let secret = token(&server.data(), &format!("{version}-{mode}"), &[]).await;
            let mut first = reader(&server, version, &secret, mode).await;
            for text in ["1", "2", "3", "4"] {
                first.say(text).await;
            }
            let mut messages = Vec::new();
            for _ in 0..4 {
                let message = first.message().await;
                assert_eq!(message.header("redelivered"), None);
                assert_eq!(message.header("ack").is_some(), version == V12);
                messages.push(message);
            }
            first.ack(&messages[1]).await;
            drop(first);
            let mut again = reader(&server, version, &secret, mode).await;
            again.say("5").await;
            for expected in &left {
                let message = again.message().await;
                assert_eq!(text(&message), *expected, "{mode} in {version}");
                assert_eq!(message.header("redelivered"), Some("true"));
                again.ack(&message).await;
            }
            let message = again.message().await;
            assert_eq!((text(&message), message.header("redelivered")), ("5".into(), None));
            again.ack(&message).await;
            drop(again);
            let mut last = reader(&server, version, &secret, mode).await;
            last.say("6").await;
            assert_eq!(last.texts(1).await, ["6"], "all others are acknowledged");
        }
    }
}

#[tokio::test]
async fn an_acknowledgement_with_a_receipt_outlives_the_server() {
    let mut server = stomp_server(&[]);
    let secret = token(&server.data(), "reader", &[]).await;
    let mut first = reader(&server, V12, &secret, "client-individual").await;
    for text in ["1", "2", "3"] {
        first.say(text).await;
    }
    let messages = [first.message().await, first.message().await, first.message().await];
    first.ack(&messages[1]).await;
    server.kill();
    server.start_again();
    let mut again = reader(&server, V12, &secret, "client-individual").await;
    again.say("4").await;
    for (expected, redelivered) in [("1", Some("true")), ("3", Some("true")), ("4", None)] {
        let message = again.message().await;
        assert_eq!((text(&message).as_str(), message.header("redelivered")), (expected, redelivered));
    }
}

#[tokio::test]
async fn messages_wait_for_absent_reader() {
    let mut server = stomp_server(&[]);
    let secret = token(&server.data(), "reader", &[]).await;
    drop(reader(&server, V12, &secret, "client").await);
    let mut writer = Stomp::join(&server, By::Text, V12).await;
    writer.say("1").await;
    server.kill();
    server.start_again();
    let mut writer = Stomp::join(&server, By::Text, V12).await;
    writer.say("2").await;
    let mut again = reader(&server, V12, &secret, "client").await;
    assert_eq!(again.texts(2).await, ["1", "2"]);
    // Another name is another place, and a cursor goes before a place.
    again.subscribe("1", &[("ack", "client")]).await;
    writer.say("3").await;
    assert_eq!(again.message().await.header("subscription").map(str::len), Some(1));
    drop(again);
    let mut anew = Stomp::bot(&server, By::Tcp, V12, &secret).await;
    anew.subscribe("0", &[("ack", "client"), ("after", "0")]).await;
    assert_eq!(anew.texts(3).await, ["1", "2", "3"]);
}

#[tokio::test]
async fn cookie_keeps_offsets_tcp_guest_does_not() {
    let server = stomp_server(&[]);
    let cookie = shared(&server).await;
    for expected in [None, Some("true")] {
        let mut client = Stomp::open_at(&server, "/stomp", By::Text, &[("cookie", &cookie)]).await;
        client.connect(V12, &[]).await;
        client.subscribe("0", &[("ack", "client")]).await;
        if expected.is_none() {
            client.say("1").await;
        }
        let message = client.message().await;
        assert_eq!((text(&message).as_str(), message.header("redelivered")), ("1", expected));
    }
    let mut guest = Stomp::join(&server, By::Tcp, V12).await;
    guest.subscribe("0", &[("ack", "client")]).await;
    guest.say("2").await;
    let message = guest.message().await;
    guest.ack(&message).await;
    drop(guest);
    let mut guest = Stomp::join(&server, By::Tcp, V12).await;
    guest.subscribe("0", &[("ack", "client")]).await;
    guest.say("3").await;
    assert_eq!(guest.texts(1).await, ["3"]);
}

#[tokio::test]
async fn nacked_message_goes_to_next_subscription_only() {
    let server = stomp_server(&[]);
    let secret = token(&server.data(), "reader", &[]).await;
    let mut client = reader(&server, V12, &secret, "client-individual").await;
    for text in ["1", "2", "3"] {
        client.say(text).await;
    }
    for judged in 0..3 {
        let message = client.message().await;
        if judged == 1 { client.nack(&message).await } else { client.ack(&message).await }
    }
    client.say("4").await;
    let message = client.message().await;
    assert_eq!(text(&message), "4");
    client.ack(&message).await;
    client.done(Frame::new(ClientCommand::Unsubscribe).with("id", "0")).await;
    client.subscribe("0", &[("ack", "client-individual")]).await;
    client.say("5").await;
    let message = client.message().await;
    assert_eq!((text(&message).as_str(), message.header("redelivered")), ("2", Some("true")));
    assert_eq!(client.texts(1).await, ["5"]);
}

#[tokio::test]
async fn messages_under_way_respect_prefetch() {
    let server = stomp_server(&["--post-rate", "0"]);
    let secret = token(&server.data(), "reader", &[]).await;
    let mut client = Stomp::bot(&server, By::Tcp, V12, &secret).await;
    client.subscribe("few", &[("ack", "client-individual"), ("prefetch-count", "4")]).await;
    client.subscribe("all", &[]).await;
    for n in 0..20 {
        client.send(&to("lobby", &n.to_string())).await;
    }
    // The other subscription of the room has all of them, and goes on.
    let (mut few, mut all) = (Vec::new(), Vec::new());
    while all.len() < 20 {
        let message = client.message().await;
        if message.header("subscription") == Some("few") {
            few.push(message)
        } else {
            all.push(text(&message))
        }
    }
    client.say("20").await;
    assert_eq!(few.iter().map(text).collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    let mut expected = 0;
    while expected < 21 {
        let message = few.remove(0);
        assert_eq!(text(&message), expected.to_string());
        expected += 1;
        client.ack(&message).await;
        while few.is_empty() && expected < 21 {
            let message = client.message().await;
            if message.header("subscription") == Some("few") {
                few.push(message)
            }
        }
        assert!(few.len() <= 4);
    }
}

#[tokio::test]
async fn ack_of_unsent_message_is_an_error() {
    let server = stomp_server(&[]);
    let ack = |name: &str, id: &str| Frame::new(ClientCommand::Ack).with(name, id);
    for (version, frame, code) in [
        (V12, ack("id", "1-99"), "ack"),
        (V12, ack("id", "9-1"), "ack"),
        (V12, ack("id", "x"), "ack"),
        (V12, ack("message-id", "lobby/2"), "header"),
        (V11, ack("message-id", "lobby/2").with("subscription", "9"), "ack"),
        (V11, ack("message-id", "lobby/99").with("subscription", "0"), "ack"),
        (V11, ack("message-id", "lobby/2"), "header"),
        // The message of a subscription that acknowledges nothing.
        (V11, ack("message-id", "lobby/2").with("subscription", "auto"), "ack"),
    ] {
        let mut client = Stomp::join(&server, By::Tcp, version).await;
        client.subscribe("0", &[("ack", "client"), ("after", "0")]).await;
        client.subscribe("auto", &[("after", "0")]).await;
        client.say("hello").await;
        client.send(&frame.clone().with("receipt", "a")).await;
        let (error, _) = client.error().await;
        assert_eq!((error.header("code"), error.header("receipt-id")), (Some(code), Some("a")), "{frame:?}");
    }
    // One that crosses the end of its subscription harms nobody, nor does a second one.
    let mut client = Stomp::join(&server, By::Tcp, V12).await;
    client.subscribe("0", &[("ack", "client")]).await;
    client.say("hello").await;
    let message = client.message().await;
    client.ack(&message).await;
    client.ack(&message).await;
    client.done(Frame::new(ClientCommand::Unsubscribe).with("id", "0")).await;
    client.ack(&message).await;
}
