//! The durable log and its projections: one SQLite database in one folder.
//!
//! A room is an append-only log of entries, `seq` 1, 2, 3 … without a gap. The room's present state is a projection of
//! its log, written in the same transaction. Writes go through one thread, which commits what
//! is queued as one transaction (`writer`); reads go through a few others (`readers`).
//!
//! Nothing outside this module sees SQL, and nothing of SQLite's stands in its interface.

mod append;
mod batch;
mod bots;
mod cache;
mod cache_update;
mod checkpoint;
mod consumer_offsets;
mod expected;
mod fair_queue;
mod guests;
mod lookalikes;
#[cfg(feature = "simulation")]
pub mod manual;
#[cfg(feature = "simulation")]
mod memory_disk;
mod migrations;
mod moderation;
mod newcomers;
mod open;
mod owner;
mod people;
mod private;
mod reactors;
mod read_limit;
mod readers;
mod reads;
mod restore_guard;
mod rows;
mod space;
mod types;
mod writer;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use madang_protocol::{Entry, Epoch, Person, RoomId, RoomInfo, Seq, UnixMs, UserId};
use tokio::sync::mpsc;

pub use crate::encoded::Committed;
pub use append::{Appended, Rejected};
pub use cache::{KEPT_MESSAGES, Version};
pub use expected::Expected;
pub use open::Identity;
pub use read_limit::{ANSWER_BYTES, ReadLimit};
pub(crate) use read_limit::{entry_bytes, message_bytes};
pub use types::{
    Ban, Bot, BotKind, ConsumerOffset, Newcomer, OffsetCommit, OpenError, PageAt, PageRead, ReadMarker,
    Renamed, Reserve, RoomChange, RoomState, SpaceOptions, StoreError, StoreOptions, Target, WARNED_FROM,
};

use cache::Cache;
use checkpoint::Checkpointer;
use expected::Newcomers;
use readers::Readers;
pub use writer::PendingWrite;
use writer::Writer;

/// Rooms that one server holds, the lobby included.
pub const MAX_ROOMS: u32 = 500;

/// Bots that one server holds, those whose token was revoked included.
pub const MAX_BOTS: u32 = 10_000;

/// Bans that one server holds.
pub const MAX_BANS: u32 = 10_000;

/// Places that one person keeps.
pub const OFFSETS_MAX: u32 = 256;

/// Unread messages are counted up to this number, among the newest [`UNREAD_SEEN`] messages.
pub const UNREAD_MAX: u32 = 1_000;

/// Messages looked at to count the unread, the newest ones. Their authors are kept in memory, for every room,
/// so that a count needs no read: 2,000 show a thousand unread also among as many that are one's own or
/// deleted, and are 16 MiB in all of [`MAX_ROOMS`] rooms.
pub const UNREAD_SEEN: u32 = 2_000;

/// A guest who neither chose a name, wrote nor read anything is removed after so long: 30 days, in milliseconds.
pub const GUEST_KEPT: UnixMs = 30 * 24 * 60 * 60 * 1000;

/// A handle to the store; clones share it. The last one to go closes it, as [`Store::close`] does.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

/// In the order in which they end: readers first, then the writer's connection, and the lock at last.
struct Inner {
    readers: Readers,
    writer: Writer,
    cache: Arc<Cache>,
    epoch: Epoch,
    first_epoch: Epoch,
    identity: Identity,
    newcomers: Newcomers,
    /// `None` if nobody else can reach the database.
    _lock: Option<File>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("epoch", &self.0.epoch).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens or makes `<folder>/madang.db`, which belongs to this process until the store is dropped.
    ///
    /// Entries leave through `committed` in the order of their commits, one batch for each commit. While
    /// nobody takes them and the channel is full, nothing is written. A dropped receiver stops nothing.
    ///
    /// # Errors
    /// Each [`OpenError`] tells what to do.
    pub fn open(
        folder: &Path,
        options: StoreOptions,
        committed: mpsc::Sender<Vec<Committed>>,
    ) -> Result<Self, OpenError> {
        let ready = open::ready(folder, &options)?;
        let readers = Readers::start(&ready.file, options.readers, options.reads)?;
        let cache = Arc::new(ready.cache);
        let failed = |reason: String| OpenError::Disk { file: ready.file.clone(), reason };
        let mut sql = ready.sql;
        let checkpointer =
            Checkpointer::start(&mut sql, &ready.file).map_err(|error| failed(error.to_string()))?;
        let writer =
            Writer::start((sql, checkpointer), ready.mark, ready.space, Arc::clone(&cache), committed)
                .map_err(|error| failed(error.to_string()))?;
        let (epoch, first_epoch, identity) = (ready.epoch, ready.first_epoch, ready.identity);
        let (newcomers, _lock) = (Newcomers::default(), Some(ready.lock));
        let inner = Inner { readers, writer, cache, epoch, first_epoch, identity, newcomers, _lock };
        Ok(Self(Arc::new(inner)))
    }

