//! Types of the store's interface.

use std::path::PathBuf;

use crate::network::Network;
use madang_protocol::{Message, Person, RoomId, Seq, UnixMs, UserId};
use prometheus_client::metrics::counter::Counter;

pub use super::space::{Reserve, SpaceOptions, WARNED_FROM};

/// Options of a store.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Upper bound of the database file in bytes, not counting the write-ahead log beside it (some 16 MiB, and a few
    /// times that while much is written).
    /// Beyond it writes are refused as on a full disk. A file that is larger already keeps its size.
    pub max_bytes: Option<u64>,
    /// Space to keep free on the disk.
    pub space: SpaceOptions,
    /// Threads that serve reads, each with a connection of its own; at least 1.
    pub readers: usize,
    /// People whose login and read markers are kept in memory; at least 1. Others are read when they come.
    pub people: usize,
    /// Counts the reads: every time that something was not in memory.
    pub reads: Counter,
}

impl Default for StoreOptions {
    fn default() -> Self {
        let space = SpaceOptions::default();
        Self { max_bytes: None, space, readers: 2, people: 20_000, reads: Counter::default() }
    }
}

/// Changes of a room by the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomChange {
    /// Gives it another title.
    Rename {
        /// The title.
        title: String,
    },
    /// Closes it, for ever.
    Close {
        /// Only if nobody ever wrote in it.
        unused: bool,
    },
}

/// Targets of a ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ban {
    /// A person, or a bot.
    Person(UserId),
    /// Everybody who comes from an address.
    Network(Network),
}

impl Ban {
    /// As the list shows it.
    pub fn subject(&self) -> String {
        match self {
            Self::Person(user) => user.as_str().to_owned(),
            Self::Network(network) => network.to_string(),
        }
    }
}

/// Somebody who has not acted yet: known by a signed login alone, until the first write makes them a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newcomer {
    /// The id that they will have.
    pub user: UserId,
    /// A hash of their login's token.
    pub token_hash: [u8; 32],
    /// Time at which they came.
    pub made_at: UnixMs,
    /// Messages that were posted in all rooms together before they came: to them these are read.
    pub arrived: i64,
}

/// Result of a rename.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// The renamed person, as they are now.
    pub person: Person,
    /// With whose names something else is shown from now on; at most two.
    pub others: Vec<Person>,
}

/// A program that acts under a name of its own, by a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bot {
    /// Its user. The user's id is also what its token is called by: it is no secret.
    pub person: Person,
    /// Kind of its token.
    pub kind: BotKind,
    /// Rooms that it is limited to, in the order of their ids; `None` if it may go everywhere.
    pub rooms: Option<Vec<RoomId>>,
    /// Target of its deliveries: an outgoing webhook that stands, and no other bot.
    pub target: Option<Target>,
    /// Time at which it was made.
    pub made_at: UnixMs,
    /// Time at which its token was revoked.
    pub revoked_at: Option<UnixMs>,
}

/// Kinds of bots, by what their tokens open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BotKind {
    /// Every protocol.
    Token,
    /// Its own address alone, where others post to: an incoming webhook.
    Hook,
    /// Nothing: an outgoing webhook reads, and delivers what it reads.
    Outgoing,
}

/// Target of an outgoing webhook's deliveries.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// The address.
    pub url: String,
    /// The key that signs what is delivered.
    pub key: String,
}

/// Addresses of webhooks are secrets often enough.
impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").finish_non_exhaustive()
    }
}

impl Bot {
    /// Returns true if its scope holds the room.
    pub fn reaches(&self, room: &RoomId) -> bool {
        self.rooms.as_ref().is_none_or(|rooms| rooms.binary_search(room).is_ok())
    }
}

/// A read marker in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadMarker {
    /// Everything up to this seq was seen.
    pub seq: Seq,
    /// Messages by others after it that are not deleted, counted up to [`UNREAD_MAX`](super::UNREAD_MAX).
    pub unread: u32,
    /// The room's newest entry when they were counted.
    pub head: Seq,
}

/// Progress of a reader who acknowledges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsumerOffset {
    /// Newest seq that was sent.
    pub sent: Seq,
    /// Messages that were sent and are not acknowledged, in order.
    pub open: Vec<Seq>,
}

