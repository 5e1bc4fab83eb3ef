//! STOMP: transactions.

use madang_stomp::{ClientCommand, Frame, ServerCommand, Version};

use crate::harness::{By, Server, Stomp, stomp_server, to, token};

use ClientCommand::{Abort, Begin, Commit};

fn about(command: ClientCommand, name: &str) -> Frame<ClientCommand> {
    Frame::new(command).with("transaction", name)
}

#[tokio::test]
async fn transaction_posts_all_in_order_at_commit() {
    let server = stomp_server(&[]);
    for version in Version::ALL {
        let mut reader = Stomp::join(&server, By::Tcp, version).await;
        reader.subscribe("0", &[]).await;
        let mut client = Stomp::join(&server, By::Text, version).await;
        for name in ["a", "b"] {
            client.done(about(Begin, name)).await;
        }
        for (name, text) in [("a", "1"), ("b", "never"), ("a", "2"), ("a", "3")] {
            client.send(&to("lobby", text).with("transaction", name)).await;
        }
        client.say("outside").await;
        client.done(about(Abort, "b")).await;
        client.done(about(Commit, "a")).await;
        client.say("after").await;
        assert_eq!(reader.texts(5).await, ["outside", "1", "2", "3", "after"]);
        // A name is free again.
        client.done(about(Begin, "a")).await;
        client.done(about(Commit, "a")).await;
    }
}

#[tokio::test]
async fn an_unknown_or_repeated_transaction_is_an_error() {
    let server = stomp_server(&[]);
    for frames in [
        &[about(Commit, "a")][..],
        &[about(Abort, "a")],
        &[about(Begin, "a"), about(Begin, "a")],
        &[about(Begin, "a"), about(Commit, "a"), about(Commit, "a")],
        &[to("lobby", "x").with("transaction", "a")],
        &[about(Begin, "a"), about(Abort, "a"), to("lobby", "x").with("transaction", "a")],
    ] {
        let mut client = Stomp::join(&server, By::Tcp, Version::V12).await;
        for frame in frames {
            client.send(frame).await;
        }
        assert_eq!(client.wrong().await, "transaction", "{frames:?}");
    }
    let mut client = Stomp::join(&server, By::Tcp, Version::V12).await;
    client.send(&Frame::new(Begin)).await;
    assert_eq!(client.wrong().await, "header");
}

#[tokio::test]
async fn uncommitted_transaction_is_lost_with_its_connection() {
    let server = stomp_server(&[]);
    let mut client = Stomp::join(&server, By::Tcp, Version::V12).await;
    client.done(about(Begin, "a")).await;
    client.send(&to("lobby", "never").with("transaction", "a").with("receipt", "never")).await;
    client.done(Frame::new(ClientCommand::Disconnect)).await;
    let mut reader = Stomp::join(&server, By::Tcp, Version::V12).await;
    reader.subscribe("0", &[("after", "0")]).await;
    reader.say("first").await;
    assert_eq!(reader.texts(1).await, ["first"]);
}

#[tokio::test]
async fn one_refused_send_leaves_nothing_of_a_transaction() {
    let server = stomp_server(&["--max-body", "5"]);
    let mut client = Stomp::join(&server, By::Tcp, Version::V12).await;
    client.done(about(Begin, "a")).await;
    for text in ["1", "too long", "3"] {
        client.send(&to("lobby", text).with("transaction", "a").with("receipt", text)).await;
    }
    client.send(&about(Commit, "a").with("receipt", "all")).await;
    let (error, receipts) = client.error().await;
    assert_eq!((error.header("code"), error.header("receipt-id")), (Some("too_long"), Some("all")));
    assert!(error.header("message").unwrap().contains("SEND 2"), "{error:?}");
    assert!(receipts.is_empty(), "no SEND is promised");
    nothing_but(&server, &["next"]).await;

    let mut client = Stomp::join(&server, By::Tcp, Version::V12).await;
    client.done(about(Begin, "a")).await;
    client.send(&to("lobby", "1").with("transaction", "a").with("receipt", "1")).await;
    client.send(&to("nowhere", "2").with("transaction", "a")).await;
    client.send(&about(Commit, "a").with("receipt", "all")).await;
    let (error, receipts) = client.error().await;
    assert_eq!((error.header("code"), receipts.len()), (Some("unknown_room"), 0));
    nothing_but(&server, &["next", "next"]).await;
}

