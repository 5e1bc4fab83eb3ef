//! Operation: access to the counters and the files, and the effects of a clock that was wrong.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use madang_protocol::{Cmid, Operation, RoomId, UserId};
use madang_server::store::{Store, StoreOptions};

use crate::harness::{Client, Server, ask, exchange, lobby};

/// Returns the status of `/metrics` for a request with these headers.
async fn counts(server: &Server, headers: &[(&str, &str)]) -> u16 {
    let answer = ask(server.addr, "GET", "/metrics", headers, "").await;
    assert_eq!(answer.status == 200, answer.body.contains("madang_sessions"), "{answer:?}");
    answer.status
}

#[tokio::test]
async fn metrics_are_local_and_not_proxied() {
    for options in [&[][..], &["--trusted-proxy", "127.0.0.1"]] {
        let server = Server::with(options);
        assert_eq!(counts(&server, &[]).await, 200);
        let proxies =
            ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "X-Real-IP", "Via"];
        for header in proxies {
            assert_eq!(counts(&server, &[(header, "127.0.0.1")]).await, 403, "{header}");
        }
        let old = exchange(&server, b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n").await;
        assert_eq!(old.status, 403, "as proxies speak that say nothing of themselves");
        assert_eq!(ask(server.addr, "GET", "/healthz", &[("Via", "1.1 x")], "").await.status, 200);
    }
}

#[tokio::test]
async fn metrics_token_alone_opens_metrics() {
    let server = Server::with(&["--metrics-token", "s3cret"]);
    assert_eq!(counts(&server, &[("Authorization", "Bearer s3cret")]).await, 200);
    assert_eq!(counts(&server, &[("Authorization", "bearer s3cret"), ("Via", "1.1 x")]).await, 200);
    for wrong in ["Bearer s3cre", "Bearer s3crets", "Bearer", "Bearer ", "Basic s3cret", "s3cret", ""] {
        assert_eq!(counts(&server, &[("Authorization", wrong)]).await, 401, "{wrong:?}");
    }
    assert_eq!(counts(&server, &[]).await, 401);
}

#[tokio::test]
async fn metrics_address_alone_serves_metrics() {
    let server = Server::with(&["--metrics-addr", "127.0.0.1:0"]);
    let counting = server.counting();
    assert_eq!(counts(&server, &[]).await, 403);
    assert!(ask(counting, "GET", "/metrics", &[("Via", "1.1 x")], "").await.body.contains("madang_sessions"));
    assert_eq!(ask(counting, "GET", "/r/lobby", &[], "").await.status, 404, "and nothing else is");
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_data_folder_is_its_owners_alone() {
    let mut server = Server::start();
    let ann = Client::join(&server, "ann").await;
    assert_eq!(mode(&server.data()), 0o700);
    let files = ["madang.db", "madang.db-wal", "madang.db-shm", "madang.mark", "madang.lock", "madang.sock"];
    for file in files {
        assert_eq!(mode(&server.data().join(file)), 0o600, "{file}");
    }
    server.kill();
    for file in ["madang.db", "madang.db-wal", "madang.db-shm", "madang.lock"] {
        std::fs::set_permissions(server.data().join(file), PermissionsExt::from_mode(0o644)).unwrap();
    }
    std::fs::set_permissions(server.data(), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::write(server.data().join("note"), "not Madang's").unwrap();
    std::fs::set_permissions(server.data().join("note"), PermissionsExt::from_mode(0o644)).unwrap();
    server.start_again();
    let again = Client::join_as(&server, "ann", &ann.cookie).await;
    assert_eq!(again.welcome().epoch, ann.welcome().epoch, "it is still the same database");
    for file in files {
        assert_eq!(mode(&server.data().join(file)), 0o600, "{file} is mended");
    }
    assert!(server.told("is closed now") >= 2 && server.told("chmod 700") == 1, "{}", server.log());
    assert_eq!(mode(&server.data().join("note")), 0o644, "what is not Madang's stays as it is");
}

#[tokio::test]
async fn one_wrong_clock_reading_does_not_stick() {
    let folder = tempfile::tempdir().unwrap();
    let future = 4_000_000_000_000;
    {
        let (committed, _stream) = tokio::sync::mpsc::channel(100);
        let store = Store::open(folder.path(), StoreOptions::default(), committed).unwrap();
        let ann: UserId = "ann".parse().unwrap();
        store.add_guest(ann.clone(), [1; 32], future).await.unwrap();
        let operation = Operation::post("from 2096", None);
        store.append(operation.into_draft(RoomId::lobby(), ann, Cmid(1), future)).await.unwrap();
    }
    let server = Server::over(folder.path());
    assert_eq!(server.told("the clock lies before the newest entry"), 1, "{}", server.log());
    let mut bob = Client::join(&server, "bob").await;
    bob.watch_now(&lobby()).await;
    bob.say("now").await;
    let at = bob.next_entry(&lobby()).await.at;
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    assert!(at.abs_diff(now) < 600_000, "{at} is not now");
}
