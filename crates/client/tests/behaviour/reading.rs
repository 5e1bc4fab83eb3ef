//! Unread messages, read markers and presence.

use madang_client::{Event, Row, timeline, utc_day};
use madang_protocol::{ClientFrame, EntryKind, RoomId, RoomInfo, Seq, ServerFrame, UserId};

use crate::world::World;

fn world() -> World {
    let mut world = World::new(&["lobby", "yard"], &["alice", "alice"]);
    world.deliver();
    world
}

fn bob() -> UserId {
    "bob".parse().unwrap()
}

/// Someone else posts into a room, and everyone receives it.
fn post(world: &mut World, room: usize) -> Seq {
    let room = world.rooms[room].clone();
    let seq = world.server.append(&room, &bob(), None, EntryKind::posted("hi", None));
    world.deliver();
    seq
}

fn at_bottom(world: &mut World, at_bottom: bool) {
    world.event(0, Event::AtBottom { room: RoomId::lobby(), at_bottom });
}

fn unread(world: &World, client: usize, room: usize) -> u32 {
    let lines = world.clients[client].model.room_lines();
    lines.into_iter().find(|line| line.room == world.rooms[room]).unwrap().unread
}

fn fresh(world: &World) -> u32 {
    world.clients[0].model.room_view(&RoomId::lobby()).unwrap().fresh
}

/// The markers that a client has on their way to the server.
fn reads(world: &World) -> Vec<Seq> {
    let read =
        |frame: &ClientFrame| if let ClientFrame::Read { seq, .. } = frame { Some(*seq) } else { None };
    world.clients[0].waits().filter_map(read).collect()
}

/// The seq of the message that follows the "new" divider.
fn first_new(world: &World, room: &RoomId) -> Option<Seq> {
    let rows = timeline(&world.clients[0].model, room, &utc_day);
    let new = rows.iter().position(|row| *row == Row::New)?;
    rows[new..].iter().find_map(|row| if let Row::Message(row) = row { row.seq } else { None })
}

fn tell(world: &mut World, frame: ServerFrame) {
    let conn = world.clients[0].model.link().conn;
    world.event(0, Event::Frame { conn, frame });
}

#[test]
fn messages_by_others_are_unread_until_seen() {
    let mut world = world();
    post(&mut world, 0);
    post(&mut world, 1);
    let lobby = RoomId::lobby();
    world.post(0, &lobby);
    world.deliver();
    assert_eq!((unread(&world, 0, 0), unread(&world, 0, 1)), (1, 1), "one's own are not new");
    at_bottom(&mut world, true);
    world.deliver();
    assert_eq!((unread(&world, 0, 0), unread(&world, 0, 1)), (0, 1));
}

#[test]
fn deleted_message_is_no_longer_unread() {
    let mut world = world();
    let seq = post(&mut world, 1);
    let yard = world.rooms[1].clone();
    world.server.append(&yard, &bob(), None, EntryKind::Deleted { seq });
    world.deliver();
    assert_eq!(unread(&world, 0, 1), 0);
}

#[test]
fn message_at_bottom_of_visible_page_is_read() {
    let mut world = world();
    at_bottom(&mut world, true);
    world.pass(1_000, 0);
    world.clients[0].up().clear();
    let lobby = RoomId::lobby();
    let seq = world.server.append(&lobby, &bob(), None, EntryKind::posted("hi", None));
    world.down(0, 1);
    assert_eq!(reads(&world), [seq]);
}

#[test]
fn hidden_or_scrolled_page_reads_nothing() {
    let mut world = world();
    post(&mut world, 0);
    assert_eq!(unread(&world, 0, 0), 1, "the reader is not at the bottom");
    at_bottom(&mut world, true);
    world.event(0, Event::Visible(false));
    post(&mut world, 0);
    assert_eq!(unread(&world, 0, 0), 1, "nobody looks");
    world.event(0, Event::Visible(true));
    assert_eq!(unread(&world, 0, 0), 0);
}

#[test]
fn marker_is_sent_once_a_second_only_forward() {
    let mut world = world();
    at_bottom(&mut world, true);
    world.pass(1_000, 0);
    world.deliver();
    let lobby = RoomId::lobby();
    for _ in 0..3 {
        world.server.append(&lobby, &bob(), None, EntryKind::posted("hi", None));
        world.down(0, 1);
    }
    assert_eq!(reads(&world), [2], "the first at once");
    world.pass(1_000, 0);
    assert_eq!(reads(&world), [2, 4], "the others together");
    tell(&mut world, ServerFrame::Read { room: lobby, seq: 1, unread: 3, head: 0 });
    assert_eq!(unread(&world, 0, 0), 0, "a marker does not move back");
}

#[test]
fn marker_moved_offline_is_sent_after_reconnect() {
    let mut world = world();
    post(&mut world, 0);
    world.cut(0, 0);
    at_bottom(&mut world, true);
    world.pass(30_000, 0);
    world.deliver();
    assert_eq!(world.server.read[&("alice".parse().unwrap(), RoomId::lobby())], 2);
    assert_eq!(unread(&world, 0, 0), 0);
}

