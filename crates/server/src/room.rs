//! The rules of rooms, for those to whom `access` granted it, and how fast (`rate_limits`). Every protocol, the forms among them, comes through here.

mod markers;
mod rate_limits;
mod reading;
mod transaction;

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};

use madang_protocol::{Cmid, Limits, Operation, Person, RoomId, RoomInfo, UnixMs, UserId};

use crate::access::{Access, Action, Grant, ServerGrant};
use crate::broker::Broker;
use crate::broker::event::Event;
use crate::budgets::Budgets;
use crate::clock::Clock;
use crate::cursor::Cursors;
use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::rate_limit::Bucket;
use crate::refusal::Refusal;
use crate::single_flight::SingleFlight;
use crate::snapshot_cache::SnapshotCache;
use crate::store::{Appended, Expected, Store, StoreError};
use crate::text;

pub use rate_limits::ReadReservation;
pub use reading::SNAPSHOT_MESSAGES;
pub use transaction::{Granted, NamedOffset, NoneMade, Post};

/// The rooms of this server; cheap to clone.
#[derive(Clone, Debug)]
pub struct Rooms(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    access: Access,
    hub: Arc<Hub>,
    broker: Broker,
    limits: Limits,
    buckets: Mutex<HashMap<UserId, Bucket>>,
    budgets: Budgets,
    clock: Clock,
    metrics: Metrics,
    snapshots: SnapshotCache,
    cursors: Cursors,
    /// The rooms whose messages are being read.
    loading: SingleFlight<RoomId>,
}

impl Rooms {
    /// Rooms over this store, without budgets of addresses.
    pub fn new(store: Store, hub: Arc<Hub>, broker: Broker, limits: Limits, metrics: Metrics) -> Self {
        Self::within(store, hub, broker, limits, (Budgets::default(), Clock::default()), metrics)
    }

    /// Rooms over this store, within these budgets. Their `now` is the steady time; the clock tells when that is, for
    /// the log.
    pub fn within(
        store: Store,
        hub: Arc<Hub>,
        broker: Broker,
        limits: Limits,
        (budgets, clock): (Budgets, Clock),
        metrics: Metrics,
    ) -> Self {
        let (buckets, snapshots, loading) = Default::default();
        let cursors = Cursors::new(store.epoch().clone(), store.first_epoch().clone());
        Self(Arc::new(Inner {
            access: Access::new(store.clone()),
            store,
            hub,
            broker,
            limits,
            buckets,
            budgets,
            clock,
            metrics,
            snapshots,
            cursors,
            loading,
        }))
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The hub that serves these rooms.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.0.hub
    }

    /// Returns the counters.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// The epoch of the log's cursors.
    pub fn epoch(&self) -> &madang_protocol::Epoch {
        self.0.store.epoch()
    }

    /// Returns the codec of cursors for programs.
    pub fn cursors(&self) -> &Cursors {
        &self.0.cursors
    }

    /// The permissions: whoever asks for something brings a grant of theirs.
    pub fn access(&self) -> &Access {
        &self.0.access
    }

    /// A share of this person, if they are a newcomer: while it is held, they may write.
    pub fn expected(&self, user: &UserId) -> Option<Expected> {
        self.0.store.expected(user)
    }

    // --- Writing.

    /// Queues a post, an edit or a delete. It is queued when this returns, so that the order of calls is the
    /// order in the log; the future yields once it is durable.
    ///
    /// # Errors
    /// The grant is for something else, the text is invalid, or the rate limit is exceeded. The future's errors are the store's.
    pub fn write(
        &self,
        grant: &Grant,
        cmid: Cmid,
        mut operation: Operation,
        now: UnixMs,
    ) -> Result<impl Future<Output = Result<Appended, Refusal>> + Send + 'static + use<>, Refusal> {
        let room = grant.room_to(Action::of(&operation))?.clone();
        let bytes = text::operation(&mut operation, self.0.limits.body_chars)?;
        self.take_token(grant.actor(), bytes, now)?;
        let at = self.0.clock.wall(now);
        let appended = self.0.store.append(operation.into_draft(room, grant.person().clone(), cmid, at));
        let metrics = self.0.metrics.clone();
        Ok(async move {
            let appended = appended.await.map_err(logged)?;
            metrics.writes.inc();
            Ok(appended)
        })
    }

    /// Opens a room under a new id.
    ///
    /// # Errors
    /// The grant is for something else, a title that may not be, too many rooms, more writes than this person may make, or a failing disk.
    pub async fn open(
        &self,
        grant: &ServerGrant,
        room: RoomId,
        title: &str,
        now: UnixMs,
    ) -> Result<RoomInfo, Refusal> {
        let by = grant.actor_to(Action::OpenRoom)?;
        let title = text::room_title(title)?;
        self.0.budgets.room(&by.person, (!grant.is_bots()).then_some(by.from), now)?;
        let at = self.0.clock.wall(now);
        self.0.store.open_room(room.clone(), title.clone(), by.person.clone(), at).await.map_err(logged)?;
        let info = RoomInfo { room, title, head: 1, read: 0, unread: 0 };
        self.0.broker.publish(Event::RoomOpened(info.clone()));
        Ok(info)
    }

    /// Gives the person a name.
    ///
    /// # Errors
    /// The grant is for something else, a name that may not be, more writes than this person may make, or a failing disk.
    pub async fn rename(&self, grant: &ServerGrant, name: &str, now: UnixMs) -> Result<Person, Refusal> {
        let actor = grant.actor_to(Action::SetName)?;
        let name = text::nickname(name)?;
        self.take_token(actor, name.len(), now)?;
        // Held against the times of entries, which are the wall clock's.
        let at = self.0.clock.wall(now);
        let renamed = self.0.store.rename(actor.person.clone(), name, at).await.map_err(logged)?;
        let person = renamed.person.clone();
        let shown = std::iter::once(renamed.person).chain(renamed.others);
        shown.for_each(|person| self.0.broker.publish(Event::Renamed(person)));
        Ok(person)
    }

    /// Tells those who look at the room that whoever has the grant is typing; `by` is that person.
    ///
    /// # Errors
    /// The grant is for something else.
    pub fn typing(&self, grant: &Grant, by: Person) -> Result<(), Refusal> {
        let room = grant.room_to(Action::BeSeen)?.clone();
        self.0.broker.publish(Event::Typing { room, by });
        Ok(())
    }
}

/// A disk that fails is the operator's business; everything else is the asker's alone.
fn logged(error: StoreError) -> Refusal {
    if let StoreError::Unavailable(reason) = &error {
        tracing::error!(reason, "the store is unavailable");
    }
    error.into()
}
