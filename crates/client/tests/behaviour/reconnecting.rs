//! Errors of others when a connection comes back; each has its name here.

use madang_client::{Effect, Event, update};
use madang_protocol::{ClientFrame, EntryKind, ResumePoint, ServerFrame, UserId};

use crate::world::World;

fn world() -> World {
    let mut world = World::new(&["lobby", "yard"], &["alice"]);
    world.deliver();
    world
}

/// Someone else posts into a room.
fn post(world: &mut World, room: usize, body: &str) {
    let (room, bob) = (world.rooms[room].clone(), "bob".parse::<UserId>().unwrap());
    world.server.append(&room, &bob, None, EntryKind::posted(body, None));
}

fn bodies(world: &World) -> Vec<String> {
    world.rows(0, &world.rooms[0]).into_iter().filter_map(|(_, body)| body).collect()
}

/// Cuts, comes back, and gives the hello's cursors.
fn come_back(world: &mut World) -> Vec<ResumePoint> {
    world.cut(0, 0);
    world.pass(30_000, 0);
    world.open(0);
    match world.clients[0].up().front() {
        Some(ClientFrame::Hello { resume, .. }) => resume.clone(),
        other => panic!("the first frame is hello, not {other:?}"),
    }
}

#[test]
fn idle_client_resumes_from_its_rendered_page() {
    let mut world = World::new(&["lobby"], &["alice"]);
    world.open(0);
    let lobby = world.rooms[0].clone();
    let hello = world.clients[0].up().front().cloned();
    let resume = vec![ResumePoint { room: lobby, seq: 1 }];
    let epoch = Some(world.server.epoch());
    assert_eq!(hello, Some(ClientFrame::Hello { resume, epoch, locale: Some("en".into()) }));
}

#[test]
fn a_replayed_batch_moves_the_cursor() {
    let mut world = world();
    world.cut(0, 0);
    (0..5).for_each(|n| post(&mut world, 0, &n.to_string()));
    world.pass(30_000, 0);
    world.deliver();
    assert_eq!(bodies(&world), ["0", "1", "2", "3", "4"]);
    let head = world.server.head(&world.rooms[0]);
    assert_eq!(come_back(&mut world)[0].seq, head);
}

#[test]
fn cursor_counts_log_entries_not_frames() {
    let mut world = world();
    post(&mut world, 0, "one");
    // The same entry twice, and a frame of a kind that this client does not know.
    world.down(0, 2);
    let conn = world.clients[0].model.link().conn;
    world.event(0, Event::Frame { conn, frame: ServerFrame::Unknown });
    assert_eq!(bodies(&world), ["one"]);
    assert_eq!(come_back(&mut world)[0].seq, 2);
}

#[test]
fn entry_of_unknown_kind_takes_its_seq() {
    let mut world = world();
    let (room, bob) = (world.rooms[0].clone(), "bob".parse::<UserId>().unwrap());
    world.server.append(&room, &bob, None, EntryKind::Unknown);
    post(&mut world, 0, "after");
    world.deliver();
    assert_eq!(bodies(&world), ["after"]);
}

#[test]
fn a_new_epoch_never_meets_an_old_cursor() {
    let mut world = world();
    post(&mut world, 0, "old");
    world.deliver();
    world.cut(0, 0);
    world.server.restore_backup();
    post(&mut world, 0, "new 2");
    world.pass(30_000, 0);
    world.open(0);
    world.up(0);
    world.down(0, 1);
    // After welcome, before the snapshot: an entry that would fit the old cursor.
    let (conn, room) = (world.clients[0].model.link().conn, world.rooms[0].clone());
    let mut entry = world.server.logs[&room][1].clone();
    entry.seq = 3;
    world.event(0, Event::Frame { conn, frame: ServerFrame::Entry(entry) });
    assert_eq!(bodies(&world), ["old"], "the rows stay until the snapshot replaces them");
    world.deliver();
    assert_eq!(bodies(&world), ["new 2"]);
}

#[test]
fn a_replay_that_comes_twice_shows_once() {
    let mut world = world();
    world.cut(0, 0);
    (0..3).for_each(|n| post(&mut world, 0, &n.to_string()));
    world.pass(30_000, 0);
    world.open(0);
    world.up(0);
    let replay: Vec<_> = world.session(0).unwrap().down.iter().cloned().collect();
    world.session(0).unwrap().down.extend(replay.into_iter().skip(1));
    world.deliver();
    assert_eq!(bodies(&world), ["0", "1", "2"]);
}

