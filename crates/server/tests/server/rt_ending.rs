//! End of sessions over plain HTTP: `bye` with the same codes as over a WebSocket, then 410.

use madang_protocol::{CloseCode, Problem, ProblemCode, ServerFrame};

use crate::harness::{Client, Over, Server, UNLIMITED, ask, exchange, lobby, until};

fn bye(frames: &[ServerFrame]) -> Option<CloseCode> {
    match frames.last() {
        Some(ServerFrame::Bye { code, .. }) => Some(*code),
        _ => None,
    }
}

async fn is_gone(server: &Server, ann: &mut Client) {
    let rt = ann.link.http();
    until("410", async || rt.get(&format!("/poll?ack={}", rt.last)).await.status == 410).await;
    assert_eq!(rt.post("[]").await.status, 410);
    assert_eq!(rt.leave().await.status, 410);
    assert_eq!(server.connections().await, 0);
}

#[tokio::test]
async fn stopping_server_sends_bye_on_every_transport() {
    let mut server = Server::start();
    let mut people = Vec::new();
    for over in Over::ALL {
        let mut person = Client::join_over(&server, over.name(), over).await;
        person.watch(&lobby(), Some(1)).await;
        people.push((over, person));
    }
    let listening = people
        .into_iter()
        .map(|(over, mut person)| tokio::spawn(async move { (over, person.farewell().await) }));
    let listening: Vec<_> = listening.collect();
    until("the poll to wait", async || server.metric("madang_sessions").await == 3).await;
    server.terminate();
    for farewell in listening {
        let (over, farewell) = farewell.await.unwrap();
        // A client between two polls finds nobody there any more, and comes back like from any failure.
        if over != Over::Poll || farewell.bye.is_some() {
            assert_eq!(farewell.bye, Some(CloseCode::RESTART.0), "{over:?}");
            assert!((500..3_000).contains(&farewell.retry_after_ms), "{over:?}: {farewell:?}");
        }
    }
    assert!(server.ended().await.success());
}

#[tokio::test]
async fn silent_client_is_dropped_within_two_heartbeats() {
    let server = Server::with(&["--heartbeat", "1"]);
    let mut ann = Client::join_over(&server, "ann", Over::Events).await;
    // It reads all it is sent, and answers none of it: to the server, half of a connection.
    let frames = ann.link.http().listen_silently().await;
    let heads = frames.iter().filter(|frame| matches!(frame, ServerFrame::Heads { .. })).count();
    assert_eq!((heads, bye(&frames)), (1, Some(CloseCode::NO_PONG)));
    is_gone(&server, &mut ann).await;
    assert_eq!(server.metric(r#"madang_closed_total{code="4003"}"#).await, 1);
}

#[tokio::test]
async fn client_that_never_fetches_is_dropped() {
    let server = Server::with(&["--heartbeat", "1"]);
    let mut ann = Client::join_over(&server, "ann", Over::Poll).await;
    until("ann to be let go", async || server.connections().await == 0).await;
    assert_eq!(server.metric(r#"madang_closed_total{code="4003"}"#).await, 1);
    is_gone(&server, &mut ann).await;
}

#[tokio::test]
async fn client_that_answers_heads_stays() {
    let server = Server::with(&["--heartbeat", "1"]);
    for over in Over::HTTP {
        let mut ann = Client::join_over(&server, "ann", over).await;
        ann.watch_now(&lobby()).await;
        let seq = ann.say("moves the head").await;
        for _ in 0..4 {
            let heads = ann.expect("heads", |frame| match frame {
                ServerFrame::Heads { heads } => Some(heads.clone()),
                _ => None,
            });
            assert_eq!(heads.await, [(lobby(), seq)], "{over:?}");
        }
        ann.say("still here").await;
        ann.link.http().leave().await;
    }
}

#[tokio::test]
async fn client_that_posts_without_fetching_is_dropped() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    let mut deaf = Client::join_over(&server, "deaf", Over::Events).await;
    deaf.link.http().cut();
    assert_eq!(deaf.link.http().post(r#"{"t":"watch","room":"lobby","after":1}"#).await.status, 204);
    let before = server.resident_kib();
    let text = "x".repeat(8_000);
    for _ in 0..400 {
        ann.say(&text).await;
    }
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < 48 * 1024, "3 MB wait for the deaf one, and the server grew by {grown} KiB");
    until("the deaf one to be let go", async || {
        server.metric(r#"madang_closed_total{code="4008"}"#).await == 1
    })
    .await;
    until("its place", async || server.connections().await == 1).await;
}

#[tokio::test]
async fn frames_beyond_rate_limit_end_the_session() {
    let server = Server::with(&["--frame-rate", "5"]);
    let mut array = Client::join_over(&server, "an array", Over::Poll).await;
    let frames = vec![r#"{"t":"unwatch","room":"lobby"}"#; 40];
    array.send_text(&format!("[{}]", frames.join(","))).await;
    let farewell = array.farewell().await;
    assert_eq!(farewell.bye, Some(CloseCode::TOO_FAST.0));
    assert!((5_000..10_000).contains(&farewell.retry_after_ms), "{farewell:?}");
    is_gone(&server, &mut array).await;

    let mut posts = Client::join_over(&server, "posts", Over::Events).await;
    until("410", async || posts.link.http().post("[]").await.status == 410).await;
    let mut polls = Client::join_over(&server, "polls", Over::Poll).await;
    until("410", async || polls.link.http().get("/poll").await.status == 410).await;
    assert_eq!(server.metric(r#"madang_closed_total{code="4013"}"#).await, 3);
    assert_eq!(server.log().matches("too many frames").count(), 3, "each is told once");
}

#[tokio::test]
async fn frame_over_64_kib_ends_the_session() {
    let server = Server::start();
    let mut ann = Client::join_over(&server, "ann", Over::Poll).await;
    let (head, tail) = (r#"{"t":"unwatch","room":"lobby","x":""#, r#""}"#);
    let frame = |bytes: usize| format!("{head}{}{tail}", "x".repeat(bytes - head.len() - tail.len()));
    ann.send_text(&frame(64 * 1024)).await;
    ann.say("it passed").await;
    let refused = ann.link.http().post(&frame(64 * 1024 + 1)).await;
    let problem: Problem = serde_json::from_str(&refused.body).unwrap();
    assert_eq!((refused.status, problem.code), (413, ProblemCode::TooBig));
    assert_eq!(ann.farewell().await.bye, Some(CloseCode::TOO_BIG.0));
    is_gone(&server, &mut ann).await;
    let early = ask(server.addr, "POST", "/rt", &[], &frame(64 * 1024 + 1)).await;
    assert_eq!(early.status, 413, "before hello");
}

#[tokio::test]
async fn hello_is_awaited_only_so_long() {
    let server = Server::with(&["--hello-timeout", "1"]);
    let half = "POST /rt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 13\r\n\r\n{\"t\":";
    let answer = exchange(server.addr, half.as_bytes()).await;
    assert_eq!(answer.status, 408);
    assert_eq!(server.connections().await, 0);
}

#[tokio::test]
async fn session_ended_by_client_is_over_immediately() {
    let server = Server::start();
    let mut ann = Client::join_over(&server, "ann", Over::Events).await;
    let mut stream = ann.link.http().stream(1).await.unwrap();
    assert_eq!(ann.link.http().leave().await.status, 204);
    assert_eq!(stream.next().await, None);
    until("its place", async || server.connections().await == 0).await;
    is_gone(&server, &mut ann).await;
    assert_eq!(server.metric("madang_sessions").await, 0);
}
