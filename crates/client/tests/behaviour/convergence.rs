//! Whatever is lost, repeated, delayed or cut, in whatever order: it ends in the server's state.

use std::collections::BTreeSet;

use crate::world::World;
use madang_client::{Event, Transport};
use madang_protocol::{EntryKind, ServerFrame, UserId};
use proptest::prelude::*;

/// One thing that happens; the first number chooses the client, the second the room.
#[derive(Clone, Debug)]
enum Act {
    Post(usize, usize),
    Edit(usize, usize),
    Delete(usize, usize),
    Stranger(usize),
    StrangerTakesBack(usize),
    OpenRoom(usize, usize),
    Link(usize, usize, u64),
    Older(usize, usize),
    Newer(usize, usize),
    Latest(usize, usize),
    AtBottom(usize, usize, bool),
    Visible(usize, bool),
    Open(usize),
    Blocked(bool),
    Trial(usize, u8),
    Up(usize),
    Down(usize),
    Twice(usize),
    Lose(usize),
    DelayPage(usize),
    Cut(usize, u32),
    Online(usize),
    Reload(usize),
    Refuse(u8),
    Pass(i64, u32),
    Deliver,
    Heads,
    Backup,
}

const USERS: [&str; 3] = ["alice", "alice", "bob"];
const ROOMS: [&str; 2] = ["lobby", "yard"];

fn act() -> impl Strategy<Value = Act> {
    let (c, r) = (0..USERS.len(), 0..ROOMS.len());
    let both = (c.clone(), r.clone());
    prop_oneof![
        8 => both.clone().prop_map(|(c, r)| Act::Post(c, r)),
        2 => both.clone().prop_map(|(c, r)| Act::Edit(c, r)),
        1 => both.clone().prop_map(|(c, r)| Act::Delete(c, r)),
        6 => r.clone().prop_map(Act::Stranger),
        2 => r.prop_map(Act::StrangerTakesBack),
        2 => both.clone().prop_map(|(c, r)| Act::OpenRoom(c, r)),
        1 => (both.clone(), 0u64..20).prop_map(|((c, r), seq)| Act::Link(c, r, seq)),
        3 => both.clone().prop_map(|(c, r)| Act::Older(c, r)),
        3 => both.clone().prop_map(|(c, r)| Act::Newer(c, r)),
        1 => both.clone().prop_map(|(c, r)| Act::Latest(c, r)),
        2 => (both, any::<bool>()).prop_map(|((c, r), at)| Act::AtBottom(c, r, at)),
        1 => (c.clone(), any::<bool>()).prop_map(|(c, visible)| Act::Visible(c, visible)),
        5 => c.clone().prop_map(Act::Open),
        1 => any::<bool>().prop_map(Act::Blocked),
        6 => (c.clone(), 0u8..4).prop_map(|(c, what)| Act::Trial(c, what)),
        20 => c.clone().prop_map(Act::Up),
        20 => c.clone().prop_map(Act::Down),
        3 => c.clone().prop_map(Act::Twice),
        2 => c.clone().prop_map(Act::Lose),
        3 => c.clone().prop_map(Act::DelayPage),
        2 => (c.clone(), any::<u32>()).prop_map(|(c, roll)| Act::Cut(c, roll)),
        1 => c.clone().prop_map(Act::Online),
        1 => c.prop_map(Act::Reload),
        1 => (1u8..4).prop_map(Act::Refuse),
        4 => (0i64..40_000, any::<u32>()).prop_map(|(ms, roll)| Act::Pass(ms, roll)),
        3 => Just(Act::Deliver),
        1 => Just(Act::Heads),
    ]
}

fn play(world: &mut World, act: &Act) {
    let room = |world: &World, r: usize| world.rooms[r].clone();
    let stranger: UserId = "stranger".parse().unwrap();
    match *act {
        Act::Post(c, r) => world.post(c, &room(world, r)),
        Act::Edit(c, r) => {
            let (room, cmid) = (room(world, r), world.cmid());
            if let Some(seq) = world.clients[c].model.last_own(&room) {
                world.event(c, Event::Edit { room, cmid, seq, body: format!("edited {}", cmid.0) });
            }
        }
        Act::Delete(c, r) => {
            let (room, cmid) = (room(world, r), world.cmid());
            if let Some(seq) = world.clients[c].model.last_own(&room) {
                world.event(c, Event::Delete { room, cmid, seq });
            }
        }
        Act::Stranger(r) => {
            let what = EntryKind::posted("hello", None);
            world.server.append(&room(world, r), &stranger, None, what);
        }
        Act::StrangerTakesBack(r) => {
            let room = room(world, r);
            let messages = world.server.messages(&room);
            let own = messages.iter().find(|message| message.by == stranger && !message.is_deleted());
            if let Some(message) = own {
                world.server.append(&room, &stranger, None, EntryKind::Deleted { seq: message.seq });
            }
        }
        Act::OpenRoom(c, r) => world.event(c, Event::OpenRoom { room: room(world, r), around: None }),
        Act::Link(c, r, seq) => {
            let seq = seq.min(world.server.head(&world.rooms[r]));
            world.event(c, Event::OpenRoom { room: room(world, r), around: Some(seq) });
        }
        Act::Older(c, r) => world.event(c, Event::Older { room: room(world, r) }),
        Act::Newer(c, r) => world.event(c, Event::Newer { room: room(world, r) }),
        Act::Latest(c, r) => world.event(c, Event::Latest { room: room(world, r) }),
        Act::AtBottom(c, r, at_bottom) => world.event(c, Event::AtBottom { room: room(world, r), at_bottom }),
        Act::Visible(c, visible) => world.event(c, Event::Visible(visible)),
        Act::Open(c) => world.open(c),
        Act::Blocked(blocked) => world.blocked = blocked,
        Act::Trial(c, what) => world.beside(c, what),
        Act::Up(c) => world.up(c),
        Act::Down(c) => world.down(c, 1),
        Act::Twice(c) => world.down(c, 2),
        Act::Lose(c) => {
            // A `read` is volatile: without it, another device's marker stays where it was until the next one.
            let next = world.session(c).and_then(|session| session.down.front());
            if !matches!(next, Some(ServerFrame::Read { .. })) {
                world.down(c, 0);
            }
        }
        Act::DelayPage(c) => {
            // Only a page is made beside the stream; everything else keeps its order.
            let Some(session) = world.session(c) else { return };
            if let Some(ServerFrame::Page { .. }) = session.down.front() {
                session.down.rotate_left(1);
            }
        }
        Act::Cut(c, roll) => world.cut(c, roll),
        Act::Online(c) => world.event(c, Event::Online),
        Act::Reload(c) => world.reload(c),
        Act::Refuse(times) => world.server.refuse = times,
        Act::Pass(ms, roll) => world.pass(ms, roll),
        Act::Deliver => world.deliver(),
        Act::Heads => world.server.heads(),
        Act::Backup => world.restore_backup(),
    }
}

