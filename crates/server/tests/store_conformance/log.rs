//! The log itself: seqs, repeats, times, refusals.

use madang_protocol::{Entry, EntryKind, Operation, RoomId, UserId};
use madang_server::store::{Appended, StoreError};

use crate::stand::{Stand, post, posted, seqs};

pub(crate) async fn the_lobby_exists_from_the_first_open(stand: Stand) {
    let log = stand.log(&stand.lobby).await;
    assert_eq!(log.len(), 1);
    assert_eq!((log[0].seq, &log[0].by), (1, &UserId::system()));
    assert_eq!(log[0].what, EntryKind::Opened { title: "Lobby".into() });
    assert_eq!(stand.store.heads(), [(stand.lobby.clone(), 1)]);
}

pub(crate) async fn the_epoch_and_the_log_outlive_reopening(mut stand: Stand) {
    let (ann, epoch) = (stand.ann.clone(), stand.store.epoch().clone());
    stand.post(&ann, "still here").await;
    let log = stand.log(&stand.lobby).await;
    let mut stand = stand.reopened();
    assert_eq!(*stand.store.epoch(), epoch);
    assert_eq!(stand.log(&stand.lobby).await, log);
    assert_eq!(stand.post(&ann, "and on").await, 3, "the next seq follows the last");
    assert_eq!(seqs(&stand.sent()), [3], "only new entries are sent");
}

pub(crate) async fn entries_after_cursor_are_the_rest(mut stand: Stand) {
    let (ann, lobby) = (stand.ann.clone(), stand.lobby.clone());
    for body in ["two", "three", "four"] {
        stand.post(&ann, body).await;
    }
    let store = &stand.store;
    let after = async |seq, limit| {
        let entries = store.entries_after(lobby.clone(), seq, limit).await.unwrap();
        entries.iter().map(|committed| committed.entry.seq).collect::<Vec<_>>()
    };
    assert_eq!(after(0, 100).await, [1, 2, 3, 4]);
    assert_eq!(after(2, 100).await, [3, 4]);
    assert_eq!(after(1, 2).await, [2, 3], "the oldest of them, at most the limit");
    assert!(after(4, 100).await.is_empty(), "at the head");
    assert!(after(u64::MAX, 100).await.is_empty(), "beyond the head");
    assert!(after(0, 0).await.is_empty());
}

pub(crate) async fn a_repeat_gets_the_first_seq(mut stand: Stand) {
    let (ann, lobby) = (stand.ann.clone(), stand.lobby.clone());
    let write = stand.write(&ann, &lobby, post("once"));
    let first = stand.store.append(write.clone()).await.unwrap();
    stand.post(&ann, "between").await;
    assert_eq!(first, Appended { room: lobby.clone(), seq: 2, repeat: false });
    let second = stand.store.append(write).await.unwrap();
    assert_eq!(second, Appended { repeat: true, ..first });
    assert_eq!(seqs(&stand.sent()), [2, 3], "a repeat sends nothing");
}

pub(crate) async fn a_repeat_is_recognised_after_reopening(mut stand: Stand) {
    let (ann, lobby) = (stand.ann.clone(), stand.lobby.clone());
    let write = stand.write(&ann, &lobby, post("once"));
    let first = stand.store.append(write.clone()).await.unwrap();
    let stand = stand.reopened();
    assert_eq!(stand.store.append(write).await.unwrap(), Appended { repeat: true, ..first });
}

