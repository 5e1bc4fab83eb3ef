//! One room: where its log was read to, what of it is held, and what is new in it.

mod history;
mod unread;

use std::collections::VecDeque;
use std::sync::Arc;

use madang_protocol::{
    ClientFrame, Entry, EntryKind, Message, RoomId, RoomInfo, Seq, Snapshot, UnixMs, UserId,
};

use crate::window::Window;
use unread::Change;

pub(crate) use history::{Ask, PATIENCE_MS, Page, Request};

/// Unread messages are counted so far, here and by the server.
pub(crate) const UNREAD_MAX: u32 = 1_000;

/// Time that somebody counts as typing after their last `typing` frame.
pub(crate) const TYPING_MS: i64 = 6_000;

/// State of a room's stream on the present connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SyncState {
    /// Not asked for.
    #[default]
    Idle,
    /// Asked for; entries or a snapshot come, then `live`.
    CatchingUp {
        /// So many `live`s in a row left a hole.
        tries: u8,
        /// The cursor when a `heads` last found it behind: a second one with the same cursor means that
        /// nothing comes any more.
        stuck_at: Option<Option<Seq>>,
    },
    /// Up to date, as far as the server reported.
    Live,
    /// Refused for now.
    Refused {
        /// Time to ask again.
        until: UnixMs,
    },
}

impl SyncState {
    pub(crate) fn catching_up() -> Self {
        Self::CatchingUp { tries: 0, stuck_at: None }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Room {
    pub(crate) id: RoomId,
    pub(crate) title: Arc<str>,
    /// The server refused the room as unknown.
    pub(crate) gone: bool,
    /// The last entry that was applied; `None`: only a snapshot helps.
    pub(crate) cursor: Option<Seq>,
    pub(crate) stream: SyncState,
    /// The room's state is wanted anew, from a snapshot: the first look at it, or a jump to the newest.
    pub(crate) wants_snapshot: bool,
    /// Messages on the page; `None` if the room was never looked at, and is only counted.
    pub(crate) window: Option<Window>,
    /// The last entry that a page of history must reflect: a change to some message, which the page would
    /// otherwise undo.
    pub(crate) last_change: Seq,
    /// The last post: a page that does not reflect it does not reach the end of the log.
    pub(crate) last_post: Seq,
    /// The page of history that is under way.
    pub(crate) request: Option<Request>,

    /// The read marker.
    pub(crate) read: Seq,
    /// Of the marker, what the server knows, and when it was sent.
    pub(crate) read_sent: Seq,
    /// The marker as the server has told it.
    pub(crate) read_known: Seq,
    pub(crate) read_sent_at: UnixMs,
    pub(crate) unread: u32,
    /// Entries up to here are in `unread` already.
    pub(crate) counted: Seq,
    /// Messages that others posted and took back lately, oldest first.
    pub(crate) changes: VecDeque<Change>,
    /// A window that is not detached has all messages up to here: the cursor, or more, if a page was ahead of
    /// the stream.
    pub(crate) reached: Seq,
    /// The read marker when the room was opened, if anything was unread: the place of the "new" divider.
    pub(crate) divider: Option<Seq>,

    pub(crate) at_bottom: bool,
    /// Posts by others since the reader left the bottom.
    pub(crate) fresh: u32,
    pub(crate) focus: Option<Seq>,
    pub(crate) resets: u32,

    pub(crate) here: Vec<UserId>,
    pub(crate) here_count: u32,
    /// People who type, and until when that holds.
    pub(crate) typing: Vec<(UserId, UnixMs)>,
    /// Time at which others were last sent that this person types.
    pub(crate) typed_at: Option<UnixMs>,
}

/// Result of applying an entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// It was the next one.
    Next,
    /// It was known already, or cannot be used before a snapshot came.
    Ignored,
    /// Others are missing before it.
    Gap,
}

impl Room {
    pub(crate) fn new(id: RoomId) -> Self {
        Self {
            id,
            title: "".into(),
            gone: false,
            cursor: None,
            stream: SyncState::Idle,
            wants_snapshot: false,
            window: None,
            last_change: 0,
            last_post: 0,
            request: None,
            read: 0,
            read_sent: 0,
            read_known: 0,
            read_sent_at: 0,
            unread: 0,
            counted: 0,
            changes: VecDeque::new(),
            reached: 0,
            divider: None,
            at_bottom: false,
            fresh: 0,
            focus: None,
            resets: 0,
            here: Vec::new(),
            here_count: 0,
            typing: Vec::new(),
            typed_at: None,
        }
    }

