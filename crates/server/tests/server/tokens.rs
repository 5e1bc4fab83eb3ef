//! Tokens: made on the command line, good over every protocol, gone when they are revoked.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use madang_protocol::ClientFrame;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::harness::{
    Client, Dial, Server, ask, ask_upgrade, fresh_cmid, lobby, order, revoke, token, token_id, within,
};

async fn bot(server: &Server, token: &str) -> Client {
    let mut client = Dial::new(server).token(token).open("the bot").await.expect("a connection");
    client.hello(vec![], None, None).await;
    client
}

#[tokio::test]
async fn token_made_beside_running_server_works_immediately() {
    let server = Server::start();
    let token = token(&server.data(), "Robo", &[]).await;
    assert!(token.starts_with("mdg_") && token.len() == 68, "{token}");
    let mut ann = Client::join(&server, "ann").await;
    ann.watch_now(&lobby()).await;
    let mut robo = bot(&server, &token).await;
    assert_eq!(robo.welcome().you.name, "Robo");
    assert_eq!(robo.cookie, "", "a program gets no cookie");
    let seq = robo.say("beep").await;
    let entry = ann.next_entry(&lobby()).await;
    assert_eq!((entry.seq, entry.by), (seq, robo.id()));
}

#[tokio::test]
async fn tokens_are_managed_without_a_server_too() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let robo = token(&data, "Robo", &["lobby"]).await;
    let id = token_id(&data, "Robo").await;
    let listed = order(&data, &["token", "list"]).await.out;
    assert_eq!(listed, format!("{id}\tvalid\tlobby\tRobo\n"));
    assert!(!listed.contains(&robo), "it is shown once");
    revoke(&data, "Robo").await;
    assert!(order(&data, &["token", "list"]).await.out.contains("\trevoked\t"));
}

#[tokio::test]
async fn token_survives_restarts_without_being_stored() {
    let mut server = Server::start();
    let token = token(&server.data(), "Robo", &[]).await;
    let before = bot(&server, &token).await.id();
    server.terminate();
    server.ended().await;
    for file in std::fs::read_dir(server.data()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()));
    }
    server.start_again();
    assert_eq!(bot(&server, &token).await.id(), before);
    assert!(!server.log().contains(&token));
}

