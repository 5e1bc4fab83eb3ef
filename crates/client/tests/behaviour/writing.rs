//! One's own writes: the order, the repeats, what is shown meanwhile, and what outlives a reload.

use madang_client::{Event, Row, SendState, Write, timeline, utc_day};
use madang_protocol::{ClientFrame, Cmid, EntryKind, Operation, Person, RefusalCode, RoomId, ServerFrame};
use proptest::prelude::*;

use crate::world::World;

fn world() -> World {
    let mut world = World::new(&["lobby", "yard"], &["alice"]);
    world.deliver();
    world.clients[0].up().clear();
    world
}

fn lobby() -> RoomId {
    RoomId::lobby()
}

/// The texts and states of the rows.
fn rows(world: &World) -> Vec<(Option<String>, SendState)> {
    let row = |row: Row| match row {
        Row::Message(row) => Some((row.body.map(|body| body.to_string()), row.state)),
        _ => None,
    };
    timeline(&world.clients[0].model, &lobby(), &utc_day).into_iter().filter_map(row).collect()
}

fn refuse(world: &mut World, cmid: Cmid, code: RefusalCode, retry_after_ms: Option<u32>) {
    let conn = world.clients[0].model.link().conn;
    let (req, room, message) = (None, Some(lobby()), "no".to_owned());
    let frame = ServerFrame::Refused { cmid: Some(cmid), req, room, code, message, retry_after_ms };
    world.event(0, Event::Frame { conn, frame });
}

fn stored(world: &World) -> usize {
    world.storage.values().map(|writes| writes.len()).sum()
}

#[test]
fn one_write_is_in_flight_per_room() {
    let mut world = world();
    let yard = world.rooms[1].clone();
    for room in [lobby(), lobby(), yard.clone()] {
        world.post(0, &room);
    }
    let posts = |world: &World| {
        let up = world.clients[0].waits();
        up.filter(|frame| matches!(frame, ClientFrame::Post { .. })).cloned().collect::<Vec<_>>()
    };
    let post =
        |room, n: u128| ClientFrame::Post { room, cmid: Cmid(n), body: format!("alice {n}"), reply_to: None };
    assert_eq!(posts(&world), [post(lobby(), 1), post(yard, 3)]);
    world.clients[0].up().clear();
    let conn = world.clients[0].model.link().conn;
    let done = ServerFrame::Done { cmid: Cmid(1), room: lobby(), seq: 2 };
    world.event(0, Event::Frame { conn, frame: done });
    assert_eq!(posts(&world), [post(lobby(), 2)]);
}

#[test]
fn post_shows_immediately_and_keeps_its_key() {
    let mut world = world();
    world.post(0, &lobby());
    let keys = |world: &World| {
        timeline(&world.clients[0].model, &lobby(), &utc_day).iter().map(Row::key).collect::<Vec<_>>()
    };
    let before = keys(&world);
    assert_eq!(rows(&world), [(Some("alice 1".into()), SendState::Pending { cmid: Cmid(1) })]);
    world.deliver();
    assert_eq!(rows(&world), [(Some("alice 1".into()), SendState::Sent)]);
    assert_eq!(keys(&world), before);
}

#[test]
fn post_with_entry_before_done_shows_once() {
    for cmid_parity in 0..2 {
        let mut world = world();
        world.cmids += cmid_parity;
        world.post(0, &lobby());
        world.up(0);
        world.up(0);
        for _ in 0..4 {
            world.down(0, 1);
            assert_eq!(rows(&world).len(), 1);
        }
        assert_eq!(world.clients[0].model.unsent(), 0);
        assert_eq!(stored(&world), 0);
    }
}

#[test]
fn snapshot_with_the_post_settles_it() {
    let mut world = world();
    world.post(0, &lobby());
    world.up(0);
    let snapshot = ServerFrame::Snapshot(world.server.snapshot(&lobby()));
    let conn = world.clients[0].model.link().conn;
    world.event(0, Event::Frame { conn, frame: snapshot });
    assert_eq!(rows(&world), [(Some("alice 1".into()), SendState::Sent)]);
    assert_eq!(stored(&world), 0);
}

#[test]
fn temporarily_refused_write_is_retried_first() {
    let mut world = world();
    world.post(0, &lobby());
    world.post(0, &lobby());
    world.clients[0].up().clear();
    refuse(&mut world, Cmid(1), RefusalCode::TooFast, Some(700));
    assert!(world.clients[0].up().is_empty(), "the second may not overtake the first");
    world.pass(699, 0);
    assert!(world.clients[0].up().is_empty());
    world.pass(1, 0);
    assert!(matches!(world.clients[0].up().front(), Some(ClientFrame::Post { cmid: Cmid(1), .. })));
}