/// Posts one more, and reads the lobby from its beginning.
async fn nothing_but(server: &Server, texts: &[&str]) {
    let mut reader = Stomp::join(server, By::Tcp, Version::V12).await;
    reader.subscribe("0", &[("after", "0")]).await;
    reader.say("next").await;
    assert_eq!(reader.texts(texts.len()).await, texts);
}

#[tokio::test]
async fn receipts_of_sends_follow_their_commit() {
    let server = stomp_server(&["--post-rate", "1", "--post-burst", "3"]);
    let mut client = Stomp::join(&server, By::Tcp, Version::V12).await;
    client.done(about(Begin, "a")).await;
    for text in ["1", "2", "3"] {
        client.send(&to("lobby", text).with("transaction", "a").with("receipt", text)).await;
    }
    // The receipt of the BEGIN of another one passes theirs: they are given after the COMMIT alone.
    client.done(about(Begin, "b")).await;
    client.send(&about(Commit, "a").with("receipt", "all")).await;
    for id in ["1", "2", "3", "all"] {
        client.receipt(id).await;
    }
    client.send(&to("lobby", "4").with("transaction", "b").with("receipt", "4")).await;
    client.send(&about(Commit, "b").with("receipt", "b")).await;
    let (error, receipts) = client.error().await;
    assert_eq!((error.header("code"), error.header("receipt-id")), (Some("too_fast"), Some("b")));
    assert!(error.header("retry-after-ms").is_some() && receipts.is_empty(), "{error:?}");
}

#[tokio::test]
async fn ack_in_transaction_counts_from_commit() {
    let server = stomp_server(&[]);
    let secret = token(&server.data(), "reader", &[]).await;
    let mut client = Stomp::bot(&server, By::Tcp, Version::V12, &secret).await;
    client.subscribe("0", &[("ack", "client-individual")]).await;
    for text in ["1", "2"] {
        client.say(text).await;
    }
    for (name, end) in [("a", Abort), ("b", Commit)] {
        let message = client.message().await;
        client.done(about(Begin, name)).await;
        let ack = client.judge(ClientCommand::Ack, &message).with("transaction", name);
        client.send(&ack.with("receipt", format!("ack {name}"))).await;
        client.send(&about(end, name).with("receipt", format!("end {name}"))).await;
        // A promise is kept: the ACK's receipt comes behind the COMMIT, and never behind an ABORT.
        let expected = if end == Commit { vec!["ack b", "end b"] } else { vec!["end a"] };
        for id in expected {
            let receipt = client.expect(ServerCommand::Receipt).await;
            assert_eq!(receipt.header("receipt-id"), Some(id));
        }
    }
    drop(client);
    let mut again = Stomp::bot(&server, By::Tcp, Version::V12, &secret).await;
    again.subscribe("0", &[("ack", "client-individual")]).await;
    assert_eq!(again.texts(1).await, ["1"]);
    assert!(!again.holds_message(), "the second was committed");
}

