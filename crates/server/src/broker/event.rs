//! Events besides entries.

use madang_protocol::{Person, RoomId, RoomInfo, Seq, UserId};

/// Events that are not an entry of a log.
#[derive(Debug)]
pub enum Event {
    /// A person chose a name, or something else is shown with it.
    Renamed(Person),
    /// A room was opened.
    RoomOpened(RoomInfo),
    /// A person's read marker moved.
    Read {
        /// Owner of the marker.
        user: UserId,
        /// The room.
        room: RoomId,
        /// The newest seq that was seen.
        seq: Seq,
        /// Messages by others after it.
        unread: u32,
        /// The room's newest entry when they were counted.
        head: Seq,
    },
    /// A person is typing.
    Typing {
        /// The room.
        room: RoomId,
        /// The person who types.
        by: Person,
    },
}
