//! The fold: from a room's log to its messages. Server, client and tests have no other.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Cmid, Entry, EntryKind, Headers, Reactions, Seq, UnixMs, UserId};

/// A message as it stands now: what a `posted` entry made, with its later edits and reactions.
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
    pub body: Option<Arc<str>>,
    /// The message that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Seq>,
    /// Time of the last edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<UnixMs>,
    /// Reactions to it.
    #[serde(default, skip_serializing_if = "Reactions::is_empty")]
    pub reactions: Reactions,
    /// Headers that a program sent beside the text; the page reads none of them.
    #[cfg_attr(target_arch = "wasm32", serde(skip))]
    #[cfg_attr(not(target_arch = "wasm32"), serde(default, skip_serializing_if = "Headers::is_empty"))]
    pub headers: Headers,
}

impl Message {
    /// Returns the message that `entry` made, if it is a `posted` one.
    pub fn from_posted(entry: &Entry) -> Option<Self> {
        let EntryKind::Posted { body, reply_to, headers } = &entry.what else { return None };
        Some(Self {
            seq: entry.seq,
            at: entry.at,
            by: entry.by.clone(),
            cmid: entry.cmid,
            body: Some(body.as_str().into()),
            reply_to: *reply_to,
            edited_at: None,
            reactions: Reactions::default(),
            headers: headers.clone(),
        })
    }

    /// Applies a later entry of the room's log. Returns whether that changed the message: it changes nothing if it is
    /// about another message, or if this one is deleted.
    ///
    /// Entries that the message contains already must not be applied again.
    pub fn apply(&mut self, entry: &Entry) -> bool {
        if entry.what.target() != Some(self.seq) || entry.seq <= self.seq || self.is_deleted() {
            return false;
        }
        match &entry.what {
            EntryKind::Edited { body, .. } => {
                self.body = Some(body.as_str().into());
                self.edited_at = Some(entry.at);
            }
            EntryKind::Deleted { .. } => {
                self.body = None;
                self.headers = Headers::default();
                self.reactions = Reactions::default();
            }
            EntryKind::Reacted { emoji, .. } => return self.reactions.add(emoji, &entry.by),
            EntryKind::Unreacted { emoji, .. } => return self.reactions.remove(emoji, &entry.by),
            // They target no message.
            EntryKind::Opened { .. } | EntryKind::Posted { .. } | EntryKind::Renamed { .. } => return false,
            EntryKind::Closed {} | EntryKind::Unknown => return false,
        }
        true
    }

    /// Returns the messages of a log, which begins at its first entry, in their order.
    pub fn fold<'e>(log: impl IntoIterator<Item = &'e Entry>) -> Vec<Self> {
        let mut messages: Vec<Self> = Vec::new();
        for entry in log {
            messages.extend(Self::from_posted(entry));
            let target = entry.what.target();
            let target =
                target.and_then(|seq| messages.binary_search_by_key(&seq, |message| message.seq).ok());
            if let Some(message) = target.and_then(|at| messages.get_mut(at)) {
                message.apply(entry);
            }
        }
        messages
    }

    /// Returns true if its author, or the owner, took it back.
    pub fn is_deleted(&self) -> bool {
        self.body.is_none()
    }
}