#[test]
fn finally_refused_write_fails_and_frees_next() {
    let mut world = world();
    world.post(0, &lobby());
    world.post(0, &lobby());
    world.clients[0].up().clear();
    refuse(&mut world, Cmid(1), RefusalCode::TooLong, None);
    assert!(matches!(world.clients[0].up().front(), Some(ClientFrame::Post { cmid: Cmid(2), .. })));
    assert!(matches!(rows(&world)[0].1, SendState::Failed { cmid: Cmid(1), .. }));
}

#[test]
fn retry_keeps_the_write_discard_ends_it() {
    let mut world = world();
    world.post(0, &lobby());
    world.clients[0].up().clear();
    refuse(&mut world, Cmid(1), RefusalCode::UnknownRoom, None);
    world.reload(0);
    assert!(matches!(rows(&world)[0].1, SendState::Failed { .. }), "a failure outlives a reload");
    world.deliver();
    world.event(0, Event::Retry { cmid: Cmid(1) });
    assert!(matches!(world.clients[0].up().front(), Some(ClientFrame::Post { cmid: Cmid(1), .. })));
    refuse(&mut world, Cmid(1), RefusalCode::UnknownRoom, None);
    world.event(0, Event::Discard { cmid: Cmid(1) });
    assert_eq!((rows(&world).len(), stored(&world)), (0, 0));
}

#[test]
fn write_possibly_in_log_cannot_be_discarded() {
    let mut world = world();
    world.post(0, &lobby());
    world.event(0, Event::Discard { cmid: Cmid(1) });
    assert_eq!(rows(&world).len(), 1);
}

#[test]
fn a_write_without_an_answer_is_sent_again() {
    let mut world = world();
    world.post(0, &lobby());
    world.clients[0].up().clear();
    world.pass(20_000, 0);
    let again =
        world.clients[0].up().iter().any(|frame| matches!(frame, ClientFrame::Post { cmid: Cmid(1), .. }));
    assert!(again);
}

#[test]
fn empty_and_long_texts_never_enter_outbox() {
    let mut world = world();
    for (body, code) in
        [(" \u{3000}\n".to_owned(), RefusalCode::Empty), ("a".repeat(8_001), RefusalCode::TooLong)]
    {
        assert_eq!(world.clients[0].model.check_body(&body), Err(code));
        let cmid = world.cmid();
        world.event(0, Event::Post { room: lobby(), cmid, body, reply_to: None });
        assert_eq!(world.clients[0].model.notice().map(|notice| notice.code), Some(code));
        assert_eq!(rows(&world).len(), 0);
    }
    world.event(0, Event::NoticeDismissed);
    assert_eq!(world.clients[0].model.notice(), None);
}

#[test]
fn edits_and_deletes_show_at_once() {
    let mut world = world();
    world.post(0, &lobby());
    world.deliver();
    world.event(0, Event::Edit { room: lobby(), cmid: Cmid(90), seq: 2, body: "better".into() });
    assert_eq!(rows(&world), [(Some("better".into()), SendState::Pending { cmid: Cmid(90) })]);
    assert_eq!(world.clients[0].model.body(&lobby(), 2).as_deref(), Some("better"));
    world.event(0, Event::Delete { room: lobby(), cmid: Cmid(91), seq: 2 });
    assert_eq!(rows(&world), [(None, SendState::Pending { cmid: Cmid(91) })]);
    assert_eq!(world.clients[0].model.last_own(&lobby()), None);
    world.deliver();
    assert_eq!(rows(&world), [(None, SendState::Sent)]);
}

#[test]
fn failed_edit_shows_typed_text_until_replaced() {
    let mut world = world();
    world.post(0, &lobby());
    world.deliver();
    world.event(0, Event::Edit { room: lobby(), cmid: Cmid(90), seq: 2, body: "too much".into() });
    refuse(&mut world, Cmid(90), RefusalCode::TooLong, None);
    assert!(matches!(&rows(&world)[0], (Some(body), SendState::Failed { .. }) if body == "too much"));
    world.event(0, Event::Edit { room: lobby(), cmid: Cmid(91), seq: 2, body: "fine".into() });
    world.deliver();
    assert_eq!(rows(&world), [(Some("fine".into()), SendState::Sent)]);
}