/// A place that is kept together with writes, for one who acknowledges and posts in one transaction.
#[derive(Clone, Debug)]
pub struct OffsetCommit {
    /// The reader.
    pub reader: UserId,
    /// The room.
    pub room: RoomId,
    /// The reader's own name for it.
    pub name: String,
    /// The reader's progress.
    pub offset: ConsumerOffset,
    /// Time by the server's clock.
    pub at: UnixMs,
}

/// State of a room at `head`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomState {
    /// The room's title.
    pub title: String,
    /// The newest entry that this state contains.
    pub head: Seq,
    /// The newest messages, oldest first.
    pub messages: Vec<Message>,
    /// True if older messages exist.
    pub before: bool,
    /// The authors of `messages`, and the earliest of those who reacted to them.
    pub people: Vec<Person>,
}

/// Position of a page of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageAt {
    /// The nearest messages with a smaller seq.
    Before(Seq),
    /// The nearest messages with a greater seq.
    After(Seq),
    /// Messages on both sides of this seq, and itself; a side that is short leaves its room to the other.
    Around(Seq),
}

/// A page of messages, in their state at `head`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRead {
    /// The newest entry that these messages reflect.
    pub head: Seq,
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// True if older messages than these exist.
    pub before: bool,
    /// True if newer messages than these exist.
    pub after: bool,
    /// The authors of `messages`, and the earliest of those who reacted to them.
    pub people: Vec<Person>,
}

/// Reasons why the store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no such room.
    #[error("there is no such room")]
    UnknownRoom,
    /// There is no such message in the room, or it is deleted.
    #[error("there is no such message")]
    UnknownMessage,
    /// There is no such person, or the guest was removed.
    #[error("there is no such person")]
    UnknownUser,
    /// Only the author may edit or delete a message.
    #[error("the message is somebody else's")]
    NotYours,
    /// The message has as many reactions as it may have.
    #[error("the message has as many reactions as it may have")]
    TooManyReactions,
    /// There are [`MAX_ROOMS`](super::MAX_ROOMS) rooms already.
    #[error("there are as many rooms as there may be")]
    TooManyRooms,
    /// There are [`MAX_BOTS`](super::MAX_BOTS) bots already.
    #[error("there are as many bots as there may be")]
    TooManyBots,
    /// There are [`MAX_BANS`](super::MAX_BANS) bans already.
    #[error("there are as many bans as there may be")]
    TooManyBans,
    /// The lobby is never closed.
    #[error("the lobby stays")]
    TheLobby,
    /// Somebody wrote in the room.
    #[error("somebody wrote in the room")]
    InUse,
    /// The id of a new room, or the id or token of a new guest, is in use. With random ids: never.
    #[error("the id is taken")]
    Taken,
    /// The disk is full or failing, or too many writes wait. Nothing was written; a later try may succeed.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The store was closed before the answer. A write may or may not be durable: repeat it after reopening.
    #[error("the store is closed")]
    Closed,
}

/// Reasons why a store could not be opened. Each sentence tells what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made, or no file can be made in it.
    #[error(
        "The data folder {} cannot be made or written ({reason}). Let this user write there, or choose another folder with --data.",
        folder.display()
    )]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The operating system's or SQLite's words.
        reason: String,
    },
    /// Another process holds the folder.
    #[error(
        "Another madang already uses the data folder {}. Stop it first, or choose another folder with --data.",
        folder.display()
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The database was written by a newer madang.
    #[error(
        "The database {} was written by a newer madang (its format is {found}, this one knows {known}). Start that newer version, or put back a backup made by this one.",
        file.display()
    )]
    FromTheFuture {
        /// The database.
        file: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format that this program knows.
        known: i64,
    },
    /// The file is no database, or a damaged one, or another program's.
    #[error(
        "The file {} is not a sound Madang database ({reason}). Move it away to start afresh, or put back a backup.",
        file.display()
    )]
    NotADatabase {
        /// The file.
        file: PathBuf,
        /// The cause.
        reason: String,
    },
    /// The disk refused while the database was made ready.
    #[error(
        "The database {} could not be made ready ({reason}). Check that its disk has space and works, then start again.",
        file.display()
    )]
    Disk {
        /// The database.
        file: PathBuf,
        /// SQLite's words.
        reason: String,
    },
}
