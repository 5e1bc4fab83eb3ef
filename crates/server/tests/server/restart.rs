//! The end of a server and its next start.

use futures_util::future::join_all;
use madang_protocol::CloseCode;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::harness::{
    Answer, Browser, Client, Opcode, RawSocket, Server, UNLIMITED, ask, bodies, fresh_cmid, lobby,
    read_answer, within,
};

#[tokio::test]
async fn terminated_server_closes_cleanly_and_keeps_everything() {
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
async fn draining_server_reports_not_ready_and_rejects_connections() {
    let mut server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let _deaf = RawSocket::welcomed(&server).await;
    let mut probe = Probe::open(&server).await;
    assert_eq!(probe.ask("/readyz").await.unwrap().status, 200);
    server.terminate();
    ann.farewell().await;
    let answer = probe.ask("/readyz").await.expect("an answer on the open connection");
    assert_eq!((answer.status, answer.body.as_str()), (503, "stopping\n"));
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(TcpStream::connect(server.addr).await.is_err(), "nobody new");
    assert_eq!(server.ended().await.code(), Some(0));
}

#[tokio::test]
async fn hundreds_are_disconnected_in_waves_and_spread() {
    let mut server = Server::with(&["--connections-per-address", "0", "--hello-timeout", "60"]);
    let mut clients = join_all((0..400).map(|_| Client::join(&server, "one of many"))).await;
    let seq = clients[0].say("before").await;
    let started = Instant::now();
    server.terminate();
    let farewells = join_all(clients.iter_mut().map(async |client| {
        let farewell = client.farewell().await;
        (farewell, started.elapsed())
    }));
    let farewells = farewells.await;
    assert_eq!(server.ended().await.code(), Some(0));
    let after: Vec<u32> = farewells.iter().map(|(farewell, _)| farewell.retry_after_ms).collect();
    assert!(farewells.iter().all(|(farewell, _)| farewell.close == Some(CloseCode::RESTART.0)));
    assert!(after.iter().all(|ms| (500..3_600).contains(ms)), "{after:?}");
    // In four waves of a hundred, the last one 300 ms after the first.
    let late = farewells.iter().filter(|(_, at)| at.as_millis() >= 280).count();
    assert!(late >= 100, "{late} of them in the last wave");
    for part in 0..5 {
        let (from, to) = (500 + part * 500, 1_000 + part * 500);
        let back = after.iter().filter(|ms| (from..to).contains(*ms)).count();
        assert!(back >= 20, "{back} of 400 come back between {from} and {to} ms");
    }

    server.start_again();
    let back = clients.iter().map(async |old| {
        let mut client = Client::resume(&server, old, &[(&lobby(), 1)]).await;
        assert_eq!(client.attached(&lobby()).await.head, seq);
    });
    join_all(back).await;
}

/// Peers that read nothing any more, with more than enough on its way to them, while others go on writing.
#[tokio::test]
async fn stalled_peers_do_not_delay_shutdown() {
    let mut server = Server::with(&[&UNLIMITED[..], &["--connections-per-address", "0"]].concat());
    let mut stalled = Vec::new();
    for _ in 0..20 {
        let mut socket = RawSocket::welcomed(&server).await;
        socket.send(Opcode::Text, br#"{"t":"watch","room":"lobby"}"#).await;
        stalled.push(socket);
    }
    let mut ann = Client::join(&server, "ann").await;
    let long = "x".repeat(8_000);
    let mut acknowledged = 0;
    let mut terminated = None;
    loop {
        if acknowledged == 600 {
            server.terminate();
            terminated.get_or_insert_with(Instant::now);
        }
        match ann.try_say(fresh_cmid(), &long).await {
            Some(seq) => acknowledged = seq,
            None => break,
        }
    }
    assert_eq!(server.ended().await.code(), Some(0));
    let took = terminated.expect("an end that was asked for").elapsed();
    assert!(took.as_secs() < 10, "it took {took:?}");
    drop(stalled);
    server.start_again();
    let back = Client::join_as(&server, "ann", &ann.cookie).await;
    let head = back.welcome().rooms[0].head;
    assert!((acknowledged..=acknowledged + 1).contains(&head), "{head} after {acknowledged}");
}

/// One connection for several requests, as load balancers keep it.
struct Probe(TcpStream);

impl Probe {
    async fn open(server: &Server) -> Self {
        Self(TcpStream::connect(server.addr).await.unwrap())
    }

    async fn ask(&mut self, path: &str) -> Option<Answer> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        self.0.write_all(request.as_bytes()).await.ok()?;
        within("an answer", read_answer(&mut self.0)).await
    }
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
async fn silent_connections_do_not_delay_shutdown() {
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
    let healthy = ask(server.addr, "GET", "/healthz", &[], "").await;
    assert_eq!((healthy.status, healthy.body.as_str()), (200, "ok\n"));
    let ready = ask(server.addr, "GET", "/readyz", &[], "").await;
    // Behind it there is a warning where this machine's disk is nearly full.
    assert!(ready.status == 200 && ready.body.starts_with("ready"), "{ready:?}");
}

#[tokio::test]
async fn port_in_use_is_named_with_advice() {
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
async fn data_folder_in_use_is_named_with_advice() {
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
async fn unknown_login_becomes_a_newcomer() {
    let server = Server::start();
    let forged = format!("madang_login={}", "0".repeat(64));
    let ann = Client::join_as(&server, "ann", &forged).await;
    assert_ne!(ann.cookie, forged, "it got a login of its own");
    let answer = Browser::of(&server, "madang_login=\"<script>\"").get("/r/lobby").await;
    assert_eq!(answer.status, 200);
}
