//! Updates of the cache by the writer, in place of invalidation.

use madang_protocol::{Person, Seq, UnixMs, UserId};

use super::Ban;
use super::rows::{RoomKey, StoredBot};

/// Changes of a commit besides the entries that it made.
pub(super) enum CacheUpdate {
    /// An entry, the next one of the commit.
    Entry { room: RoomKey, by: i64, turn: Option<i64> },
    /// A new guest.
    Guest { key: i64, user: UserId, token_hash: [u8; 32], arrived: i64 },
    /// Guests were removed.
    Removed(Vec<i64>),
    /// A person has another name, or something else is shown with it.
    Renamed { key: i64, person: Person, at: UnixMs },
    /// A bot was made.
    Bot { made: StoredBot, markers: Vec<(RoomKey, Seq)> },
    /// A bot lost its token.
    Revoked { user: UserId, at: UnixMs },
    /// Somebody was banned, or is no longer.
    Banned { ban: Ban, at: Option<UnixMs> },
    /// A read marker moved.
    Read { key: i64, room: RoomKey, seq: Seq },
}