    /// Takes over a list of rooms, to begin or to go on from.
    pub(crate) fn learn(&mut self, info: &RoomInfo) {
        self.title = info.title.as_str().into();
        self.gone = false;
        self.read_sent = info.read;
        self.read_known = info.read;
        if info.read >= self.read {
            self.read = info.read;
            self.count(info.unread, info.head);
        }
    }

    /// Takes over a list of rooms for one whose stream has not begun, and is only counted so far: it begins where the count
    /// was made, be it that of the list, or, if the list has an older marker, the one that was known. Rows without a cursor are of
    /// an epoch that is over: they wait for their snapshot.
    pub(crate) fn count_from(&mut self, info: &RoomInfo) {
        self.learn(info);
        if self.cursor.is_none() && self.window.is_none() {
            self.cursor = Some(self.counted);
            self.last_change = self.counted;
            self.last_post = self.counted;
        }
    }

    /// The room is only counted, and its stream goes on from the head of this list: also from one that is behind what was
    /// received before, as that of another tab may be, whose entries come once more. A list with an older marker has counted
    /// what is read here: the stream goes on behind the count that was known.
    pub(crate) fn count_anew(&mut self, info: &RoomInfo) {
        if self.read <= info.read {
            self.cursor = None;
            self.changes.retain(|change| change.at <= info.head);
        }
        self.count_from(info);
    }

    /// Forgets markers: those known belonged to another epoch, or to another person.
    pub(crate) fn forget_marks(&mut self, new_epoch: bool) {
        self.read = 0;
        self.read_sent = 0;
        self.read_known = 0;
        self.counted = 0;
        self.changes.clear();
        self.reached = 0;
        self.unread = 0;
        self.divider = None;
        if new_epoch {
            // The rows stay on screen until the snapshot comes.
            self.cursor = None;
            self.request = None;
        }
    }

    /// Returns the frame that follows this room from its cursor.
    pub(crate) fn watch(&self) -> ClientFrame {
        ClientFrame::Watch { room: self.id.clone(), after: self.cursor.filter(|_| !self.wants_snapshot) }
    }

    /// The server's state replaces all that was known of the messages.
    pub(crate) fn replace(&mut self, snapshot: &Snapshot, you: Option<&UserId>) {
        self.title = snapshot.title.as_str().into();
        self.gone = false;
        self.wants_snapshot = false;
        // A page that adjoins the old window is of no use; one around a link still is.
        self.request = self.request.take().filter(|request| matches!(request.ask, Ask::Around(_)));
        self.window = Some(Window::new(&snapshot.messages, snapshot.head, snapshot.before, false));
        let cursor = self.cursor.replace(snapshot.head);
        self.last_change = snapshot.head;
        self.last_post = snapshot.head;
        self.reached = snapshot.head;
        self.fresh = 0;
        self.resets += 1;
        self.here = snapshot.here.clone();
        self.here_count = snapshot.here_count;
        // Where the window does not reach back to the read marker, what it shows is at least counted once.
        let known = cursor.unwrap_or(0);
        let fresh = |message: &&Message| message.seq > known && you != Some(&message.by);
        for message in snapshot.messages.iter().filter(fresh).filter(|message| !message.is_deleted()) {
            self.changed(Change { at: message.seq, message: message.seq, posted: true });
        }
        self.counted = self.counted.max(snapshot.head);
        self.recount(you);
    }

    /// The reader opens the room: the divider is put where they had read to.
    pub(crate) fn divide(&mut self) {
        self.divider = (self.unread > 0).then_some(self.read);
    }