#[tokio::test]
async fn a_refused_transaction_acknowledges_nothing() {
    let mut server = stomp_server(&["--post-rate", "0"]);
    let secret = token(&server.data(), "reader", &[]).await;
    let mut client = Stomp::bot(&server, By::Tcp, Version::V12, &secret).await;
    client.subscribe("0", &[("ack", "client")]).await;
    client.say("1").await;
    let message = client.message().await;
    // More than any disk has: what is written now fails in the store, after all that is looked at before.
    drop(client);
    server.start_again_with(&["--stomp-addr", "127.0.0.1:0", "--post-rate", "0", "--max-database", "1"]);
    let mut client = Stomp::bot(&server, By::Tcp, Version::V12, &secret).await;
    client.subscribe("0", &[("ack", "client")]).await;
    let again = client.message().await;
    assert_eq!(again.header("message-id"), message.header("message-id"));
    client.done(about(Begin, "a")).await;
    let ack = client.judge(ClientCommand::Ack, &again).with("transaction", "a");
    client.send(&ack.with("receipt", "ack")).await;
    for n in 0..7 {
        client
            .send(&to("lobby", &"가".repeat(8_000)).with("transaction", "a").with("receipt", n.to_string()))
            .await;
    }
    fill(&server).await;
    client.send(&about(Commit, "a").with("receipt", "all")).await;
    let (error, receipts) = client.error().await;
    assert_eq!(
        (error.header("code"), error.header("receipt-id")),
        (Some("storage_unavailable"), Some("all"))
    );
    assert!(receipts.is_empty(), "{receipts:?}");
    server.start_again_with(&["--stomp-addr", "127.0.0.1:0"]);
    let mut client = Stomp::bot(&server, By::Tcp, Version::V12, &secret).await;
    client.subscribe("0", &[("ack", "client")]).await;
    let again = client.message().await;
    assert_eq!(again.header("message-id"), message.header("message-id"), "it is still to be acknowledged");
}

/// Posts until the database takes no more messages of this length.
async fn fill(server: &Server) {
    let mut filler = Stomp::join(server, By::Tcp, Version::V12).await;
    loop {
        filler.send(&to("lobby", &"가".repeat(8_000)).with("receipt", "r")).await;
        let frame = filler.next().await.expect("an answer");
        if frame.command == ServerCommand::Error {
            assert_eq!(frame.header("code"), Some("storage_unavailable"));
            return;
        }
    }
}

#[tokio::test]
async fn a_killed_server_leaves_whole_transactions_alone() {
    let mut server = stomp_server(&["--post-rate", "0"]);
    let mut promised = 0;
    for round in 0..4 {
        let mut client = Stomp::join(&server, By::Tcp, Version::V12).await;
        for number in 0..40 {
            let name = format!("{round}-{number}");
            client.send(&about(Begin, &name)).await;
            for n in 0..5 {
                client.send(&to("lobby", &format!("{name} {n}")).with("transaction", &name)).await;
            }
            client.send(&about(Commit, &name).with("receipt", &name)).await;
        }
        // The others are under way, wherever that is.
        for number in 0..=round * 3 {
            client.receipt(&format!("{round}-{number}")).await;
        }
        promised += round * 3 + 1;
        server.kill();
        server.start_again();
    }
    let mut reader = Stomp::join(&server, By::Tcp, Version::V12).await;
    reader.subscribe("0", &[("after", "0")]).await;
    reader.say("the end").await;
    let mut texts = Vec::new();
    while texts.last().is_none_or(|text| text != "the end") {
        texts.extend(reader.texts(1).await);
    }
    texts.pop();
    assert!(texts.len() >= 5 * promised, "{} of {promised}", texts.len());
    for whole in texts.chunks(5) {
        let name = whole[0].split(' ').next().unwrap();
        assert_eq!(whole, (0..5).map(|n| format!("{name} {n}")).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn too_large_transaction_names_the_faulty_frame() {
    let server = stomp_server(&["--post-rate", "0"]);
    for (text, count) in [("x".to_owned(), 256), ("x".repeat(8_000), 32)] {
        let mut client = Stomp::join(&server, By::Tcp, Version::V12).await;
        client.done(about(Begin, "a")).await;
        for _ in 0..count {
            client.send(&to("lobby", &text).with("transaction", "a")).await;
        }
        // Headers count as the text does.
        let last = to("lobby", "x").with("transaction", "a").with("h", "x".repeat(4_000));
        let last = if count == 256 { last } else { last.with("i", "x".repeat(4_000)) };
        client.send(&last.with("receipt", "last")).await;
        client.send(&about(Commit, "a").with("receipt", "all")).await;
        let (error, receipts) = client.error().await;
        assert_eq!((error.header("code"), error.header("receipt-id")), (Some("transaction"), Some("last")));
        assert!(receipts.is_empty());
    }
    nothing_but(&server, &["next"]).await;
}
