//! The rules and permissions of rooms: who may do what, and how fast (`rate_limits`). Every protocol, the forms among them, comes through here.

mod markers;
mod rate_limits;
mod reading;
mod transaction;

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};

use madang_protocol::{Cmid, Limits, Operation, Person, RefusalCode, RoomId, RoomInfo, UnixMs, UserId};

use crate::broker::Broker;
use crate::broker::event::Event;
use crate::budgets::Budgets;
use crate::clock::Clock;
use crate::cursor::Cursors;
use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::network::Network;
use crate::rate_limit::Bucket;
use crate::refusal::Refusal;
use crate::single_flight::SingleFlight;
use crate::snapshot_cache::SnapshotCache;
use crate::store::{Appended, Expected, Store, StoreError};
use crate::text;

pub use rate_limits::ReadReservation;
pub use reading::SNAPSHOT_MESSAGES;
pub use transaction::{NamedOffset, NoneMade, Post};

/// The rooms of this server; cheap to clone.
#[derive(Clone, Debug)]
pub struct Rooms(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
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

    // --- Permission.

    /// Checks that this person may do anything in this room, whether it exists or not. A room outside of a bot's scope
    /// is answered as if it did not exist, so that nothing is told of it.
    ///
    /// # Errors
    /// The token was revoked, or is limited to other rooms.
    pub fn may(&self, user: &UserId, room: &RoomId) -> Result<(), Refusal> {
        if self.0.store.is_banned(Some(user), None) {
            return Err(RefusalCode::Banned.into());
        }
        match self.0.store.bot(user) {
            Some(bot) if bot.revoked_at.is_some() => Err(RefusalCode::UnknownLogin.into()),
            Some(bot) if !bot.reaches(room) => Err(RefusalCode::UnknownRoom.into()),
            _ => Ok(()),
        }
    }

    /// Returns true if this person may do nothing any more: a bot whose token was revoked.
    pub fn is_gone(&self, user: &UserId) -> bool {
        self.0.store.bot(user).is_some_and(|bot| bot.revoked_at.is_some())
    }

    /// A share of this person, if they are a newcomer: while it is held, they may write.
    pub fn expected(&self, user: &UserId) -> Option<Expected> {
        self.0.store.expected(user)
    }

    /// Returns true if this person is banned, or everybody from there.
    pub fn is_banned(&self, user: Option<&UserId>, from: Network) -> bool {
        self.0.store.is_banned(user, Some(from))
    }

    /// # Errors
    /// This person is banned, or everybody from there.
    pub(super) fn admitted(&self, user: &UserId, from: Network) -> Result<(), Refusal> {
        if self.is_banned(Some(user), from) { Err(RefusalCode::Banned.into()) } else { Ok(()) }
    }

    // --- Writing.

    /// Queues a post, an edit or a delete. It is queued when this returns, so that the order of calls is the
    /// order in the log; the future yields once it is durable.
    ///
    /// # Errors
    /// The room is unknown or hidden, the text is invalid, or the rate limit is exceeded. The future's errors are the store's.
    pub fn write(
        &self,
        by: &UserId,
        from: Network,
        room: RoomId,
        cmid: Cmid,
        mut operation: Operation,
        now: UnixMs,
    ) -> Result<impl Future<Output = Result<Appended, Refusal>> + Send + 'static + use<>, Refusal> {
        self.may(by, &room)?;
        let bytes = text::operation(&mut operation, self.0.limits.body_chars)?;
        self.take_token(by, from, bytes, now)?;
        let at = self.0.clock.wall(now);
        let appended = self.0.store.append(operation.into_draft(room, by.clone(), cmid, at));
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
    /// A bot that is limited to rooms, a title that may not be, too many rooms, more writes than this person may make, or a failing disk.
    pub async fn open(
        &self,
        by: &UserId,
        from: Network,
        room: RoomId,
        title: &str,
        now: UnixMs,
    ) -> Result<RoomInfo, Refusal> {
        let bot = self.0.store.bot(by);
        if bot.as_ref().is_some_and(|bot| bot.rooms.is_some()) {
            return Err(RefusalCode::NotAllowed.into());
        }
        self.may(by, &room)?;
        let title = text::room_title(title)?;
        self.admitted(by, from)?;
        self.0.budgets.room(by, bot.is_none().then_some(from), now)?;
        let at = self.0.clock.wall(now);
        self.0.store.open_room(room.clone(), title.clone(), by.clone(), at).await.map_err(logged)?;
        let info = RoomInfo { room, title, head: 1, read: 0, unread: 0 };
        self.0.broker.publish(Event::RoomOpened(info.clone()));
        Ok(info)
    }

    /// Gives the person a name. A bot is called what its owner calls it, and cannot rename itself.
    ///
    /// # Errors
    /// A bot ([`RefusalCode::NotAllowed`]), a name that may not be, more writes than this person may make, or a failing disk.
    pub async fn rename(
        &self,
        user: &UserId,
        from: Network,
        name: &str,
        now: UnixMs,
    ) -> Result<Person, Refusal> {
        let name = text::nickname(name)?;
        match self.0.store.bot(user) {
            Some(bot) if bot.person.name == name => return Ok(bot.person.clone()),
            Some(_) => return Err(RefusalCode::NotAllowed.into()),
            None => {}
        }
        self.take_token(user, from, name.len(), now)?;
        // Held against the times of entries, which are the wall clock's.
        let at = self.0.clock.wall(now);
        let renamed = self.0.store.rename(user.clone(), name, at).await.map_err(logged)?;
        let person = renamed.person.clone();
        let shown = std::iter::once(renamed.person).chain(renamed.others);
        shown.for_each(|person| self.0.broker.publish(Event::Renamed(person)));
        Ok(person)
    }

    /// Tells those who look at the room that the person is typing, if they may be there.
    pub fn typing(&self, by: Person, room: RoomId) {
        if self.may(&by.id, &room).is_ok() {
            self.0.broker.publish(Event::Typing { room, by });
        }
    }
}

/// A disk that fails is the operator's business; everything else is the asker's alone.
fn logged(error: StoreError) -> Refusal {
    if let StoreError::Unavailable(reason) = &error {
        tracing::error!(reason, "the store is unavailable");
    }
    error.into()
}
