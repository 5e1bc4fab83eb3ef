//! The thirteen ways in which others lost or doubled messages when a connection came back, and the test of each.
//!
//! | | what went wrong elsewhere | here |
//! | --- | --- | --- |
//! | 1 | a position counted per connection, and miscounted | `reconnecting::cursor_counts_log_entries_not_frames` |
//! | 2 | no position before the first message | `reconnecting::idle_client_resumes_from_its_rendered_page`, [`a_room_without_a_message_has_a_cursor`] |
//! | 3 | a recovered batch that did not advance the position | `reconnecting::a_replayed_batch_moves_the_cursor` |
//! | 4 | the death of a node not recovered | [`silently_dead_server_is_found_without_loss`] |
//! | 5 | a new epoch with an old cursor, or none, taken for recovered | `reconnecting::a_new_epoch_never_meets_an_old_cursor`, [`without_an_epoch_there_are_no_cursors`] |
//! | 6 | doubles after a swap of connections; watching again from within a listener | [`connection_swap_during_replay_doubles_nothing`], `reconnecting::a_replay_that_comes_twice_shows_once`; events are worked off one at a time |
//! | 7 | delivery after teardown; a failed POST unnoticed | `alone::nothing_happens_after_teardown`, [`failed_post_reconnects_and_resends_its_write`] |
//! | 8 | a socket that opens and dies never falls back; a restart pins all to polling | [`socket_that_dies_after_opening_falls_back`], [`server_restart_leaves_nobody_on_lower_rung`] |
//! | 9 | old sockets not reaped | `alone::events_of_older_socket_are_ignored`, [`carriers_never_pile_up`]; `convergence` checks that one is left |
//! | 10 | a send limit that ordered sending bypasses | the server's; here `writing::one_write_is_in_flight_per_room`, `writing::temporarily_refused_write_is_retried_first` |
//! | 11 | missed messages by timestamp, or only some; edits and deletes missed; catching up before the stream is live | `reconnecting::missed_edits_deletes_and_other_rooms_arrive`, [`posts_during_catch_up_are_not_missed`], `reconnecting::gap_is_requested_once_from_the_cursor` |
//! | 12 | ids of writes forgotten, or made anew by a retry | `writing::retry_keeps_the_write_discard_ends_it`, [`write_keeps_its_cmid_everywhere`] |
//! | 13 | waits without jitter, or of half an hour | [`every_wait_is_jittered_and_bounded`], `clocks::no_clock_stops_the_client_from_trying` |

use madang_client::{Effect, Event, Transport};
use madang_protocol::{ClientFrame, Cmid, EntryKind, RoomId, ServerFrame, UserId};

use crate::alone::{Alone, connects, welcome};
use crate::browser::Browser;
use crate::convergence::check_log;
use crate::world::World;

fn world() -> World {
    let mut world = World::new(&["lobby"], &["alice"]);
    world.deliver();
    world
}

fn post(world: &mut World, body: &str) {
    let (room, bob) = (world.rooms[0].clone(), "bob".parse::<UserId>().unwrap());
    world.server.append(&room, &bob, None, EntryKind::posted(body, None));
}

fn bodies(world: &World) -> Vec<String> {
    world.rows(0, &world.rooms[0]).into_iter().filter_map(|(_, body)| body).collect()
}

fn transport(world: &World) -> Transport {
    world.clients[0].model.link().transport
}

#[test]
fn a_room_without_a_message_has_a_cursor() {
    let mut world = world();
    world.cut(0, 0);
    post(&mut world, "the first");
    world.settle();
    assert_eq!(bodies(&world), ["the first"]);
    assert_eq!(
        world.clients[0].model.room_view(&world.rooms[0]).unwrap().resets,
        1,
        "no snapshot was needed"
    );
}

#[test]
fn silently_dead_server_is_found_without_loss() {
    let mut world = world();
    // Its sockets stay half open: nothing comes, and nothing says so. Another takes over.
    world.server.sessions.clear();
    post(&mut world, "meanwhile");
    let before = world.clients[0].model.link().conn;
    world.pass(50_000, 0);
    assert!(world.clients[0].model.link().conn > before, "found within two heartbeats");
    world.deliver();
    assert_eq!(bodies(&world), ["meanwhile"]);
}

#[test]
fn without_an_epoch_there_are_no_cursors() {
    let mut alone = Alone::started();
    let effects = alone.event(Event::Opened { conn: 1 });
    let hello = |effect: &Effect| match effect {
        Effect::Send { frame: ClientFrame::Hello { resume, epoch, .. }, .. } => {
            Some((resume.len(), epoch.clone()))
        }
        _ => None,
    };
    assert_eq!(effects.iter().find_map(hello), Some((0, None)));
}

#[test]
fn connection_swap_during_replay_doubles_nothing() {
    let mut world = world();
    world.blocked = true;
    world.cut(0, 0);
    (0..3).for_each(|n| post(&mut world, &n.to_string()));
    world.pass(500, 0);
    world.open(0);
    assert_eq!(transport(&world), Transport::EventSource);
    world.blocked = false;
    world.open(0);
    world.up(0);
    world.down(0, 1);
    let trial = world.clients[0].carriers.last().unwrap().conn;
    // The stream brings one entry; the socket under trial says hello after it, and is answered before the rest.
    world.down(0, 1);
    world.open_on(0, trial);
    world.up_on(0, trial);
    world.down(0, 1);
    world.down_on(0, trial, 1);
    assert_eq!(transport(&world), Transport::WebSocket);
    post(&mut world, "after");
    world.deliver();
    assert_eq!(bodies(&world), ["0", "1", "2", "after"]);
}