    /// Applies the next entry of the log; anything else changes nothing. `seen`: the reader has the room's
    /// bottom before their eyes.
    pub(crate) fn apply(&mut self, entry: &Entry, you: Option<&UserId>, seen: bool) -> Applied {
        let Some(cursor) = self.cursor else { return Applied::Ignored };
        if entry.seq <= cursor {
            return Applied::Ignored;
        }
        if entry.seq > cursor + 1 {
            return Applied::Gap;
        }
        self.cursor = Some(entry.seq);
        let mine = you == Some(&entry.by);
        match &entry.what {
            EntryKind::Opened { title } | EntryKind::Renamed { title } => self.title = title.as_str().into(),
            EntryKind::Posted { .. } => self.posted(entry, mine, seen),
            // Also where the owner deletes a message, the entry is its author's.
            EntryKind::Deleted { seq } if !mine => {
                self.changed(Change { at: entry.seq, message: *seq, posted: false });
            }
            EntryKind::Closed {} => self.gone = true,
            _ => {}
        }
        if entry.what.target().is_some() {
            self.last_change = entry.seq;
            self.window.iter_mut().for_each(|window| window.apply(entry));
        }
        self.counted = self.counted.max(entry.seq);
        self.reached = self.reached.max(entry.seq);
        self.recount(you);
        Applied::Next
    }

    fn posted(&mut self, entry: &Entry, mine: bool, seen: bool) {
        self.last_post = entry.seq;
        self.typing.retain(|(who, _)| *who != entry.by);
        if !mine {
            self.changed(Change { at: entry.seq, message: entry.seq, posted: true });
        }
        if !mine && !seen {
            self.fresh = self.fresh.saturating_add(1);
        }
        let Some(message) = Message::from_posted(entry) else { return };
        if let Some(window) = &mut self.window {
            window.posted(message, self.at_bottom);
        }
    }

    /// Counts what is unread from the window, where that reaches far enough to be exact.
    pub(crate) fn recount(&mut self, you: Option<&UserId>) {
        if let Some(unread) = self.window.as_ref().and_then(|window| window.unread(self.read, you)) {
            self.unread = unread;
            self.counted = self.reached;
        }
    }

    /// Moves the read marker to the end of what is known. Returns true if it moved.
    pub(crate) fn read_all(&mut self) -> bool {
        let detached = self.window.as_ref().is_none_or(|window| window.after);
        let Some(cursor) = self.cursor.filter(|cursor| *cursor > self.read && !detached) else {
            return false;
        };
        self.read = cursor;
        self.unread = 0;
        true
    }

    pub(crate) fn is_detached(&self) -> bool {
        self.window.as_ref().is_some_and(|window| window.after)
    }

    /// Somebody types; those who were silent for a while are left out again by `forget_typing`.
    pub(crate) fn types(&mut self, who: &UserId, now: UnixMs) {
        let until = now + TYPING_MS;
        match self.typing.iter_mut().find(|(known, _)| known == who) {
            Some(known) => known.1 = until,
            None => self.typing.push((who.clone(), until)),
        }
    }

    pub(crate) fn forget_typing(&mut self, now: UnixMs) {
        // Also what lies too far ahead: the clock was set back.
        self.typing.retain(|(_, until)| (now + 1..=now + TYPING_MS).contains(until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(head: Seq, read: Seq, unread: u32) -> RoomInfo {
        RoomInfo { room: RoomId::lobby(), title: "Lobby".to_owned(), head, read, unread }
    }

    #[test]
    fn first_cursor_stands_where_the_count_was_made() {
        let mut room = Room::new(RoomId::lobby());
        room.count_from(&info(7, 2, 5));
        assert_eq!((room.cursor, room.unread), (Some(7), 5));
        // From a tab that leads, and has read more than the server knows of; then from the server.
        let mut room = Room::new(RoomId::lobby());
        room.learn(&info(3, 3, 0));
        room.count_from(&info(33, 1, 32));
        assert_eq!((room.cursor, room.read, room.unread), (Some(3), 3, 0));
    }
}
