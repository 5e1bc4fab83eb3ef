//! The same conversation over each transport: one WebSocket, one event stream with posts, one row of polls.

use madang_protocol::{CloseCode, Problem, ProblemCode, RefusalCode, ServerFrame};

use crate::harness::{Client, Dial, Over, Server, UNLIMITED, ask, body, fresh_cmid, lobby, seqs, until};

const HELLO: &str = r#"{"t":"hello"}"#;

fn post_frame(body: &str) -> String {
    format!(r#"{{"t":"post","room":"lobby","cmid":"{}","body":"{body}"}}"#, fresh_cmid())
}

#[tokio::test]
async fn all_transports_share_one_order() {
    let server = Server::with(&UNLIMITED);
    let mut people = Vec::new();
    for over in Over::ALL {
        let mut person = Client::join_over(&server, over.name(), over).await;
        person.watch(&lobby(), Some(1)).await;
        assert_eq!(server.metric(&format!(r#"madang_connections{{transport="{}"}}"#, over.name())).await, 1);
        people.push(person);
    }
    let mut last = 0;
    for round in 0..5 {
        for person in &mut people {
            last = person.say(&format!("round {round}")).await;
        }
    }
    let heard = people[0].entries_up_to(&lobby(), last).await;
    for person in &mut people[1..] {
        assert_eq!(person.entries_up_to(&lobby(), last).await, heard);
    }
    assert_eq!(heard.len(), 15);
}

#[tokio::test]
async fn changing_the_transport_is_a_resume() {
    let server = Server::start();
    let mut bob = Client::join(&server, "bob").await;
    let mut ann = Client::join(&server, "ann").await;
    let mut cursor = ann.watch_now(&lobby()).await.head;
    for over in [Over::Events, Over::Poll, Over::WebSocket, Over::Poll, Over::Events] {
        bob.say("while ann changes").await;
        let last = bob.say("and once more").await;
        ann = Client::resume_over(&server, &ann, &[(&lobby(), cursor)], over).await;
        let attached = ann.attached(&lobby()).await;
        assert_eq!((attached.snapshot, seqs(&attached.entries)), (None, vec![last - 1, last]), "{over:?}");
        cursor = attached.head;
    }
    // Over HTTP nobody has hung up yet; what a WebSocket's end leaves behind goes in its own time.
    until("the WebSockets' ends", async || server.metric("madang_sessions").await == 1 + 4).await;
}

#[tokio::test]
async fn array_of_frames_keeps_its_order() {
    let server = Server::start();
    for over in Over::HTTP {
        let mut ann = Client::join_over(&server, "ann", over).await;
        let head = ann.watch_now(&lobby()).await.head;
        let frames: Vec<String> = (0..10).map(|n| post_frame(&n.to_string())).collect();
        ann.send_text(&format!(" [{}] ", frames.join(" , "))).await;
        let entries = ann.entries_up_to(&lobby(), head + 10).await;
        let bodies: Vec<&str> = entries.iter().map(body).collect();
        assert_eq!(bodies, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    }
}

#[tokio::test]
async fn refusals_are_frames_and_invalid_json_a_status() {
    let server = Server::start();
    let mut ann = Client::join_over(&server, "ann", Over::Events).await;
    for (frame, code) in [
        (r#"{"t":"sing"}"#, RefusalCode::UnknownType),
        ("7", RefusalCode::BadFrame),
        (r#"{"t":"watch","room":"nowhere"}"#, RefusalCode::UnknownRoom),
        (r#"[[]]"#, RefusalCode::BadFrame),
    ] {
        ann.send_text(frame).await;
        assert_eq!(ann.refused().await.code, code, "{frame}");
    }
    for no_json in ["", "hello", "{", "[{]", "{}{}", r#"[{"t":"typing","room":"lobby"},]"#] {
        let answer = ann.link.http().post(no_json).await;
        let problem: Problem = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((answer.status, problem.code), (400, ProblemCode::BadFrame), "{no_json}");
    }
    ann.say("and on it goes").await;
}

#[tokio::test]
async fn session_begins_only_with_hello() {
    let server = Server::start();
    for first in
        ["", "[]", "[{\"t\":\"hello\"}]", r#"{"t":"watch","room":"lobby"}"#, r#"{"t":"hello","epoch":7}"#]
    {
        let answer = ask(server.addr, "POST", "/rt", &[], first).await;
        assert_eq!((answer.status, answer.login()), (400, None), "{first}");
    }
    assert_eq!(server.connections().await, 0);
    let mut ann = Client::join_over(&server, "ann", Over::Poll).await;
    ann.send_text(HELLO).await;
    assert_eq!(ann.farewell().await.bye, Some(CloseCode::PROTOCOL_ERROR.0), "one is enough");
}

#[tokio::test]
async fn login_is_same_person_on_every_transport() {
    let server = Server::start();
    let ann = Client::join_over(&server, "ann", Over::Poll).await;
    for over in Over::ALL {
        let mut again = Dial::new(&server).over(over).cookie(&ann.cookie).open("ann").await.unwrap();
        again.hello(vec![], None, None).await;
        assert_eq!(again.id(), ann.id());
    }
    assert_ne!(Client::join_over(&server, "bob", Over::Events).await.id(), ann.id());
}

#[tokio::test]
async fn http_sessions_count_as_connections() {
    let server = Server::with(&["--connections-per-address", "2"]);
    let _first = Client::join(&server, "first").await;
    let mut second = Client::join_over(&server, "second", Over::Poll).await;
    let refused = ask(server.addr, "POST", "/rt", &[], HELLO).await;
    let problem: Problem = serde_json::from_str(&refused.body).unwrap();
    assert_eq!((refused.status, problem.code), (429, ProblemCode::OverLimit));
    assert_eq!(server.metric(r#"madang_rejected_total{code="over_limit"}"#).await, 1);
    second.say("those inside go on").await;
    assert_eq!(second.link.http().leave().await.status, 204);
    until("the place", async || server.connections().await == 1).await;
    Client::join_over(&server, "third", Over::Events).await.say("its place").await;
}

#[tokio::test]
async fn presence_ends_with_the_session() {
    let server = Server::start();
    let mut bob = Client::join(&server, "bob").await;
    bob.send_text(r#"{"t":"present","room":"lobby"}"#).await;
    let mut here = async |count: u32| {
        bob.expect("presence", |frame| {
            matches!(frame, ServerFrame::Presence { here_count, .. } if *here_count == count).then_some(())
        })
        .await;
    };
    here(1).await;
    let mut ann = Client::join_over(&server, "ann", Over::Events).await;
    ann.send_text(r#"{"t":"present","room":"lobby"}"#).await;
    here(2).await;
    assert_eq!(ann.link.http().leave().await.status, 204);
    here(1).await;
    assert_eq!(server.connections().await, 1);
}