    /// The database's life: cursors mean something under it alone.
    pub fn epoch(&self) -> &Epoch {
        &self.0.epoch
    }

    /// The epoch that the database was made with, which is another one once a backup was put back.
    pub fn first_epoch(&self) -> &Epoch {
        &self.0.first_epoch
    }

    /// Opens a room. Its first entry leaves through `committed` as well.
    ///
    /// # Errors
    /// [`StoreError::TooManyRooms`], [`UnknownUser`](StoreError::UnknownUser), and
    /// [`Taken`](StoreError::Taken) if the id is in use.
    pub fn open_room(&self, room: RoomId, title: String, by: UserId, at: UnixMs) -> PendingWrite<Entry> {
        self.queued_by(self.expected(&by), move |batch| people::open_room(batch, room, title, by, at))
    }

    /// Makes a guest without a name, with a login. `token_hash` is a hash of the login's token, which itself
    /// never comes here.
    ///
    /// # Errors
    /// [`StoreError::Taken`] if the id or the token is in use.
    pub fn add_guest(&self, user: UserId, token_hash: [u8; 32], at: UnixMs) -> PendingWrite<()> {
        self.queued(move |batch| people::add_guest(batch, &user, token_hash, at))
    }

    /// Gives a person another name at this time. It is in force for entries that are read or written from then on, and
    /// so is what is shown with the names of others that look or looked the same.
    ///
    /// # Errors
    /// [`StoreError::UnknownUser`].
    pub fn rename(&self, user: UserId, name: String, at: UnixMs) -> PendingWrite<Renamed> {
        self.queued_by(self.expected(&user), move |batch| people::rename(batch, &user, &name, at))
    }

    /// Moves a read marker forward, never back, at most to the head, and answers the one in force.
    ///
    /// # Errors
    /// [`StoreError::UnknownRoom`], [`UnknownUser`](StoreError::UnknownUser).
    pub fn mark_read(&self, user: UserId, room: RoomId, seq: Seq) -> PendingWrite<ReadMarker> {
        let newcomer = self.expected(&user);
        self.queued(move |batch| people::mark_read(batch, &user, &room, seq, newcomer.as_deref()))
    }

    // --- Reading. Data in memory is returned at once, and exactly as the database would.

    /// The person whose login has the token with this hash.
    ///
    /// # Errors
    /// From this and every other read: [`StoreError::Unavailable`] if the disk fails.
    pub async fn login(&self, token_hash: [u8; 32]) -> Result<Option<Person>, StoreError> {
        if let Some(known) = self.0.cache.login(&token_hash) {
            return Ok(known);
        }
        let cache = Arc::clone(&self.0.cache);
        self.0.readers.read(move |sql| cache.load_login(sql, &token_hash)).await
    }

    /// The bot whose token has this hash; a revoked one is none.
    pub fn bot_by_token(&self, token_hash: &[u8; 32]) -> Option<Arc<Bot>> {
        self.0.cache.bot_by_token(token_hash)
    }

    /// This user as a bot, if it is one.
    pub fn bot(&self, user: &UserId) -> Option<Arc<Bot>> {
        self.0.cache.bot(user)
    }

    /// All bots, revoked ones too, the newest first.
    pub fn bots(&self) -> Vec<Arc<Bot>> {
        self.0.cache.bots()
    }

    /// At most so many entries behind a cursor, oldest first, with their authors' present names. Of a deleted
    /// message every text is empty.
    ///
    /// # Errors
    /// [`StoreError::UnknownRoom`].
    pub async fn entries_after(
        &self,
        room: RoomId,
        after: Seq,
        most: impl Into<ReadLimit>,
    ) -> Result<Vec<Committed>, StoreError> {
        let most = most.into();
        self.0.readers.read(move |sql| reads::entries_after(sql, &room, after, most)).await
    }