#[test]
fn missed_edits_deletes_and_other_rooms_arrive() {
    let mut world = world();
    post(&mut world, 0, "first");
    post(&mut world, 0, "second");
    world.deliver();
    world.cut(0, 0);
    let (lobby, bob) = (world.rooms[0].clone(), "bob".parse::<UserId>().unwrap());
    world.server.append(&lobby, &bob, None, EntryKind::Edited { seq: 2, body: "first, edited".into() });
    world.server.append(&lobby, &bob, None, EntryKind::Deleted { seq: 3 });
    (0..60).for_each(|n| post(&mut world, 1, &n.to_string()));
    world.pass(30_000, 0);
    world.deliver();
    assert_eq!(bodies(&world), ["first, edited"]);
    let yard =
        world.clients[0].model.room_lines().into_iter().find(|line| line.room == world.rooms[1]).unwrap();
    assert_eq!(yard.unread, 60);
}

#[test]
fn gap_is_requested_once_from_the_cursor() {
    let mut world = world();
    (0..3).for_each(|n| post(&mut world, 0, &n.to_string()));
    world.down(0, 0);
    world.down(0, 1);
    world.down(0, 1);
    let asked: Vec<_> = world.clients[0].up().iter().cloned().collect();
    assert_eq!(asked, [ClientFrame::Watch { room: world.rooms[0].clone(), after: Some(1) }]);
    world.deliver();
    assert_eq!(bodies(&world), ["0", "1", "2"]);
}

#[test]
fn silent_loss_is_found_with_next_heads() {
    let mut world = world();
    post(&mut world, 0, "lost");
    post(&mut world, 1, "lost too");
    world.down(0, 0);
    world.down(0, 0);
    assert_eq!(bodies(&world), Vec::<String>::new());
    world.server.heads();
    world.deliver();
    assert_eq!(bodies(&world), ["lost"]);
    assert_eq!(world.clients[0].model.unread(), 2);
}

#[test]
fn replay_with_lasting_hole_ends_in_snapshot() {
    let mut world = world();
    let (room, conn) = (world.rooms[0].clone(), world.clients[0].model.link().conn);
    let mut asked = Vec::new();
    for _ in 0..5 {
        // The server says that all was sent, and it was not.
        let heads = ServerFrame::Heads { heads: vec![(room.clone(), 9)] };
        let live = ServerFrame::Live { room: room.clone(), head: 9 };
        for frame in [heads, live] {
            let effects = update(&mut world.clients[0].model, Event::Frame { conn, frame }, world.now);
            asked.extend(effects.into_iter().filter_map(|effect| match effect {
                Effect::Send { frame: ClientFrame::Watch { after, .. }, .. } => Some(after),
                _ => None,
            }));
        }
    }
    assert_eq!(asked.first(), Some(&Some(1)));
    assert_eq!(asked.last(), Some(&None), "{asked:?}");
}

#[test]
fn snapshot_replaces_held_rows_with_notice() {
    let mut world = world();
    post(&mut world, 0, "before");
    world.deliver();
    let resets = world.clients[0].model.room_view(&world.rooms[0]).unwrap().resets;
    world.cut(0, 0);
    // A cursor that cannot be served: the log is shorter than the client believes.
    world.server.logs.get_mut(&world.rooms[0]).unwrap().truncate(1);
    world.pass(30_000, 0);
    world.deliver();
    assert_eq!(bodies(&world), Vec::<String>::new());
    assert_eq!(world.clients[0].model.room_view(&world.rooms[0]).unwrap().resets, resets + 1);
}

#[test]
fn in_flight_writes_are_resent_first_and_once() {
    let mut world = world();
    let room = world.rooms[0].clone();
    world.post(0, &room);
    world.post(0, &room);
    world.up(0);
    // Committed, and the connection dies before done.
    world.cut(0, 0);
    world.pass(30_000, 0);
    world.deliver();
    assert_eq!(bodies(&world), ["alice 1", "alice 2"]);
    assert_eq!(world.server.head(&room), 3);
}
