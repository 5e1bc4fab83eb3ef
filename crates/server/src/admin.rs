//! What an owner orders on the command line: `madang token …`.
//!
//! A data folder belongs to one process. While a server runs, the order goes to it through a socket in the folder
//! (`socket`); without one, this process opens the store itself. Both ways end in `Desk::carry_out`.

mod desk;
mod moderation;
mod socket;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use madang_protocol::UnixMs;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::store::{OpenError, Store, StoreOptions};

pub(crate) use desk::Desk;
pub(crate) use socket::OrderSocket;

/// How long a folder that is in use, but whose server does not answer yet, is tried again: it is starting or
/// stopping.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);

/// What is ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// A new bot with a token.
    CreateToken {
        /// What it is called.
        name: String,
        /// The rooms that it is limited to; none named: it may go everywhere.
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
    /// A new address that is told what happens in a room.
    CreateOutgoing {
        /// The room.
        room: String,
        /// What it is known by.
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

/// What became of an order.
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

/// Carries out one order for the folder `data`, and prints what became of it.
///
/// # Errors
/// One sentence that says what to do.
pub async fn run(data: &Path, order: Order) -> anyhow::Result<()> {
    match ordered(data, &order).await? {
        Outcome::Done { out, note } => {
            use std::io::Write as _;
            let mut stdout = std::io::stdout().lock();
            for line in out {
                writeln!(stdout, "{line}")?;
            }
            stdout.flush()?;
            if let Some(note) = note {
                eprintln!("{note}");
            }
            Ok(())
        }
        Outcome::Refused { message } => anyhow::bail!(message),
    }
}

async fn ordered(data: &Path, order: &Order) -> anyhow::Result<Outcome> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(outcome) = socket::ask(data, order).await? {
            return Ok(outcome);
        }
        match open(data) {
            Ok(desk) => {
                let outcome = desk.carry_out(order, now()).await;
                return tokio::task::spawn_blocking(move || desk.close()).await.map(|()| Ok(outcome))?;
            }
            Err(OpenError::InUse { .. }) if Instant::now() < deadline => sleep(PAUSE).await,
            Err(error @ OpenError::InUse { .. }) => {
                return Err(error).context("the server that uses the folder takes no orders");
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// A desk of this process, over a folder that no server uses.
fn open(data: &Path) -> Result<Desk, OpenError> {
    // Nobody is connected who would have to hear of anything.
    let (committed, _) = mpsc::channel(1);
    let store = Store::open(data, StoreOptions { readers: 1, ..StoreOptions::default() }, committed)?;
    let hub = Arc::new(Hub::new(store.heads(), Metrics::default()));
    Ok(Desk::new(store, hub))
}

fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs::try_from(since.as_millis()).unwrap_or(UnixMs::MAX)
}