    /// The newest entries of a room, oldest first: at most `limit`, and no more once their texts are `bytes`
    /// long. The same read brings the newest messages into memory.
    ///
    /// # Errors
    /// [`StoreError::UnknownRoom`].
    pub async fn newest(
        &self,
        room: RoomId,
        limit: usize,
        bytes: usize,
    ) -> Result<Vec<Committed>, StoreError> {
        let cache = Arc::clone(&self.0.cache);
        let read = move |sql: &_| {
            cache.load_messages(sql, &room)?;
            cache::newest_entries(sql, &room, limit, bytes)
        };
        self.0.readers.read(read).await
    }

    /// Returns a room with its newest messages, at most so many; `None` if there is no such room. Up to
    /// [`KEPT_MESSAGES`] are kept in memory once they were asked for.
    ///
    /// # Errors
    /// As [`Store::login`].
    pub async fn snapshot(
        &self,
        room: RoomId,
        most: impl Into<ReadLimit>,
    ) -> Result<Option<RoomState>, StoreError> {
        let most = most.into();
        if most.rows > KEPT_MESSAGES {
            return self.0.readers.read(move |sql| reads::snapshot(sql, &room, most)).await;
        }
        if let Some(state) = self.0.cache.snapshot(&room, most) {
            return Ok(Some(state));
        }
        let cache = Arc::clone(&self.0.cache);
        let read = move |sql: &_| {
            cache.load_messages(sql, &room)?;
            // Too large to be kept: from the database itself.
            let kept = cache.snapshot(&room, most);
            kept.map_or_else(|| reads::snapshot(sql, &room, most), |state| Ok(Some(state)))
        };
        self.0.readers.read(read).await
    }

    /// Returns at most so many messages of a room; `None` if there is no such room.
    ///
    /// # Errors
    /// As [`Store::login`].
    pub async fn page(
        &self,
        room: RoomId,
        at: PageAt,
        most: impl Into<ReadLimit>,
    ) -> Result<Option<PageRead>, StoreError> {
        let most = most.into();
        self.0.readers.read(move |sql| reads::page(sql, &room, at, most)).await
    }

    /// At most `limit` rooms, the most recently active first, the lobby always among them; with the read
    /// marker and the unread count of `user`, or zeros.
    ///
    /// # Errors
    /// As [`Store::login`].
    pub async fn rooms(&self, user: Option<UserId>, limit: usize) -> Result<Vec<RoomInfo>, StoreError> {
        let newcomer = user.as_ref().and_then(|user| self.expected(user));
        if let Some(rooms) = self.0.cache.list(user.as_ref(), newcomer.as_deref(), limit) {
            return Ok(rooms);
        }
        let Some(user) = user else { return Ok(Vec::new()) };
        let cache = Arc::clone(&self.0.cache);
        let load = move |sql: &_| cache.load_list(sql, &user, newcomer.as_deref(), limit);
        self.0.readers.read(load).await
    }

    /// Every room with the seq of its newest entry, the oldest room first.
    pub fn heads(&self) -> Vec<(RoomId, Seq)> {
        self.0.cache.heads()
    }

    /// Returns who was renamed at or after `since`, as they are called now: the newest first, and of many the newest.
    pub fn renamed_since(&self, since: UnixMs) -> Vec<Person> {
        self.0.cache.renamed_since(since)
    }

    /// Returns the time of the room's newest entry, if that is `seq`.
    pub fn head_at(&self, room: &RoomId, seq: Seq) -> Option<UnixMs> {
        self.0.cache.head_at(room, seq)
    }

    /// Returns true if the room's newest messages are in memory.
    pub fn keeps(&self, room: &RoomId) -> bool {
        self.0.cache.keeps(room)
    }

    /// Returns the version of a snapshot of the room; `None` if there is no such room.
    pub fn version(&self, room: &RoomId) -> Option<Version> {
        self.0.cache.version(room)
    }

    /// Returns without an error if a write would work now. While writes succeed this costs nothing; otherwise it tries
    /// one.
    ///
    /// # Errors
    /// The error that the write would get.
    pub async fn ready(&self) -> Result<(), StoreError> {
        if self.0.writer.is_proven() {
            return Ok(());
        }
        self.queued(people::probe).await
    }

    /// Ends the writer: what was queued before is committed and answered, later commands get
    /// [`StoreError::Closed`]. Reads continue.
    ///
    /// Blocks until then, so async code calls it where blocking is allowed. Meanwhile somebody must take what
    /// comes through `committed`, or have dropped its receiver.
    pub fn close(&self) {
        self.0.writer.close();
    }
}
