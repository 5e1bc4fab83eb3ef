//! Entries of a room's log.

use serde::{Deserialize, Serialize};

use crate::{Cmid, Headers, RoomId, Seq, UnixMs, UserId};

/// One line of a room's append-only log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The room whose log this is.
    pub room: RoomId,
    /// The position in it; contiguous from 1.
    pub seq: Seq,
    /// Time of the commit. Never decreases along a room's log.
    pub at: UnixMs,
    /// The author.
    pub by: UserId,
    /// The write that made it; absent for what the server wrote by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmid: Option<Cmid>,
    /// The change.
    pub what: EntryKind,
}

crate::tagged! {
/// Change of a room by an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// The room was opened; always seq 1.
    Opened {
        /// The room's title.
        title: String,
    },
    /// A message was posted. The message's identity is `(room, seq)` of this entry.
    Posted {
        /// The text, as typed.
        body: String,
        /// The message that this one answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<Seq>,
        /// Headers that a program sent beside the text; the page reads none of them.
        #[cfg_attr(target_arch = "wasm32", serde(skip))]
        #[cfg_attr(not(target_arch = "wasm32"), serde(default, skip_serializing_if = "Headers::is_empty"))]
        headers: Headers,
    },
    /// The author replaced a message's text.
    Edited {
        /// The message.
        seq: Seq,
        /// Its new text.
        body: String,
    },
    /// The author, or the owner, took a message back. Its text is gone from the projection and from replays.
    Deleted {
        /// The message.
        seq: Seq,
    },
    /// The owner gave the room another title.
    Renamed {
        /// The room's title from here on.
        title: String,
    },
    /// The room was closed: nothing follows in its log, and nobody reads it any more.
    Closed {},
    /// Somebody reacted to a message with an emoji that they had not reacted with.
    Reacted {
        /// The message.
        seq: Seq,
        /// The emoji.
        emoji: String,
    },
    /// Somebody took a reaction of theirs back.
    Unreacted {
        /// The message.
        seq: Seq,
        /// The emoji.
        emoji: String,
    },
    /// Something that a newer server writes. It takes its seq and changes nothing that this client shows.
    #[serde(other, skip_serializing)]
    Unknown,
}
}

impl EntryKind {
    /// Returns a message that is posted without headers, as people post.
    pub fn posted(body: impl Into<String>, reply_to: Option<Seq>) -> Self {
        Self::Posted { body: body.into(), reply_to, headers: Headers::default() }
    }

    /// Name on the wire: the value of `t`. `None` for [`EntryKind::Unknown`].
    pub fn name(&self) -> Option<&'static str> {
        Some(match self {
            Self::Opened { .. } => "opened",
            Self::Posted { .. } => "posted",
            Self::Edited { .. } => "edited",
            Self::Deleted { .. } => "deleted",
            Self::Renamed { .. } => "renamed",
            Self::Closed {} => "closed",
            Self::Reacted { .. } => "reacted",
            Self::Unreacted { .. } => "unreacted",
            Self::Unknown => return None,
        })
    }

    /// The earlier message that it changes.
    pub fn target(&self) -> Option<Seq> {
        match self {
            Self::Edited { seq, .. } | Self::Deleted { seq } => Some(*seq),
            Self::Reacted { seq, .. } | Self::Unreacted { seq, .. } => Some(*seq),
            Self::Opened { .. } | Self::Posted { .. } | Self::Renamed { .. } => None,
            Self::Closed {} | Self::Unknown => None,
        }
    }

    /// The message that it answers.
    pub fn reply_to(&self) -> Option<Seq> {
        if let Self::Posted { reply_to, .. } = self { *reply_to } else { None }
    }

    /// The text in it: a message's, a title, or an emoji. Empty where it has none.
    pub fn text(&self) -> &str {
        match self {
            Self::Posted { body: text, .. } | Self::Edited { body: text, .. } => text,
            Self::Opened { title: text } | Self::Renamed { title: text } => text,
            Self::Reacted { emoji: text, .. } | Self::Unreacted { emoji: text, .. } => text,
            Self::Deleted { .. } | Self::Closed {} | Self::Unknown => "",
        }
    }

    /// Headers beside the text of a message.
    pub fn headers(&self) -> Option<&Headers> {
        if let Self::Posted { headers, .. } = self { Some(headers) } else { None }
    }

    /// Takes the text and the headers of a message out, as the log has it once the message is deleted. Returns whether
    /// there may have been any.
    pub fn redact(&mut self) -> bool {
        match self {
            Self::Posted { body, headers, .. } => {
                body.clear();
                *headers = Headers::default();
            }
            Self::Edited { body, .. } => body.clear(),
            Self::Opened { .. } | Self::Deleted { .. } | Self::Renamed { .. } | Self::Closed {} => {
                return false;
            }
            Self::Reacted { .. } | Self::Unreacted { .. } | Self::Unknown => return false,
        }
        true
    }
}

impl Entry {
    /// The message that it is about: the one that it posts, or changes.
    pub fn about(&self) -> Option<Seq> {
        if let EntryKind::Posted { .. } = self.what { Some(self.seq) } else { self.what.target() }
    }
}
