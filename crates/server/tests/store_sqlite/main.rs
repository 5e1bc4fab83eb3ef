//! Behaviours of the SQLite store alone: its folder, its file, a full disk, somebody else's lock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::path::Path;
use std::sync::Arc;

use madang_protocol::{Cmid, Entry, EntryKind, Operation, RoomId, Seq, UnixMs, UserId};
use madang_server::store::{Committed, OpenError, Store, StoreError, StoreOptions};
use tempfile::{TempDir, tempdir};
use tokio::sync::mpsc;

mod guests;

fn open(folder: &Path) -> Result<Store, OpenError> {
    open_with(folder, StoreOptions::default()).map(|(store, _)| store)
}

fn open_with(
    folder: &Path,
    options: StoreOptions,
) -> Result<(Store, mpsc::Receiver<Vec<Committed>>), OpenError> {
    let (committed, stream) = mpsc::channel(10_000);
    Store::open(folder, options, committed).map(|store| (store, stream))
}

/// The sentence with which opening fails.
fn refusal(folder: &Path) -> String {
    open(folder).map(|_| ()).expect_err("it should not open").to_string()
}

fn now() -> UnixMs {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as UnixMs
}

fn user(id: &str) -> UserId {
    id.parse().unwrap()
}

async fn with_ann() -> (TempDir, Store) {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    store.add_guest(user("ann"), [1; 32], now()).await.unwrap();
    (folder, store)
}

fn write(cmid: u128, body: &str) -> Entry {
    Operation::post(body, None).into_draft(RoomId::lobby(), user("ann"), Cmid(cmid), 1)
}

async fn head(store: &Store) -> Seq {
    store.heads()[0].1
}

#[tokio::test]
async fn a_missing_folder_is_made() {
    let folder = tempdir().unwrap();
    let store = open(&folder.path().join("deep/er")).unwrap();
    assert_eq!(head(&store).await, 1);
}

#[test]
fn uncreatable_folder_is_named_with_advice() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a-file");
    std::fs::write(&file, "").unwrap();
    let sentence = refusal(&file.join("data"));
    assert!(sentence.starts_with("The data folder ") && sentence.contains("a-file/data"), "{sentence}");
    assert!(sentence.contains("choose another folder with --data"), "{sentence}");
}

/// A folder that nobody can write, root included, without changing this machine.
#[cfg(target_os = "linux")]
#[test]
fn read_only_folder_is_named_with_advice() {
    let error = open(Path::new("/proc")).map(|_| ()).unwrap_err();
    assert!(matches!(error, OpenError::Folder { .. }), "{error}");
    assert!(error.to_string().contains("Let this user write there"), "{error}");
}

#[test]
fn folder_in_use_is_refused_until_released() {
    let folder = tempdir().unwrap();
    let first = open(folder.path()).unwrap();
    let error = open(folder.path()).map(|_| ()).unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("Stop it first"), "{error}");
    drop(first);
    open(folder.path()).unwrap();
}

#[test]
fn a_database_from_the_future_is_refused_untouched() {
    let folder = tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    let file = folder.path().join("madang.db");
    // SQLite keeps the number of the format in four bytes of the header, at 60.
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    std::fs::write(&file, &bytes).unwrap();
    let sentence = refusal(folder.path());
    assert!(sentence.contains("newer madang (its format is 99, this one knows "), "{sentence}");
    assert!(sentence.contains("Start that newer version"), "{sentence}");
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}

