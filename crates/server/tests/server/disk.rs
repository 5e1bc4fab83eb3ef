//! A disk that is full, or holds something else than a database: it is reported, and nothing else breaks.

use madang_protocol::{ClientFrame, RefusalCode};

use crate::harness::{Browser, Client, Ended, Server, ask, bodies, fresh_cmid, lobby, until};

/// Posts until the database takes no more, not even a short message. Answers how many it took.
async fn fill(client: &mut Client) -> u64 {
    let mut saved = 0;
    for length in [8_000, 1_000, 100, 1] {
        loop {
            let cmid = client.post(&lobby(), &"가".repeat(length)).await;
            match client.outcome(cmid).await {
                Ok(_) => saved += 1,
                Err(refusal) => {
                    assert_eq!(refusal, (RefusalCode::StorageUnavailable, Some(5_000)));
                    break;
                }
            }
        }
    }
    saved
}

#[tokio::test]
async fn full_disk_refuses_only_writes_and_recovers() {
    let full = ["--max-database", "1", "--post-rate", "0"];
    let mut server = Server::with(&full);
    let mut ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    bob.watch_now(&lobby()).await;
    let first = ann.say("first").await;
    let saved = fill(&mut ann).await;
    assert!(saved > 20, "{saved} messages of up to 24 kB in 1 MiB");
    bob.entries_up_to(&lobby(), first + saved).await;

    let healthy = ask(server.addr, "GET", "/healthz", &[], "").await;
    assert_eq!(healthy.status, 200, "the process is fine");
    let ready = ask(server.addr, "GET", "/readyz", &[], "").await;
    assert_eq!(ready.status, 503, "but it cannot save: {ready:?}");
    let page = bob.history("before", 4, 10).await;
    assert_eq!(page.messages[0].body.as_deref(), Some("first"), "reads go on");
    let mut again = Client::join_as(&server, "ann", &ann.cookie).await;
    assert_eq!(again.watch_now(&lobby()).await.head, first + saved, "known people come in");
    let cmid = fresh_cmid();
    let title = [("title", "no room for it")];
    let refused = Browser::of(&server, &ann.cookie).script().submit("/rooms", &title).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("5")));
    let text = "a long one".repeat(800);
    ann.try_post(&lobby(), cmid, &text).await.unwrap();
    assert_eq!(ann.outcome(cmid).await, Err((RefusalCode::StorageUnavailable, Some(5_000))));

    server.start_again_with(&["--max-database", "8", "--post-rate", "0"]);
    let mut back = Client::join_as(&server, "ann", &ann.cookie).await;
    back.try_post(&lobby(), cmid, &text).await.unwrap();
    let seq = back.done(cmid).await;
    assert_eq!(seq, first + saved + 1, "nothing of what was refused is there");
    assert_eq!(ask(server.addr, "GET", "/readyz", &[], "").await.status, 200);
}

#[tokio::test]
async fn full_disk_answers_deletes_done_or_unavailable() {
    let server = Server::with(&["--max-database", "1", "--post-rate", "0"]);
    let mut ann = Client::join(&server, "ann").await;
    let first = ann.say("short, and then gone").await;
    fill(&mut ann).await;
    // A delete writes little; whether it fits is the disk's business, but it is answered either way.
    let cmid = fresh_cmid();
    ann.send(&ClientFrame::Delete { room: lobby(), cmid, seq: first }).await;
    match ann.outcome(cmid).await {
        Ok(_) => assert!(ann.history("after", 0, 1).await.messages[0].is_deleted()),
        Err((code, wait)) => {
            assert_eq!((code, wait), (RefusalCode::StorageUnavailable, Some(5_000)));
            assert_eq!(bodies(&ann.history("after", 0, 1).await.messages), ["short, and then gone"]);
        }
    }
}

#[tokio::test]
async fn full_disk_lets_members_and_newcomers_read() {
    let server = Server::with(&["--max-database", "1", "--post-rate", "0"]);
    let mut ann = Client::join(&server, "ann").await;
    fill(&mut ann).await;
    assert_eq!(Browser::of(&server, &ann.cookie).get("/r/lobby").await.status, 200);
    let mut stranger = Browser::new(&server);
    assert_eq!(stranger.get("/r/lobby").await.status, 200);
    let mut socket = Client::join_as(&server, "a stranger", &stranger.cookies()).await;
    assert!(!socket.watch_now(&lobby()).await.messages.is_empty());
}

