//! Answers from memory equal those from the database: each story is told twice, to a store that was there all the time,
//! and to one that has just read the same disk.

use std::collections::BTreeMap;

use madang_protocol::{Cmid, Operation, Person, RoomId, RoomInfo, Seq, UserId};
use madang_server::store::{KEPT_MESSAGES, RoomState, Store, StoreOptions};
use proptest::prelude::*;

use crate::stand::{Stand, post, today};

/// Names for five people and three rooms; not all of them come into every story.
const PEOPLE: [&str; 5] = ["ann", "bo", "cho", "dal", "eun"];
const ROOMS: [&str; 3] = ["lobby", "garden", "attic"];

#[derive(Clone, Debug)]
enum Step {
    Come(usize),
    Rename(usize, String),
    Open(usize, usize),
    Read(usize, usize, Seq),
    Write(usize, usize, Operation),
    /// Looking brings things into memory.
    Look,
}

fn step() -> impl Strategy<Value = Step> {
    let (person, room, seq) = (0..PEOPLE.len(), 0..ROOMS.len(), 1..12_u64);
    let operation = prop_oneof![
        5 => "[a-c]{1,3}".prop_map(|body| Operation::post(body, None)),
        2 => (seq.clone(), "[d-f]{1,3}").prop_map(|(seq, body)| Operation::Edit { seq, body }),
        1 => seq.clone().prop_map(|seq| Operation::Delete { seq }),
    ];
    prop_oneof![
        1 => person.clone().prop_map(Step::Come),
        1 => (person.clone(), "[A-C]{1,3}").prop_map(|(who, name)| Step::Rename(who, name)),
        1 => (person.clone(), room.clone()).prop_map(|(who, room)| Step::Open(who, room)),
        2 => (person.clone(), room.clone(), seq).prop_map(|(who, room, seq)| Step::Read(who, room, seq)),
        10 => (person, room, operation).prop_map(|(who, room, operation)| Step::Write(who, room, operation)),
        2 => Just(Step::Look),
    ]
}

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// Everything that a store answers from memory, and the whole of each room, which it reads.
#[derive(Debug, Default, PartialEq)]
struct Answers {
    logins: Vec<Option<Person>>,
    lists: Vec<Vec<RoomInfo>>,
    heads: Vec<(RoomId, Seq)>,
    versions: Vec<Option<Seq>>,
    rooms: BTreeMap<String, [Option<RoomState>; 3]>,
}

async fn answers(store: &Store) -> Answers {
    let mut answers = Answers { heads: store.heads(), ..Answers::default() };
    for (who, name) in (1..).zip(PEOPLE) {
        answers.logins.push(store.login([who; 32]).await.unwrap());
        for limit in [10, 2] {
            answers.lists.push(store.rooms(Some(id(name)), limit).await.unwrap());
        }
    }
    answers.lists.push(store.rooms(None, 10).await.unwrap());
    for room in ROOMS {
        let state = async |limit| store.snapshot(id(room), limit).await.unwrap();
        let states = [state(2).await, state(KEPT_MESSAGES).await, state(usize::MAX).await];
        answers.versions.push(store.version(&id(room)).map(|version| version.head));
        answers.rooms.insert(room.into(), states);
    }
    answers
}

/// Refusals are part of the stories: what was refused must not show.
async fn tell(store: &Store, step: Step, cmid: u128) {
    match step {
        Step::Come(who) => {
            let hash = [u8::try_from(who).unwrap() + 1; 32];
            let _ = store.add_guest(id(PEOPLE[who]), hash, today()).await;
        }
        Step::Rename(who, name) => _ = store.rename(id(PEOPLE[who]), name, 1).await,
        Step::Open(who, room) => {
            let title = format!("The {}", ROOMS[room]);
            let _ = store.open_room(id(ROOMS[room]), title, id(PEOPLE[who]), 9_000).await;
        }
        Step::Read(who, room, seq) => _ = store.mark_read(id(PEOPLE[who]), id(ROOMS[room]), seq).await,
        Step::Write(who, room, operation) => {
            let (by, room) = (id(PEOPLE[who]), id(ROOMS[room]));
            let _ = store.append(operation.into_draft(room, by, Cmid(cmid), 5_000)).await;
        }
        Step::Look => _ = answers(store).await,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_answers_as_the_disk_does(
        people in 1..6_usize,
        story in proptest::collection::vec(step(), 1..60),
    ) {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let stand = Stand::keeping(people).await;
            for (cmid, step) in (1..).zip(story) {
                tell(&stand.store, step, cmid).await;
            }
            let (fresh, _folder) = stand.copied();
            assert_eq!(answers(&stand.store).await, answers(&fresh).await);
        });
    }
}

/// Misses fill the memory while the writer changes what they read.
pub(crate) async fn load_during_writes_misses_nothing(_: Stand) {
    let mut stand = Stand::keeping(1).await;
    let people: Vec<UserId> = vec![stand.ann.clone(), stand.bo.clone(), stand.cho.clone()];
    let store = stand.store.clone();
    let looking = tokio::spawn(async move {
        for _ in 0..150 {
            answers(&store).await;
        }
    });
    let lobby = stand.lobby.clone();
    let mut round = 0;
    while !looking.is_finished() {
        let by = people[round % 3].clone();
        let posted = stand.append(&by, &lobby, post("hello"));
        let renamed = stand.store.rename(by.clone(), format!("name {round}"), 1);
        let read = stand.store.mark_read(by, lobby.clone(), round as Seq);
        posted.await.unwrap();
        renamed.await.unwrap();
        read.await.unwrap();
        round += 1;
    }
    looking.await.unwrap();
    let (fresh, _folder) = stand.copied();
    assert_eq!(answers(&stand.store).await, answers(&fresh).await, "after {round} rounds");
}

pub(crate) async fn cache_keeps_only_the_newest_messages_unchanged(mut stand: Stand) {
    let (ann, bo, lobby) = (stand.ann.clone(), stand.bo.clone(), stand.lobby.clone());
    answers(&stand.store).await;
    for n in 0..KEPT_MESSAGES as Seq * 2 {
        let seq = stand.post(if n % 3 == 0 { &bo } else { &ann }, &format!("{n}")).await;
        if n % 7 == 6 {
            // Some that are still kept, some that are no longer, some of others.
            let target = seq - (n * 13) % (n + 1);
            let _ = stand.delete(&ann, target).await;
            let _ = stand.edit(&ann, target - 1, "edited").await;
        }
    }
    stand.store.mark_read(bo, lobby, 30).await.unwrap();
    let (fresh, _folder) = stand.copied();
    assert_eq!(answers(&stand.store).await, answers(&fresh).await);
}

pub(crate) async fn cached_data_is_not_read_again(_: Stand) {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions::default();
    let reads = options.reads.clone();
    let (committed, _stream) = tokio::sync::mpsc::channel(100);
    let store = Store::open(folder.path(), options, committed).unwrap();
    store.add_guest(id("ann"), [1; 32], today()).await.unwrap();
    for _ in 0..100 {
        store.login([1; 32]).await.unwrap().unwrap();
        store.rooms(Some(id("ann")), 10).await.unwrap();
        store.snapshot(RoomId::lobby(), KEPT_MESSAGES).await.unwrap();
    }
    assert_eq!(reads.get(), 1, "the messages, once");
}