#[test]
fn file_that_is_no_database_is_untouched() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("madang.db");
    let text = "Dear diary, ".repeat(1_000);
    std::fs::write(&file, &text).unwrap();
    let sentence = refusal(folder.path());
    assert!(sentence.contains("is not a sound Madang database"), "{sentence}");
    assert!(sentence.contains("Move it away"), "{sentence}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn another_programs_database_is_refused() {
    let folder = tempdir().unwrap();
    let sql = rusqlite::Connection::open(folder.path().join("madang.db")).unwrap();
    sql.execute_batch("CREATE TABLE recipes (name TEXT)").unwrap();
    drop(sql);
    let sentence = refusal(folder.path());
    assert!(sentence.contains("it belongs to another program"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_database_refuses_whole_batches_and_recovers() {
    let folder = tempdir().unwrap();
    let small = StoreOptions { max_bytes: Some(300_000), ..StoreOptions::default() };
    let (store, mut stream) = open_with(folder.path(), small).unwrap();
    store.add_guest(user("ann"), [1; 32], now()).await.unwrap();

    let body = "x".repeat(2_000);
    let mut answers = Vec::new();
    for batch in 0..20_u128 {
        let queued: Vec<_> = (1..=20).map(|n| store.append(write(batch * 20 + n, &body))).collect();
        for answer in queued {
            answers.push(answer.await);
        }
    }
    // A batch that did not fit may have left room for one message, or a few.
    while answers.last().unwrap().is_ok() || answers.len() == 400 {
        answers.push(store.append(write(answers.len() as u128 + 1, &body)).await);
    }
    let written = answers.iter().filter(|answer| answer.is_ok()).count();
    let refused: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert!(written > 0 && refused.len() > 100, "{written} written, {} refused", refused.len());
    for error in &refused {
        assert_eq!(**error, StoreError::Unavailable("database or disk is full".into()));
    }
    assert!(matches!(store.ready().await, Err(StoreError::Unavailable(_))));
    let size = std::fs::metadata(folder.path().join("madang.db")).unwrap().len();
    assert!(size <= 300_000, "{size}");

    let sent: usize = std::iter::from_fn(|| stream.try_recv().ok()).map(|batch| batch.len()).sum();
    assert_eq!(sent, written, "what was refused was not sent");
    let log = store.entries_after(RoomId::lobby(), 0, usize::MAX).await.unwrap();
    assert_eq!(log.len(), written + 1, "reads go on, and nothing is half-written");
    let messages = store.snapshot(RoomId::lobby(), usize::MAX).await.unwrap().unwrap().messages;
    assert_eq!(messages.len(), written);
    drop(store);

    let store = open(folder.path()).unwrap();
    let everything = answers.len() as Seq + 1;
    for (cmid, answer) in (1..).zip(answers) {
        let again = store.append(write(cmid, &body)).await.unwrap();
        assert_eq!(again.repeat, answer.is_ok(), "cmid {cmid} was {answer:?}");
    }
    assert_eq!(head(&store).await, everything);
    assert_eq!(store.ready().await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_full_at_open_still_reads() {
    let folder = tempdir().unwrap();
    let (store, _stream) = open_with(folder.path(), StoreOptions::default()).unwrap();
    store.add_guest(user("ann"), [1; 32], now()).await.unwrap();
    store.append(write(1, &"x".repeat(20_000))).await.unwrap();
    drop(store);
    let full = StoreOptions { max_bytes: Some(1), ..StoreOptions::default() };
    let (store, _stream) = open_with(folder.path(), full).unwrap();
    assert_eq!(head(&store).await, 2);
    let refused = store.append(write(2, &"x".repeat(20_000))).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert!(store.append(write(1, "again")).await.unwrap().repeat, "a repeat writes nothing");
}

/// A backup tool that holds the lock too long stands for every failure that passes by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writer_recovers_from_outside_lock() {
    let (folder, store) = with_ann().await;
    let outsider = rusqlite::Connection::open(folder.path().join("madang.db")).unwrap();
    outsider.execute_batch("BEGIN IMMEDIATE").unwrap();
    let queued = [store.append(write(1, "one")), store.append(write(2, "two"))];
    for answer in queued {
        assert_eq!(answer.await, Err(StoreError::Unavailable("database is locked".into())));
    }
    assert_eq!(head(&store).await, 1, "reads go on");
    outsider.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.ready().await, Ok(()));
    assert_eq!(store.append(write(2, "two")).await.unwrap().seq, 2);
    assert!(!store.append(write(1, "one")).await.unwrap().repeat);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absent_or_slow_listener_loses_no_write() {
    let folder = tempdir().unwrap();
    let (committed, mut stream) = mpsc::channel(1);
    let store = Store::open(folder.path(), StoreOptions::default(), committed).unwrap();
    store.add_guest(user("ann"), [1; 32], now()).await.unwrap();
    let store = Arc::new(store);
    let queued: Vec<_> = (1..=1_000).map(|n| store.append(write(n, "hello"))).collect();
    let mut heard = 0;
    while heard < 500 {
        heard += stream.recv().await.unwrap().len();
    }
    drop(stream);
    for (seq, answer) in (2..).zip(queued) {
        assert_eq!(answer.await.unwrap().seq, seq);
    }
}

#[tokio::test]
async fn a_deleted_text_is_gone_from_the_file() {
    let (folder, store) = with_ann().await;
    let secret = "a very particular secret";
    // Long enough to fill pages of its own, which nothing else overwrites soon.
    let posted = store.append(write(1, &secret.repeat(1_000))).await.unwrap();
    store.append(write(2, "not secret at all")).await.unwrap();
    let delete = Entry { what: EntryKind::Deleted { seq: posted.seq }, ..write(3, "") };
    store.append(delete).await.unwrap();
    drop(store);
    let file = std::fs::read(folder.path().join("madang.db")).unwrap();
    let holds = |text: &str| file.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("not secret at all"), "this way of looking finds texts");
    assert!(!holds(secret));
}

/// Somebody may pull the plug at any time: a copy of the files between two commits is what is left then.
#[tokio::test]
async fn live_backup_holds_everything_acknowledged() {
    let (folder, store) = with_ann().await;
    for n in 1..=20 {
        store.append(write(n, "hello")).await.unwrap();
    }
    let copy = tempdir().unwrap();
    for name in ["madang.db", "madang.db-wal"] {
        std::fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    let copied = open(copy.path()).unwrap();
    assert_eq!(head(&copied).await, 21);
    assert!(copied.append(write(20, "hello")).await.unwrap().repeat);
}

/// The files of a folder, as a backup has them.
fn backup(folder: &TempDir) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap());
    files.map(|file| (file.file_name(), std::fs::read(file.path()).unwrap())).collect()
}

fn put_back(folder: &TempDir, backup: &[(std::ffi::OsString, Vec<u8>)], wanted: impl Fn(&str) -> bool) {
    for name in ["madang.db", "madang.db-wal", "madang.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(name));
    }
    for (name, bytes) in backup.iter().filter(|(name, _)| wanted(name.to_str().unwrap())) {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
}

#[tokio::test]
async fn older_copy_begins_another_epoch() {
    let (folder, store) = with_ann().await;
    store.append(write(1, "one")).await.unwrap();
    let first = store.epoch().clone();
    drop(store);
    let older = backup(&folder);
    let store = open(folder.path()).unwrap();
    assert_eq!((store.epoch(), store.first_epoch()), (&first, &first), "a plain restart changes nothing");
    store.append(write(2, "seen by a client")).await.unwrap();
    drop(store);

    put_back(&folder, &older, |name| name == "madang.db");
    let store = open(folder.path()).unwrap();
    let second = store.epoch().clone();
    assert_ne!(second, first);
    assert_eq!(*store.first_epoch(), first, "what it was made with stays known");
    assert_eq!(head(&store).await, 2);
    store.append(write(3, "something else under the same seq")).await.unwrap();
    drop(store);
    assert_eq!(*open(folder.path()).unwrap().epoch(), second, "and stays in it");
}

#[tokio::test]
async fn first_format_keeps_its_epoch_as_first() {
    let folder = tempdir().unwrap();
    let sql = rusqlite::Connection::open(folder.path().join("madang.db")).unwrap();
    sql.execute_batch(include_str!("../../src/store/migrations/0001_log.sql")).unwrap();
    sql.execute_batch(&format!(
        "PRAGMA application_id = {}; PRAGMA user_version = 1;
         INSERT INTO meta VALUES ('epoch', 'old');
         INSERT INTO users (id, name, made_at) VALUES ('madang', 'Madang', 1);
         INSERT INTO rooms (id, title, head, last_at) VALUES ('lobby', 'Lobby', 1, 1);
         INSERT INTO entries (pos, at, by, kind, body) VALUES (1 << 40 | 1, 1, 1, 1, 'Lobby');",
        0x6d64_6e67
    ))
    .unwrap();
    drop(sql);
    let mark = format!("old {:020} {:020}\n", 1, now());
    std::fs::write(folder.path().join("madang.mark"), mark).unwrap();
    let store = open(folder.path()).unwrap();
    assert_eq!((store.epoch().as_str(), store.first_epoch().as_str()), ("old", "old"));
    store.add_guest(user("ann"), [1; 32], now()).await.unwrap();
    store.append(write(1, "hello")).await.unwrap();
}

/// As a whole folder from yesterday is: its files show it themselves, and have times of today.
#[tokio::test]
async fn restored_folder_begins_another_epoch() {
    let (folder, store) = with_ann().await;
    let first = store.epoch().clone();
    drop(store);
    let mut older = backup(&folder);
    for (name, bytes) in &mut older {
        if name == "madang.mark" {
            let line = String::from_utf8(bytes.clone()).unwrap();
            let (said, at) = line.trim_end().rsplit_once(' ').unwrap();
            let yesterday = at.parse::<i64>().unwrap() - 24 * 60 * 60 * 1_000;
            *bytes = format!("{said} {yesterday:020}\n").into_bytes();
        }
    }
    put_back(&folder, &older, |_| true);
    assert_ne!(*open(folder.path()).unwrap().epoch(), first);
}

#[tokio::test]
async fn unguarded_database_begins_another_epoch() {
    let (folder, store) = with_ann().await;
    let first = store.epoch().clone();
    drop(store);
    std::fs::remove_file(folder.path().join("madang.mark")).unwrap();
    let second = open(folder.path()).unwrap().epoch().clone();
    assert_ne!(second, first);

    let (elsewhere, other) = with_ann().await;
    let others = other.epoch().clone();
    drop(other);
    put_back(&folder, &backup(&elsewhere), |name| name == "madang.db");
    let store = open(folder.path()).unwrap();
    assert!(![&first, &second, &others].contains(&store.epoch()), "it was somewhere else meanwhile");
}

/// State after the process was killed: the operating system has everything that it wrote.
#[tokio::test]
async fn killed_process_keeps_the_epoch() {
    let (folder, store) = with_ann().await;
    for n in 1..=20 {
        store.append(write(n, "hello")).await.unwrap();
    }
    let left = tempdir().unwrap();
    for (name, bytes) in backup(&folder) {
        std::fs::write(left.path().join(name), bytes).unwrap();
    }
    assert_eq!(open(left.path()).unwrap().epoch(), store.epoch());
}
