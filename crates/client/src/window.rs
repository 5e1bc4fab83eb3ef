//! The stretch of a room's messages that the page holds.

use std::collections::VecDeque;
use std::sync::Arc;

use madang_protocol::{Cmid, Message, Seq, UnixMs, UserId};

/// Rows that a window keeps; what is farther from the reader is dropped, and asked for again when needed.
pub const WINDOW: usize = 200;

/// A message in the window. Its text is shared with the rows that show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WindowMessage {
    pub(crate) seq: Seq,
    pub(crate) at: UnixMs,
    pub(crate) by: UserId,
    pub(crate) cmid: Option<Cmid>,
    pub(crate) body: Option<Arc<str>>,
    pub(crate) reply_to: Option<Seq>,
    pub(crate) edited_at: Option<UnixMs>,
}

impl From<&Message> for WindowMessage {
    fn from(message: &Message) -> Self {
        Self {
            seq: message.seq,
            at: message.at,
            by: message.by.clone(),
            cmid: message.cmid,
            body: message.body.as_deref().map(Arc::from),
            reply_to: message.reply_to,
            edited_at: message.edited_at,
        }
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
    pub(crate) fn new(messages: &[Message], before: bool, after: bool) -> Self {
        let mut messages: VecDeque<WindowMessage> = messages.iter().map(WindowMessage::from).collect();
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

    pub(crate) fn get(&self, seq: Seq) -> Option<&WindowMessage> {
        self.messages.get(self.position(seq)?)
    }

    fn get_mut(&mut self, seq: Seq) -> Option<&mut WindowMessage> {
        let position = self.position(seq)?;
        self.messages.get_mut(position)
    }

    /// A message was posted at the end of the log. A detached window does not see it; and one whose reader is
    /// not `at_bottom` would rather detach than lose, above the reader's eyes, what they look at.
    pub(crate) fn posted(&mut self, message: &Message, at_bottom: bool) {
        if self.after || self.last().is_some_and(|last| last >= message.seq) {
            return;
        }
        if !at_bottom && self.messages.len() >= WINDOW {
            self.after = true;
            return;
        }
        self.messages.push_back(message.into());
        self.drop_oldest();
    }

    pub(crate) fn edited(&mut self, seq: Seq, body: &str, at: UnixMs) {
        // A page that was read later may already show it deleted.
        if let Some(message) = self.get_mut(seq).filter(|message| message.body.is_some()) {
            message.body = Some(body.into());
            message.edited_at = Some(at);
        }
    }

    pub(crate) fn deleted(&mut self, seq: Seq) {
        if let Some(message) = self.get_mut(seq) {
            message.body = None;
        }
    }

    /// Puts a page of older messages in front; the newest rows give way.
    pub(crate) fn prepend(&mut self, page: &[Message], before: bool) {
        let first = self.first();
        let older = page.iter().filter(|message| first.is_none_or(|first| message.seq < first));
        for message in older.rev() {
            self.messages.push_front(message.into());
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
        self.messages.extend(newer.map(WindowMessage::from));
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