#[test]
fn marker_refused_for_now_is_sent_again() {
    let mut world = world();
    at_bottom(&mut world, true);
    let seq = post(&mut world, 0);
    world.pass(1_000, 0);
    assert_eq!(reads(&world), [seq]);
    world.clients[0].up().clear();
    let (room, code) = (Some(RoomId::lobby()), madang_protocol::RefusalCode::StorageUnavailable);
    let (cmid, req, message) = (None, None, "The disk is full.".to_owned());
    tell(&mut world, ServerFrame::Refused { cmid, req, room, code, message, retry_after_ms: Some(5_000) });
    world.pass(1_000, 0);
    at_bottom(&mut world, true);
    world.pass(3_900, 0);
    assert!(reads(&world).is_empty(), "not before the server wants it");
    world.pass(100, 0);
    assert_eq!(reads(&world), [seq]);
}

#[test]
fn reading_on_one_device_is_reading_on_all() {
    let mut world = world();
    post(&mut world, 0);
    assert_eq!(unread(&world, 1, 0), 1);
    at_bottom(&mut world, true);
    world.deliver();
    assert_eq!(unread(&world, 1, 0), 0);
}

#[test]
fn new_divider_stays_where_room_was_opened() {
    let mut world = world();
    let yard = world.rooms[1].clone();
    let first = post(&mut world, 1);
    post(&mut world, 1);
    world.event(0, Event::OpenRoom { room: yard.clone(), around: None });
    world.deliver();
    world.event(0, Event::AtBottom { room: yard.clone(), at_bottom: true });
    world.deliver();
    assert_eq!(unread(&world, 0, 1), 0);
    assert_eq!(first_new(&world, &yard), Some(first), "read, and still marked");
    post(&mut world, 1);
    assert_eq!(first_new(&world, &yard), Some(first));
    world.event(0, Event::OpenRoom { room: RoomId::lobby(), around: None });
    world.event(0, Event::OpenRoom { room: yard.clone(), around: None });
    assert_eq!(first_new(&world, &yard), None, "opened again, and nothing is new");
}

#[test]
fn returning_to_page_shows_new_divider() {
    let mut world = world();
    at_bottom(&mut world, true);
    post(&mut world, 0);
    world.event(0, Event::Visible(false));
    let seq = post(&mut world, 0);
    world.event(0, Event::Visible(true));
    assert_eq!(first_new(&world, &RoomId::lobby()), Some(seq));
}

#[test]
fn new_messages_are_counted_while_scrolled_up() {
    let mut world = world();
    at_bottom(&mut world, true);
    post(&mut world, 0);
    assert_eq!(fresh(&world), 0);
    at_bottom(&mut world, false);
    post(&mut world, 0);
    post(&mut world, 0);
    assert_eq!(fresh(&world), 2);
    at_bottom(&mut world, true);
    assert_eq!(fresh(&world), 0);
}

#[test]
fn typing_is_sent_every_three_seconds_at_most() {
    let mut world = world();
    let lobby = RoomId::lobby();
    let typed = |world: &mut World| {
        world.clients[0].up().clear();
        world.event(0, Event::Typed { room: RoomId::lobby() });
        world.clients[0].up().iter().any(|frame| matches!(frame, ClientFrame::Typing { .. }))
    };
    assert!(typed(&mut world));
    world.pass(2_999, 0);
    assert!(!typed(&mut world));
    world.pass(1, 0);
    assert!(typed(&mut world));
    world.post(0, &lobby);
    assert!(typed(&mut world));
}

#[test]
fn typing_ends_with_post_or_after_six_seconds() {
    let mut world = world();
    let lobby = RoomId::lobby();
    let typing = |world: &World| world.clients[0].model.room_view(&RoomId::lobby()).unwrap().typing;
    let types =
        |world: &mut World, by: UserId| tell(world, ServerFrame::Typing { room: RoomId::lobby(), by });
    types(&mut world, bob());
    types(&mut world, "alice".parse().unwrap());
    assert_eq!(typing(&world), [bob()], "not oneself");
    world.pass(5_999, 0);
    assert_eq!(typing(&world), [bob()]);
    types(&mut world, bob());
    world.pass(1, 0);
    assert_eq!(typing(&world), [bob()], "heard of again");
    world.pass(6_000, 0);
    assert_eq!(typing(&world), []);
    types(&mut world, bob());
    post(&mut world, 0);
    assert_eq!(typing(&world), []);
    types(&mut world, bob());
    world.cut(0, 0);
    assert_eq!(world.clients[0].model.room_view(&lobby).unwrap().typing, []);
}

