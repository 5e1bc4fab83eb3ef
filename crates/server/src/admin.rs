//! Commands of the owner on the command line: `madang token …`.
//!
//! A data folder belongs to one process. While a server runs, the order goes to it through a socket in the folder
//! (`socket`); without one, this process opens the store itself. Both ways end in `CommandExecutor::execute`.

mod command;
mod executor;
mod moderation;
mod socket;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use madang_protocol::UnixMs;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::store::{OpenError, Store, StoreOptions};

pub use command::{AdminCommand, Outcome};
pub(crate) use executor::CommandExecutor;
pub(crate) use socket::AdminSocket;

/// Time for which a folder that is in use, but whose server does not answer yet, is tried again: it is starting or
/// stopping.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);

/// Carries out one order for the folder `data`, and prints what became of it.
///
/// # Errors
/// One sentence with what to do.
pub async fn run(data: &Path, order: AdminCommand) -> anyhow::Result<()> {
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

async fn ordered(data: &Path, order: &AdminCommand) -> anyhow::Result<Outcome> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(outcome) = socket::ask(data, order).await? {
            return Ok(outcome);
        }
        match open(data) {
            Ok(executor) => {
                let outcome = executor.execute(order, now()).await;
                return tokio::task::spawn_blocking(move || executor.close()).await.map(|()| Ok(outcome))?;
            }
            Err(OpenError::InUse { .. }) if Instant::now() < deadline => sleep(PAUSE).await,
            Err(error @ OpenError::InUse { .. }) => {
                return Err(error).context("the server that uses the folder takes no orders");
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// An executor in this process, over a folder that no server uses.
fn open(data: &Path) -> Result<CommandExecutor, OpenError> {
    // Nobody is connected who would have to hear of anything.
    let (committed, _) = mpsc::channel(1);
    let store = Store::open(data, StoreOptions { readers: 1, ..StoreOptions::default() }, committed)?;
    let hub = Arc::new(Hub::new(store.heads(), Metrics::default()));
    Ok(CommandExecutor::new(store, hub))
}

fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs::try_from(since.as_millis()).unwrap_or(UnixMs::MAX)
}