pub(crate) async fn a_repeat_in_the_same_batch_is_recognised(mut stand: Stand) {
    let (ann, lobby) = (stand.ann.clone(), stand.lobby.clone());
    let write = stand.write(&ann, &lobby, post("once"));
    let queued: Vec<_> = (0..5).map(|_| stand.store.append(write.clone())).collect();
    let mut answers = Vec::new();
    for answer in queued {
        answers.push(answer.await.unwrap());
    }
    assert!(answers.iter().all(|answer| answer.seq == 2), "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| !answer.repeat).count(), 1, "{answers:?}");
    assert_eq!(seqs(&stand.sent()), [2]);
}

pub(crate) async fn a_repeat_keeps_the_first_ones_room(mut stand: Stand) {
    let (ann, lobby, garden) = (stand.ann.clone(), stand.lobby.clone(), stand.open_room("garden").await);
    let mut write = stand.write(&ann, &garden, post("once"));
    stand.store.append(write.clone()).await.unwrap();
    write.room = lobby.clone();
    let repeat = stand.store.append(write.clone()).await.unwrap();
    assert_eq!(repeat, Appended { room: garden.clone(), seq: 2, repeat: true });
    write.room = "nowhere".parse().unwrap();
    assert_eq!(stand.store.append(write.clone()).await.unwrap(), repeat, "the room is not even looked for");
    write.what = EntryKind::posted("an answer to nothing", Some(99));
    assert_eq!(stand.store.append(write).await.unwrap(), repeat, "nor the message that it answers");
    assert_eq!(stand.log(&lobby).await.len(), 1);
}

pub(crate) async fn same_cmid_of_another_person_is_another_write(mut stand: Stand) {
    let (ann, lobby) = (stand.ann.clone(), stand.lobby.clone());
    let mut write = stand.write(&ann, &lobby, post("mine"));
    assert_eq!(stand.store.append(write.clone()).await.unwrap().seq, 2);
    write.by = stand.bo.clone();
    let other = stand.store.append(write).await.unwrap();
    assert_eq!((other.seq, other.repeat), (3, false));
}

pub(crate) async fn room_time_goes_back_only_with_the_clock(mut stand: Stand) {
    let (ann, garden) = (stand.ann.clone(), stand.open_room("garden").await);
    // Not by what clocks do by themselves; but one post under a wrong clock must not date the room for ever.
    for at in [9_000, 4_000, 9_500, 90_000, 9_600, 9_400] {
        let write = stand.write(&ann, &garden, post("tick"));
        stand.store.append(Entry { at, ..write }).await.unwrap();
    }
    let mut stand = stand.reopened();
    let write = stand.write(&ann, &garden, post("after a restart with a wrong clock"));
    stand.store.append(Entry { at: 1, ..write }).await.unwrap();
    let times: Vec<_> = stand.log(&garden).await.iter().map(|entry| entry.at).collect();
    assert_eq!(times, [2_000, 9_000, 9_000, 9_500, 90_000, 9_600, 9_600, 1]);
}

pub(crate) async fn write_with_unknown_room_or_person_is_refused(mut stand: Stand) {
    let (ann, lobby) = (stand.ann.clone(), stand.lobby.clone());
    let (nowhere, nobody): (RoomId, UserId) = ("nowhere".parse().unwrap(), "nobody".parse().unwrap());
    assert_eq!(stand.append(&ann, &nowhere, post("?")).await, Err(StoreError::UnknownRoom));
    assert_eq!(stand.append(&nobody, &lobby, post("?")).await, Err(StoreError::UnknownUser));
    assert_eq!(stand.store.entries_after(nowhere, 0, 1).await, Err(StoreError::UnknownRoom));
    assert!(stand.sent().is_empty());
}

pub(crate) async fn refused_write_harms_no_other_of_its_batch(mut stand: Stand) {
    let (ann, bo, lobby) = (stand.ann.clone(), stand.bo.clone(), stand.lobby.clone());
    stand.post(&ann, "two").await;
    let nowhere: RoomId = "nowhere".parse().unwrap();
    let edit = Operation::Edit { seq: 2, body: "not bo's".into() };
    let queued = [
        stand.append(&ann, &lobby, post("three")),
        stand.append(&bo, &lobby, edit),
        stand.append(&ann, &nowhere, post("?")),
        stand.append(&bo, &lobby, post("four")),
    ];
    let mut answers = Vec::new();
    for answer in queued {
        answers.push(answer.await.map(|appended| appended.seq));
    }
    assert_eq!(answers, [Ok(3), Err(StoreError::NotYours), Err(StoreError::UnknownRoom), Ok(4)]);
    let whats: Vec<_> = stand.log(&lobby).await.into_iter().skip(1).map(|entry| entry.what).collect();
    assert_eq!(whats, [posted("two"), posted("three"), posted("four")]);
}

pub(crate) async fn closed_store_answers_queued_and_refuses_later_writes(mut stand: Stand) {
    let (ann, lobby) = (stand.ann.clone(), stand.lobby.clone());
    let queued: Vec<_> = (0..50).map(|n| stand.append(&ann, &lobby, post(&n.to_string()))).collect();
    let store = stand.store.clone();
    tokio::task::spawn_blocking(move || store.close()).await.unwrap();
    for (seq, answer) in (2..).zip(queued) {
        assert_eq!(answer.await.unwrap().seq, seq);
    }
    assert_eq!(stand.append(&ann, &lobby, post("late")).await, Err(StoreError::Closed));
    assert_eq!(stand.log(&lobby).await.len(), 51, "reads go on");
}
