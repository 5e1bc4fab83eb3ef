//! Wrong histories, each of which must make its number count.

use std::collections::BTreeMap;

use madang_protocol::Operation;
use madang_protocol::{
    ClientFrame, Cmid, Entry, EntryKind, Limits, Message, Person, ResumePoint, RoomId, Seq, ServerFrame,
    Snapshot, UserId,
};

use super::log::Truth;
use super::wire::Wire;
use super::{Checker, Verdict};

fn user() -> UserId {
    "ada".parse().unwrap()
}

fn entry(seq: Seq) -> Entry {
    let what = EntryKind::posted(format!("text {seq}"), None);
    let cmid = Some(Cmid(u128::from(seq)));
    Entry { room: RoomId::lobby(), seq, at: 1_700_000_000_000, by: user(), cmid, what }
}

fn came(seq: Seq) -> ServerFrame {
    ServerFrame::Entry(entry(seq))
}

fn live(head: Seq) -> ServerFrame {
    ServerFrame::Live { room: RoomId::lobby(), head }
}

fn watch(after: Seq) -> ClientFrame {
    ClientFrame::Watch { room: RoomId::lobby(), after: Some(after) }
}

/// A connection that resumed the lobby after 10 and was brought `frames`.
fn brought(frames: &[ServerFrame]) -> Verdict {
    let (mut wire, mut checker) = (Wire::new(1, Some(user())), Checker::default());
    let resume = vec![ResumePoint { room: RoomId::lobby(), seq: 10 }];
    wire.sends(&ClientFrame::Hello { resume, epoch: None, locale: None });
    frames.iter().for_each(|frame| wire.brings(frame, &mut checker));
    checker.verdict
}

/// The counts, in the order of the last line.
fn counts(verdict: &Verdict) -> [u64; 5] {
    [verdict.lost, verdict.doubled, verdict.reordered, verdict.holes, verdict.outsiders]
}

/// A checker that knows that write n was made by client 1, acknowledged at seq n, and seen there, for 1 to 3; and
/// the messages that belong to it.
fn kept() -> (Checker, Truth) {
    let (mut checker, mut messages) = (Checker::default(), BTreeMap::new());
    for seq in 1..=3 {
        let (cmid, room) = (Cmid(seq.into()), RoomId::lobby());
        let what = Operation::post(format!("text {seq}"), None);
        checker.ledger.written(1, cmid, room.clone(), what);
        checker.ledger.done(1, cmid, &room, seq, &mut checker.verdict);
        checker.log.saw(&entry(seq), &mut checker.verdict);
        messages.extend(Message::from_posted(&entry(seq)).map(|message| (seq, message)));
    }
    (checker, Truth::from([(RoomId::lobby(), messages)]))
}

#[test]
fn promised_stream_is_clean_over_second_watch() {
    assert!(brought(&[came(11), came(12), live(12), came(13)]).is_clean());
    let (mut wire, mut checker) = (Wire::new(1, None), Checker::default());
    wire.sends(&watch(10));
    for frame in [came(11), live(11), came(12)] {
        wire.brings(&frame, &mut checker);
    }
    // The client asks again from 11; 13 was under way already.
    wire.sends(&watch(11));
    for frame in [came(13), came(12), came(13), live(13), came(14)] {
        wire.brings(&frame, &mut checker);
    }
    assert!(checker.verdict.is_clean(), "{:?}", checker.verdict);
}

#[test]
fn a_snapshot_leaves_no_hole() {
    let snapshot = Snapshot {
        room: RoomId::lobby(),
        title: String::new(),
        head: 5_000,
        messages: Vec::new(),
        before: true,
        here: Vec::new(),
        here_count: 0,
    };
    assert!(brought(&[ServerFrame::Snapshot(snapshot), live(5_000), came(5_001)]).is_clean());
}

#[test]
fn skipped_entry_is_a_hole() {
    assert_eq!(counts(&brought(&[came(11), came(13)])), [0, 0, 0, 1, 0]);
}

#[test]
fn live_beyond_received_entries_is_a_hole() {
    assert_eq!(counts(&brought(&[came(11), live(12)])), [0, 0, 0, 1, 0]);
    assert_eq!(counts(&brought(&[live(12)])), [0, 0, 0, 1, 0]);
}

#[test]
fn an_entry_that_comes_again_is_doubled() {
    assert_eq!(counts(&brought(&[came(11), came(12), came(12)])), [0, 1, 0, 0, 0]);
}

#[test]
fn an_entry_that_comes_late_is_reordered() {
    assert_eq!(counts(&brought(&[came(11), came(13), came(12)])), [0, 0, 1, 1, 0]);
}

#[test]
fn different_entries_at_one_place_are_reordered() {
    let mut checker = Checker::default();
    checker.log.saw(&entry(1), &mut checker.verdict);
    checker.log.saw(&Entry { cmid: Some(Cmid(99)), ..entry(1) }, &mut checker.verdict);
    assert_eq!(counts(&checker.verdict), [0, 0, 1, 0, 0]);
}

#[test]
fn entry_of_unwatched_room_is_a_leak() {
    let elsewhere = Entry { room: "elsewhere".parse().unwrap(), ..entry(1) };
    assert_eq!(counts(&brought(&[ServerFrame::Entry(elsewhere)])), [0, 0, 0, 0, 1]);
    let room: RoomId = "elsewhere".parse().unwrap();
    assert_eq!(counts(&brought(&[ServerFrame::Heads { heads: vec![(room, 1)] }])), [0, 0, 0, 0, 1]);
}

