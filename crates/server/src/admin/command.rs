//! Commands of an owner, and their outcomes.

use serde::{Deserialize, Serialize};

/// Commands of the owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum AdminCommand {
    /// A new bot with a token.
    CreateToken {
        /// Display name.
        name: String,
        /// Rooms that it is limited to; empty if it may go everywhere.
        rooms: Vec<String>,
    },
    /// All tokens.
    ListTokens,
    /// Takes a token away.
    RevokeToken {
        /// The bot's id.
        id: String,
    },
    /// A new address where others post to a room.
    CreateIncoming {
        /// The room.
        room: String,
        /// Under which name.
        name: String,
    },
    /// A new address that receives a room's entries.
    CreateOutgoing {
        /// The room.
        room: String,
        /// Name, as the list shows it.
        name: String,
        /// The address.
        url: String,
    },
    /// All webhooks.
    ListWebhooks,
    /// Takes a webhook away.
    RemoveWebhook {
        /// Its id.
        id: String,
    },
    /// All rooms.
    ListRooms,
    /// Closes a room, for ever.
    CloseRoom {
        /// The room.
        room: String,
    },
    /// Gives a room another title.
    RenameRoom {
        /// The room.
        room: String,
        /// The title.
        title: String,
    },
    /// Takes a message back, whoever wrote it.
    DeleteMessage {
        /// The room.
        room: String,
        /// The message.
        seq: u64,
    },
    /// Bans somebody.
    Ban {
        /// A person's id or name, or an address.
        whom: String,
    },
    /// Bans somebody no longer.
    Unban {
        /// As in the list.
        whom: String,
    },
    /// All bans.
    ListBans,
}

/// Outcome of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It was carried out.
    Done {
        /// For standard output: what programs may read on.
        out: Vec<String>,
        /// For people.
        note: Option<String>,
    },
    /// It was not, and why.
    Refused {
        /// A sentence.
        message: String,
    },
}
