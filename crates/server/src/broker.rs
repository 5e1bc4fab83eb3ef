//! Carries what happened to every node's hub. One node needs no more than a queue inside the process.
//!
//! Everything that reaches a session passes through here, so that a broker between several nodes can take
//! this one's place. A broker may lose, repeat and reorder entries: the hub delivers them in seq order and
//! fills gaps from the store.

pub mod event;

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::hub::Hub;
use crate::store::{Committed, Store};
use event::Event;

/// Commits that wait for the hub. Backpressure: at the bound the store's writer waits: writes slow down to the speed of
/// the fan-out, and nothing is lost.
const COMMITS: usize = 256;

/// Volatile and small events that wait for the hub. At the bound the newest is dropped: each is repeated or
/// replaced by a later one.
const EVENTS: usize = 4096;

/// Publishes events; cheap to clone.
#[derive(Clone, Debug)]
pub struct Broker {
    events: mpsc::Sender<Event>,
}

/// The receiving end, before [`Inbox::run`] takes it.
#[derive(Debug)]
pub struct Inbox {
    commits: mpsc::Receiver<Vec<Committed>>,
    events: mpsc::Receiver<Event>,
}

impl Broker {
    /// A broker, the sender that the store's writer gives its commits to, and the end that feeds the hub.
    pub fn new() -> (Self, mpsc::Sender<Vec<Committed>>, Inbox) {
        let (commit_sender, commits) = mpsc::channel(COMMITS);
        let (event_sender, events) = mpsc::channel(EVENTS);
        (Self { events: event_sender }, commit_sender, Inbox { commits, events })
    }

    /// Sends `event` to every node's hub. A full queue drops it.
    pub fn publish(&self, event: Event) {
        if let Err(error) = self.events.try_send(event) {
            tracing::debug!(%error, "an event was dropped");
        }
    }
}

impl Inbox {
    /// The next event, for a simulation that carries events itself.
    #[cfg(feature = "simulation")]
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// Feeds `hub` until the store's writer and all publishers are gone.
    pub async fn run(mut self, hub: Arc<Hub>, store: Store) {
        loop {
            tokio::select! {
                biased;
                Some(batch) = self.commits.recv() => {
                    for committed in batch {
                        hub.deliver(committed, &store).await;
                    }
                }
                Some(event) = self.events.recv() => hub.announce(event),
                else => return,
            }
        }
    }
}
