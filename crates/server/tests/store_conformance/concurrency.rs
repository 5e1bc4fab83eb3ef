//! Many writers and readers at once.

use std::collections::HashMap;

use madang_protocol::{Cmid, RoomId, Seq};

use crate::stand::{Stand, post, seqs};

const WRITERS: u128 = 64;
const POSTS: u128 = 20;

/// 64 tasks post to three rooms; answers each room with the seqs that were acknowledged, sorted.
async fn many_writers(stand: &Stand) -> HashMap<RoomId, Vec<Seq>> {
    let rooms = [stand.lobby.clone(), stand.open_room("garden").await, stand.open_room("kitchen").await];
    let mut tasks = Vec::new();
    for writer in 0..WRITERS {
        let (store, by, rooms) = (stand.store.clone(), stand.ann.clone(), rooms.clone());
        tasks.push(tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for n in 0..POSTS {
                let room = rooms[((writer + n) % 3) as usize].clone();
                let cmid = Cmid((writer << 64) + n + 1);
                let write = post("hello").into_draft(room, by.clone(), cmid, 5_000);
                acknowledged.push(store.append(write).await.unwrap());
            }
            acknowledged
        }));
    }
    let mut rooms: HashMap<RoomId, Vec<Seq>> = HashMap::new();
    for task in tasks {
        for appended in task.await.unwrap() {
            rooms.entry(appended.room).or_default().push(appended.seq);
        }
    }
    rooms.values_mut().for_each(|seqs| seqs.sort_unstable());
    rooms
}

pub(crate) async fn seqs_are_contiguous_under_many_writers(stand: Stand) {
    let acknowledged = many_writers(&stand).await;
    assert_eq!(acknowledged.values().map(Vec::len).sum::<usize>() as u128, WRITERS * POSTS);
    for (room, acknowledged) in acknowledged {
        let expected: Vec<Seq> = (2..).take(acknowledged.len()).collect();
        assert_eq!(acknowledged, expected, "each seq of {room} was given out once");
        assert_eq!(seqs(&stand.log(&room).await)[1..], expected, "and stands in its log");
    }
}

pub(crate) async fn stream_keeps_commit_order_and_contiguous_rooms(mut stand: Stand) {
    let acknowledged = many_writers(&stand).await;
    let sent = stand.sent();
    for room in acknowledged.keys() {
        let of_room: Vec<_> = sent.iter().filter(|entry| entry.room == *room).cloned().collect();
        let log = stand.log(room).await;
        let missed = log.len() - of_room.len();
        assert!(missed <= 1, "all but the lobby's opening, which nobody could hear");
        assert_eq!(of_room, log[missed..], "the stream of {room} is its log");
    }
}

pub(crate) async fn calls_are_committed_in_call_order(mut stand: Stand) {
    let (ann, lobby) = (stand.ann.clone(), stand.lobby.clone());
    let queued: Vec<_> = (0..1_000).map(|n| stand.append(&ann, &lobby, post(&n.to_string()))).collect();
    // Awaited in the opposite order: polling decides nothing.
    for (n, answer) in queued.into_iter().enumerate().rev() {
        assert_eq!(answer.await.unwrap().seq, n as Seq + 2);
    }
}

pub(crate) async fn a_concurrent_repeat_writes_once(mut stand: Stand) {
    let (ann, lobby) = (stand.ann.clone(), stand.lobby.clone());
    let write = stand.write(&ann, &lobby, post("once"));
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let (store, write) = (stand.store.clone(), write.clone());
            tokio::spawn(async move { store.append(write).await.unwrap() })
        })
        .collect();
    let mut first = 0;
    for task in tasks {
        let appended = task.await.unwrap();
        assert_eq!(appended.seq, 2);
        first += usize::from(!appended.repeat);
    }
    assert_eq!(first, 1);
    assert_eq!(stand.log(&lobby).await.len(), 2);
}

pub(crate) async fn readers_see_whole_batches_while_writers_write(mut stand: Stand) {
    let (ann, lobby) = (stand.ann.clone(), stand.lobby.clone());
    let queued: Vec<_> = (0..2_000).map(|_| stand.append(&ann, &lobby, post("hello"))).collect();
    let mut head = 0;
    while head < 2_001 {
        let state = stand.store.snapshot(lobby.clone(), 10).await.unwrap().unwrap();
        assert!(state.head >= head, "a head never goes back");
        head = state.head;
        assert_eq!(state.messages.last().map_or(1, |message| message.seq), head, "head and messages agree");
    }
    for answer in queued {
        answer.await.unwrap();
    }
}

pub(crate) async fn write_is_committed_without_a_waiter(mut stand: Stand) {
    let (ann, lobby) = (stand.ann.clone(), stand.lobby.clone());
    drop(stand.append(&ann, &lobby, post("forgotten")));
    assert_eq!(stand.post(&ann, "after it").await, 3);
    assert_eq!(stand.log(&lobby).await.len(), 3);
}
