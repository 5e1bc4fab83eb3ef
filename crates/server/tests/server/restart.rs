//! The end of a server and its next start.

use madang_protocol::CloseCode;

use crate::harness::{Browser, Client, RawSocket, Server, ask, bodies, lobby, within};

#[tokio::test]
async fn a_terminated_server_says_goodbye_ends_well_and_has_everything_when_it_comes_back() {
    let mut server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    bob.watch_now(&lobby()).await;
    let seq = ann.say("before the restart").await;
    server.terminate();
    for client in [&mut ann, &mut bob] {
        let farewell = client.farewell().await;
        let restart = Some(CloseCode::RESTART.0);
        assert_eq!((farewell.bye, farewell.close), (restart, restart));
        assert!((500..3_000).contains(&farewell.retry_after_ms), "{farewell:?}");
    }
    let status = within("the end within its own bound", server.ended()).await;
    assert_eq!(status.code(), Some(0));

    server.start_again();
    let mut back = Client::join_as(&server, "ann", &ann.cookie).await;
    assert_eq!(back.id(), ann.id(), "logins outlive the server");
    let page = back.history("after", 0, 10).await;
    assert_eq!((bodies(&page.messages), page.head), (vec!["before the restart"], seq));
    assert_eq!(back.say("after it").await, seq + 1);
}

#[tokio::test]
async fn ctrl_c_is_a_clean_end_too() {
    let mut server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    server.signal("INT");
    assert_eq!(ann.farewell().await.bye, Some(CloseCode::RESTART.0));
    assert_eq!(server.ended().await.code(), Some(0));
}

#[tokio::test]
async fn connections_that_say_nothing_do_not_hold_up_the_end() {
    let mut server = Server::start();
    let _silent = RawSocket::open(&server).await;
    let _deaf = RawSocket::welcomed(&server).await;
    let _half = tokio::net::TcpStream::connect(server.addr).await.unwrap();
    server.terminate();
    let started = tokio::time::Instant::now();
    assert_eq!(server.ended().await.code(), Some(0));
    assert!(started.elapsed().as_secs() < 10, "it took {:?}", started.elapsed());
}

#[tokio::test]
async fn a_restart_under_load_loses_no_acknowledged_message() {
    let mut server = Server::with(&crate::harness::UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    let mut acknowledged = Vec::new();
    let mut next = 0;
    loop {
        next += 1;
        if next == 50 {
            server.terminate();
        }
        let text = next.to_string();
        match ann.try_say(crate::harness::fresh_cmid(), &text).await {
            Some(_) => acknowledged.push(text),
            None => break,
        }
    }
    assert_eq!(server.ended().await.code(), Some(0));
    server.start_again();
    let mut back = Client::join_as(&server, "ann", &ann.cookie).await;
    let there = back.watch(&lobby(), Some(1)).await.entries;
    let there: Vec<_> = there.iter().map(crate::harness::body).collect();
    assert!(acknowledged.len() >= 49);
    assert_eq!(there[..acknowledged.len()], acknowledged);
    assert!(there.len() <= acknowledged.len() + 1, "at most the one that was under way is there besides");
}

#[tokio::test]
async fn a_running_server_is_alive_and_ready() {
    let server = Server::start();
    for (path, says) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
        let answer = ask(server.addr, "GET", path, &[], "").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, says));
    }
}

#[tokio::test]
async fn a_port_in_use_is_named_with_what_to_do() {
    let server = Server::start();
    let ended = server.second(&["--addr", &server.addr.to_string()]).err();
    assert!(ended.is_some_and(|ended| !ended.status.success()), "two options --addr are one too many");
    let elsewhere = tempfile::tempdir().unwrap();
    let data = elsewhere.path().to_str().unwrap();
    let ended = Server::attempt(&["--addr", &server.addr.to_string(), "--data", data]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.contains(&format!("{} is in use by another program", server.addr)), "{ended:?}");
    assert!(ended.stderr.contains("choose another port with --addr"), "{ended:?}");
}

#[tokio::test]
async fn a_data_folder_in_use_is_named_with_what_to_do() {
    let mut server = Server::start();
    let ended = server.second(&[]).err().expect("a refusal");
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.contains("Another madang already uses the data folder"), "{ended:?}");
    server.lives().await;
    server.kill();
    server.start_again();
    server.lives().await;
}

#[tokio::test]
async fn options_that_cannot_be_are_named() {
    for (options, says) in [
        (&["--addr", "nowhere"][..], "--addr"),
        (&["--addr", "127.0.0.1:99999"], "--addr"),
        (&["--max-body", "many"], "--max-body"),
        (&["--heartbeat", "0"], "--heartbeat"),
        (&["--log", "a=b=c"], "--log"),
        (&["--unheard-of"], "--unheard-of"),
    ] {
        let elsewhere = tempfile::tempdir().unwrap();
        let mut all = vec!["--data", elsewhere.path().to_str().unwrap()];
        if !options.contains(&"--addr") {
            all.extend(["--addr", "127.0.0.1:0"]);
        }
        all.extend(options);
        let ended = Server::attempt(&all);
        assert!(!ended.status.success(), "{options:?}");
        assert!(ended.stderr.contains(says), "{options:?}: {}", ended.stderr);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn a_login_that_the_server_does_not_know_is_a_newcomers() {
    let server = Server::start();
    let forged = format!("madang_login={}", "0".repeat(64));
    let ann = Client::join_as(&server, "ann", &forged).await;
    assert_ne!(ann.cookie, forged, "it got a login of its own");
    let answer = Browser::of(&server, "madang_login=\"<script>\"").get("/r/lobby").await;
    assert_eq!(answer.status, 200);
}