#[test]
fn welcome_as_another_person_is_a_leak() {
    let you = Person::new("bora".parse().unwrap(), "");
    let welcome = ServerFrame::Welcome {
        you,
        epoch: "e".parse().unwrap(),
        rooms: Vec::new(),
        limits: Limits::default(),
        heartbeat_ms: 25_000,
    };
    assert_eq!(counts(&brought(&[welcome])), [0, 0, 0, 0, 1]);
}

#[test]
fn answer_to_foreign_write_is_a_leak() {
    let (mut checker, _) = kept();
    checker.ledger.done(2, Cmid(1), &RoomId::lobby(), 1, &mut checker.verdict);
    assert_eq!(counts(&checker.verdict), [0, 0, 0, 0, 1]);
}

#[test]
fn a_log_that_was_kept_is_clean() {
    let (mut checker, truth) = kept();
    checker.conclude(&truth);
    assert!(checker.verdict.is_clean(), "{:?}", checker.verdict);
    assert_eq!(checker.verdict.to_string(), "acked=3 lost=0 doubled=0 reordered=0 holes=0 outsiders=0");
}

#[test]
fn acknowledged_write_missing_from_log_is_lost() {
    let (mut checker, mut truth) = kept();
    truth.get_mut(&RoomId::lobby()).unwrap().remove(&3);
    checker.conclude(&truth);
    // For its author, and for everybody who saw it.
    assert_eq!(counts(&checker.verdict), [2, 0, 0, 0, 0]);
}

#[test]
fn an_acknowledged_text_that_became_another_is_lost() {
    let (mut checker, mut truth) = kept();
    truth.get_mut(&RoomId::lobby()).unwrap().get_mut(&2).unwrap().body = Some("else".into());
    checker.conclude(&truth);
    assert_eq!(counts(&checker.verdict), [1, 0, 0, 0, 0]);
}

#[test]
fn a_write_that_stands_twice_is_doubled() {
    let (mut checker, _) = kept();
    checker.log.saw(&Entry { cmid: Some(Cmid(1)), ..entry(4) }, &mut checker.verdict);
    assert_eq!(counts(&checker.verdict), [0, 1, 0, 0, 0]);
}

#[test]
fn write_acknowledged_at_two_places_is_doubled() {
    let (mut checker, _) = kept();
    checker.ledger.done(1, Cmid(1), &RoomId::lobby(), 4, &mut checker.verdict);
    assert_eq!(counts(&checker.verdict), [0, 1, 0, 0, 0]);
}

#[test]
fn an_authors_writes_in_another_order_are_reordered() {
    let (mut checker, truth) = kept();
    let late = Cmid(0);
    let what = Operation::post("text 0".to_owned(), None);
    checker.ledger.written(1, late, RoomId::lobby(), what);
    checker.conclude(&truth);
    assert!(checker.verdict.is_clean(), "a write that is not in the log has no place in the order");
    let mut checker = Checker::default();
    for n in [2_u64, 1] {
        let what = Operation::post(format!("text {n}"), None);
        checker.ledger.written(1, Cmid(n.into()), RoomId::lobby(), what);
        checker.log.saw(&entry(n), &mut checker.verdict);
    }
    checker.conclude(&truth);
    assert_eq!(counts(&checker.verdict), [0, 0, 1, 0, 0]);
}

#[test]
fn unseen_place_is_a_hole() {
    let (mut checker, mut truth) = kept();
    checker.log.saw(&entry(5), &mut checker.verdict);
    let five = Message::from_posted(&entry(5)).unwrap();
    truth.get_mut(&RoomId::lobby()).unwrap().insert(5, five);
    checker.conclude(&truth);
    assert_eq!(counts(&checker.verdict), [0, 0, 0, 1, 0]);
}

/// A reaction of ada's to message 1.
fn reacted(seq: Seq) -> Entry {
    Entry { what: EntryKind::Reacted { seq: 1, emoji: "🎉".to_owned() }, ..entry(seq) }
}

#[test]
fn reaction_that_stands_is_clean_and_else_lost() {
    let (mut checker, mut truth) = kept();
    checker.log.saw(&reacted(4), &mut checker.verdict);
    checker.log.against(&truth, &mut checker.verdict);
    assert_eq!(counts(&checker.verdict), [1, 0, 0, 0, 0]);
    truth.get_mut(&RoomId::lobby()).unwrap().get_mut(&1).unwrap().apply(&reacted(4));
    checker.verdict = Verdict::default();
    checker.log.against(&truth, &mut checker.verdict);
    assert!(checker.verdict.is_clean(), "{:?}", checker.verdict);
}

#[test]
fn reaction_in_the_log_twice_is_doubled() {
    let (mut checker, mut truth) = kept();
    truth.get_mut(&RoomId::lobby()).unwrap().get_mut(&1).unwrap().apply(&reacted(4));
    for seq in [4, 5] {
        checker.log.saw(&reacted(seq), &mut checker.verdict);
    }
    checker.log.against(&truth, &mut checker.verdict);
    assert_eq!(counts(&checker.verdict), [0, 1, 0, 0, 0]);
}
