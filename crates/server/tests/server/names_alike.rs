//! A name that looks like another one shows its difference, and a program that it is one, to every reader by every protocol.

use madang_protocol::{Person, ServerFrame, UserId};
use madang_stomp::Version;
use serde_json::Value;

use crate::harness::{Api, Browser, By, Client, PlainSocket, Server, Stomp, lobby, stomp_server, within};

async fn rename(server: &Server, person: &Client, name: &str) {
    let renamed = Browser::of(server, &person.cookie).script().submit("/me", &[("name", name)]).await;
    assert_eq!(renamed.status, 204, "{renamed:?}");
}

/// Waits until this client has `user` as the test wants them.
async fn learns(client: &mut Client, user: &UserId, is_meant: impl Fn(&Person) -> bool) {
    client
        .expect("the person", |frame| match frame {
            ServerFrame::People { people } => {
                people.iter().any(|person| person.id == *user && is_meant(person)).then_some(())
            }
            _ => None,
        })
        .await;
}

#[tokio::test]
async fn alike_names_are_marked_while_others_look() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    let mut eve = Client::join(&server, "eve").await;
    rename(&server, &ann, "Kim").await;
    ann.say("first").await;
    bob.say("second").await;
    eve.watch_now(&lobby()).await;
    rename(&server, &bob, "K\u{200b}іm").await;
    learns(&mut eve, &bob.id(), |person| person.alike).await;
    learns(&mut eve, &ann.id(), |person| person.alike && person.name == "Kim").await;
    let her = ann.id();
    learns(&mut ann, &her, |person| person.alike).await;
    rename(&server, &bob, "Bob").await;
    learns(&mut eve, &ann.id(), |person| !person.alike).await;
}

#[tokio::test]
async fn alike_names_of_old_authors_are_marked_later() {
    let mut server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let bob = Client::join(&server, "bob").await;
    rename(&server, &ann, "Kim").await;
    let head = ann.say("long ago").await;
    rename(&server, &bob, "KIM").await;
    let mut late = Client::join(&server, "late").await;
    late.watch_now(&lobby()).await;
    learns(&mut late, &ann.id(), |person| person.alike).await;
    server.kill();
    server.start_again();
    let mut later = Client::join(&server, "later").await;
    later.watch_now(&lobby()).await;
    learns(&mut later, &ann.id(), |person| person.alike).await;
    let mut back = Client::resume(&server, &late, &[(&lobby(), head)]).await;
    learns(&mut back, &ann.id(), |person| person.alike).await;
    let page = Browser::new(&server).get("/r/lobby").await.body;
    assert!(page.contains(r#"\"alike\":true"#) || page.contains(r#""alike":true"#), "{page}");
}

#[tokio::test]
async fn every_protocol_distinguishes_bots_and_alike_names() {
    let server = stomp_server(&[]);
    let mut ann = Client::join(&server, "ann").await;
    rename(&server, &ann, "Robo").await;
    let head = ann.say("a person").await;
    let api = Api::new(&server, "ROBO", &[]).await;
    let said = api.say("a program").await;
    let (ann_tag, entries) =
        (ann.id().tag().to_owned(), api.read(&format!("/api/rooms/lobby/entries?after={}", head - 1)).await);
    let [person, program] = entries["entries"].as_array().unwrap().as_slice() else { panic!("{entries}") };
    assert_eq!((&person["name"], &person["tag"]), (&Value::from("Robo"), &Value::from(ann_tag.as_str())));
    assert_eq!((&person["bot"], &program["bot"]), (&Value::Null, &Value::from(true)));
    let by = program["by"].as_str().unwrap().to_owned();
    let robo_tag = by[by.len() - 4..].to_owned();
    assert_eq!(program["tag"], robo_tag.as_str());

    let mut json = PlainSocket::open(&server, &format!("/?after={}", head - 1)).await;
    json.json().await;
    let (first, second) = (json.json().await, json.json().await);
    assert_eq!(first["nickname"], format!("Robo · {ann_tag}"));
    assert_eq!((&first["bot"], &second["bot"]), (&Value::Null, &Value::from(true)));
    assert_eq!(second["nickname"], format!("ROBO · {robo_tag}"));
    let mut text = PlainSocket::open(&server, &format!("/plain?mode=text&after={}", head - 1)).await;
    assert_eq!(text.read().await, format!("Robo · {ann_tag} => a person"));
    assert_eq!(text.read().await, format!("ROBO · {robo_tag} => a program"));

    let mut stomp = Stomp::join(&server, By::Tcp, Version::V12).await;
    stomp.subscribe("s", &[("after", &(head - 1).to_string())]).await;
    let (first, second) = (stomp.message().await, stomp.message().await);
    assert_eq!((first.header("nickname"), first.header("bot")), (Some(&*format!("Robo · {ann_tag}")), None));
    assert_eq!(second.header("bot"), Some("true"));
    assert_eq!(said, head + 1);
}

#[tokio::test]
async fn live_bot_is_marked_as_one() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    ann.watch_now(&lobby()).await;
    let api = Api::new(&server, "Robo", &[]).await;
    api.say("beep").await;
    within(
        "the bot",
        ann.expect("a bot", |frame| match frame {
            ServerFrame::People { people } => {
                people.iter().any(|person| person.bot && person.name == "Robo").then_some(())
            }
            _ => None,
        }),
    )
    .await;
}

#[tokio::test]
async fn giving_back_a_shown_name_renames_nobody() {
    let server = Server::start();
    let ann = Client::join(&server, "ann").await;
    rename(&server, &ann, "Ada").await;
    let mut bob = PlainSocket::open(&server, "/").await;
    bob.json().await;
    bob.send(r#"{"message":"one","nickname":"ada"}"#).await;
    let shown = bob.line().await.nickname;
    assert!(shown.starts_with("ada · "), "{shown}");
    bob.send(&serde_json::json!({ "message": "two", "nickname": shown }).to_string()).await;
    assert_eq!(bob.line().await.nickname, shown);
}