#[test]
fn change_of_deleted_message_is_dropped_with_notice() {
    let mut world = world();
    world.post(0, &lobby());
    world.deliver();
    world.event(0, Event::Delete { room: lobby(), cmid: Cmid(90), seq: 2 });
    refuse(&mut world, Cmid(90), RefusalCode::UnknownMessage, None);
    assert_eq!(world.clients[0].model.notice().map(|notice| notice.code), Some(RefusalCode::UnknownMessage));
    assert_eq!(stored(&world), 0);
}

#[test]
fn new_write_waits_for_restored_outbox() {
    let mut world = world();
    world.cut(0, 0);
    world.post(0, &lobby());
    world.reload(0);
    world.post(0, &lobby());
    world.deliver();
    let sent: Vec<_> = rows(&world).into_iter().filter_map(|(body, _)| body).collect();
    assert_eq!(sent, ["alice 1", "alice 2"]);
}

#[test]
fn another_login_does_not_send_earlier_writes() {
    let mut world = world();
    world.cut(0, 0);
    world.post(0, &lobby());
    world.clients[0].user = "mallory".parse().unwrap();
    world.pass(30_000, 0);
    world.deliver();
    assert_eq!(world.server.head(&lobby()), 1, "nothing was posted");
    assert!(matches!(rows(&world)[0].1, SendState::Failed { .. }), "the person decides");
    let you: Option<&Person> = world.clients[0].model.you();
    assert_eq!(you.map(|you| you.id.as_str()), Some("mallory"));
}

#[test]
fn a_change_of_another_epoch_hits_nothing() {
    let mut world = world();
    world.post(0, &lobby());
    world.deliver();
    world.cut(0, 0);
    world.event(0, Event::Delete { room: lobby(), cmid: Cmid(90), seq: 2 });
    world.server.restore_backup();
    world.server.append(&lobby(), &"alice".parse().unwrap(), None, EntryKind::posted("mine", None));
    world.pass(30_000, 0);
    world.deliver();
    assert_eq!(rows(&world), [(Some("mine".into()), SendState::Sent)]);
}

#[test]
fn change_outdated_by_restore_hits_nothing() {
    let mut world = world();
    world.post(0, &lobby());
    world.deliver();
    world.cut(0, 0);
    world.server.restore_backup();
    let (alice, what) = ("alice".parse().unwrap(), |body: &str| EntryKind::posted(body, None));
    world.server.append(&lobby(), &alice, None, what("another"));
    world.pass(30_000, 0);
    world.open(0);
    world.up(0);
    world.down(0, 1);
    // Welcomed to the new epoch; the row on screen is still the old one, of the same seq.
    world.event(0, Event::Delete { room: lobby(), cmid: Cmid(90), seq: 2 });
    world.event(0, Event::Edit { room: lobby(), cmid: Cmid(91), seq: 2, body: "changed".into() });
    let answer = Event::Post { room: lobby(), cmid: Cmid(92), body: "answer".into(), reply_to: Some(2) };
    world.event(0, answer);
    world.deliver();
    let log = &world.server.logs[&lobby()];
    assert_eq!(log.len(), 3, "{log:?}");
    assert_eq!(log[2].what, what("answer"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn outbox_survives_reloads_at_any_moment(
        acts in prop::collection::vec((0u8..5, 0usize..2), 1..60),
    ) {
        let mut world = World::new(&["lobby", "yard"], &["alice"]);
        for (act, room) in acts {
            match act {
                0 | 1 => { let room = world.rooms[room].clone(); world.post(0, &room); }
                2 => world.reload(0),
                3 => { world.open(0); world.up(0); world.up(0); }
                _ => world.down(0, 1),
            }
        }
        world.settle();
        for room in &world.rooms {
            let made: Vec<Cmid> =
                world.clients[0].posted.iter().filter(|(at, _)| at == room).map(|(_, cmid)| *cmid).collect();
            let log: Vec<Cmid> = world.server.logs[room].iter().filter_map(|entry| entry.cmid).collect();
            prop_assert_eq!(log, made);
        }
        prop_assert_eq!(stored(&world), 0);
        prop_assert_eq!(world.clients[0].model.unsent(), 0);
    }

    #[test]
    fn a_write_reads_back_as_it_was_saved(cmid in any::<u128>(), body in ".*", seq in any::<u64>(), kind in 0u8..3) {
        let what = match kind {
            0 => Operation::post(body, Some(seq)),
            1 => Operation::Edit { seq, body },
            _ => Operation::Delete { seq },
        };
        let epoch = "e1".parse().ok();
        let write = Write { cmid: Cmid(cmid), room: lobby(), order: 7, at: 9, what, epoch, failure: None };
        let text = serde_json::to_string(&write).unwrap();
        prop_assert_eq!(serde_json::from_str::<Write>(&text).unwrap(), write);
    }
}