#[tokio::test]
async fn unknown_token_is_refused_not_a_guest() {
    let server = Server::start();
    let cookie = Client::join(&server, "ann").await.cookie;
    for value in ["Bearer mdg_0", "Bearer", "Bearer a b", &format!("Bearer {}", "x".repeat(9_000))] {
        for header in ["", &format!("Cookie: {cookie}\r\n")] {
            let answer = ask_upgrade(&server, &format!("Authorization: {value}\r\n{header}")).await;
            assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")));
            assert_eq!(answer.login(), None);
        }
        let answer = ask(server.addr, "POST", "/rt", &[("Authorization", value)], r#"{"t":"hello"}"#).await;
        assert_eq!((answer.status, answer.login()), (401, None), "{value}");
        assert!(answer.body.contains(r#""code":"unknown_login""#), "{}", answer.body);
    }
    let proxys = ask_upgrade(&server, "Authorization: Basic dXNlcjpwYXNz\r\n").await;
    assert_eq!(proxys.status, 101, "another scheme is somebody else's");
    server.lives().await;
}

#[tokio::test]
async fn a_session_over_http_belongs_to_its_token() {
    let server = Server::start();
    let [robo, other] = [token(&server.data(), "Robo", &[]).await, token(&server.data(), "Other", &[]).await];
    let (robo, other) = (format!("Bearer {robo}"), format!("Bearer {other}"));
    let as_robo = [("Authorization", robo.as_str())];
    let opened = ask(server.addr, "POST", "/rt", &as_robo, r#"{"t":"hello"}"#).await;
    assert_eq!((opened.status, opened.login()), (201, None));
    let session = opened.body.split('"').nth(3).unwrap().to_owned();
    let poll = format!("/rt/{session}/poll");
    assert_eq!(ask(server.addr, "GET", &poll, &[("Authorization", other.as_str())], "").await.status, 410);
    assert_eq!(ask(server.addr, "GET", &poll, &[], "").await.status, 410);
    let welcomed = ask(server.addr, "GET", &poll, &as_robo, "").await;
    assert!(welcomed.status == 200 && welcomed.body.contains("Robo"), "{welcomed:?}");
}

#[tokio::test]
async fn revoked_token_ends_connections_and_opens_none() {
    let server = Server::start();
    let [robo, other] = [token(&server.data(), "Robo", &[]).await, token(&server.data(), "Other", &[]).await];
    let mut sessions = [bot(&server, &robo).await, bot(&server, &robo).await];
    sessions[0].watch_now(&lobby()).await;
    let mut left = bot(&server, &other).await;
    let since = std::time::Instant::now();
    revoke(&server.data(), "Robo").await;
    for session in &mut sessions {
        let farewell = session.farewell().await;
        assert_eq!((farewell.bye, farewell.close), (Some(4500), Some(4500)), "after {:?}", since.elapsed());
    }
    let answer = ask_upgrade(&server, &format!("Authorization: Bearer {robo}\r\n")).await;
    assert_eq!(answer.status, 401);
    left.say("still here").await;
    server.has_closed(4500, 2).await;
}

#[tokio::test]
async fn frames_of_revoked_session_are_not_written() {
    let server = Server::start();
    let token = token(&server.data(), "Robo", &[]).await;
    let mut robo = bot(&server, &token).await;
    let mut ann = Client::join(&server, "ann").await;
    ann.watch_now(&lobby()).await;
    revoke(&server.data(), "Robo").await;
    let post =
        ClientFrame::Post { room: lobby(), cmid: fresh_cmid(), body: "too late".into(), reply_to: None };
    // The server may have closed before.
    let _ = robo.link.text(&serde_json::to_string(&post).unwrap()).await;
    robo.farewell().await;
    let seq = ann.say("after").await;
    assert_eq!(ann.next_entry(&lobby()).await.seq, seq, "nothing came between");
}

#[tokio::test]
async fn impossible_commands_are_refused_with_a_sentence() {
    let server = Server::start();
    for (words, reason) in [
        (&["token", "create", "--name", "Robo", "--room", "nowhere"][..], "There is no such room"),
        (&["token", "create", "--name", "Robo", "--room", "No Room"], "is no room"),
        (&["token", "create", "--name", " \u{200b}"], "no visible character"),
        (&["token", "create", "--name", &"n".repeat(41)], "at most 40 characters"),
        (&["token", "revoke", "nobody"], "There is no such id"),
        (&["token", "revoke", "madang"], "There is no such id"),
    ] {
        let ordered = order(&server.data(), words).await;
        assert!(!ordered.done && ordered.note.contains(reason), "{words:?}: {ordered:?}");
        assert_eq!(ordered.out, "");
    }
    assert_eq!(order(&server.data(), &["token", "list"]).await.out, "");
}

#[tokio::test]
async fn command_socket_is_private_and_removed_at_end() {
    let mut server = Server::start();
    let socket = server.data().join("madang.sock");
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    server.terminate();
    server.ended().await;
    assert!(!socket.exists());
}

#[tokio::test]
async fn socket_of_killed_server_is_replaced() {
    let mut server = Server::start();
    server.kill();
    assert!(server.data().join("madang.sock").exists());
    token(&server.data(), "Before", &[]).await;
    server.start_again();
    token(&server.data(), "After", &[]).await;
    assert_eq!(order(&server.data(), &["token", "list"]).await.out.lines().count(), 2);
}

#[tokio::test]
async fn folder_with_long_path_takes_commands_too() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("long".repeat(30)).join("data");
    std::fs::create_dir_all(&data).unwrap();
    assert!(UnixListener::bind(data.join("madang.sock")).is_err(), "too long for a socket's address");
    let server = Server::over(&data);
    token(&data, "Robo", &[]).await;
    assert!(data.join("madang.sock").exists());
    drop(server);
}

#[tokio::test]
async fn rubbish_and_silence_on_the_socket_harm_nobody() {
    let server = Server::start();
    let socket = server.data().join("madang.sock");
    for rubbish in ["\n", "{}\n", "[[[[\n", "{\"order\":\"launch\"}\n"] {
        let mut stream = UnixStream::connect(&socket).await.unwrap();
        stream.write_all(rubbish.as_bytes()).await.unwrap();
        let mut said = String::new();
        within("an answer", stream.read_to_string(&mut said)).await.unwrap();
        assert!(said.contains("does not know this order"), "{rubbish}: {said}");
    }
    let mut endless = UnixStream::connect(&socket).await.unwrap();
    // It may be closed before everything is taken.
    let _ = endless.write_all(&vec![b' '; 1024 * 1024]).await;
    let mut said = Vec::new();
    let _ = within("the end", endless.read_to_end(&mut said)).await;
    assert_eq!(said, b"");
    let _silent = UnixStream::connect(&socket).await.unwrap();
    token(&server.data(), "Robo", &[]).await;
}
