//! The stretch of a room's messages that the page holds.

use std::collections::VecDeque;

use madang_protocol::{Entry, Message, Seq, UserId};

/// Rows that a window keeps; what is farther from the reader is dropped, and asked for again when needed.
pub const WINDOW: usize = 200;

/// Consecutive messages of a room, oldest first. While `after` is false it ends with the newest one, and what
/// is posted joins it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) messages: VecDeque<Message>,
    /// Older messages exist.
    pub(crate) before: bool,
    /// Newer messages exist: the window is detached from the newest one.
    pub(crate) after: bool,
}

impl Window {
    pub(crate) fn new(messages: &[Message], before: bool, after: bool) -> Self {
        let mut messages: VecDeque<Message> = messages.iter().cloned().collect();
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
        self.messages.get(self.position(seq)?)
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
        self.messages.push_back(message);
        self.drop_oldest();
    }

    /// Applies an entry to the message that it changes, if that is here.
    pub(crate) fn apply(&mut self, entry: &Entry) {
        let position = entry.what.target().and_then(|seq| self.position(seq));
        if let Some(message) = position.and_then(|position| self.messages.get_mut(position)) {
            message.apply(entry);
        }
    }

    /// Puts a page of older messages in front; the newest rows give way.
    pub(crate) fn prepend(&mut self, page: &[Message], before: bool) {
        let first = self.first();
        let older = page.iter().filter(|message| first.is_none_or(|first| message.seq < first));
        for message in older.rev() {
            self.messages.push_front(message.clone());
        }
        self.before = before;
        if self.messages.len() > WINDOW {
            self.messages.truncate(WINDOW);
            self.after = true;
        }
    }

    /// Puts a page of newer messages behind; the oldest rows give way.
    pub(crate) fn append(&mut self, page: &[Message], after: bool) {
        let last = self.last();
        let newer = page.iter().filter(|message| last.is_none_or(|last| message.seq > last));
        self.messages.extend(newer.cloned());
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
            let unread =
                |message: &&Message| message.seq > read && message.body.is_some() && you != Some(&message.by);
            self.messages.iter().rev().take_while(|message| message.seq > read).filter(unread).count() as u32
        })
    }
}
