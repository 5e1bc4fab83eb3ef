//! Old guests: who is removed, and who left a trace.

use madang_protocol::{Entry, EntryKind, Person, RoomId};
use madang_server::store::{GUEST_KEPT, Store, StoreError};
use tempfile::{TempDir, tempdir};

use super::{now, open, user, write};

#[tokio::test]
async fn only_old_guests_without_a_trace_are_removed() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let long_ago = now() - GUEST_KEPT - 60_000;
    for (id, hash, at) in [
        ("ann", 1, long_ago),
        ("reader", 2, long_ago),
        ("named", 3, long_ago),
        ("recent", 4, long_ago + 120_000),
        ("passer-by", 5, long_ago),
    ] {
        store.add_guest(user(id), [hash; 32], at).await.unwrap();
    }
    store.append(write(1, "a trace")).await.unwrap();
    store.mark_read(user("reader"), RoomId::lobby(), 2).await.unwrap();
    store.rename(user("named"), "Named".into(), 1).await.unwrap();
    drop(store);

    let store = open(folder.path()).unwrap();
    assert!(store.login([5; 32]).await.unwrap().is_some(), "a start removes nobody");
    let mut after = 0;
    while let Some(next) = store.remove_guests(now() - GUEST_KEPT, after).await.unwrap() {
        after = next;
    }
    for (hash, id) in [(1, "ann"), (2, "reader"), (3, "named"), (4, "recent")] {
        let person: Option<Person> = store.login([hash; 32]).await.unwrap();
        assert_eq!(person.map(|person| person.id), Some(user(id)));
    }
    assert_eq!(store.login([5; 32]).await.unwrap(), None);
}

#[tokio::test]
async fn first_format_keeps_authors_and_their_writes() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("madang.db");
    let sql = rusqlite::Connection::open(&path).unwrap();
    sql.execute_batch(include_str!("../../src/store/migrations/0001_log.sql")).unwrap();
    sql.execute_batch(&format!(
        "PRAGMA application_id = {}; PRAGMA user_version = 1;
         INSERT INTO meta VALUES ('epoch', 'old');
         INSERT INTO users (id, name, made_at) VALUES ('madang', 'Madang', 1), ('ann', '', 1), ('idle', '', 1);
         INSERT INTO rooms (id, title, head, last_at) VALUES ('lobby', 'Lobby', 2, 1);
         INSERT INTO entries (pos, at, by, kind, body) VALUES (1 << 40 | 1, 1, 1, 1, 'Lobby');
         INSERT INTO entries (pos, at, by, cmid, kind, body)
             VALUES (1 << 40 | 2, 1, 2, x'00000000000000000000000000000001', 2, 'hello');
         INSERT INTO messages (pos, by, changed) VALUES (1 << 40 | 2, 2, 2);",
        0x6d64_6e67
    ))
    .unwrap();
    drop(sql);
    let store = open(folder.path()).unwrap();
    assert!(store.append(write(1, "hello")).await.unwrap().repeat);
    store.remove_guests(now(), 0).await.unwrap();
    store.append(write(2, "still here")).await.unwrap();
    let gone = store.append(Entry { by: user("idle"), ..write(3, "removed") }).await;
    assert!(matches!(gone, Err(StoreError::UnknownUser)), "{gone:?}");
    drop(store);
    let sql = rusqlite::Connection::open(&path).unwrap();
    let all: String = sql.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(all, "ok");
    let keys = "SELECT count(*) FROM pragma_foreign_key_list('entries')";
    let keys: u32 = sql.query_row(keys, [], |row| row.get(0)).unwrap();
    assert_eq!(keys, 0, "each person removed would read all entries");
}

#[tokio::test]
async fn author_whose_first_write_was_taken_back_stays() {
    let (folder, store) = with_old_guest().await;
    let edit = Entry { what: EntryKind::Edited { seq: 99, body: "of nothing".into() }, ..write(2, "") };
    let refused = store.append_all(vec![write(1, "taken back"), edit], Vec::new()).await.unwrap();
    assert_eq!(refused.unwrap_err().index, 1);
    store.append(write(3, "a trace")).await.unwrap();
    drop(store);
    let store = open(folder.path()).unwrap();
    store.remove_guests(now() - GUEST_KEPT, 0).await.unwrap();
    store.append(write(4, "still here")).await.unwrap();
}

#[tokio::test]
async fn old_guest_without_a_write_that_stands_goes() {
    let (_folder, store) = with_old_guest().await;
    let edit = Entry { what: EntryKind::Edited { seq: 99, body: "of nothing".into() }, ..write(2, "") };
    assert!(store.append_all(vec![write(1, "taken back"), edit], Vec::new()).await.unwrap().is_err());
    store.remove_guests(now() - GUEST_KEPT, 0).await.unwrap();
    assert!(matches!(store.append(write(3, "late")).await, Err(StoreError::UnknownUser)));
}

/// A store with a guest, Ann, who is old enough to be removed.
async fn with_old_guest() -> (TempDir, Store) {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    store.add_guest(user("ann"), [1; 32], now() - GUEST_KEPT - 60_000).await.unwrap();
    (folder, store)
}
