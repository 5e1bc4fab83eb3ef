//! The rest of the stories that `traps_reading` lists: about what ends, what is limited, and what is remembered.

use std::collections::HashSet;

use madang_protocol::{CloseCode, RefusalCode, ServerFrame};

use crate::harness::{Browser, Client, Dial, Over, RawSocket, Server, UNLIMITED, fresh_cmid, lobby, until};

#[tokio::test]
async fn nothing_comes_after_the_end() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    for over in Over::HTTP {
        let mut gone = Client::join_over(&server, "gone", over).await;
        gone.watch_now(&lobby()).await;
        let rt = gone.link.http();
        let mut stream = rt.stream(rt.last).await.unwrap();
        rt.leave().await;
        until("the session's end", async || server.metric("madang_sessions").await == 1).await;
        let frames = server.metric("madang_frames_out_total").await;
        ann.say("nobody else hears this").await;
        assert_eq!(stream.next().await, None);
        assert_eq!(
            server.metric("madang_frames_out_total").await,
            frames + 1,
            "ann's `done`, and nothing else"
        );
    }
}

#[tokio::test]
async fn post_to_ended_session_is_answered_410() {
    let server = Server::with(&["--heartbeat", "1"]);
    let mut ann = Client::join_over(&server, "ann", Over::Poll).await;
    until("the session's end", async || server.connections().await == 0).await;
    let post = format!(r#"{{"t":"post","room":"lobby","cmid":"{}","body":"lost?"}}"#, fresh_cmid());
    assert_eq!(ann.link.http().post(&post).await.status, 410);
    assert_eq!(Client::join(&server, "bob").await.watch(&lobby(), Some(0)).await.head, 1, "it was not taken");
}

#[tokio::test]
async fn session_before_restart_is_gone_and_can_reconnect() {
    let mut server = Server::start();
    let mut old = Vec::new();
    for over in Over::HTTP {
        old.push(Client::join_over(&server, "old", over).await);
    }
    server.kill();
    server.start_again();
    for client in &mut old {
        let rt = client.link.http();
        rt.addr = server.addr;
        assert_eq!(rt.post("[]").await.status, 410);
        assert_eq!(rt.get("/poll?ack=1").await.status, 410);
        assert_eq!(rt.stream(1).await.err(), Some(410));
    }
    for over in Over::ALL {
        let mut again = Client::resume_over(&server, &old[0], &[(&lobby(), 1)], over).await;
        assert_eq!(again.attached(&lobby()).await.head, 1, "{over:?}: no step is a dead end");
    }
}

#[tokio::test]
async fn vanished_client_is_gone_within_two_heartbeats() {
    let server = Server::with(&["--heartbeat", "2"]);
    let mut bob = Client::join(&server, "bob").await;
    bob.send_text(r#"{"t":"present","room":"lobby"}"#).await;
    // Their networks are gone: the server is told nothing of it, and hears nothing any more.
    let mut vanished = Vec::new();
    for over in Over::HTTP {
        for _ in 0..5 {
            let mut ghost = Client::join_over(&server, "ghost", over).await;
            ghost.send_text(r#"{"t":"present","room":"lobby"}"#).await;
            let rt = ghost.link.http();
            let stream = if over == Over::Events { rt.stream(rt.last).await.ok() } else { None };
            vanished.push((ghost, stream));
        }
    }
    let mut sockets = Vec::new();
    for _ in 0..5 {
        sockets.push(RawSocket::welcomed(&server).await);
    }
    let since = tokio::time::Instant::now();
    let mut here = async |count: u32| {
        bob.expect("presence", |frame| {
            matches!(frame, ServerFrame::Presence { here_count, .. } if *here_count == count).then_some(())
        })
        .await;
    };
    here(11).await;
    here(1).await;
    until("the ghosts to be gone", async || server.connections().await == 1).await;
    let took = since.elapsed();
    assert!(
        took.as_secs_f32() < 2.0 * 2.0 + 3.0,
        "{took:?}: two heartbeats of 2 s, and time for the goodbyes"
    );
    assert_eq!(server.metric(r#"madang_closed_total{code="4003"}"#).await, 15);
}

#[tokio::test]
async fn rate_limit_holds_for_every_kind_of_write() {
    let server = Server::with(&["--post-rate", "1", "--post-burst", "6"]);
    let mut socket = Client::join(&server, "ann").await;
    let mut people = vec![];
    for over in Over::HTTP {
        let mut more = Dial::new(&server).over(over).cookie(&socket.cookie).open("ann").await.unwrap();
        more.hello(vec![], None, None).await;
        people.push(more);
    }
    // Two on each way use up the six; an array is no way around it, and neither is a form.
    for _ in 0..2 {
        socket.say("by socket").await;
        people[0].say("by stream").await;
    }
    let cmids: Vec<_> = (0..6).map(|_| fresh_cmid()).collect();
    let posts =
        cmids.iter().map(|cmid| format!(r#"{{"t":"post","room":"lobby","cmid":"{cmid}","body":"x"}}"#));
    let array = format!("[{}]", posts.collect::<Vec<_>>().join(","));
    people[1].send_text(&array).await;
    let mut refused = 0;
    for cmid in cmids {
        match people[1].outcome(cmid).await {
            Ok(_) => {}
            Err((RefusalCode::TooFast, Some(_))) => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!((2..=4).contains(&refused), "{refused} of 6 refused, with 2 left and one more each second");
    let form = [("body", "by form"), ("cmid", &fresh_cmid().to_string())];
    let by_form = Browser::of(&server, &socket.cookie).script().submit("/r/lobby/post", &form).await;
    assert_eq!(by_form.status, 429);
}

#[tokio::test]
async fn repeat_is_known_on_every_transport_after_kill() {
    let mut server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    let cmid = fresh_cmid();
    let first = ann.try_say(cmid, "once").await.unwrap();
    for over in Over::ALL {
        let mut again = Client::resume_over(&server, &ann, &[(&lobby(), first)], over).await;
        assert_eq!(again.try_say(cmid, "once").await, Some(first), "{over:?}");
        server.kill();
        server.start_again();
        let mut again = Client::resume_over(&server, &ann, &[(&lobby(), first)], over).await;
        // Many others in between push it out of no memory: it is in the log.
        for n in 0..50 {
            again.say(&n.to_string()).await;
        }
        assert_eq!(again.try_say(cmid, "once").await, Some(first), "{over:?}, after a death");
    }
}

#[tokio::test]
async fn disconnected_clients_get_different_return_times() {
    let mut server = Server::start();
    let mut clients = Vec::new();
    for n in 0..40 {
        let over = if n % 2 == 0 { Over::WebSocket } else { Over::Events };
        let mut client = Client::join_over(&server, "one of many", over).await;
        client.watch_now(&lobby()).await;
        clients.push(client);
    }
    server.terminate();
    let mut times = HashSet::new();
    for mut client in clients {
        let farewell = client.farewell().await;
        assert_eq!(farewell.bye, Some(CloseCode::RESTART.0));
        times.insert(farewell.retry_after_ms);
    }
    assert!(times.len() > 20, "they do not all come back at once: {times:?}");
    assert!(server.ended().await.success());
}
