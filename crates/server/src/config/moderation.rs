//! The command line of moderation.

use clap::{Args, Subcommand};

use super::Folder;
use crate::admin::AdminCommand;

/// `madang room`.
#[derive(Args, Clone, Debug)]
pub struct Room {
    /// The folder.
    #[command(flatten)]
    pub folder: Folder,
    /// Command to run.
    #[command(subcommand)]
    pub order: RoomOrder,
}

/// Commands for rooms.
#[derive(Clone, Debug, Subcommand)]
pub enum RoomOrder {
    /// List the rooms, the most recently active first: id, number of the newest entry, title.
    List,
    /// Close a room, for ever. Nobody reads it any more; the lobby cannot be closed.
    Close {
        /// The room, by its id.
        room: String,
    },
    /// Give a room another title.
    Rename {
        /// The room, by its id.
        room: String,
        /// The title.
        title: String,
    },
}

impl From<RoomOrder> for AdminCommand {
    fn from(order: RoomOrder) -> Self {
        match order {
            RoomOrder::List => Self::ListRooms,
            RoomOrder::Close { room } => Self::CloseRoom { room },
            RoomOrder::Rename { room, title } => Self::RenameRoom { room, title },
        }
    }
}

/// `madang message`.
#[derive(Args, Clone, Debug)]
pub struct Message {
    /// The folder.
    #[command(flatten)]
    pub folder: Folder,
    /// Command to run.
    #[command(subcommand)]
    pub order: MessageOrder,
}

/// Commands for messages.
#[derive(Clone, Debug, Subcommand)]
pub enum MessageOrder {
    /// Delete a message, whoever wrote it. Its text is gone from the database too.
    Delete {
        /// The room, by its id.
        room: String,
        /// The message's number, as in its address `/r/<room>/<number>`.
        seq: u64,
    },
}

impl From<MessageOrder> for AdminCommand {
    fn from(MessageOrder::Delete { room, seq }: MessageOrder) -> Self {
        Self::DeleteMessage { room, seq }
    }
}

/// `madang ban` and `madang unban`.
#[derive(Args, Clone, Debug)]
pub struct Whom {
    /// The folder.
    #[command(flatten)]
    pub folder: Folder,
    /// A person's id, a name that one person alone has, or an address. One of IPv6 means its /64.
    #[arg(value_name = "PERSON|ADDRESS")]
    pub whom: String,
}