/// Checks that each room of a client is a stretch of the server's messages, without a hole; and where it shows that
/// nothing lies beyond, nothing does.
pub(crate) fn check_views(world: &World) {
    for (c, client) in world.clients.iter().enumerate() {
        assert!(client.model.link().connected, "client {c} is connected: {:?}", client.model.link());
        let carriers = usize::from(client.model.link().transport != Transport::Tab);
        assert_eq!(client.carriers.len(), carriers, "client {c} has closed what it does not use");
        assert_eq!(client.model.unsent(), 0, "client {c} has nothing left to send");
        for room in &world.rooms {
            let view = client.model.room_view(room).unwrap();
            assert!(view.loaded || *client.model.room() != *room, "client {c} has loaded what it shows");
            let rows = world.rows(c, room);
            let line = client.model.room_lines().into_iter().find(|line| line.room == *room).unwrap();
            let read = world.server.read.get(&(client.user.clone(), room.clone())).copied().unwrap_or(0);
            // A snapshot that begins after the read marker does not tell how much is unread before it.
            let reaches = !view.before || rows.first().is_some_and(|first| first.0 <= Some(read));
            if reaches && !view.after {
                let unread = world.server.unread(&client.user, room, read);
                assert_eq!(line.unread, unread, "client {c} unread in {room}");
            }
            if !view.loaded {
                continue;
            }
            let all: Vec<_> = world
                .server
                .messages(room)
                .into_iter()
                .map(|message| (Some(message.seq), message.body.as_deref().map(String::from)))
                .collect();
            let from =
                rows.first().map_or(all.len(), |first| all.iter().position(|m| m.0 == first.0).unwrap());
            assert_eq!(rows, all[from..(from + rows.len()).min(all.len())], "client {c} in {room}");
            assert_eq!(view.before, from > 0, "client {c} in {room}: older ones");
            assert_eq!(view.after, from + rows.len() < all.len(), "client {c} in {room}: newer ones");
        }
    }
}

/// Each post is in the log once, and those of one person in one room in the order in which they were made.
pub(crate) fn check_log(world: &World) {
    for client in &world.clients {
        for room in &world.rooms {
            let log = &world.server.logs[room];
            let made: Vec<_> =
                client.posted.iter().filter(|(at, _)| at == room).map(|(_, cmid)| *cmid).collect();
            let posted = log.iter().filter(|entry| matches!(entry.what, EntryKind::Posted { .. }));
            let found: Vec<_> =
                posted.filter_map(|entry| entry.cmid).filter(|cmid| made.contains(cmid)).collect();
            assert_eq!(found, made, "posts of {} in {room}", client.user);
        }
    }
    let cmids: Vec<_> =
        world.server.logs.values().flatten().filter_map(|e| Some((e.by.clone(), e.cmid?))).collect();
    assert_eq!(cmids.iter().collect::<BTreeSet<_>>().len(), cmids.len(), "no write is in the log twice");
}

/// Plays the acts and lets everything settle: the end is the server's state.
fn ends_in_the_servers_state(acts: &[Act]) {
    let mut world = World::new(&ROOMS, &USERS);
    acts.iter().for_each(|act| play(&mut world, act));
    world.settle();
    check_views(&world);
    check_log(&world);
}

#[test]
fn count_before_its_entries_counts_them_once() {
    use Act::*;
    ends_in_the_servers_state(&[
        Deliver,
        Pass(23_432, 0),
        Post(2, 1),
        Stranger(0),
        Down(1),
        Pass(36_879, 0),
        Pass(21_057, 0),
        OpenRoom(0, 1),
        Pass(9_285, 0),
        Deliver,
        Reload(0),
    ]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_interleaving_ends_in_the_servers_state(acts in prop::collection::vec(act(), 1..160)) {
        ends_in_the_servers_state(&acts);
    }

    #[test]
    fn a_restored_backup_replaces_everything(
        before in prop::collection::vec(act(), 1..80),
        after in prop::collection::vec(act(), 1..60),
    ) {
        let mut world = World::new(&ROOMS, &USERS);
        before.iter().for_each(|act| play(&mut world, act));
        play(&mut world, &Act::Backup);
        after.iter().for_each(|act| play(&mut world, act));
        world.settle();
        check_views(&world);
    }
}
