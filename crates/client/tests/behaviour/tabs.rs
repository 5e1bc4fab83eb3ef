//! Several tabs of one browser: one connection, one outbox, and whoever leads may go at any moment.

use std::collections::BTreeMap;

use madang_client::{Event, LinkView, Role, Row, SendState, TabMessage, Transport, Write, timeline, utc_day};
use madang_protocol::{ClientFrame, Cmid, EntryKind, Operation, RefusalCode, RoomId, ServerFrame};

use crate::browser::Browser;
use crate::convergence::{check_log, check_views};

fn link(browser: &Browser, tab: usize) -> LinkView {
    browser.world.clients[tab].model.link()
}

fn stranger(browser: &mut Browser, body: &str) {
    let room = browser.world.rooms[0].clone();
    let what = EntryKind::posted(body, None);
    browser.world.server.append(&room, &"stranger".parse().unwrap(), None, what);
}

fn bodies(browser: &Browser, tab: usize) -> Vec<String> {
    let room = browser.world.rooms[0].clone();
    browser.world.rows(tab, &room).into_iter().filter_map(|(_, body)| body).collect()
}

/// The own rows of a tab that are not sent.
fn states(browser: &Browser, tab: usize) -> Vec<SendState> {
    let room = &browser.world.rooms[0];
    let state = |row: Row| match row {
        Row::Message(row) if row.state != SendState::Sent => Some(row.state),
        _ => None,
    };
    let model = &browser.world.clients[tab].model;
    timeline(model, room, &utc_day).into_iter().filter_map(state).collect()
}

fn lobby() -> RoomId {
    RoomId::lobby()
}

/// The server refuses what the leader sends, for good.
fn refuse(browser: &mut Browser, cmid: Cmid, code: RefusalCode) {
    let (req, room, message) = (None, Some(lobby()), String::new());
    let frame = ServerFrame::Refused { cmid: Some(cmid), req, room, code, message, retry_after_ms: None };
    let conn = link(browser, 0).conn;
    browser.world.clients[0].up().clear();
    browser.world.event(0, Event::Frame { conn, frame });
    browser.world.deliver();
}

#[test]
fn two_tabs_have_one_session() {
    let browser = Browser::settled(&["lobby"], 2);
    assert_eq!(browser.world.server.sessions.len(), 1);
    assert_eq!(link(&browser, 0).transport, Transport::WebSocket);
    assert_eq!(link(&browser, 1).transport, Transport::Tab);
    assert!(link(&browser, 0).connected && link(&browser, 1).connected);
}

#[test]
fn posts_by_anyone_show_in_each_tab() {
    let mut browser = Browser::settled(&["lobby"], 3);
    stranger(&mut browser, "hello");
    browser.world.post(2, &lobby());
    browser.world.deliver();
    for tab in 0..3 {
        assert_eq!(bodies(&browser, tab), ["hello", "alice 1"], "tab {tab}");
        assert_eq!(states(&browser, tab), []);
    }
    assert_eq!(browser.world.server.received, [Cmid(1)]);
    assert_eq!(browser.world.storage.values().map(BTreeMap::len).sum::<usize>(), 0, "nothing is kept");
}

#[test]
fn messages_continue_right_after_leader_closes() {
    for crashes in [false, true] {
        let mut browser = Browser::settled(&["lobby"], 3);
        browser.close(0, crashes);
        stranger(&mut browser, "meanwhile");
        browser.elect();
        browser.world.deliver();
        for tab in 1..3 {
            assert_eq!(bodies(&browser, tab), ["meanwhile"], "tab {tab}, without any time passing");
        }
        assert_eq!(link(&browser, 1).transport, Transport::WebSocket);
        assert_eq!(link(&browser, 2).transport, Transport::Tab);
    }
}

#[test]
fn leader_closed_during_send_keeps_write_once() {
    for reached in [false, true] {
        let mut browser = Browser::settled(&["lobby"], 2);
        (0..3).for_each(|_| browser.world.post(1, &lobby()));
        browser.hear(0, 0);
        if reached {
            // It is committed, and nobody hears of it.
            browser.world.up(0);
        }
        browser.close(0, true);
        browser.elect();
        browser.world.deliver();
        assert_eq!(bodies(&browser, 1), ["alice 1", "alice 2", "alice 3"]);
        assert_eq!(states(&browser, 1), []);
        check_log(&browser.world);
    }
}

#[test]
fn a_frozen_leader_that_wakes_up_follows() {
    let mut browser = Browser::settled(&["lobby"], 2);
    browser.steal(1);
    browser.world.deliver();
    assert!(link(&browser, 1).connected, "{:?}", link(&browser, 1));
    browser.elect();
    browser.world.deliver();
    assert_eq!(link(&browser, 0).transport, Transport::Tab);
    assert!(link(&browser, 0).connected);
    assert_eq!(browser.world.server.sessions.len(), 1, "the old one's is closed");
}

