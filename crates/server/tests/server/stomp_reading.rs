//! STOMP: SUBSCRIBE, cursors, and what a reader receives.

use madang_protocol::ClientFrame;
use madang_stomp::{ClientCommand, Frame, ServerCommand, Version};

use crate::harness::{By, Client, Stomp, lobby, stomp_server, text, to};

use Version::{V10, V11, V12};

#[tokio::test]
async fn subscription_receipt_marks_where_it_begins() {
    let server = stomp_server(&[]);
    let mut writer = Stomp::join(&server, By::Tcp, V12).await;
    writer.say("before").await;
    for by in By::ALL {
        let mut reader = Stomp::join(&server, by, V12).await;
        reader.subscribe("0", &[]).await;
        writer.say("after").await;
        let message = reader.message().await;
        assert_eq!(text(&message), "after");
        for name in ["message-id", "seq", "at", "user", "nickname", "content-length"] {
            assert!(message.header(name).is_some_and(|value| !value.is_empty()), "{name}: {message:?}");
        }
        assert_eq!(message.header("content-type"), Some("text/plain"));
        assert_eq!((message.header("ack"), message.header("type")), (None, None));
    }
}

#[tokio::test]
async fn subscriber_without_messages_can_resume() {
    let server = stomp_server(&[]);
    let mut writer = Stomp::join(&server, By::Tcp, V12).await;
    writer.say("before").await;
    let mut reader = Stomp::join(&server, By::Text, V12).await;
    reader.send(&Stomp::subscription("0", &[]).with("receipt", "there")).await;
    let receipt = reader.expect(ServerCommand::Receipt).await;
    let seq = receipt.header("seq").expect("where it begins").to_owned();
    drop(reader);
    writer.say("missed").await;
    let mut reader = Stomp::join(&server, By::Text, V12).await;
    reader.subscribe("0", &[("after", &seq)]).await;
    assert_eq!(text(&reader.message().await), "missed");
}

