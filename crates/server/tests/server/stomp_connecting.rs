//! STOMP: versions, subprotocols, paths, and who it is.

use madang_stomp::{ClientCommand, Frame, ServerCommand, Version};

use crate::harness::{By, Client, Stomp, body, lobby, revoke, shared, stomp_server, text, to, token, until};

use Version::{V10, V11, V12};

#[tokio::test]
async fn every_version_connects_over_every_transport() {
    let server = stomp_server(&[]);
    for by in By::ALL {
        for version in Version::ALL {
            let mut client = Stomp::open(&server, by).await;
            let connected = client.connect(version, &[("heart-beat", "0,0")]).await;
            assert_eq!(connected.header("version"), Some(version.as_str()), "{by:?}");
            for name in ["session", "server", "user", "user-name", "epoch"] {
                assert!(
                    connected.header(name).is_some_and(|value| !value.is_empty()),
                    "{name}: {connected:?}"
                );
            }
            assert_eq!(connected.header("heart-beat").is_some(), version > V10);
            client.say("hello").await;
        }
    }
}

#[tokio::test]
async fn newest_common_version_is_used_or_error() {
    let server = stomp_server(&[]);
    let connect = |accept: &str| Frame::new(ClientCommand::Stomp).with("accept-version", accept);
    for (accept, spoken) in [("1.0,1.1,1.2", "1.2"), ("1.1,1.0", "1.1"), ("1.1,2.0", "1.1")] {
        let mut client = Stomp::open(&server, By::Tcp).await;
        client.send(&connect(accept)).await;
        let connected = client.expect(ServerCommand::Connected).await;
        assert_eq!(connected.header("version"), Some(spoken), "{accept}");
    }
    let mut client = Stomp::open(&server, By::Tcp).await;
    client.send(&connect("2.0").with("receipt", "7")).await;
    let (error, _) = client.error().await;
    assert_eq!(error.header("version"), Some("1.2,1.1,1.0"));
    assert_eq!((error.header("code"), error.header("receipt-id")), (Some("version"), Some("7")));
    until("the counter", async || server.metric(r#"madang_stomp_errors_total{code="version"}"#).await == 1)
        .await;
    let line = r#"a STOMP client is told what was wrong code="version""#;
    until("the log", async || server.told(line) == 1).await;
}

#[tokio::test]
async fn first_known_subprotocol_binds_the_version() {
    let server = stomp_server(&[]);
    for (offer, chosen, version) in [
        ("v12.stomp", "v12.stomp", V12),
        ("v10.stomp, v11.stomp, v12.stomp", "v10.stomp", V10),
        ("chat, v11.stomp, madang.v1", "v11.stomp", V11),
    ] {
        // The subprotocol says it on any path.
        for path in ["/stomp", "/ws", "/plain", "/"] {
            let headers = [("sec-websocket-protocol", offer)];
            let mut client = Stomp::open_at(&server, path, By::Text, &headers).await;
            assert_eq!(client.subprotocol.as_deref(), Some(chosen));
            client.connect(version, &[]).await;
            client.say("hello").await;
        }
    }
    let headers = [("sec-websocket-protocol", "v12.stomp")];
    for accept in [Some("1.1,1.0"), None] {
        let mut client = Stomp::open_at(&server, "/stomp", By::Text, &headers).await;
        let connect = Frame::new(ClientCommand::Connect);
        client.send(&accept.map_or(connect.clone(), |accept| connect.with("accept-version", accept))).await;
        assert_eq!(client.wrong().await, "version", "{accept:?}");
        assert_eq!(client.closed, Some(4507));
    }
    assert!(
        Stomp::try_open_at(&server, "/stomp", By::Text, &[("sec-websocket-protocol", "v13.stomp")])
            .await
            .is_none()
    );
}

#[tokio::test]
async fn configured_paths_speak_stomp() {
    let server = stomp_server(&["--stomp-path", "/portfolio/websocket", "--stomp-path", "/"]);
    for path in ["/portfolio/websocket", "/", "/stomp"] {
        let mut client = Stomp::open_at(&server, path, By::Text, &[]).await;
        client.connect(V12, &[]).await;
        client.say("hello").await;
    }
    assert_eq!(
        crate::harness::ask(server.addr, "GET", "/", &[], "").await.status,
        303,
        "the page is still there"
    );
}

#[tokio::test]
async fn guest_gets_its_login_as_name() {
    let server = stomp_server(&[]);
    let mut reader = Stomp::join(&server, By::Tcp, V12).await;
    reader.subscribe("0", &[]).await;
    for (headers, called) in [
        (&[("login", "Ada")][..], Some("Ada")),
        (&[("login", "guest"), ("passcode", "guest")], None),
        (&[("login", ""), ("passcode", "")], None),
        (&[], None),
    ] {
        let mut client = Stomp::open(&server, By::Tcp).await;
        let connected = client.connect(V12, headers).await;
        let name = connected.header("user-name").unwrap().to_owned();
        assert_eq!(called.unwrap_or(&name), name);
        assert!(called.is_some() || name.starts_with("guest-"), "{name}");
        client.say("hello").await;
        assert_eq!(reader.message().await.header("nickname"), Some(&*name));
    }
    let mut client = Stomp::open(&server, By::Tcp).await;
    client.send(&Frame::new(ClientCommand::Connect).with("login", "x".repeat(41))).await;
    assert_eq!(client.wrong().await, "too_long");
}

#[tokio::test]
async fn passcode_must_be_a_bots_token() {
    let server = stomp_server(&[]);
    let secret = token(&server.data(), "ticker", &["lobby"]).await;
    let connect = |login: &str, passcode: &str| {
        Frame::new(ClientCommand::Connect)
            .with("accept-version", "1.2")
            .with("login", login)
            .with("passcode", passcode)
    };
    for by in [By::Tcp, By::Text] {
        for login in ["", "ticker"] {
            let mut client = Stomp::open(&server, by).await;
            client.send(&connect(login, &secret)).await;
            let connected = client.expect(ServerCommand::Connected).await;
            assert_eq!(connected.header("user-name"), Some("ticker"));
        }
        for (login, passcode) in
            [("ada", &*secret), ("guest", &*secret), ("ticker", "mdg_0"), ("ada", "secret"), ("guest", "x")]
        {
            let mut client = Stomp::open(&server, by).await;
            client.send(&connect(login, passcode)).await;
            assert_eq!(client.wrong().await, "login", "{login}");
        }
    }
    let mut client = Stomp::bot(&server, By::Tcp, V12, &secret).await;
    client.done(to("lobby", "a price")).await;
    client.send(&to("garden", "not its room").with("receipt", "1")).await;
    assert_eq!(client.wrong().await, "unknown_room");
    let mut client = Stomp::bot(&server, By::Tcp, V12, &secret).await;
    revoke(&server.data(), "ticker").await;
    assert_eq!(client.wrong().await, "login_gone");
    let mut client = Stomp::open(&server, By::Tcp).await;
    client.send(&connect("", &secret)).await;
    assert_eq!(client.wrong().await, "login");
}

#[tokio::test]
async fn upgrade_cookie_identifies_the_person() {
    let server = stomp_server(&[]);
    let mut ann = Client::join(&server, "ann").await;
    ann.watch_now(&lobby()).await;
    let mut client = Stomp::open_at(&server, "/stomp", By::Text, &[("cookie", &ann.cookie)]).await;
    let connected = client.connect(V12, &[]).await;
    assert_eq!(connected.header("user"), Some(ann.id().as_str()));
    client.say("from my other client").await;
    let entry = ann.next_entry(&lobby()).await;
    assert_eq!((entry.by.clone(), body(&entry)), (ann.id(), "from my other client"));
    let foreign = [("cookie", &*ann.cookie), ("origin", "https://evil.example")];
    assert!(Stomp::try_open_at(&server, "/stomp", By::Text, &foreign).await.is_none());
}

#[tokio::test]
async fn page_on_other_port_is_a_guest() {
    let server = stomp_server(&[]);
    let cookie = shared(&server).await;
    let headers = [("cookie", &*cookie), ("origin", "http://localhost:5173")];
    let mut client = Stomp::open_at(&server, "/stomp", By::Text, &headers).await;
    let known = Stomp::open_at(&server, "/stomp", By::Text, &headers[..1]).await.connect(V12, &[]).await;
    assert_ne!(client.connect(V12, &[]).await.header("user"), known.header("user"));
}

#[tokio::test]
async fn all_versions_and_page_share_one_room() {
    let server = stomp_server(&[]);
    let mut ann = Client::join(&server, "ann").await;
    ann.watch_now(&lobby()).await;
    let mut clients = Vec::new();
    for version in Version::ALL {
        for by in By::ALL {
            let mut client = Stomp::join(&server, by, version).await;
            client.subscribe("a:b\\c", &[]).await;
            clients.push(client);
        }
    }
    for (said, client) in clients.iter_mut().enumerate() {
        client.say(&format!("{said}: \\ \n ü\u{0}")).await;
    }
    for client in &mut clients {
        for said in 0..9 {
            let message = client.message().await;
            assert_eq!(text(&message), format!("{said}: \\ \n ü"));
            assert_eq!(message.header("subscription"), Some("a:b\\c"));
            assert_eq!(message.header("destination"), Some("/topic/lobby"));
        }
    }
    for said in 0..9 {
        assert_eq!(body(&ann.next_entry(&lobby()).await), format!("{said}: \\ \n ü"));
    }
}

#[tokio::test]
async fn connections_are_counted_bounded_and_drained() {
    let mut server = stomp_server(&["--connections-per-address", "2"]);
    let mut clients = [Stomp::join(&server, By::Tcp, V12).await, Stomp::join(&server, By::Tcp, V11).await];
    assert_eq!(server.metric(r#"madang_connections{transport="stomp_tcp"}"#).await, 2);
    let mut one_more = Stomp::open(&server, By::Tcp).await;
    assert_eq!(one_more.wrong().await, "over_limit");
    server.terminate();
    for client in &mut clients {
        let (error, _) = client.error().await;
        assert_eq!(error.header("code"), Some("restart"));
        assert!(error.header("retry-after-ms").is_some());
    }
    assert!(server.ended().await.success());
}
