//! The rows of a room, optimistic ones of the outbox among them.

use std::sync::Arc;

use madang_protocol::{Cmid, Message, Operation, Reactions, RoomId, Seq, UnixMs, UserId};

use crate::outbox::{OutboxItem, Stage};
use crate::room::Room;
use crate::{Failure, Model};

/// Messages of one author this close together make one group.
const GROUP_MS: i64 = 5 * 60 * 1000;

/// Identity of a row, for as long as it is on the page. A message of one's own keeps its key from the moment it was
/// typed, over its acknowledgement, so the row is never made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKey {
    /// The divider before the day of this number.
    Day(i32),
    /// The divider before what is new.
    New,
    /// A message, by its seq.
    Message(Seq),
    /// A message of one's own, by the write that posted it.
    Own(Cmid),
}

/// One row of the timeline.
#[allow(clippy::large_enum_variant, reason = "nearly all rows are messages; smaller ones in the page")]
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// A day begins: days since 1970-01-01, by the caller's reckoning.
    Day(i32),
    /// Divider before what came after the room was last read. It stays until the room is opened anew.
    New,
    /// A message.
    Message(MessageRow),
}

impl Row {
    /// Its key, unique within the timeline.
    pub fn key(&self) -> RowKey {
        match self {
            Self::Day(day) => RowKey::Day(*day),
            Self::New => RowKey::New,
            Self::Message(row) => row.key,
        }
    }
}

/// A message, as its row shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageRow {
    /// Its key.
    pub key: RowKey,
    /// Its number in the room and its permanent link; `None` while it is on its way.
    pub seq: Option<Seq>,
    /// Time of the post (while on its way: of the typing).
    pub at: UnixMs,
    /// Its author.
    pub by: UserId,
    /// True if that is this person.
    pub mine: bool,
    /// The text, with an edit that is on its way; `None`: deleted.
    pub body: Option<Arc<str>>,
    /// True if it was edited.
    pub edited: bool,
    /// Reactions, with one's own that are on their way.
    pub reactions: Reactions,
    /// The message that this one answers.
    pub reply: Option<Reply>,
    /// True if it shows its author: the one before it is someone else's, older than 5 minutes, or of another day.
    pub starts_group: bool,
    /// True if a permanent link names it.
    pub focus: bool,
    /// State of sending it, or the change to it.
    pub state: SendState,
}

/// The message that another one answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The message.
    pub seq: Seq,
    /// Its author, if it is in the window.
    pub by: Option<UserId>,
    /// Its text, if it is in the window and not deleted.
    pub body: Option<Arc<str>>,
}

/// State of sending a message, or the latest change to it.
#[derive(Clone, Debug, PartialEq)]
pub enum SendState {
    /// The server has it.
    Sent,
    /// Not acknowledged yet.
    Pending {
        /// The write.
        cmid: Cmid,
    },
    /// Refused for good: offer [`crate::Event::Retry`] and [`crate::Event::Discard`].
    Failed {
        /// The write.
        cmid: Cmid,
        /// The reason.
        failure: Failure,
    },
}

/// The day of `at` in UTC: what the server renders with, and the first rendering in the browser.
pub fn utc_day(at: UnixMs) -> i32 {
    at.div_euclid(86_400_000) as i32
}

/// The rows of `room`, oldest first; empty for a room that is not loaded. `day` gives the day of a moment
/// where the reader is (see [`utc_day`]).
pub fn timeline(model: &Model, room: &RoomId, day: &dyn Fn(UnixMs) -> i32) -> Vec<Row> {
    let Some(room) = model.rooms.get(room) else { return Vec::new() };
    let mut rows = Rows { model, room, day, rows: Vec::new(), last: None, divided: room.divider.is_none() };
    if let Some(window) = &room.window {
        // With the boundary above the window, the divider belongs above it too.
        let first = window.messages.front().map_or(0, |message| message.seq);
        rows.divided |= window.before && room.divider.is_some_and(|read| first > read);
        for message in &window.messages {
            rows.message(message);
        }
    }
    for item in model.outbox.posts(&room.id) {
        rows.outbox_item(item);
    }
    rows.rows
}

