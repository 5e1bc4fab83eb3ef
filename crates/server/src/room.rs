//! The rules and permissions of rooms: who may do what, and how fast (`spending`). Every protocol — socket, form — comes through here.

mod admission;
mod markers;
mod spending;
mod transaction;

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};

use madang_protocol::{
    Cmid, Limits, Operation, Person, RefusalCode, RoomId, RoomInfo, Seq, Snapshot, UnixMs, UserId,
};

use crate::broker::Broker;
use crate::broker::event::Event;
use crate::budgets::Budgets;
use crate::clock::Clock;
use crate::cursor::Cursors;
use crate::hub::{Hub, ReplaySource};
use crate::metrics::Metrics;
use crate::network::Network;
use crate::rate_limit::Bucket;
use crate::refusal::Refusal;
use crate::single_flight::SingleFlight;
use crate::snapshot_cache::{RoomSnapshot, SnapshotCache, SnapshotFrame};
use crate::store::{Appended, Committed, KEPT_MESSAGES, PageAt, PageRead, ReadLimit, Store, StoreError};
use crate::text;

pub use spending::Reading;
pub use transaction::{NamedOffset, NoneMade, Post};

/// Messages in a snapshot.
pub const SNAPSHOT_MESSAGES: usize = KEPT_MESSAGES;

/// Rooms that one list names.
const LISTED_ROOMS: usize = 500;

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

    // --- Reading.

    /// The room's present state, as much of it as a page shows.
    ///
    /// # Errors
    /// No such room for this reader, or a failing disk.
    pub async fn snapshot(&self, reader: &UserId, room: RoomId) -> Result<RoomSnapshot, Refusal> {
        self.may(reader, &room)?;
        self.build_snapshot(room, ReadLimit::html(SNAPSHOT_MESSAGES)).await
    }

    async fn build_snapshot(&self, room: RoomId, most: ReadLimit) -> Result<RoomSnapshot, Refusal> {
        self.0.store.version(&room).ok_or(RefusalCode::UnknownRoom)?;
        self.load(&room).await;
        let state = self.0.store.snapshot(room.clone(), most).await.map_err(logged)?;
        let state = state.ok_or(RefusalCode::UnknownRoom)?;
        let here = self.0.hub.here(&room);
        let mut people = state.people;
        for person in &here.people {
            if people.iter().all(|known| known.id != person.id) {
                people.push(person.clone());
            }
        }
        let snapshot = Snapshot {
            room,
            title: state.title,
            head: state.head,
            messages: state.messages,
            before: state.before,
            here: here.people.into_iter().map(|person| person.id).collect(),
            here_count: here.count,
        };
        Ok(RoomSnapshot { snapshot, people })
    }

    /// As [`Rooms::snapshot`], encoded.
    ///
    /// # Errors
    /// No such room for this reader, or a failing disk.
    pub async fn snapshot_frame(
        &self,
        reader: &UserId,
        room: &RoomId,
    ) -> Result<Arc<SnapshotFrame>, Refusal> {
        self.may(reader, room)?;
        let version = self.0.store.version(room).ok_or(RefusalCode::UnknownRoom)?;
        let key = (version, self.0.hub.here_version(room));
        match self.0.snapshots.get(room, key) {
            Some(frame) => Ok(frame),
            None => {
                let seen = self.build_snapshot(room.clone(), ReadLimit::json(SNAPSHOT_MESSAGES)).await?;
                Ok(self.0.snapshots.put(seen, key))
            }
        }
    }

    /// Brings what the room's readers ask for into memory, by one read for all of them.
    async fn load(&self, room: &RoomId) {
        self.0.hub.load(room, &self.0.store).await;
        if !self.0.store.keeps(room) {
            let (store, id) = (self.0.store.clone(), room.clone());
            // A failure is seen by those who ask next.
            let start = || async move { drop(store.snapshot(id, SNAPSHOT_MESSAGES).await) };
            self.0.loading.join(room, start).await;
        }
    }

    /// From where a reader at `cursor` can be served. After a start, the first who asks has the room's recent
    /// entries read, once for all.
    pub async fn replay_source(&self, room: &RoomId, cursor: Seq) -> ReplaySource {
        match self.0.hub.replay_source(room, cursor) {
            ReplaySource::NotLoaded => {
                self.0.hub.load(room, &self.0.store).await;
                self.0.hub.replay_source(room, cursor)
            }
            reach => reach,
        }
    }

    /// The newest seq of the room in the log itself, which the hub may not have received yet.
    ///
    /// # Errors
    /// No such room for this reader.
    pub fn head(&self, reader: &UserId, room: &RoomId) -> Result<Seq, Refusal> {
        self.may(reader, room)?;
        let version = self.0.store.version(room).ok_or(RefusalCode::UnknownRoom)?;
        Ok(version.head)
    }

    /// Returns the people renamed since somebody had these cursors, which are usable ones: the newest first. A reader
    /// at the head of a room was there at least until its last entry; of anybody else nothing is known.
    pub fn renamed_since(&self, cursors: &[(RoomId, Seq)]) -> Vec<Person> {
        // An entry's time is taken before its commit, and clocks may step.
        const SLACK_MS: UnixMs = 60_000;
        let store = &self.0.store;
        let was_here = cursors.iter().filter_map(|(room, seq)| store.head_at(room, *seq)).max();
        store.renamed_since(was_here.unwrap_or(UnixMs::MIN + SLACK_MS) - SLACK_MS)
    }

    /// Messages around a place in the room, at most so many.
    ///
    /// # Errors
    /// No such room for this reader, or a failing disk.
    pub async fn page(
        &self,
        reader: &UserId,
        room: RoomId,
        at: PageAt,
        most: ReadLimit,
    ) -> Result<PageRead, Refusal> {
        self.head(reader, &room)?;
        let page = self.0.store.page(room, at, most).await.map_err(logged)?;
        page.ok_or_else(|| RefusalCode::UnknownRoom.into())
    }

    /// Entries of the room after `cursor`, at most `limit`, in [`ANSWER_BYTES`](crate::store::ANSWER_BYTES).
    ///
    /// # Errors
    /// No such room for this reader, or a failing disk.
    pub async fn entries_after(
        &self,
        reader: &UserId,
        room: RoomId,
        cursor: Seq,
        limit: usize,
    ) -> Result<Vec<Committed>, Refusal> {
        self.head(reader, &room)?;
        self.0.metrics.replays.inc();
        self.0.store.entries_after(room, cursor, ReadLimit::json(limit)).await.map_err(logged)
    }

    /// The rooms as this person sees them.
    ///
    /// # Errors
    /// A failing disk.
    pub async fn list(&self, user: Option<UserId>) -> Result<Vec<RoomInfo>, Refusal> {
        if self.0.store.is_banned(user.as_ref(), None) {
            return Err(RefusalCode::Banned.into());
        }
        let bot = user.as_ref().and_then(|user| self.0.store.bot(user));
        let mut rooms = self.0.store.rooms(user, LISTED_ROOMS).await.map_err(logged)?;
        if let Some(bot) = bot {
            rooms.retain(|info| bot.reaches(&info.room));
        }
        Ok(rooms)
    }
}

/// A disk that fails is the operator's business; everything else is the asker's alone.
fn logged(error: StoreError) -> Refusal {
    if let StoreError::Unavailable(reason) = &error {
        tracing::error!(reason, "the store is unavailable");
    }
    error.into()
}