#[test]
fn follower_reconnects_with_its_leader() {
    let mut browser = Browser::settled(&["lobby"], 2);
    browser.world.blocked = true;
    browser.world.cut(0, 0);
    browser.hear(1, 0);
    assert!(!link(&browser, 1).connected);
    stranger(&mut browser, "away");
    browser.world.blocked = false;
    browser.world.pass(1, 0);
    browser.world.deliver();
    assert_eq!(bodies(&browser, 1), ["away"]);
}

#[test]
fn follower_pages_through_unaffected_leader() {
    let mut browser = Browser::settled(&["lobby"], 2);
    (0..9).for_each(|n| stranger(&mut browser, &n.to_string()));
    browser.world.deliver();
    let before = bodies(&browser, 0);
    browser.close(1, true);
    browser.open(1);
    browser.world.deliver();
    let held = bodies(&browser, 1).len();
    browser.world.event(1, Event::Older { room: lobby() });
    browser.world.deliver();
    assert!(bodies(&browser, 1).len() > held, "{:?}", bodies(&browser, 1));
    assert_eq!(bodies(&browser, 0), before);
}

#[test]
fn page_pending_at_leader_change_is_rerequested() {
    let mut browser = Browser::settled(&["lobby"], 3);
    (0..9).for_each(|n| stranger(&mut browser, &n.to_string()));
    browser.world.deliver();
    browser.close(2, true);
    browser.open(2);
    browser.world.deliver();
    let held = bodies(&browser, 2).len();
    browser.world.event(2, Event::Older { room: lobby() });
    browser.hear(0, 0);
    browser.close(0, true);
    browser.elect();
    browser.world.deliver();
    assert!(bodies(&browser, 2).len() > held, "{:?}", bodies(&browser, 2));
}

#[test]
fn snapshot_for_one_tab_leaves_others_alone() {
    let mut browser = Browser::settled(&["lobby"], 3);
    let resets =
        |browser: &Browser, tab: usize| browser.world.clients[tab].model.room_view(&lobby()).unwrap().resets;
    let before = [resets(&browser, 0), resets(&browser, 1)];
    let leader = browser.world.clients[0].tab.unwrap();
    let frame = ClientFrame::Watch { room: lobby(), after: None };
    let told = &mut browser.world.clients[0].told;
    let from = *told.keys().last().unwrap();
    told.get_mut(&from).unwrap().push_back(TabMessage::Up { frame });
    assert_ne!(from, leader);
    browser.world.deliver();
    assert_eq!([resets(&browser, 0), resets(&browser, 1)], before);
    assert_eq!(resets(&browser, 2), before[1] + 1);
}

#[test]
fn visible_tab_decides_the_present_room() {
    let mut browser = Browser::settled(&["lobby", "yard"], 2);
    let yard = browser.world.rooms[1].clone();
    browser.world.event(1, Event::OpenRoom { room: yard.clone(), around: None });
    browser.world.deliver();
    let present = |browser: &Browser| {
        let frames = browser.world.clients[0].waits();
        frames
            .filter_map(|frame| match frame {
                ClientFrame::Present { room } => Some(room.clone()),
                _ => None,
            })
            .last()
    };
    browser.world.event(0, Event::Visible(false));
    assert_eq!(present(&browser), Some(Some(yard)), "the other tab's room");
    browser.world.event(1, Event::Visible(false));
    browser.hear(0, 0);
    browser.hear(0, 0);
    assert_eq!(present(&browser), Some(None), "nobody looks");
}

#[test]
fn vanished_tab_is_forgotten_after_three_heartbeats() {
    let mut browser = Browser::settled(&["lobby"], 3);
    browser.close(2, true);
    for _ in 0..4 {
        browser.world.pass(25_000, 0);
        browser.world.server.heads();
        browser.world.deliver();
    }
    assert!(link(&browser, 1).connected, "a tab that lives is kept");
    let tab = browser.world.clients[1].tab.unwrap();
    stranger(&mut browser, "hello");
    let conn = link(&browser, 0).conn;
    let frame = browser.world.session(0).unwrap().down.pop_front().unwrap();
    let effects = madang_client::update(
        &mut browser.world.clients[0].model,
        Event::Frame { conn, frame },
        browser.world.now,
    );
    let told = effects.iter().find_map(|effect| match effect {
        madang_client::Effect::SendToTabs { to, .. } => Some(to.clone()),
        _ => None,
    });
    assert_eq!(told, Some(vec![tab]));
}

