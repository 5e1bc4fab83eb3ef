//! The command line of an owner's orders.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::admin::AdminCommand;

/// Option for the data folder.
#[derive(Args, Clone, Debug)]
pub struct Folder {
    /// Folder of the database, as in `madang serve`. A server that runs on it does what is asked at once.
    #[arg(long, env = "MADANG_DATA", default_value = "./data", value_name = "DIR", global = true)]
    pub data: PathBuf,
}

/// `madang token`.
#[derive(Args, Clone, Debug)]
pub struct Token {
    /// The folder.
    #[command(flatten)]
    pub folder: Folder,
    /// Command to run.
    #[command(subcommand)]
    pub order: TokenOrder,
}

/// Commands for tokens.
#[derive(Clone, Debug, Subcommand)]
pub enum TokenOrder {
    /// Make a bot, and print its token: it is shown this once.
    Create {
        /// The bot's name, as people see it.
        #[arg(long)]
        name: String,
        /// A room that the bot is limited to, by its id. May be repeated; without it the bot may go everywhere.
        #[arg(long = "room", value_name = "ROOM")]
        rooms: Vec<String>,
    },
    /// List the tokens: id, state, rooms and name.
    List,
    /// Take a token away, for ever. Open connections of the bot end at once.
    Revoke {
        /// The id, as the list has it.
        id: String,
    },
}

impl From<TokenOrder> for AdminCommand {
    fn from(order: TokenOrder) -> Self {
        match order {
            TokenOrder::Create { name, rooms } => Self::CreateToken { name, rooms },
            TokenOrder::List => Self::ListTokens,
            TokenOrder::Revoke { id } => Self::RevokeToken { id },
        }
    }
}

/// `madang webhook`.
#[derive(Args, Clone, Debug)]
pub struct Webhook {
    /// The folder.
    #[command(flatten)]
    pub folder: Folder,
    /// Command to run.
    #[command(subcommand)]
    pub order: WebhookOrder,
}

/// Commands for webhooks.
#[derive(Clone, Debug, Subcommand)]
pub enum WebhookOrder {
    /// Make an address where other programs post to a room, and print its path: it is shown this once.
    ///
    /// It takes what alerting tools send to chats, such as {"text": "Disk is full"}.
    Incoming {
        /// The room, by its id.
        #[arg(long)]
        room: String,
        /// The name under which it posts.
        #[arg(long)]
        name: String,
    },
    /// Tell an address what happens in a room, and print the key that signs it: it is shown this once.
    ///
    /// Each entry of the room's log from now on is posted to it as JSON, in order, and retried until it answers with success.
    Outgoing {
        /// The room, by its id.
        #[arg(long)]
        room: String,
        /// A name to know it by.
        #[arg(long)]
        name: String,
        /// The address, such as `https://example.org/hook`.
        #[arg(long)]
        url: String,
    },
    /// List the webhooks: id, state, room and name, with the host of an outgoing one.
    List,
    /// Take a webhook away, for ever.
    Remove {
        /// The id, as the list has it.
        id: String,
    },
}

impl From<WebhookOrder> for AdminCommand {
    fn from(order: WebhookOrder) -> Self {
        match order {
            WebhookOrder::Incoming { room, name } => Self::CreateIncoming { room, name },
            WebhookOrder::Outgoing { room, name, url } => Self::CreateOutgoing { room, name, url },
            WebhookOrder::List => Self::ListWebhooks,
            WebhookOrder::Remove { id } => Self::RemoveWebhook { id },
        }
    }
}