#[tokio::test]
async fn reader_resumes_from_seq_across_restarts() {
    let mut server = stomp_server(&["--post-rate", "0"]);
    let (mut seq, mut seen, mut said) = (String::from("0"), Vec::new(), 0);
    for version in Version::ALL {
        for by in By::ALL {
            let mut writer = Stomp::join(&server, By::Tcp, V12).await;
            for _ in 0..40 {
                writer.send(&to("lobby", &said.to_string())).await;
                said += 1;
            }
            writer.done(to("lobby", &said.to_string())).await;
            said += 1;
            let mut reader = Stomp::join(&server, by, version).await;
            reader.subscribe("0", &[("after", &seq)]).await;
            // It reads some, and loses the rest with the connection.
            while seen.len() + 10 < said {
                let message = reader.message().await;
                seq = message.header("seq").unwrap().to_owned();
                seen.push(text(&message));
            }
            server.kill();
            server.start_again();
        }
    }
    let mut reader = Stomp::join(&server, By::Tcp, V12).await;
    reader.subscribe("0", &[("after", &seq)]).await;
    seen.extend(reader.texts(said - seen.len()).await);
    let all: Vec<String> = (0..said).map(|n| n.to_string()).collect();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn cursor_far_behind_is_replayed_from_log() {
    let server = stomp_server(&["--post-rate", "0", "--frame-rate", "0"]);
    let mut writer = Stomp::join(&server, By::Tcp, V12).await;
    for n in 0..1_500 {
        writer.send(&to("lobby", &n.to_string())).await;
    }
    writer.say("the last").await;
    let mut reader = Stomp::join(&server, By::Tcp, V12).await;
    reader.subscribe("0", &[("after", "0")]).await;
    let texts = reader.texts(1_501).await;
    assert!(texts[..1_500].iter().zip(0..).all(|(text, n)| *text == n.to_string()));
}

#[tokio::test]
async fn a_cursor_that_is_none_is_an_error() {
    let server = stomp_server(&[]);
    for after in ["", "x", "-1", "999", "1@another", "18446744073709551616"] {
        let mut reader = Stomp::join(&server, By::Tcp, V12).await;
        reader.send(&Stomp::subscription("0", &[("after", after)]).with("receipt", "s")).await;
        let (error, _) = reader.error().await;
        assert_eq!(
            (error.header("code"), error.header("receipt-id")),
            (Some("cursor"), Some("s")),
            "{after}"
        );
    }
}

#[tokio::test]
async fn several_subscriptions_have_own_cursors_and_ends() {
    let server = stomp_server(&[]);
    let mut client = Stomp::join(&server, By::Tcp, V11).await;
    client.say("1").await;
    client.say("2").await;
    client.subscribe("late", &[]).await;
    client.subscribe("all", &[("after", "0")]).await;
    client.say("3").await;
    let mut got = Vec::new();
    for _ in 0..4 {
        let message = client.message().await;
        got.push((message.header("subscription").unwrap().to_owned(), text(&message)));
    }
    got.sort();
    let expected = [("all", "1"), ("all", "2"), ("all", "3"), ("late", "3")];
    assert_eq!(got, expected.map(|(id, text)| (id.to_owned(), text.to_owned())));
    client.done(Frame::new(ClientCommand::Unsubscribe).with("id", "all")).await;
    client.say("4").await;
    let message = client.message().await;
    assert_eq!((message.header("subscription"), text(&message)), (Some("late"), "4".into()));
    client.done(Frame::new(ClientCommand::Unsubscribe).with("id", "late")).await;
    client.say("5").await;
    client.say("6").await;
    assert!(!client.holds_message());
    client.subscribe("all", &[("after", "4")]).await;
    assert_eq!(client.texts(3).await, ["4", "5", "6"]);
}

#[tokio::test]
async fn two_rooms_do_not_mix() {
    let server = stomp_server(&[]);
    let mut browser = crate::harness::Browser::new(&server);
    browser.get("/r/lobby").await;
    let opened = browser.submit("/rooms", &[("title", "Garden")]).await;
    let garden = opened.header("location").unwrap().trim_start_matches("/r/").to_owned();
    let mut client = Stomp::join(&server, By::Tcp, V12).await;
    client.subscribe("0", &[]).await;
    let other = Frame::new(ClientCommand::Subscribe).with("id", "1");
    client.done(other.with("destination", format!("/topic/{garden}"))).await;
    client.done(to(&garden, "roses")).await;
    client.say("news").await;
    for (id, body) in [("1", "roses"), ("0", "news")] {
        let message = client.message().await;
        assert_eq!((message.header("subscription"), text(&message)), (Some(id), body.into()));
    }
}

#[tokio::test]
async fn in_1_0_a_subscription_needs_no_id() {
    let server = stomp_server(&[]);
    let mut client = Stomp::join(&server, By::Tcp, V10).await;
    let lobby = |command| Frame::new(command).with("destination", "/topic/lobby");
    client.done(lobby(ClientCommand::Subscribe)).await;
    client.say("1").await;
    let message = client.message().await;
    assert_eq!((message.header("subscription"), text(&message)), (None, "1".into()));
    client.done(lobby(ClientCommand::Unsubscribe)).await;
    client.say("2").await;
    client.done(lobby(ClientCommand::Subscribe)).await;
    client.say("3").await;
    assert_eq!(client.texts(1).await, ["3"]);
}

#[tokio::test]
async fn a_wrong_subscription_is_an_error() {
    let server = stomp_server(&["--max-rooms-watched", "2"]);
    let again = Stomp::subscription("0", &[]);
    let unsubscribe = |id: &str| Frame::new(ClientCommand::Unsubscribe).with("id", id);
    for (frames, code) in [
        (vec![again.clone(), again.clone()], "subscription"),
        (vec![unsubscribe("0")], "subscription"),
        (vec![again.clone(), unsubscribe("0"), unsubscribe("0")], "subscription"),
        (vec![again.clone(), Stomp::subscription("1", &[]), Stomp::subscription("2", &[])], "subscription"),
        (vec![again.clone().with("x", "y"), unsubscribe("1")], "subscription"),
        (vec![Stomp::subscription("0", &[("ack", "never")])], "header"),
        (vec![Frame::new(ClientCommand::Subscribe).with("id", "0")], "header"),
        (vec![Frame::new(ClientCommand::Subscribe).with("destination", "/topic/lobby")], "header"),
        (
            vec![Frame::new(ClientCommand::Subscribe).with("id", "0").with("destination", "/app/lobby")],
            "destination",
        ),
        (
            vec![Frame::new(ClientCommand::Subscribe).with("id", "0").with("destination", "/topic/none")],
            "unknown_room",
        ),
    ] {
        let mut client = Stomp::join(&server, By::Tcp, V12).await;
        for frame in &frames {
            client.send(frame).await;
        }
        assert_eq!(client.wrong().await, code, "{frames:?}");
    }
}

#[tokio::test]
async fn edits_and_deletes_need_entries_all() {
    let server = stomp_server(&[]);
    let mut ann = Client::join(&server, "ann").await;
    let seq = ann.say("first").await;
    let room = lobby();
    ann.write(|cmid| ClientFrame::Edit { room: room.clone(), cmid, seq, body: "second".into() }).await;
    ann.write(|cmid| ClientFrame::Delete { room: room.clone(), cmid, seq }).await;
    ann.say("stays").await;
    let mut plain = Stomp::join(&server, By::Tcp, V12).await;
    plain.subscribe("0", &[("after", "0")]).await;
    assert_eq!(plain.texts(1).await, ["stays"], "what was deleted is said to nobody");
    let mut all = Stomp::join(&server, By::Tcp, V12).await;
    all.subscribe("0", &[("after", "0"), ("entries", "all")]).await;
    let mut told = Vec::new();
    for _ in 0..5 {
        let message = all.message().await;
        told.push((message.header("type").unwrap().to_owned(), text(&message)));
    }
    let kinds: Vec<&str> = told.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["opened", "posted", "edited", "deleted", "posted"]);
    assert!(told[1..4].iter().all(|(_, text)| text.is_empty()), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_harms_nobody_and_misses_nothing() {
    let server = stomp_server(&["--post-rate", "0", "--frame-rate", "0"]);
    let mut slow = Stomp::join(&server, By::Tcp, V12).await;
    slow.subscribe("0", &[]).await;
    let mut writer = Stomp::join(&server, By::Tcp, V12).await;
    let mut quick = Stomp::join(&server, By::Text, V12).await;
    quick.subscribe("0", &[]).await;
    let long = "x".repeat(7_990);
    // More than the queue and the network hold.
    for n in 0..1_000 {
        writer.done(to("lobby", &format!("{n} {long}"))).await;
        assert!(quick.texts(1).await[0].starts_with(&format!("{n} ")));
    }
    for n in 0..1_000 {
        assert!(slow.texts(1).await[0].starts_with(&format!("{n} ")));
    }
    writer.say("the end").await;
    assert_eq!(slow.texts(1).await, ["the end"]);
}

#[tokio::test]
async fn frames_may_be_split_or_joined_anywhere() {
    let server = stomp_server(&["--post-rate", "0", "--frame-rate", "0"]);
    for by in By::ALL {
        let mut client = Stomp::join(&server, by, V12).await;
        client.subscribe("0", &[]).await;
        let mut bytes = Vec::new();
        for n in 0..3 {
            let frame = to("lobby", &format!("{n} 마당\0")).with("receipt", format!("{n}:"));
            madang_stomp::encode(&frame, V12, &mut bytes).unwrap();
            bytes.push(b'\n');
        }
        client.send_bytes(&bytes).await;
        client.receipt("2:").await;
        // Text messages are cut between characters.
        let text = String::from_utf8(bytes.clone()).unwrap();
        for letter in text.chars() {
            client.send_bytes(letter.to_string().as_bytes()).await;
        }
        client.receipt("2:").await;
        if by != By::Text {
            for byte in bytes {
                client.send_bytes(&[byte]).await;
            }
            client.receipt("2:").await;
        }
        let rounds = if by == By::Text { 2 } else { 3 };
        for round in 0..3 * rounds {
            assert_eq!(client.texts(1).await, [format!("{} 마당", round % 3)], "{by:?}");
        }
        assert_eq!(client.expect(ServerCommand::Receipt).await.header("receipt-id"), Some("0:"));
    }
}
