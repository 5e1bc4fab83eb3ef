//! Operation: a write that somebody asks for, in every protocol and in the outbox.

use crate::{ClientFrame, Cmid, Entry, EntryKind, Headers, RoomId, Seq, UnixMs, UserId};

crate::tagged! {
/// A write to a room's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Post a message.
    Post {
        /// The text.
        body: String,
        /// The message that this one answers; a deleted one may be answered too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<Seq>,
        /// Headers that a program sends beside the text; the page sends none.
        #[cfg_attr(target_arch = "wasm32", serde(skip))]
        #[cfg_attr(not(target_arch = "wasm32"), serde(default, skip_serializing_if = "Headers::is_empty"))]
        headers: Headers,
    },
    /// Replace the text of a message of one's own.
    Edit {
        /// The message.
        seq: Seq,
        /// Its new text.
        body: String,
    },
    /// Take back a message of one's own: its text leaves the log.
    Delete {
        /// The message.
        seq: Seq,
    },
    /// React to a message with an emoji. It makes no entry if the person has done so.
    React {
        /// The message.
        seq: Seq,
        /// The emoji.
        emoji: String,
    },
    /// Take a reaction of one's own back. It makes no entry if there is none.
    Unreact {
        /// The message.
        seq: Seq,
        /// The emoji.
        emoji: String,
    },
}
}

impl Operation {
    /// Returns a post without headers, as people make them.
    pub fn post(body: impl Into<String>, reply_to: Option<Seq>) -> Self {
        Self::Post { body: body.into(), reply_to, headers: Headers::default() }
    }

    /// The message that it changes; `None` for a post.
    pub fn target(&self) -> Option<Seq> {
        match self {
            Self::Post { .. } => None,
            Self::Edit { seq, .. } | Self::Delete { seq } => Some(*seq),
            Self::React { seq, .. } | Self::Unreact { seq, .. } => Some(*seq),
        }
    }

    /// Takes out what names another entry, where the log is another one by now. Of a change nothing useful is left.
    pub fn detach(&mut self) {
        if let Self::Post { reply_to, .. } = self {
            *reply_to = None;
        }
    }

    /// The emoji, of a reaction that is made or taken back.
    pub fn emoji(&self) -> Option<&str> {
        match self {
            Self::React { emoji, .. } | Self::Unreact { emoji, .. } => Some(emoji),
            _ => None,
        }
    }

    /// Returns the draft of the entry that it makes: its `seq` is 0 until the log gives it one.
    pub fn into_draft(self, room: RoomId, by: UserId, cmid: Cmid, at: UnixMs) -> Entry {
        Entry { room, seq: 0, at, by, cmid: Some(cmid), what: self.into_kind() }
    }

    /// Returns the entry that it makes.
    pub fn into_kind(self) -> EntryKind {
        match self {
            Self::Post { body, reply_to, headers } => EntryKind::Posted { body, reply_to, headers },
            Self::Edit { seq, body } => EntryKind::Edited { seq, body },
            Self::Delete { seq } => EntryKind::Deleted { seq },
            Self::React { seq, emoji } => EntryKind::Reacted { seq, emoji },
            Self::Unreact { seq, emoji } => EntryKind::Unreacted { seq, emoji },
        }
    }

    /// Returns the frame that asks for it, without headers. Always the same for the same write: a repeat must be one.
    pub fn into_frame(self, room: RoomId, cmid: Cmid) -> ClientFrame {
        match self {
            Self::Post { body, reply_to, .. } => ClientFrame::Post { room, cmid, body, reply_to },
            Self::Edit { seq, body } => ClientFrame::Edit { room, cmid, seq, body },
            Self::Delete { seq } => ClientFrame::Delete { room, cmid, seq },
            Self::React { seq, emoji } => ClientFrame::React { room, cmid, seq, emoji },
            Self::Unreact { seq, emoji } => ClientFrame::Unreact { room, cmid, seq, emoji },
        }
    }

    /// Returns the write that a frame asks for.
    ///
    /// # Errors
    /// The frame, if it asks for something else.
    pub fn from_frame(frame: ClientFrame) -> Result<(RoomId, Cmid, Self), ClientFrame> {
        Ok(match frame {
            ClientFrame::Post { room, cmid, body, reply_to } => (room, cmid, Self::post(body, reply_to)),
            ClientFrame::Edit { room, cmid, seq, body } => (room, cmid, Self::Edit { seq, body }),
            ClientFrame::Delete { room, cmid, seq } => (room, cmid, Self::Delete { seq }),
            ClientFrame::React { room, cmid, seq, emoji } => (room, cmid, Self::React { seq, emoji }),
            ClientFrame::Unreact { room, cmid, seq, emoji } => (room, cmid, Self::Unreact { seq, emoji }),
            // By name, so that a new frame has to be decided on.
            other @ (ClientFrame::Hello { .. } | ClientFrame::Watch { .. } | ClientFrame::Unwatch { .. }) => {
                return Err(other);
            }
            other @ (ClientFrame::Present { .. } | ClientFrame::Read { .. } | ClientFrame::Typing { .. }) => {
                return Err(other);
            }
            other @ (ClientFrame::History { .. } | ClientFrame::Unknown) => return Err(other),
        })
    }
}
