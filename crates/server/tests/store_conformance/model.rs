//! Random stories, against a model that is as plain as can be.

use madang_protocol::{Cmid, Entry, EntryKind, Headers, Operation, RoomId, Seq, UserId};
use madang_server::store::{Appended, PageAt, StoreError};
use proptest::prelude::*;

use crate::stand::{Stand, fold};

/// Steps of a story. Small numbers, so that seqs and cmids meet.
#[derive(Clone, Debug)]
enum Step {
    Append { by: usize, cmid: u8, room: usize, at: i64, operation: Operation },
    MarkRead { by: usize, room: usize, seq: Seq },
}

/// Steps that are queued together, and whether the store is reopened after them.
type Act = (Vec<Step>, bool);

fn operation() -> impl Strategy<Value = Operation> {
    let seq = 0..14_u64;
    let body = "[a-c가-다]{1,4}";
    prop_oneof![
        4 => (body, proptest::option::weighted(0.3, seq.clone()), headers())
            .prop_map(|(body, reply_to, headers)| Operation::Post { body, reply_to, headers }),
        2 => (seq.clone(), body).prop_map(|(seq, body)| Operation::Edit { seq, body }),
        1 => seq.prop_map(|seq| Operation::Delete { seq }),
    ]
}

fn headers() -> impl Strategy<Value = Headers> {
    let some = proptest::collection::btree_map("[a-z:가]{1,3}", "[ -~\n]{0,6}", 1..4);
    proptest::option::weighted(0.3, some).prop_map(|some| some.into_iter().flatten().collect())
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..3_usize, any::<u8>(), 0..2_usize, 0..9_000_i64, operation())
            .prop_map(|(by, cmid, room, at, operation)| Step::Append { by, cmid: cmid % 64, room, at, operation }),
        1 => (0..3_usize, 0..2_usize, 0..20_u64).prop_map(|(by, room, seq)| Step::MarkRead { by, room, seq }),
    ]
}

fn story() -> impl Strategy<Value = Vec<Act>> {
    proptest::collection::vec((proptest::collection::vec(step(), 1..25), any::<bool>()), 1..5)
}

/// The two rooms' logs, as far as anybody reads them, and the read markers.
struct Model {
    users: Vec<UserId>,
    rooms: Vec<RoomId>,
    logs: Vec<Vec<Entry>>,
    markers: Vec<Vec<Seq>>,
}

impl Model {
    fn append(&mut self, draft: &Entry) -> Result<Appended, StoreError> {
        let same = |entry: &&Entry| entry.by == draft.by && entry.cmid == draft.cmid;
        if let Some(first) = self.logs.iter().flatten().find(same) {
            return Ok(Appended { room: first.room.clone(), seq: first.seq, repeat: true });
        }
        let room = self.rooms.iter().position(|room| *room == draft.room).unwrap();
        let log = &mut self.logs[room];
        let messages = fold(log);
        let own = |seq: Seq| match messages.iter().find(|message| message.seq == seq && !message.is_deleted())
        {
            None => Err(StoreError::UnknownMessage),
            Some(message) if message.by != draft.by => Err(StoreError::NotYours),
            Some(_) => Ok(()),
        };
        if draft.what.reply_to().is_some_and(|seq| !messages.iter().any(|message| message.seq == seq)) {
            return Err(StoreError::UnknownMessage);
        }
        draft.what.target().map_or(Ok(()), own)?;
        if let EntryKind::Deleted { seq: gone } = draft.what {
            log.iter_mut().for_each(|entry| redact(entry, gone));
        }
        let last = log.last().unwrap();
        // A clock that lies far behind the last entry is believed: one of the two was wrong.
        let is_far = last.at - draft.at > 5_000;
        let (seq, at) = (last.seq + 1, if is_far { draft.at } else { last.at.max(draft.at) });
        log.push(Entry { seq, at, ..draft.clone() });
        Ok(Appended { room: draft.room.clone(), seq, repeat: false })
    }

    fn mark_read(&mut self, by: usize, room: usize, seq: Seq) -> (Seq, u32) {
        let head = self.logs[room].last().unwrap().seq;
        let marker = &mut self.markers[by][room];
        *marker = seq.min(head).max(*marker);
        (self.markers[by][room], self.unread(by, room))
    }