/// The rows so far.
struct Rows<'a> {
    model: &'a Model,
    room: &'a Room,
    day: &'a dyn Fn(UnixMs) -> i32,
    rows: Vec<Row>,
    /// The message before: its day, author and time.
    last: Option<(i32, UserId, UnixMs)>,
    /// True if the "new" divider has its place, or is not needed.
    divided: bool,
}

impl Rows<'_> {
    fn message(&mut self, message: &Message) {
        let mine = self.model.is_you(&message.by);
        let is_new = !mine && self.room.divider.is_some_and(|read| message.seq > read);
        let divide = is_new && !self.divided;
        self.divided |= divide;
        let mut row = MessageRow {
            key: match message.cmid {
                Some(cmid) if mine => RowKey::Own(cmid),
                _ => RowKey::Message(message.seq),
            },
            seq: Some(message.seq),
            at: message.at,
            by: message.by.clone(),
            mine,
            body: message.body.clone(),
            edited: message.edited_at.is_some(),
            reactions: message.reactions.clone(),
            reply: message.reply_to.map(|seq| self.reply(seq)),
            starts_group: true,
            focus: self.room.focus == Some(message.seq),
            state: SendState::Sent,
        };
        // Without a cursor the rows are of an earlier epoch, and a change is of what has the number now.
        if self.room.cursor.is_some() {
            self.overlay(&mut row, message.seq);
        }
        self.push(row, divide);
    }

    /// A post of one's own that the log does not show yet.
    fn outbox_item(&mut self, item: &OutboxItem) {
        let Operation::Post { body, reply_to, .. } = &item.write.what else { return };
        let row = MessageRow {
            key: RowKey::Own(item.write.cmid),
            seq: None,
            at: item.write.at,
            by: self.model.you_id().unwrap_or_else(UserId::system),
            mine: true,
            body: Some(body.as_str().into()),
            edited: false,
            reactions: Reactions::default(),
            reply: reply_to.map(|seq| self.reply(seq)),
            starts_group: true,
            focus: false,
            state: state(item),
        };
        self.push(row, false);
    }

    /// Shows the changes to a message that are on their way as if they had arrived.
    fn overlay(&self, row: &mut MessageRow, seq: Seq) {
        let you = self.model.you_id();
        for item in self.model.outbox.changes(&self.room.id, seq) {
            match (&item.write.what, &you) {
                // A message deleted meanwhile, on another device, stays so.
                (Operation::Edit { body, .. }, _) if row.body.is_some() => {
                    row.body = Some(body.as_str().into());
                    row.edited = true;
                }
                // A delete that failed shows the message, so that it can be tried again.
                (Operation::Delete { .. }, _) if item.write.failure.is_none() => row.body = None,
                // A chip shows by itself that it was pressed.
                (Operation::React { emoji, .. }, Some(you)) => {
                    row.reactions.add(emoji, you);
                    continue;
                }
                (Operation::Unreact { emoji, .. }, Some(you)) => {
                    row.reactions.remove(emoji, you);
                    continue;
                }
                _ => {}
            }
            row.state = state(item);
        }
    }

    fn push(&mut self, mut row: MessageRow, divide: bool) {
        // The browser's clock may be behind the server's: time does not run backwards down the page.
        let at = self.last.as_ref().map_or(row.at, |(.., at)| row.at.max(*at));
        let day = (self.day)(at);
        match &self.last {
            Some((last_day, by, last_at)) if *last_day == day => {
                row.starts_group = divide || row.reply.is_some() || *by != row.by || at - last_at > GROUP_MS;
            }
            _ => self.rows.push(Row::Day(day)),
        }
        if divide {
            self.rows.push(Row::New);
        }
        self.last = Some((day, row.by.clone(), at));
        self.rows.push(Row::Message(row));
    }

    fn reply(&self, seq: Seq) -> Reply {
        let target = self.room.window.as_ref().and_then(|window| window.get(seq));
        Reply {
            seq,
            by: target.map(|message| message.by.clone()),
            body: target.and_then(|message| message.body.clone()),
        }
    }
}

fn state(item: &OutboxItem) -> SendState {
    let cmid = item.write.cmid;
    match (&item.write.failure, &item.stage) {
        (Some(failure), _) => SendState::Failed { cmid, failure: failure.clone() },
        (None, Stage::Acknowledged { .. }) => SendState::Sent,
        (None, _) => SendState::Pending { cmid },
    }
}
