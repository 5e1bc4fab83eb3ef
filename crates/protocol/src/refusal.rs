//! Refusals of frames.

use serde::{Deserialize, Serialize};

/// The reason of a `refused` frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// The frame is not JSON, or lacks a field, or a field has the wrong form.
    BadFrame,
    /// The frame's `t` is not known to this server.
    UnknownType,
    /// There is no such room.
    UnknownRoom,
    /// There is no such message in the room, or it is deleted.
    UnknownMessage,
    /// Only the author may edit or delete a message.
    NotYours,
    /// The text has no visible character.
    Empty,
    /// The text is longer than the limit.
    TooLong,
    /// The name is the server's own or a guest's, or looks like one.
    NameReserved,
    /// More posts than this person may make; see `retry_after_ms`.
    TooFast,
    /// The session watches as many rooms as it may.
    TooManyRooms,
    /// The disk is full or failing; nothing was written; see `retry_after_ms`.
    StorageUnavailable,
    /// The token or login is unknown, or was revoked.
    UnknownLogin,
    /// A bot may do this nowhere, or not with a token that is limited to rooms.
    NotAllowed,
    /// The cursor cannot be read on from: it is of another epoch, or ahead of the log.
    UnusableCursor,
    /// More new rooms than this person, or this address, may open; see `retry_after_ms`.
    RoomsTooFast,
    /// A message's headers are more or longer than may be, or one has a name or a value that may not be.
    BadHeaders,
    /// The person or the address is banned.
    Banned,
    /// A reaction that is not one emoji.
    BadEmoji,
    /// The message has as many reactions as it may have.
    TooManyReactions,
    /// A reason that a newer server knows.
    #[serde(other)]
    Unknown,
}
