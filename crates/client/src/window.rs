//! The stretch of a room's messages that the page holds.

use std::collections::VecDeque;
use std::ops::Deref;

use madang_protocol::{Entry, Message, Seq, UserId};

/// Rows that a window keeps; what is farther from the reader is dropped, and asked for again when needed.
pub const WINDOW: usize = 200;

/// A message in the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WindowMessage {
    pub(crate) message: Message,
    /// It contains all entries up to this one: of a page that was ahead of the stream, some that are still to come.
    head: Seq,
}

impl Deref for WindowMessage {
    type Target = Message;

    fn deref(&self) -> &Message {
        &self.message
    }
}

impl WindowMessage {
    fn of(messages: &[Message], head: Seq) -> impl DoubleEndedIterator<Item = Self> {
        messages.iter().map(move |message| Self { message: message.clone(), head })
    }
}

/// Consecutive messages of a room, oldest first. While `after` is false it ends with the newest one, and what
/// is posted joins it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) messages: VecDeque<WindowMessage>,
    /// Older messages exist.
    pub(crate) before: bool,
    /// Newer messages exist: the window is detached from the newest one.
    pub(crate) after: bool,
}

impl Window {
    pub(crate) fn new(messages: &[Message], head: Seq, before: bool, after: bool) -> Self {
        let mut messages: VecDeque<WindowMessage> = WindowMessage::of(messages, head).collect();
        messages.make_contiguous().sort_by_key(|message| message.seq);
        Self { messages, before, after }
    }

    pub(crate) fn first(&self) -> Option<Seq> {
        self.messages.front().map(|message| message.seq)
    }

    pub(crate) fn last(&self) -> Option<Seq> {
        self.messages.back().map(|message| message.seq)
    }

    fn position(&self, seq: Seq) -> Option<usize> {
        self.messages.binary_search_by_key(&seq, |message| message.seq).ok()
    }

    pub(crate) fn get(&self, seq: Seq) -> Option<&Message> {
        self.messages.get(self.position(seq)?).map(|held| &held.message)
    }

    /// A message was posted at the end of the log. A detached window does not see it; and one whose reader is
    /// not `at_bottom` would rather detach than lose, above the reader's eyes, what they look at.
    pub(crate) fn posted(&mut self, message: Message, at_bottom: bool) {
        if self.after || self.last().is_some_and(|last| last >= message.seq) {
            return;
        }
        if !at_bottom && self.messages.len() >= WINDOW {
            self.after = true;
            return;
        }
        let head = message.seq;
        self.messages.push_back(WindowMessage { message, head });
        self.drop_oldest();
    }

    /// Applies an entry to the message that it changes, if that is here.
    pub(crate) fn apply(&mut self, entry: &Entry) {
        let position = entry.what.target().and_then(|seq| self.position(seq));
        let held = position.and_then(|position| self.messages.get_mut(position));
        if let Some(held) = held.filter(|held| entry.seq > held.head) {
            held.message.apply(entry);
        }
    }

    /// Puts a page of older messages in front; the newest rows give way.
    pub(crate) fn prepend(&mut self, page: &[Message], head: Seq, before: bool) {
        let first = self.first();
        let older =
            WindowMessage::of(page, head).filter(|message| first.is_none_or(|first| message.seq < first));
        for message in older.rev() {
            self.messages.push_front(message);
        }
        self.before = before;
        if self.messages.len() > WINDOW {
            self.messages.truncate(WINDOW);
            self.after = true;
        }
    }

    /// Puts a page of newer messages behind; the oldest rows give way.
    pub(crate) fn append(&mut self, page: &[Message], head: Seq, after: bool) {
        let last = self.last();
        let newer =
            WindowMessage::of(page, head).filter(|message| last.is_none_or(|last| message.seq > last));
        self.messages.extend(newer);
        self.after = after;
        self.drop_oldest();
    }

    fn drop_oldest(&mut self) {
        while self.messages.len() > WINDOW {
            self.messages.pop_front();
            self.before = true;
        }
    }

    /// Messages by others than `you` after `read`, without deleted ones; `None` if the window does not reach that far.
    pub(crate) fn unread(&self, read: Seq, you: Option<&UserId>) -> Option<u32> {
        let reaches = !self.before || self.first().is_some_and(|first| first <= read);
        (reaches && !self.after).then(|| {
            let unread = |message: &&WindowMessage| {
                message.seq > read && message.body.is_some() && you != Some(&message.by)
            };
            self.messages.iter().rev().take_while(|message| message.seq > read).filter(unread).count() as u32
        })
    }
}
