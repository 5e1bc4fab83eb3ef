//! Several tabs, and anything that can happen to them and between them: it ends in the server's state.

use madang_client::Event;
use madang_protocol::{Cmid, EntryKind};
use proptest::prelude::*;

use crate::browser::Browser;
use crate::convergence::{check_log, check_views};

/// One thing that happens; the first number chooses the tab.
#[derive(Clone, Debug)]
enum Act {
    Post(usize, usize),
    Edit(usize, usize),
    Delete(usize, usize),
    Stranger(usize),
    OpenRoom(usize, usize),
    Older(usize, usize),
    Newer(usize, usize),
    Visible(usize, bool),
    Open(usize),
    Up(usize),
    Down(usize),
    Beside(usize, u8),
    Hear(usize, usize),
    Deliver,
    Heads,
    Refuse(u8),
    Blocked(bool),
    Pass(i64),
    Cut(usize),
    Close(usize, bool),
    Reopen(usize),
    Steal(usize),
    Elect,
}

const TABS: usize = 3;
const ROOMS: [&str; 2] = ["lobby", "yard"];

/// Steps while nobody comes or goes.
fn quiet() -> impl Strategy<Value = Act> + Clone {
    let (c, r) = (0..TABS, 0..ROOMS.len());
    let both = (c.clone(), r.clone());
    prop_oneof![
        8 => both.clone().prop_map(|(c, r)| Act::Post(c, r)),
        2 => both.clone().prop_map(|(c, r)| Act::Edit(c, r)),
        1 => both.clone().prop_map(|(c, r)| Act::Delete(c, r)),
        4 => r.prop_map(Act::Stranger),
        2 => both.clone().prop_map(|(c, r)| Act::OpenRoom(c, r)),
        2 => both.clone().prop_map(|(c, r)| Act::Older(c, r)),
        1 => both.prop_map(|(c, r)| Act::Newer(c, r)),
        1 => (c.clone(), any::<bool>()).prop_map(|(c, visible)| Act::Visible(c, visible)),
        12 => c.clone().prop_map(Act::Up),
        12 => c.clone().prop_map(Act::Down),
        24 => (c, 0..TABS).prop_map(|(c, from)| Act::Hear(c, from)),
        2 => Just(Act::Deliver),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let c = 0..TABS;
    prop_oneof![
        60 => quiet(),
        6 => c.clone().prop_map(Act::Open),
        4 => (c.clone(), 0u8..4).prop_map(|(c, what)| Act::Beside(c, what)),
        1 => Just(Act::Heads),
        1 => (1u8..4).prop_map(Act::Refuse),
        1 => any::<bool>().prop_map(Act::Blocked),
        3 => (0i64..40_000).prop_map(Act::Pass),
        2 => c.clone().prop_map(Act::Cut),
        2 => (c.clone(), any::<bool>()).prop_map(|(c, crashes)| Act::Close(c, crashes)),
        3 => c.clone().prop_map(Act::Reopen),
        1 => c.prop_map(Act::Steal),
        4 => Just(Act::Elect),
    ]
}

fn play(browser: &mut Browser, act: &Act) {
    let room = |browser: &Browser, r: usize| browser.world.rooms[r].clone();
    match *act {
        Act::Reopen(c) => browser.open(c),
        Act::Elect => browser.elect(),
        Act::Deliver => browser.world.deliver(),
        Act::Heads => browser.world.server.heads(),
        Act::Refuse(times) => browser.world.server.refuse = times,
        Act::Blocked(blocked) => browser.world.blocked = blocked,
        Act::Pass(ms) => browser.world.pass(ms, 1 << 30),
        Act::Stranger(r) => {
            let what = EntryKind::posted("hello", None);
            browser.world.server.append(&room(browser, r), &"stranger".parse().unwrap(), None, what);
        }
        Act::Close(c, crashes) => browser.close(c, crashes),
        Act::Steal(c) => browser.steal(c),
        Act::Post(c, ..)
        | Act::Edit(c, ..)
        | Act::Delete(c, ..)
        | Act::OpenRoom(c, ..)
        | Act::Older(c, ..)
        | Act::Newer(c, ..)
        | Act::Visible(c, ..)
        | Act::Open(c)
        | Act::Up(c)
        | Act::Down(c)
        | Act::Beside(c, ..)
        | Act::Cut(c)
        | Act::Hear(c, ..)
            if !browser.is_open(c) => {}
        Act::Post(c, r) => browser.world.post(c, &room(browser, r)),
        Act::Edit(c, r) | Act::Delete(c, r) => {
            let room = room(browser, r);
            let Some(seq) = browser.world.clients[c].model.last_own(&room) else { return };
            let cmid = browser.world.cmid();
            let event = match act {
                Act::Edit(..) => Event::Edit { room, cmid, seq, body: format!("edited {}", cmid.0) },
                _ => Event::Delete { room, cmid, seq },
            };
            browser.world.event(c, event);
        }
        Act::OpenRoom(c, r) => {
            browser.world.event(c, Event::OpenRoom { room: room(browser, r), around: None })
        }
        Act::Older(c, r) => browser.world.event(c, Event::Older { room: room(browser, r) }),
        Act::Newer(c, r) => browser.world.event(c, Event::Newer { room: room(browser, r) }),
        Act::Visible(c, visible) => browser.world.event(c, Event::Visible(visible)),
        Act::Open(c) => browser.world.open(c),
        Act::Up(c) => browser.world.up(c),
        Act::Down(c) => browser.world.down(c, 1),
        Act::Beside(c, what) => browser.world.beside(c, what),
        Act::Cut(c) => browser.world.cut(c, 1 << 30),
        Act::Hear(c, from) => browser.hear(c, from),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_tabs_converge_across_leader_changes(
        acts in prop::collection::vec(act(), 1..200),
    ) {
        let mut browser = Browser::new(&ROOMS, "alice", TABS);
        acts.iter().for_each(|act| play(&mut browser, act));
        browser.settle();
        check_views(&browser.world);
        check_log(&browser.world);
        prop_assert_eq!(browser.world.server.sessions.len(), 1, "one connection for all");
    }

    #[test]
    fn a_restored_backup_replaces_everything_in_all_tabs(
        before in prop::collection::vec(act(), 1..80),
        after in prop::collection::vec(act(), 1..60),
    ) {
        let mut browser = Browser::new(&ROOMS, "alice", TABS);
        before.iter().for_each(|act| play(&mut browser, act));
        browser.world.restore_backup();
        after.iter().for_each(|act| play(&mut browser, act));
        browser.settle();
        check_views(&browser.world);
    }

    #[test]
    fn stable_tabs_send_each_write_once(acts in prop::collection::vec(quiet(), 1..200)) {
        let mut browser = Browser::settled(&ROOMS, TABS);
        acts.iter().for_each(|act| play(&mut browser, act));
        browser.world.deliver();
        let mut sent = browser.world.server.received.clone();
        sent.sort();
        let made: Vec<Cmid> = (1..=browser.world.cmids).map(Cmid).collect();
        prop_assert_eq!(sent, made);
        check_log(&browser.world);
    }
}

/// Two stories that took thousands of random ones to be found.
#[test]
fn write_settled_under_other_epoch_is_not_stuck() {
    let mut browser = Browser::new(&ROOMS, "alice", TABS);
    let before = [Act::Deliver, Act::Post(0, 0), Act::Up(0), Act::Down(0)];
    before.iter().for_each(|act| play(&mut browser, act));
    browser.world.restore_backup();
    let after = [Act::Close(0, false), Act::Elect, Act::Refuse(1), Act::Hear(1, 0), Act::Deliver];
    after.iter().for_each(|act| play(&mut browser, act));
    browser.settle();
    check_views(&browser.world);
}

#[test]
fn stealing_leader_keeps_order_of_stored_writes() {
    let mut browser = Browser::new(&ROOMS, "alice", TABS);
    let acts =
        [Act::Post(2, 0), Act::Post(2, 0), Act::Hear(1, 0), Act::Hear(1, 0), Act::Steal(1), Act::Deliver];
    acts.iter().for_each(|act| play(&mut browser, act));
    browser.settle();
    check_views(&browser.world);
    check_log(&browser.world);
}