#[test]
fn present_frame_names_the_room_on_screen() {
    let mut world = world();
    world.clients[0].up().clear();
    let yard = world.rooms[1].clone();
    let presents = |world: &mut World| {
        let up = std::mem::take(world.clients[0].up());
        let present = |frame| if let ClientFrame::Present { room } = frame { Some(room) } else { None };
        up.into_iter().filter_map(present).collect::<Vec<_>>()
    };
    world.event(0, Event::OpenRoom { room: yard.clone(), around: None });
    assert_eq!(presents(&mut world), [Some(yard.clone())]);
    world.event(0, Event::Visible(false));
    world.event(0, Event::Typed { room: yard.clone() });
    assert_eq!(presents(&mut world), [None]);
    world.event(0, Event::Visible(true));
    assert_eq!(presents(&mut world), [Some(yard)]);
}

#[test]
fn presence_replaces_what_was_known() {
    let mut world = world();
    let room = RoomId::lobby();
    tell(&mut world, ServerFrame::Presence { room: room.clone(), here: vec![bob()], here_count: 61 });
    let view = world.clients[0].model.room_view(&room).unwrap();
    assert_eq!((view.here, view.here_count), (vec![bob()], 61));
}

#[test]
fn new_room_is_listed_first_and_followed() {
    let mut world = world();
    world.clients[0].up().clear();
    let room: RoomId = "kitchen".parse().unwrap();
    let info = madang_protocol::RoomInfo {
        room: room.clone(),
        title: "Kitchen".into(),
        head: 1,
        read: 0,
        unread: 0,
    };
    tell(&mut world, ServerFrame::Rooms { rooms: vec![info] });
    assert_eq!(world.clients[0].model.room_lines()[0].room, room);
    world.pass(1_000, 0);
    let watch = ClientFrame::Watch { room, after: Some(1) };
    assert!(world.clients[0].up().contains(&watch), "{:?}", world.clients[0].up());
}

#[test]
fn opened_room_shows_and_reads_its_newest() {
    let mut world = world();
    let yard = world.rooms[1].clone();
    let seq = post(&mut world, 1);
    world.event(0, Event::OpenRoom { room: yard.clone(), around: Some(seq) });
    world.deliver();
    assert_eq!(unread(&world, 0, 1), 1);
    world.event(0, Event::OpenRoom { room: RoomId::lobby(), around: None });
    world.event(0, Event::OpenRoom { room: yard, around: None });
    world.deliver();
    assert_eq!(unread(&world, 0, 1), 0);
}

#[test]
fn reopening_current_room_keeps_the_readers_place() {
    let mut world = world();
    at_bottom(&mut world, true);
    world.event(0, Event::OpenRoom { room: RoomId::lobby(), around: None });
    post(&mut world, 0);
    assert_eq!(unread(&world, 0, 0), 0);
}

#[test]
fn list_behind_the_stream_counts_once() {
    for streamed in [true, false] {
        let mut world = world();
        let yard = world.rooms[1].clone();
        let seq = world.server.append(&yard, &bob(), None, EntryKind::posted("hi", None));
        let entry = world.server.logs[&yard].last().unwrap().clone();
        if streamed {
            world.deliver();
        }
        // From a tab that leads, and has received less than this one: its entries come once more.
        let known = (!streamed).then_some((seq, 1));
        for (head, unread) in known.into_iter().chain([(seq - 1, 0)]) {
            let mut rooms = world.server.rooms(&"alice".parse().unwrap());
            let info = rooms.iter_mut().find(|info| info.room == yard).unwrap();
            (info.head, info.unread) = (head, unread);
            let welcome = welcome(&world, rooms);
            tell(&mut world, welcome);
        }
        assert_eq!(unread(&world, 0, 1), 0, "streamed: {streamed}");
        tell(&mut world, ServerFrame::Entry(entry));
        assert_eq!(unread(&world, 0, 1), 1, "streamed: {streamed}");
    }
}

#[test]
fn list_of_older_marker_keeps_the_count() {
    let mut world = world();
    let yard = world.rooms[1].clone();
    let (first, second) = (post(&mut world, 1), post(&mut world, 1));
    // A tab that leads has read the first, and goes before the server knows of it.
    tell(&mut world, ServerFrame::Read { room: yard.clone(), seq: first, unread: 1, head: second });
    world.server.append(&yard, &bob(), None, EntryKind::posted("hi", None));
    let entry = world.server.logs[&yard].last().unwrap().clone();
    let welcome = welcome(&world, world.server.rooms(&"alice".parse().unwrap()));
    tell(&mut world, welcome);
    assert_eq!(unread(&world, 0, 1), 1, "the third is not here yet");
    tell(&mut world, ServerFrame::Entry(entry));
    assert_eq!(unread(&world, 0, 1), 2);
}

/// The first frame of a session, where these are the rooms.
fn welcome(world: &World, rooms: Vec<RoomInfo>) -> ServerFrame {
    ServerFrame::Welcome {
        you: madang_protocol::Person::new("alice".parse().unwrap(), "alice".to_owned()),
        epoch: world.server.epoch(),
        rooms,
        limits: madang_protocol::Limits::default(),
        heartbeat_ms: 25_000,
    }
}