#[test]
fn failed_post_reconnects_and_resends_its_write() {
    let mut world = world();
    world.blocked = true;
    world.cut(0, 0);
    world.pass(500, 0);
    world.deliver();
    let room = world.rooms[0].clone();
    world.post(0, &room);
    // The POST fails: the carrier reports that it is closed, though its stream may still be open.
    world.cut(0, 0);
    world.settle();
    assert_eq!(bodies(&world), ["alice 1"]);
    check_log(&world);
}

#[test]
fn socket_that_dies_after_opening_falls_back() {
    let mut alone = Alone::started();
    for _ in 0..3 {
        assert_eq!(alone.link().transport, Transport::WebSocket);
        alone.event(Event::Opened { conn: alone.link().conn });
        alone.close(1006, 0);
        alone.pass(0);
    }
    assert_eq!(alone.link().transport, Transport::EventSource);
}

#[test]
fn server_restart_leaves_nobody_on_lower_rung() {
    // It is away for many attempts, and comes back in the middle of one: as a WebSocket is tried, or what is below.
    for attempts in 1..8 {
        for below in [false, true] {
            let mut world = world();
            world.cut(0, 1 << 31);
            let attempt = |world: &mut World| {
                let retry_at = world.clients[0].model.link().retry_at.unwrap();
                world.pass(retry_at - world.now, 1 << 31);
            };
            for _ in 0..attempts {
                attempt(&mut world);
                // Neither the WebSocket nor what is below it can be opened.
                world.cut(0, 1 << 31);
                world.cut(0, 1 << 31);
            }
            attempt(&mut world);
            if below {
                world.cut(0, 1 << 31);
            }
            world.deliver();
            assert_eq!(transport(&world), Transport::WebSocket, "{attempts} attempts, below: {below}");
            assert!(world.clients[0].model.link().connected);
        }
    }
}

#[test]
fn carriers_never_pile_up() {
    let mut world = world();
    world.blocked = true;
    for round in 0..50 {
        match round % 4 {
            0 => world.cut(0, round << 20),
            1 => world.event(0, Event::Online),
            2 => world.deliver(),
            _ => world.pass(i64::from(round) * 1_000, round << 20),
        }
        let open = world.clients[0].carriers.len();
        assert!(open <= 4, "{open} carriers: the present one, a trial, and what was just closed");
        world.deliver();
        assert!(world.clients[0].carriers.len() <= 2);
    }
    world.settle();
    assert_eq!((world.clients[0].carriers.len(), world.server.sessions.len()), (1, 1));
}

#[test]
fn posts_during_catch_up_are_not_missed() {
    let mut world = world();
    world.cut(0, 0);
    (0..60).for_each(|n| post(&mut world, &n.to_string()));
    world.pass(30_000, 0);
    world.open(0);
    world.up(0);
    // Welcome and a part of the replay; then more is posted.
    (0..30).for_each(|_| world.down(0, 1));
    post(&mut world, "in between");
    world.deliver();
    assert_eq!(bodies(&world).len(), 61);
    assert_eq!(bodies(&world).last().map(String::as_str), Some("in between"));
}

#[test]
fn write_keeps_its_cmid_everywhere() {
    let mut browser = Browser::settled(&["lobby"], 2);
    let lobby = RoomId::lobby();
    browser.world.post(1, &lobby);
    browser.hear(0, 0);
    // Sent and committed by the leader, whose connection dies before it hears so.
    browser.world.up(0);
    browser.world.blocked = true;
    browser.world.cut(0, 0);
    browser.world.pass(500, 0);
    browser.world.open(0);
    browser.close(0, true);
    // Sent again by the next leader, over an event stream.
    browser.elect();
    browser.world.open(1);
    browser.world.open(1);
    browser.world.up(1);
    browser.world.down(1, 1);
    browser.world.down(1, 1);
    assert_eq!(transport_of(&browser, 1), Transport::EventSource);
    // And again after a reload.
    browser.close(1, true);
    browser.open(1);
    browser.settle();
    let entries = browser.world.server.logs[&lobby].iter().filter(|entry| entry.cmid == Some(Cmid(1)));
    assert_eq!(entries.count(), 1);
    assert!(browser.world.server.received.iter().all(|cmid| *cmid == Cmid(1)));
}

fn transport_of(browser: &Browser, tab: usize) -> Transport {
    browser.world.clients[tab].model.link().transport
}

#[test]
fn every_wait_is_jittered_and_bounded() {
    // After a loss, over many attempts.
    for roll in [0, 1 << 30, u32::MAX] {
        let mut alone = Alone::connected();
        alone.close(1006, roll);
        for _ in 0..40 {
            alone.pass(alone.wait());
            alone.fail(roll);
            assert!((0..=30_000).contains(&alone.wait()), "{}", alone.wait());
        }
        assert_eq!(alone.wait(), (30_000 * i64::from(roll)) >> 32);
    }
    // After a bye.
    let after_bye = |roll| {
        let mut alone = Alone::connected();
        let code = madang_protocol::CloseCode::RESTART;
        alone.frame(ServerFrame::Bye { code, retry_after_ms: 2_000 });
        alone.close(1012, roll);
        alone.wait()
    };
    assert_eq!((after_bye(0), after_bye(u32::MAX)), (2_000, 2_499));
    // Between trials of a WebSocket.
    let between_trials = |roll| {
        let mut alone = Alone::started();
        alone.close(1006, 0);
        alone.event(Event::Opened { conn: 2 });
        alone.frame(welcome(1));
        alone.event(Event::Closed { conn: 3, code: 1006, roll });
        let begun = alone.now;
        while !connects(&alone.pass(1_000)) {
            alone.frame(ServerFrame::Heads { heads: Vec::new() });
        }
        alone.now - begun
    };
    assert_eq!((between_trials(0), between_trials(u32::MAX)), (60_000, 70_000));
}