    fn unread(&self, by: usize, room: usize) -> u32 {
        let (marker, user) = (self.markers[by][room], &self.users[by]);
        let unread = fold(&self.logs[room]).into_iter();
        unread.filter(|m| m.seq > marker && m.by != *user && !m.is_deleted()).count() as u32
    }
}

fn redact(entry: &mut Entry, gone: Seq) {
    match &mut entry.what {
        EntryKind::Posted { body, headers, .. } if entry.seq == gone => {
            body.clear();
            *headers = Headers::default();
        }
        EntryKind::Edited { seq, body } if *seq == gone => body.clear(),
        _ => {}
    }
}

/// An answer still to come, with what it should be.
enum Expected {
    Append(madang_server::store::PendingWrite<Appended>, Result<Appended, StoreError>),
    MarkRead(madang_server::store::PendingWrite<madang_server::store::ReadMarker>, (Seq, u32)),
}

async fn play(story: Vec<Act>) {
    let mut stand = Stand::new().await;
    let garden = stand.open_room("garden").await;
    let rooms = vec![stand.lobby.clone(), garden];
    let logs = vec![stand.log(&rooms[0]).await, stand.log(&rooms[1]).await];
    let users = vec![stand.ann.clone(), stand.bo.clone(), stand.cho.clone()];
    // They came before the garden was: its first message is unread, and what comes before that is not.
    let mut model = Model { users, rooms, logs, markers: vec![vec![1, 1]; 3] };
    for (steps, reopen) in story {
        let queued: Vec<Expected> = steps.into_iter().map(|step| queue(&stand, &mut model, step)).collect();
        for expected in queued {
            match expected {
                Expected::Append(answer, expected) => assert_eq!(answer.await, expected),
                Expected::MarkRead(answer, expected) => {
                    let marker = answer.await.unwrap();
                    assert_eq!((marker.seq, marker.unread), expected);
                }
            }
        }
        stand = if reopen { stand.reopened() } else { stand };
        compare(&stand, &model).await;
    }
}

fn queue(stand: &Stand, model: &mut Model, step: Step) -> Expected {
    match step {
        Step::Append { by, cmid, room, at, operation } => {
            let (by, room) = (model.users[by].clone(), model.rooms[room].clone());
            let draft = operation.into_draft(room, by, Cmid(cmid.into()), at);
            let expected = model.append(&draft);
            Expected::Append(stand.store.append(draft), expected)
        }
        Step::MarkRead { by, room, seq } => {
            let expected = model.mark_read(by, room, seq);
            let answer = stand.store.mark_read(model.users[by].clone(), model.rooms[room].clone(), seq);
            Expected::MarkRead(answer, expected)
        }
    }
}

/// The store's log is the model's; its projection and its pages are the log's fold.
async fn compare(stand: &Stand, model: &Model) {
    for (index, room) in model.rooms.iter().enumerate() {
        let log = stand.log(room).await;
        assert_eq!(log, model.logs[index]);
        let folded = fold(&log);
        let state = stand.store.snapshot(room.clone(), 5).await.unwrap().unwrap();
        let newest = &folded[folded.len().saturating_sub(5)..];
        assert_eq!((state.head, state.messages.as_slice()), (log.len() as Seq, newest));
        assert_eq!(state.before, folded.len() > 5);
        let page = stand.store.page(room.clone(), PageAt::After(6), 4).await.unwrap().unwrap();
        let after: Vec<_> = folded.iter().filter(|message| message.seq > 6).take(4).cloned().collect();
        assert_eq!(page.messages, after);
        for (by, user) in model.users.iter().enumerate() {
            let rooms = stand.store.rooms(Some(user.clone()), 10).await.unwrap();
            let info = rooms.iter().find(|info| info.room == *room).unwrap();
            assert_eq!((info.read, info.unread), (model.markers[by][index], model.unread(by, index)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_stories_end_as_in_the_model(story in story()) {
        tokio::runtime::Runtime::new().unwrap().block_on(play(story));
    }
}
