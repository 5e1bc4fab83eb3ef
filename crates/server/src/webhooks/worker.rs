//! One webhook's task: it reads the room's log from its cursor, delivers entry by entry, retries with backoff, and
//! waits for the hub to wake it.
//!
//! The cursor is the bot's read marker, which is durable. It moves after a yes, and only over what was delivered: so a
//! restart repeats at most the entry that was on its way. A failed delivery is retried for ever; nothing behind it goes
//! first. Each try reads the entry anew, so that a text that was taken back meanwhile is not sent.
//!
//! Bound: one entry, and a queue that only wakes it.

use std::sync::Arc;
use std::time::Duration;

use madang_protocol::{RoomId, Seq, UserId};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::delivery::Delivery;
use super::http_sender::HttpSender;
use crate::access::{Action, Actor};
use crate::http::api::types::ApiEntry;
use crate::hub::{Attached, Hub, Queue, SessionId, Taken};
use crate::network::Network;
use crate::state::App;
use crate::store::{Committed, MAX_ROOMS};

/// The first wait after a failure, and the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Between two tries to read or write a store that fails.
const STORE_WAIT: Duration = Duration::from_secs(5);

/// One webhook's delivery worker.
pub(super) struct DeliveryWorker {
    pub(super) app: App,
    pub(super) hub: Arc<Hub>,
    pub(super) sender: Arc<HttpSender>,
    pub(super) bot: UserId,
    pub(super) room: RoomId,
    pub(super) url: Url,
    pub(super) key: String,
}

impl DeliveryWorker {
    /// Delivers until it is called back, or the server stops. A delivery that is on its way then is repeated.
    pub(super) async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.deliver_all() => {}
        }
    }

    async fn deliver_all(&self) {
        let mut bell = Bell::hang(&self.hub, self.bot.clone(), self.room.clone());
        let mut cursor = self.cursor().await;
        loop {
            let Some(next) = self.after(cursor).await else { return };
            let Some(committed) = next else {
                if !bell.rung(cursor).await {
                    return;
                }
                continue;
            };
            let seq = committed.entry.seq;
            if !self.deliver(committed).await {
                return;
            }
            self.keep(seq).await;
            cursor = seq;
        }
    }

    /// Up to where everything was delivered.
    async fn cursor(&self) -> Seq {
        loop {
            let rooms = self.app.store.rooms(Some(self.bot.clone()), MAX_ROOMS as usize).await;
            if let Ok(rooms) = rooms {
                return rooms.iter().find(|info| info.room == self.room).map_or(0, |info| info.read);
            }
            sleep(STORE_WAIT).await;
        }
    }

    /// Returns the entry after the cursor, if there is one; the outer `None` if the webhook was removed. They are read
    /// one by one, because each may wait long for the one before.
    async fn after(&self, cursor: Seq) -> Option<Option<Committed>> {
        loop {
            let rooms = &self.app.rooms;
            let bot = Actor::new(self.bot.clone(), Network::NOWHERE);
            if let Ok(grant) = rooms.access().allow(&bot, &self.room, Action::Read)
                && let Ok(read) = rooms.entries_after(&grant, cursor, 1).await
            {
                return Some(read.into_iter().next());
            }
            if self.is_over() {
                return None;
            }
            sleep(STORE_WAIT).await;
        }
    }

    /// Delivers one entry, however long it takes. Returns false if the webhook was removed.
    async fn deliver(&self, mut committed: Committed) -> bool {
        let seq = committed.entry.seq;
        let mut wait = FIRST_WAIT;
        loop {
            let cursors = self.app.rooms.cursors();
            let id = format!("{}/{}", self.room, cursors.text(seq));
            let entry = ApiEntry::new(&committed.entry, &committed.author.person, cursors);
            let body = serde_json::to_string(&entry).unwrap_or_default();
            let delivery = Delivery::new(id, body, &self.key, self.app.wall());
            let Err(failure) = self.sender.deliver(&self.url, &delivery).await else { return true };
            let pause = jittered(wait, self.app.random());
            let id = &delivery.id;
            tracing::warn!(bot = %self.bot, %id, %failure, again_in = ?pause, "a webhook does not arrive");
            sleep(pause).await;
            wait = wait.saturating_mul(2).min(LONGEST_WAIT);
            let Some(again) = self.after(seq.saturating_sub(1)).await.flatten() else { return false };
            committed = again;
        }
    }

    /// Returns true if the webhook was removed, or its room closed.
    fn is_over(&self) -> bool {
        self.app.rooms.access().is_gone(&self.bot) || self.app.store.version(&self.room).is_none()
    }

    /// Keeps that everything up to `seq` was delivered.
    async fn keep(&self, seq: Seq) {
        while !self.is_over()
            && self.app.store.mark_read(self.bot.clone(), self.room.clone(), seq).await.is_err()
        {
            sleep(STORE_WAIT).await;
        }
    }
}

/// Between a half and the whole of `wait`, so that those who failed together do not retry together.
fn jittered(wait: Duration, random: u32) -> Duration {
    let half = wait / 2;
    let spread = u32::try_from(half.as_millis()).unwrap_or(u32::MAX).max(1);
    half + Duration::from_millis(u64::from(random % spread))
}

/// The hub's word that a room has more.
struct Bell {
    hub: Arc<Hub>,
    id: SessionId,
    room: RoomId,
    queue: Arc<Queue>,
}

impl Bell {
    fn hang(hub: &Arc<Hub>, bot: UserId, room: RoomId) -> Self {
        let queue = Arc::new(Queue::default());
        Self { hub: hub.clone(), id: hub.join(bot, Network::NOWHERE, queue.clone()), room, queue }
    }

    /// Waits until there may be more behind `cursor`. Returns false if there will not be.
    async fn rung(&mut self, cursor: Seq) -> bool {
        match self.hub.attach(&self.room, self.id, &self.queue, cursor) {
            Attached::Live(missed) if missed.is_empty() => {}
            // Committed since the log was read.
            Attached::Live(_) | Attached::Behind => return true,
        }
        let taken = self.queue.take(&mut Vec::new()).await;
        self.hub.detach(&self.room, self.id);
        !matches!(taken, Taken::Close(_))
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.hub.detach(&self.room, self.id);
        self.hub.leave(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_spread_over_their_second_half() {
        for wait in [FIRST_WAIT, LONGEST_WAIT] {
            for random in [0, 1, 499, 500, u32::MAX] {
                let pause = jittered(wait, random);
                assert!(pause >= wait / 2 && pause <= wait, "{pause:?} of {wait:?}");
            }
        }
        assert_ne!(jittered(FIRST_WAIT, 1), jittered(FIRST_WAIT, 2));
    }
}
