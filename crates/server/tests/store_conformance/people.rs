//! Guests, names, rooms, read markers.

use madang_protocol::{EntryKind, Person, RoomId, UserId};
use madang_server::store::{MAX_ROOMS, ReadMarker, RoomChange, StoreError, UNREAD_MAX};

use crate::stand::{Stand, post};

pub(crate) async fn login_is_found_by_token_hash_alone(stand: Stand) {
    let ann = Person::new(stand.ann.clone(), "");
    assert_eq!(stand.store.login([1; 32]).await.unwrap(), Some(ann));
    assert_eq!(stand.store.login([9; 32]).await.unwrap(), None);
    stand.store.rename(stand.ann.clone(), "앤".into(), 1).await.unwrap();
    let stand = stand.reopened();
    assert_eq!(stand.store.login([1; 32]).await.unwrap().unwrap().name, "앤");
}

pub(crate) async fn a_taken_id_or_token_is_refused(stand: Stand) {
    let dan = "dan".parse::<madang_protocol::UserId>().unwrap();
    assert_eq!(stand.store.add_guest(stand.ann.clone(), [7; 32], 1).await, Err(StoreError::Taken));
    assert_eq!(stand.store.add_guest(dan.clone(), [1; 32], 1).await, Err(StoreError::Taken));
    assert_eq!(stand.store.login([7; 32]).await.unwrap(), None, "a refused guest leaves nothing");
    stand.store.add_guest(dan, [7; 32], 1).await.unwrap();
}

pub(crate) async fn a_new_name_is_on_old_entries_too(mut stand: Stand) {
    let (ann, lobby) = (stand.ann.clone(), stand.lobby.clone());
    stand.post(&ann, "before").await;
    let renamed = stand.store.rename(ann.clone(), "Ann".into(), 1).await.unwrap();
    assert_eq!((&renamed.person, &*renamed.others), (&Person::new(ann.clone(), "Ann"), &[][..]));
    stand.post(&ann, "after").await;

    let log = stand.store.entries_after(lobby.clone(), 1, 10).await.unwrap();
    assert!(log.iter().all(|committed| committed.author.person.name == "Ann"), "{log:?}");
    let state = stand.store.snapshot(lobby, 10).await.unwrap().unwrap();
    assert_eq!(state.people, [renamed.person]);
    let sent: Vec<_> = stand
        .sent_batches()
        .into_iter()
        .flatten()
        .map(|committed| committed.author.person.name.clone())
        .collect();
    assert_eq!(sent, ["", "Ann"], "what was sent carries the name of its time");

    let nobody = "nobody".parse().unwrap();
    assert_eq!(stand.store.rename(nobody, "?".into(), 1).await, Err(StoreError::UnknownUser));
}

pub(crate) async fn unread_counts_messages_of_others_that_stand(mut stand: Stand) {
    let (ann, bo, cho, lobby) = (stand.ann.clone(), stand.bo.clone(), stand.cho.clone(), stand.lobby.clone());
    for (author, body) in [(&ann, "two"), (&bo, "three"), (&ann, "four"), (&ann, "five")] {
        stand.post(author, body).await;
    }
    stand.edit(&ann, 5, "five!").await.unwrap();
    stand.delete(&ann, 4).await.unwrap();
    let unread = async |user| {
        let rooms = stand.store.rooms(Some(user), 10).await.unwrap();
        (rooms[0].read, rooms[0].unread)
    };
    assert_eq!(unread(ann.clone()).await, (1, 1), "her own do not count");
    assert_eq!(unread(bo.clone()).await, (1, 2), "nor the deleted one, and an edit counts once");
    assert_eq!(unread(cho.clone()).await, (1, 3));
    let marker = stand.store.mark_read(cho.clone(), lobby, 3).await.unwrap();
    assert_eq!(marker, ReadMarker { seq: 3, unread: 1, head: 7 });
    assert_eq!(unread(cho).await, (3, 1), "the list says what the answer said");
    let nobody = stand.store.rooms(None, 10).await.unwrap();
    assert_eq!((nobody[0].read, nobody[0].unread), (0, 0));
}

