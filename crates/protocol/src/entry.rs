//! Entries of a room's log, and one message after all of it.

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
    pub what: What,
}

crate::tagged! {
/// Change of a room by an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
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
    /// Something that a newer server writes. It takes its seq and changes nothing that this client shows.
    #[serde(other, skip_serializing)]
    Unknown,
}
}

/// Present state of a message: its `posted` entry, with its later edits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The seq of its `posted` entry.
    pub seq: Seq,
    /// Time of the post.
    pub at: UnixMs,
    /// Its author.
    pub by: UserId,
    /// The write that posted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmid: Option<Cmid>,
    /// The text; absent once the message is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The message that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Seq>,
    /// Time of the last edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<UnixMs>,
    /// Headers that a program sent beside the text; the page reads none of them.
    #[cfg_attr(target_arch = "wasm32", serde(skip))]
    #[cfg_attr(not(target_arch = "wasm32"), serde(default, skip_serializing_if = "Headers::is_empty"))]
    pub headers: Headers,
}

impl What {
    /// A message that is posted without headers, as people post.
    pub fn posted(body: impl Into<String>, reply_to: Option<Seq>) -> Self {
        Self::Posted { body: body.into(), reply_to, headers: Headers::default() }
    }
}

impl Message {
    /// The message that `entry` made, if it is a `posted` one.
    pub fn from_posted(entry: &Entry) -> Option<Self> {
        let What::Posted { body, reply_to, headers } = &entry.what else { return None };
        Some(Self {
            seq: entry.seq,
            at: entry.at,
            by: entry.by.clone(),
            cmid: entry.cmid,
            body: Some(body.clone()),
            reply_to: *reply_to,
            edited_at: None,
            headers: headers.clone(),
        })
    }

    /// Takes it back: its text and its headers are gone.
    pub fn take_back(&mut self) {
        self.body = None;
        self.headers = Headers::default();
    }

    /// Returns true if its author took it back.
    pub fn is_deleted(&self) -> bool {
        self.body.is_none()
    }
}
