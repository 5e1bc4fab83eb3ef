//! The window over a long history.

use madang_client::{Event, WINDOW};
use madang_protocol::{ClientFrame, EntryKind, RoomId, Seq, ServerFrame, UserId};
use proptest::prelude::*;

use crate::world::World;

fn lobby() -> RoomId {
    RoomId::lobby()
}

fn bob() -> UserId {
    "bob".parse().unwrap()
}

/// A room with so many messages, seen by one person who is connected.
fn world(messages: usize) -> World {
    let mut world = World::new(&["lobby"], &[]);
    (world.server.snapshot, world.server.page) = (50, 60);
    for n in 0..messages {
        world.server.append(&lobby(), &bob(), None, EntryKind::posted(n.to_string(), None));
    }
    world.join("alice");
    world.deliver();
    world
}

fn shown(world: &World) -> Vec<Seq> {
    world.rows(0, &lobby()).into_iter().filter_map(|(seq, _)| seq).collect()
}

fn act(world: &mut World, event: Event) {
    world.event(0, event);
    world.deliver();
}

fn older(world: &mut World) {
    act(world, Event::Older { room: lobby() });
}

#[test]
fn older_messages_come_in_front_until_the_first() {
    let mut world = world(130);
    assert_eq!(shown(&world).len(), 50);
    older(&mut world);
    assert_eq!(shown(&world).len(), 110);
    older(&mut world);
    assert_eq!(shown(&world), (2..=131).collect::<Vec<_>>());
    assert!(!world.clients[0].model.room_view(&lobby()).unwrap().before);
}

#[test]
fn existing_pages_are_requested_one_by_one() {
    let mut world = world(130);
    for _ in 0..3 {
        world.event(0, Event::Older { room: lobby() });
        world.event(0, Event::Newer { room: lobby() });
    }
    let asked =
        world.clients[0].up().iter().filter(|frame| matches!(frame, ClientFrame::History { .. })).count();
    assert_eq!(asked, 1);
    let view = world.clients[0].model.room_view(&lobby()).unwrap();
    assert!(view.loading_before && !view.loading_after);
}

#[test]
fn scrolling_up_drops_newest_latest_restores_them() {
    let mut world = world(500);
    (0..5).for_each(|_| older(&mut world));
    let view = world.clients[0].model.room_view(&lobby()).unwrap();
    assert!(view.after && view.before);
    assert_eq!(shown(&world).len(), WINDOW);
    let before = shown(&world);
    world.server.append(&lobby(), &bob(), None, EntryKind::posted("new", None));
    world.deliver();
    assert_eq!(shown(&world), before, "a post does not move what is read");
    assert_eq!(world.clients[0].model.room_view(&lobby()).unwrap().fresh, 1);
    act(&mut world, Event::Latest { room: lobby() });
    assert_eq!(shown(&world).last(), Some(&502));
    let view = world.clients[0].model.room_view(&lobby()).unwrap();
    assert!(!view.after && view.fresh == 0);
}

#[test]
fn permanent_link_shows_message_with_neighbours() {
    let mut world = world(500);
    act(&mut world, Event::OpenRoom { room: lobby(), around: Some(100) });
    let shown = shown(&world);
    assert!(shown.contains(&100) && shown.contains(&99) && shown.contains(&101) && !shown.contains(&501));
    assert_eq!(world.clients[0].model.room_view(&lobby()).unwrap().focus, Some(100));
    (0..20).for_each(|_| act(&mut world, Event::Newer { room: lobby() }));
    assert!(!world.clients[0].model.room_view(&lobby()).unwrap().after);
    world.event(0, Event::AtBottom { room: lobby(), at_bottom: true });
    world.server.append(&lobby(), &bob(), None, EntryKind::posted("new", None));
    world.deliver();
    assert_eq!(world.rows(0, &lobby()).last().unwrap().0, Some(502), "attached again");
}

