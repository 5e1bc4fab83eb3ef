//! Rows from messages.

use madang_client::{MessageRow, Model, Row, timeline, utc_day};
use madang_protocol::{Message, RoomId, UnixMs, UserId};

use crate::world::World;

const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;
/// A midnight in UTC.
const MIDNIGHT: UnixMs = 19_700 * DAY;

fn message(seq: u64, by: &str, at: UnixMs) -> Message {
    let by: UserId = by.parse().unwrap();
    Message {
        seq,
        at,
        by,
        cmid: None,
        body: Some(seq.to_string().into()),
        reply_to: None,
        edited_at: None,
        reactions: madang_protocol::Reactions::default(),
        headers: madang_protocol::Headers::default(),
    }
}

/// Returns Alice's model of these, having read up to `read`.
fn model(messages: &[Message], read: u64) -> Model {
    let world = World::new(&["lobby"], &[]);
    let alice: UserId = "alice".parse().unwrap();
    let mut page = world.page(&alice, &RoomId::lobby());
    page.snapshot.messages = messages.to_vec();
    page.snapshot.head = messages.len() as u64 + 1;
    page.rooms[0].read = read;
    page.rooms[0].head = page.snapshot.head;
    Model::from_page(&page)
}

fn rows(messages: &[Message], read: u64) -> Vec<Row> {
    timeline(&model(messages, read), &RoomId::lobby(), &utc_day)
}

/// `D`: a day, `N`: new, and the authors: in capitals where a group starts.
fn shape(rows: &[Row]) -> String {
    let letter = |row: &MessageRow| {
        let first = row.by.as_str().chars().next().unwrap();
        if row.starts_group { first.to_ascii_uppercase() } else { first }
    };
    let row = |row: &Row| match row {
        Row::Day(_) => '|',
        Row::New => '*',
        Row::Message(row) => letter(row),
    };
    rows.iter().map(row).collect()
}

#[test]
fn messages_within_five_minutes_form_a_group() {
    let at = MIDNIGHT + 600 * MINUTE;
    let messages = [
        message(2, "bob", at),
        message(3, "bob", at + 5 * MINUTE),
        message(4, "bob", at + 10 * MINUTE + 1),
        message(5, "carol", at + 11 * MINUTE),
        message(6, "bob", at + 11 * MINUTE),
    ];
    assert_eq!(shape(&rows(&messages, 6)), "|BbBCB");
}

#[test]
fn new_day_has_divider_and_starts_group() {
    let messages = [message(2, "bob", MIDNIGHT - MINUTE), message(3, "bob", MIDNIGHT + MINUTE)];
    let rows = rows(&messages, 3);
    assert_eq!(shape(&rows), "|B|B");
    assert_eq!((&rows[0], &rows[2]), (&Row::Day(19_699), &Row::Day(19_700)));
    let seoul = |at: UnixMs| utc_day(at + 9 * 60 * MINUTE);
    assert_eq!(shape(&timeline(&model(&messages, 3), &RoomId::lobby(), &seoul)), "|Bb", "the reader's day");
}

#[test]
fn new_divider_precedes_first_unread_after_day_divider() {
    let at = MIDNIGHT - 2 * MINUTE;
    let messages = [
        message(2, "bob", at),
        message(3, "alice", at),
        message(4, "bob", at),
        message(5, "bob", at + 3 * MINUTE),
    ];
    assert_eq!(shape(&rows(&messages, 2)), "|BA*B|B");
    assert_eq!(shape(&rows(&messages, 4)), "|BAB|*B");
    assert_eq!(shape(&rows(&messages, 5)), "|BAB|B", "nothing is new");
}

#[test]
fn divider_above_the_window_is_left_out() {
    let messages = [message(12, "bob", MIDNIGHT), message(13, "bob", MIDNIGHT)];
    let world = World::new(&["lobby"], &[]);
    let mut page = world.page(&"alice".parse().unwrap(), &RoomId::lobby());
    (page.snapshot.messages, page.snapshot.head, page.snapshot.before) = (messages.to_vec(), 13, true);
    (page.rooms[0].read, page.rooms[0].unread, page.rooms[0].head) = (5, 8, 13);
    let rows = timeline(&Model::from_page(&page), &RoomId::lobby(), &utc_day);
    assert_eq!(shape(&rows), "|Bb");
}

#[test]
fn reply_starts_group_and_shows_its_target() {
    let mut answer = message(3, "bob", MIDNIGHT);
    answer.reply_to = Some(2);
    let rows = rows(&[message(2, "bob", MIDNIGHT), answer], 3);
    assert_eq!(shape(&rows), "|BB");
    let Row::Message(row) = &rows[2] else { panic!("a message") };
    let reply = row.reply.as_ref().unwrap();
    assert_eq!((reply.seq, reply.body.as_deref()), (2, Some("2")));
}

#[test]
fn server_and_browser_render_same_rows() {
    let messages: Vec<_> = (2..40).map(|seq| message(seq, "bob", MIDNIGHT + seq as i64 * MINUTE)).collect();
    let page = {
        let world = World::new(&["lobby"], &[]);
        let mut page = world.page(&"alice".parse().unwrap(), &RoomId::lobby());
        page.snapshot.messages = messages;
        page
    };
    let sent: madang_client::PageData = serde_json::from_str(&serde_json::to_string(&page).unwrap()).unwrap();
    let rows = |page| timeline(&Model::from_page(page), &RoomId::lobby(), &utc_day);
    assert_eq!(rows(&page), rows(&sent));
}
