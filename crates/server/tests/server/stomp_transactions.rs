//! STOMP: transactions.

use madang_stomp::{ClientCommand, Frame, Version};

use crate::harness::{By, Stomp, stomp_server, to, token};

use ClientCommand::{Abort, Begin, Commit};

fn about(command: ClientCommand, name: &str) -> Frame<ClientCommand> {
    Frame::new(command).with("transaction", name)
}

#[tokio::test]
async fn a_transaction_posts_nothing_before_its_commit_and_then_all_in_order() {
    let server = stomp_server(&[]);
    for version in Version::ALL {
        let mut reader = Stomp::join(&server, By::Tcp, version).await;
        reader.subscribe("0", &[]).await;
        let mut client = Stomp::join(&server, By::Text, version).await;
        for name in ["a", "b"] {
            client.done(about(Begin, name)).await;
        }
        for (name, text) in [("a", "1"), ("b", "never"), ("a", "2"), ("a", "3")] {
            client.done(to("lobby", text).with("transaction", name)).await;
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
async fn what_a_connection_has_not_committed_is_lost_with_it() {
    let server = stomp_server(&[]);
    let mut client = Stomp::join(&server, By::Tcp, Version::V12).await;
    client.done(about(Begin, "a")).await;
    client.done(to("lobby", "never").with("transaction", "a")).await;
    client.done(Frame::new(ClientCommand::Disconnect)).await;
    let mut reader = Stomp::join(&server, By::Tcp, Version::V12).await;
    reader.subscribe("0", &[("after", "0")]).await;
    reader.say("first").await;
    assert_eq!(reader.texts(1).await, ["first"]);
}

#[tokio::test]
async fn behind_a_refused_post_of_a_transaction_nothing_is_done() {
    let server = stomp_server(&["--max-body", "5"]);
    let mut client = Stomp::join(&server, By::Tcp, Version::V12).await;
    client.done(about(Begin, "a")).await;
    for text in ["1", "too long", "3"] {
        client.done(to("lobby", text).with("transaction", "a")).await;
    }
    client.send(&about(Commit, "a").with("receipt", "all")).await;
    let (error, receipts) = client.error().await;
    assert_eq!((error.header("code"), error.header("receipt-id")), (Some("too_long"), Some("all")));
    assert!(receipts.is_empty());
    let mut reader = Stomp::join(&server, By::Tcp, Version::V12).await;
    reader.subscribe("0", &[("after", "0")]).await;
    reader.say("next").await;
    assert_eq!(reader.texts(2).await, ["1", "next"]);
}

#[tokio::test]
async fn an_acknowledgement_in_a_transaction_counts_from_its_commit_on() {
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
        client.done(ack).await;
        client.done(about(end, name)).await;
    }
    drop(client);
    let mut again = Stomp::bot(&server, By::Tcp, Version::V12, &secret).await;
    again.subscribe("0", &[("ack", "client-individual")]).await;
    assert_eq!(again.texts(1).await, ["1"]);
    assert!(!again.holds_message(), "the second was committed");
}
