//! A follower hears of a restore: its rows are of an epoch that is over, and stay until the snapshot comes.

use madang_client::{Event, Row, TabMessage, Write, timeline, utc_day};
use madang_protocol::{Cmid, Entry, EntryKind, Epoch, Limits, Operation, RoomId, ServerFrame};

use crate::browser::Browser;

fn lobby() -> RoomId {
    RoomId::lobby()
}

#[test]
fn rows_of_another_epoch_take_no_change() {
    let mut browser = Browser::settled(&["lobby"], 2);
    browser.world.post(1, &lobby());
    browser.settle();
    let body = |browser: &Browser| {
        let rows = timeline(&browser.world.clients[1].model, &lobby(), &utc_day);
        rows.into_iter().find_map(|row| if let Row::Message(row) = row { row.body } else { None })
    };
    let before = body(&browser);
    assert!(before.is_some());
    // The follower hears of a restore; its rows stay until the snapshot.
    let follower = &browser.world.clients[1];
    let (you, conn) = (follower.model.you().unwrap().clone(), follower.model.link().conn);
    let (user, from) = (follower.user.clone(), browser.world.clients[0].tab.unwrap());
    let (rooms, limits) = (browser.world.server.rooms(&user), Limits::default());
    let epoch: Epoch = "restored".parse().unwrap();
    let welcome = ServerFrame::Welcome { you, epoch: epoch.clone(), rooms, limits, heartbeat_ms: 25_000 };
    browser.world.event(1, Event::Frame { conn, frame: welcome });
    // The leader has its rows already, and changed what has the number now.
    let what = Operation::Edit { seq: 2, body: "of another message".into() };
    let write =
        Write { cmid: Cmid(9), room: lobby(), order: 9, at: 1, what, epoch: Some(epoch), failure: None };
    browser.world.event(1, Event::Tab { from, message: TabMessage::Wrote { user, write }, roll: 0 });
    assert_eq!(browser.world.clients[1].model.unsent(), 1);
    assert_eq!(body(&browser), before);
    let done = ServerFrame::Done { cmid: Cmid(9), room: lobby(), seq: 3 };
    browser.world.event(1, Event::Frame { conn, frame: done });
    assert_eq!(body(&browser), before);
}

#[test]
fn rows_of_another_epoch_take_no_entry() {
    let mut browser = Browser::settled(&["lobby"], 2);
    browser.world.post(1, &lobby());
    browser.settle();
    let follower = &browser.world.clients[1];
    let (you, conn) = (follower.model.you().unwrap().clone(), follower.model.link().conn);
    let (rooms, limits) = (browser.world.server.rooms(&follower.user), Limits::default());
    let before = browser.world.rows(1, &lobby());
    let head = rooms.iter().find(|info| info.room == lobby()).unwrap().head;
    let (epoch, by) = ("restored".parse().unwrap(), you.id.clone());
    let welcome = ServerFrame::Welcome { you, epoch, rooms: rooms.clone(), limits, heartbeat_ms: 25_000 };
    browser.world.event(1, Event::Frame { conn, frame: welcome });
    // The list comes once more before the snapshot, and an entry that would follow what it names.
    browser.world.event(1, Event::Frame { conn, frame: ServerFrame::Rooms { rooms } });
    let what = EntryKind::posted("of the present epoch", None);
    let entry = Entry { room: lobby(), seq: head + 1, at: 9, by, cmid: None, what };
    browser.world.event(1, Event::Frame { conn, frame: ServerFrame::Entry(entry) });
    assert_eq!(browser.world.rows(1, &lobby()), before);
}
