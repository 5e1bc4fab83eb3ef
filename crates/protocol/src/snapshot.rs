//! A room's present state with its head: page load, first join and reset all use the same one.

use serde::{Deserialize, Serialize};

use crate::{Message, RoomId, Seq, UserId};

/// A name for an id, and what has to be shown with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The id that entries and messages carry.
    pub id: UserId,
    /// The chosen nickname; empty until one was chosen, and then shown as "guest" with a part of the id.
    #[serde(default)]
    pub name: String,
    /// Text of the avatar, where that is not simply the first character of `name`: the first visible one, with all that
    /// belongs to it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub initial: String,
    /// A program, and no person.
    #[serde(default, skip_serializing_if = "is_false")]
    pub bot: bool,
    /// Somebody else's name looks the same: it is shown with [`UserId::tag`].
    #[serde(default, skip_serializing_if = "is_false")]
    pub alike: bool,
}

impl Person {
    /// Returns a person of whom no more is known.
    pub fn new(id: UserId, name: impl Into<String>) -> Self {
        Self { id, name: name.into(), initial: String::new(), bot: false, alike: false }
    }
}

// The form is serde's.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(value: &bool) -> bool {
    !value
}

/// A room as its list shows it, to one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomInfo {
    /// The room.
    pub room: RoomId,
    /// Its title.
    pub title: String,
    /// The seq of its newest entry.
    pub head: Seq,
    /// This person's read marker: everything up to this seq was seen.
    #[serde(default)]
    pub read: Seq,
    /// Messages by others after the read marker that are not deleted. Counted up to 1,000.
    #[serde(default)]
    pub unread: u32,
}

/// A room's present state. It replaces everything that the client knew of the room's messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The room.
    pub room: RoomId,
    /// The room's title.
    pub title: String,
    /// The seq of the newest entry that this state contains; the cursor to resume from.
    pub head: Seq,
    /// The newest messages, oldest first.
    pub messages: Vec<Message>,
    /// True if older messages exist.
    #[serde(default)]
    pub before: bool,
    /// People who are here now; possibly cut short, see [`Snapshot::here_count`].
    #[serde(default)]
    pub here: Vec<UserId>,
    /// Number of people here now.
    #[serde(default)]
    pub here_count: u32,
}