#[tokio::test]
async fn disk_below_reserve_is_read_only() {
    let mut server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let first = ann.say("first").await;
    let cookie = ann.cookie.clone();

    // More than any disk has.
    server.start_again_with(&["--disk-reserve", "4294967295"]);
    let mut ann = Client::join_as(&server, "ann", &cookie).await;
    assert_eq!(ann.watch_now(&lobby()).await.head, first, "known people come in");
    for _ in 0..3 {
        let cmid = ann.post(&lobby(), "one more").await;
        assert_eq!(ann.outcome(cmid).await, Err((RefusalCode::StorageUnavailable, Some(5_000))));
    }
    let title = [("title", "no room for it")];
    let refused = Browser::of(&server, &cookie).script().submit("/rooms", &title).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("5")));
    assert_eq!(bodies(&ann.history("after", 0, 10).await.messages), ["first"], "reads go on");
    assert_eq!(Browser::of(&server, &cookie).get("/r/lobby").await.status, 200);
    let ready = ask(server.addr, "GET", "/readyz", &[], "").await;
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains("--disk-reserve"), "{}", ready.body);
    assert_eq!(server.told("nothing is written"), 1, "{}", server.log());
    assert_eq!(server.metric("madang_storage_used_percent").await, 100);
    assert!(server.metric("madang_disk_available_bytes").await > 0);

    server.start_again_with(&["--disk-reserve", "0"]);
    let mut ann = Client::join_as(&server, "ann", &cookie).await;
    assert_eq!(ann.say("second").await, first + 1, "nothing of what was refused is there");
    assert_eq!(ask(server.addr, "GET", "/readyz", &[], "").await.status, 200);
}

#[tokio::test]
async fn nearly_full_database_is_ready_and_warns() {
    let server = Server::with(&["--max-database", "1", "--post-rate", "0", "--disk-reserve", "0"]);
    let mut ann = Client::join(&server, "ann").await;
    let readiness = async || ask(server.addr, "GET", "/readyz", &[], "").await;
    // A message here has 6 of the 256 pages of a file of 1 MiB; the tables alone have some 20.
    for _ in 0..36 {
        ann.say(&"가".repeat(8_000)).await;
    }
    until("a word", async || readiness().await.body.contains("% full")).await;
    let ready = readiness().await;
    assert_eq!(ready.status, 200, "it still writes: {}", ready.body);
    assert!(ready.body.starts_with("ready; the storage is "), "{}", ready.body);
    assert_eq!(server.told("the storage is nearly full"), 1, "{}", server.log());
    assert!(server.metric("madang_storage_used_percent").await >= 80);
}

/// A start over a folder that `prepare` has been at, after a server made a database in it.
async fn start_over(prepare: impl FnOnce(&std::path::Path)) -> Ended {
    let mut server = Server::start();
    Client::join(&server, "ann").await.say("precious").await;
    server.terminate();
    server.ended().await;
    prepare(&server.data());
    server.second(&[]).err().expect("it does not start")
}

#[tokio::test]
async fn a_database_from_the_future_is_left_alone() {
    let ended = start_over(|data| {
        // SQLite keeps `PRAGMA user_version` at byte 60 of the file.
        let file = data.join("madang.db");
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[60..64].copy_from_slice(&9_999_u32.to_be_bytes());
        std::fs::write(&file, bytes).unwrap();
    })
    .await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.contains("was written by a newer madang (its format is 9999"), "{}", ended.stderr);
}

#[tokio::test]
async fn foreign_file_in_place_of_database_stays_untouched() {
    let ended =
        start_over(|data| std::fs::write(data.join("madang.db"), "not a database ".repeat(500)).unwrap())
            .await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.contains("is not a sound Madang database"), "{}", ended.stderr);
    assert!(ended.stderr.contains("put back a backup"), "{}", ended.stderr);
}

#[tokio::test]
async fn file_as_data_path_is_named_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file");
    std::fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below")] {
        let ended = Server::attempt(&["--addr", "127.0.0.1:0", "--data", path.to_str().unwrap()]);
        assert_eq!(ended.status.code(), Some(1));
        assert!(ended.stderr.contains("cannot be made or written"), "{}", ended.stderr);
        assert!(ended.stderr.contains("choose another folder with --data"), "{}", ended.stderr);
    }
}

/// A folder that nobody can write, root included, without changing this machine.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn unwritable_data_folder_is_named_with_advice() {
    let ended = Server::attempt(&["--addr", "127.0.0.1:0", "--data", "/proc/madang"]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        ended.stderr.contains("The data folder /proc/madang cannot be made or written"),
        "{}",
        ended.stderr
    );
}