pub(crate) async fn newcomer_has_nothing_unread(mut stand: Stand) {
    let ann = stand.ann.clone();
    stand.post(&ann, "before").await;
    let newcomer: UserId = "dal".parse().unwrap();
    stand.store.add_guest(newcomer.clone(), [9; 32], 1).await.unwrap();
    let lobby = async || stand.store.rooms(Some(newcomer.clone()), 10).await.unwrap().remove(0);
    assert_eq!((lobby().await.read, lobby().await.unread), (2, 0));
    stand.post(&ann, "after").await;
    let lobby = stand.store.rooms(Some(newcomer), 10).await.unwrap().remove(0);
    assert_eq!((lobby.read, lobby.unread), (2, 1));
}

pub(crate) async fn unread_is_counted_up_to_a_thousand(mut stand: Stand) {
    let (ann, bo, lobby) = (stand.ann.clone(), stand.bo.clone(), stand.lobby.clone());
    let queued: Vec<_> = (0..UNREAD_MAX + 5).map(|_| stand.append(&ann, &lobby, post("hello"))).collect();
    for answer in queued {
        answer.await.unwrap();
    }
    assert_eq!(stand.store.rooms(Some(bo.clone()), 10).await.unwrap()[0].unread, UNREAD_MAX);
    assert_eq!(stand.store.mark_read(bo.clone(), lobby.clone(), 1).await.unwrap().unread, UNREAD_MAX);
    assert_eq!(stand.store.mark_read(bo, lobby, 10).await.unwrap().unread, UNREAD_MAX + 5 - 9);
}

pub(crate) async fn read_marker_never_regresses_or_passes_the_head(mut stand: Stand) {
    let (ann, bo, lobby) = (stand.ann.clone(), stand.bo.clone(), stand.lobby.clone());
    for body in ["two", "three", "four"] {
        stand.post(&ann, body).await;
    }
    let mark = async |seq| stand.store.mark_read(bo.clone(), lobby.clone(), seq).await.unwrap();
    assert_eq!(mark(3).await, ReadMarker { seq: 3, unread: 1, head: 4 });
    assert_eq!(mark(2).await, ReadMarker { seq: 3, unread: 1, head: 4 }, "another device was further");
    assert_eq!(mark(0).await, ReadMarker { seq: 3, unread: 1, head: 4 });
    assert_eq!(mark(u64::MAX).await, ReadMarker { seq: 4, unread: 0, head: 4 }, "at most the head");
    let nowhere: RoomId = "nowhere".parse().unwrap();
    assert_eq!(stand.store.mark_read(ann, nowhere, 1).await, Err(StoreError::UnknownRoom));
    let nobody = "nobody".parse().unwrap();
    assert_eq!(stand.store.mark_read(nobody, lobby.clone(), 1).await, Err(StoreError::UnknownUser));
}

pub(crate) async fn a_read_marker_outlives_reopening(mut stand: Stand) {
    let (ann, bo, lobby) = (stand.ann.clone(), stand.bo.clone(), stand.lobby.clone());
    stand.post(&ann, "two").await;
    stand.store.mark_read(bo.clone(), lobby.clone(), 2).await.unwrap();
    let stand = stand.reopened();
    assert_eq!(stand.store.rooms(Some(bo.clone()), 1).await.unwrap()[0].read, 2);
    assert_eq!(stand.store.mark_read(bo, lobby, 1).await.unwrap().seq, 2);
}