#[test]
fn window_slides_only_at_the_bottom() {
    let mut world = world(50);
    world.event(0, Event::AtBottom { room: lobby(), at_bottom: true });
    for n in 0..WINDOW + 20 {
        world.server.append(&lobby(), &bob(), None, EntryKind::posted(n.to_string(), None));
    }
    world.deliver();
    assert_eq!(shown(&world).len(), WINDOW);
    assert_eq!(shown(&world).last(), Some(&world.server.head(&lobby())));
    world.event(0, Event::AtBottom { room: lobby(), at_bottom: false });
    let before = shown(&world);
    world.server.append(&lobby(), &bob(), None, EntryKind::posted("new", None));
    world.deliver();
    assert_eq!(shown(&world), before);
}

#[test]
fn posting_from_far_up_returns_to_newest() {
    let mut world = world(500);
    (0..5).for_each(|_| older(&mut world));
    world.post(0, &lobby());
    assert_eq!(world.rows(0, &lobby()).last().unwrap().0, None, "shown at once");
    world.deliver();
    assert_eq!(shown(&world).last(), Some(&502));
}

#[test]
fn page_read_before_a_change_is_rerequested() {
    let mut world = world(130);
    world.event(0, Event::Older { room: lobby() });
    world.up(0);
    // The page is made; a message in it is edited; and the edit overtakes the page.
    world.server.append(&lobby(), &bob(), None, EntryKind::Edited { seq: 30, body: "edited".into() });
    world.session(0).unwrap().down.rotate_left(1);
    world.deliver();
    let edited = world.rows(0, &lobby()).into_iter().find(|(seq, _)| *seq == Some(30));
    assert_eq!(edited, Some((Some(30), Some("edited".into()))));
}

#[test]
fn unanswered_page_is_rerequested_on_next_connection() {
    let mut world = world(130);
    world.event(0, Event::Older { room: lobby() });
    world.cut(0, 0);
    world.pass(30_000, 0);
    world.deliver();
    assert_eq!(shown(&world).len(), 110);
}

#[test]
fn a_room_that_does_not_exist_is_gone() {
    let mut world = world(3);
    let nowhere: RoomId = "nowhere".parse().unwrap();
    world.event(0, Event::OpenRoom { room: nowhere.clone(), around: None });
    world.clients[0].up().clear();
    let conn = world.clients[0].model.link().conn;
    let (room, code) = (Some(nowhere.clone()), madang_protocol::RefusalCode::UnknownRoom);
    let message = String::new();
    let frame = ServerFrame::Refused { cmid: None, req: None, room, code, message, retry_after_ms: None };
    world.event(0, Event::Frame { conn, frame });
    let view = world.clients[0].model.room_view(&nowhere).unwrap();
    assert!(view.gone && !view.loaded);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn window_is_always_bounded_and_contiguous(
        acts in prop::collection::vec((0u8..9, 1u64..400), 1..60),
    ) {
        let mut world = world(400);
        for (kind, seq) in acts {
            let room = lobby();
            match kind {
                0..=2 => world.event(0, Event::Older { room }),
                3 | 4 => world.event(0, Event::Newer { room }),
                5 => world.event(0, Event::Latest { room }),
                6 => world.event(0, Event::OpenRoom { room, around: Some(seq) }),
                7 => world.event(0, Event::AtBottom { room, at_bottom: seq % 2 == 0 }),
                _ => (0..seq % 40).for_each(|n| {
                    world.server.append(&room, &bob(), None, EntryKind::posted(n.to_string(), None));
                }),
            }
            world.deliver();
            let all: Vec<Seq> = world.server.messages(&lobby()).iter().map(|message| message.seq).collect();
            let shown = shown(&world);
            let view = world.clients[0].model.room_view(&lobby()).unwrap();
            prop_assert!(shown.len() <= WINDOW);
            let from = all.iter().position(|seq| Some(seq) == shown.first()).unwrap();
            prop_assert_eq!(&shown, &all[from..from + shown.len()]);
            prop_assert_eq!(view.before, from > 0);
            prop_assert_eq!(view.after, from + shown.len() < all.len());
        }
    }
}