#[test]
fn failed_write_is_handled_from_any_tab() {
    let mut browser = Browser::settled(&["lobby"], 3);
    browser.world.post(1, &lobby());
    browser.hear(0, 0);
    refuse(&mut browser, Cmid(1), RefusalCode::TooLong);
    for tab in 0..3 {
        let failed = matches!(states(&browser, tab)[..], [SendState::Failed { .. }]);
        assert!(failed, "tab {tab}: {:?}", states(&browser, tab));
    }
    browser.world.event(2, Event::Retry { cmid: Cmid(1) });
    for tab in [0, 1] {
        browser.hear(tab, 9);
        browser.hear(tab, 9);
        assert_eq!(states(&browser, tab), [SendState::Pending { cmid: Cmid(1) }], "tab {tab}");
    }
    refuse(&mut browser, Cmid(1), RefusalCode::TooLong);
    browser.world.event(2, Event::Discard { cmid: Cmid(1) });
    browser.world.deliver();
    for tab in 0..3 {
        assert_eq!(states(&browser, tab), [], "tab {tab}");
    }
    assert_eq!(browser.world.storage.values().map(BTreeMap::len).sum::<usize>(), 0);
    assert_eq!(browser.world.server.received, [], "{:?}", browser.world.server.received);
}

#[test]
fn offline_writes_of_tabs_arrive_once_in_order() {
    let mut browser = Browser::settled(&["lobby"], 3);
    browser.world.blocked = true;
    browser.world.cut(0, u32::MAX);
    (0..20).for_each(|n| browser.world.post(n % 3, &lobby()));
    browser.close(1, true);
    browser.close(0, true);
    browser.settle();
    check_views(&browser.world);
    check_log(&browser.world);
    assert_eq!(browser.world.server.received.len(), 20, "each was sent once");
}

#[test]
fn another_person_does_not_send_earlier_writes() {
    let mut browser = Browser::settled(&["lobby"], 2);
    browser.world.cut(0, u32::MAX);
    browser.world.deliver();
    browser.world.post(1, &lobby());
    // The login changed meanwhile, for all tabs.
    browser.world.clients[0].user = "bob".parse().unwrap();
    browser.settle();
    assert_eq!(browser.world.server.received, []);
    for tab in 0..2 {
        assert_eq!(browser.world.clients[tab].model.you().unwrap().name, "bob");
    }
}

#[test]
fn change_from_tab_under_other_epoch_hits_nothing() {
    let mut browser = Browser::settled(&["lobby"], 2);
    stranger(&mut browser, "what has the number now");
    browser.world.deliver();
    let write = Write {
        cmid: Cmid(9),
        room: lobby(),
        order: 1,
        at: 1,
        what: Operation::Delete { seq: 2 },
        epoch: Some("before".parse().unwrap()),
        failure: None,
    };
    let user = browser.world.clients[0].user.clone();
    let (from, message) = (browser.world.clients[1].tab.unwrap(), TabMessage::Wrote { user, write });
    browser.world.event(0, Event::Tab { from, message, roll: 0 });
    browser.world.deliver();
    assert_eq!(browser.world.server.received, []);
    assert_eq!(browser.world.clients[0].model.unsent(), 1, "it may be that the leader is the one behind");
    browser.world.server.heads();
    browser.world.deliver();
    assert_eq!(browser.world.server.received, []);
    assert_eq!(browser.world.clients[0].model.unsent(), 0, "it was not");
}

#[test]
fn stopped_tab_receives_nothing() {
    let mut browser = Browser::settled(&["lobby"], 2);
    browser.world.event(1, Event::Stopped);
    for message in [TabMessage::Leading, TabMessage::Opened { conn: 1 }] {
        browser.world.event(1, Event::Tab { from: 1, message, roll: 0 });
        assert!(browser.world.clients[0].told.values().all(|told| told.len() <= 1), "only that it left");
    }
}

#[test]
fn a_role_that_does_not_change_changes_nothing() {
    let mut browser = Browser::settled(&["lobby"], 2);
    for (tab, role) in [(0, Role::Leader), (1, Role::Follower)] {
        let before = link(&browser, tab);
        browser.world.event(tab, Event::Role(role));
        assert_eq!(link(&browser, tab), before);
    }
}

#[test]
fn refused_watch_is_repeated_by_every_tab() {
    let mut browser = Browser::settled(&["lobby"], 2);
    let from = browser.world.clients[1].tab.unwrap();
    let message = TabMessage::Up { frame: ClientFrame::Watch { room: lobby(), after: None } };
    browser.world.event(0, Event::Tab { from, message, roll: 0 });
    browser.world.clients[0].up().clear();
    // Who watches anew is unfollowed first; so a refusal ends what the leader followed before.
    browser.world.session(0).unwrap().watched.clear();
    let (message, retry_after_ms) = (String::new(), Some(1_000));
    let (room, code) = (Some(lobby()), RefusalCode::TooFast);
    let frame = ServerFrame::Refused { cmid: None, req: None, room, code, message, retry_after_ms };
    let conn = link(&browser, 0).conn;
    browser.world.event(0, Event::Frame { conn, frame });
    browser.world.deliver();
    browser.world.pass(2_000, 0);
    browser.world.deliver();
    stranger(&mut browser, "later");
    browser.world.deliver();
    assert_eq!(bodies(&browser, 0), ["later"]);
    assert_eq!(bodies(&browser, 1), ["later"]);
}