pub(crate) async fn rooms_are_listed_by_activity_with_the_lobby(mut stand: Stand) {
    let ann = stand.ann.clone();
    let system_clock = stand.log(&stand.lobby).await[0].at;
    let [garden, kitchen, attic] =
        [stand.open_room("garden").await, stand.open_room("kitchen").await, stand.open_room("attic").await];
    for (room, after) in [(&garden, 30), (&kitchen, 10), (&attic, 20)] {
        let write = stand.write(&ann, room, post("hello"));
        let write = madang_protocol::Entry { at: system_clock + after, ..write };
        stand.store.append(write).await.unwrap();
    }
    let listed = async |limit| -> Vec<RoomId> {
        stand.store.rooms(None, limit).await.unwrap().into_iter().map(|info| info.room).collect()
    };
    assert_eq!(listed(10).await, [&garden, &attic, &kitchen, &stand.lobby].map(Clone::clone));
    assert_eq!(listed(2).await, [&garden, &stand.lobby].map(Clone::clone));
    assert_eq!(listed(0).await, [stand.lobby.clone()]);
    let info = &stand.store.rooms(None, 10).await.unwrap()[0];
    assert_eq!((info.title.as_str(), info.head), ("The garden", 2));
}

pub(crate) async fn a_room_opens_with_its_first_entry(mut stand: Stand) {
    let garden = stand.open_room("garden").await;
    let log = stand.log(&garden).await;
    assert_eq!(log.len(), 1);
    assert_eq!((log[0].seq, log[0].at, &log[0].by), (1, 2_000, &stand.ann));
    assert_eq!(log[0].what, EntryKind::Opened { title: "The garden".into() });
    assert_eq!(stand.sent(), log);
    let again = stand.store.open_room(garden, "Another".into(), stand.bo.clone(), 1).await;
    assert_eq!(again, Err(StoreError::Taken));
    let nobody = "nobody".parse().unwrap();
    let by_nobody = stand.store.open_room("attic".parse().unwrap(), "?".into(), nobody, 1).await;
    assert_eq!(by_nobody, Err(StoreError::UnknownUser));
}

pub(crate) async fn rooms_are_bounded(mut stand: Stand) {
    let ann = stand.ann.clone();
    let open = |n: u32| stand.store.open_room(format!("r{n}").parse().unwrap(), "R".into(), ann.clone(), 1);
    let queued: Vec<_> = (1..MAX_ROOMS).map(open).collect();
    for answer in queued {
        answer.await.unwrap();
    }
    assert_eq!(open(MAX_ROOMS).await, Err(StoreError::TooManyRooms), "the lobby counts");
    assert_eq!(stand.post(&ann, "the others go on").await, 2);
}

pub(crate) async fn a_store_is_ready(stand: Stand) {
    assert_eq!(stand.store.ready().await, Ok(()));
    let stand = stand.reopened();
    assert_eq!(stand.store.ready().await, Ok(()), "also when nothing was written yet");
}

pub(crate) async fn only_unused_rooms_close(mut stand: Stand) {
    let (unused, used): (RoomId, RoomId) = ("unused".parse().unwrap(), "used".parse().unwrap());
    for room in [&unused, &used] {
        stand.store.open_room(room.clone(), "Room".into(), stand.ann.clone(), 1_000).await.unwrap();
    }
    let ann = stand.ann.clone();
    let mut write = stand.write(&ann, &used, post("once"));
    write.at = 1_000;
    stand.store.append(write).await.unwrap();
    assert!(stand.store.unused_rooms(999).is_empty());
    let stand = stand.reopened();
    assert_eq!(stand.store.unused_rooms(1_000), std::slice::from_ref(&unused), "never the lobby");
    let close = || RoomChange::Close { unused: true };
    assert_eq!(stand.store.change_room(used.clone(), close(), 2_000).await, Err(StoreError::InUse));
    let closed = stand.store.change_room(unused.clone(), close(), 2_000).await.unwrap();
    assert_eq!((closed.seq, closed.what), (2, EntryKind::Closed {}));
    let again = stand.store.open_room(unused.clone(), "Room".into(), ann, 1).await;
    assert_eq!(again, Err(StoreError::Taken), "its id is never used again");
    let stand = stand.reopened();
    assert!(stand.store.unused_rooms(9_000).is_empty() && stand.store.version(&unused).is_none());
    assert!(stand.store.version(&used).is_some());
}
