//! A person's new name reaches everyone, also those who came back with a cursor and kept the old one.

use madang_protocol::{ServerFrame, UserId};

use crate::harness::{Browser, Client, Server, lobby};

async fn rename(server: &Server, person: &Client, name: &str) {
    let renamed = Browser::of(server, &person.cookie).script().submit("/me", &[("name", name)]).await;
    assert_eq!(renamed.status, 204, "{renamed:?}");
}

/// Waits until this client has `name` for `user`.
async fn learns(client: &mut Client, user: &UserId, name: &str) {
    client
        .expect("the new name", |frame| match frame {
            ServerFrame::People { people } => {
                people.iter().any(|person| person.id == *user && person.name == name).then_some(())
            }
            _ => None,
        })
        .await;
}

#[tokio::test]
async fn rename_reaches_client_resumed_at_head() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let head = ann.say("before").await;
    let bob = Client::join(&server, "bob").await;
    let mut bob = Client::resume(&server, &bob, &[(&lobby(), head)]).await;
    bob.round_trip().await;
    rename(&server, &ann, "Anna").await;
    learns(&mut bob, &ann.id(), "Anna").await;
}

#[tokio::test]
async fn missed_rename_is_sent_on_return() {
    let mut server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    bob.watch_now(&lobby()).await;
    let head = ann.say("before").await;
    bob.entries_up_to(&lobby(), head).await;
    rename(&server, &ann, "Anna").await;
    let mut back = Client::resume(&server, &bob, &[(&lobby(), head)]).await;
    learns(&mut back, &ann.id(), "Anna").await;
    server.kill();
    server.start_again();
    let mut again = Client::resume(&server, &back, &[(&lobby(), head)]).await;
    learns(&mut again, &ann.id(), "Anna").await;
}

#[tokio::test]
async fn rename_comes_with_room_watched_from_cursor() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let head = ann.say("before").await;
    rename(&server, &ann, "Anna").await;
    let mut bob = Client::join(&server, "bob").await;
    bob.watch(&lobby(), Some(head)).await;
    learns(&mut bob, &ann.id(), "Anna").await;
    rename(&server, &ann, "Anne").await;
    learns(&mut bob, &ann.id(), "Anne").await;
}
