//! Commands of the store to its writer.

use madang_protocol::{Entry, Person, RoomId, Seq, UnixMs, UserId};

use super::expected::Expected;
use super::queued::Reply;
use super::{Appended, Ban, Bot, ConsumerOffset, Keep, ReadMarker, Rejected, Renamed, RoomChange, Write};

/// Commands of the writer.
pub(super) enum Command {
    Append {
        write: Write,
        newcomer: Option<Expected>,
        reply: Reply<Appended>,
    },
    AppendAll {
        writes: Vec<Write>,
        places: Vec<Keep>,
        newcomer: Option<Expected>,
        reply: Reply<Result<Vec<Appended>, Rejected>>,
    },
    OpenRoom {
        room: RoomId,
        title: String,
        by: UserId,
        at: UnixMs,
        newcomer: Option<Expected>,
        reply: Reply<Entry>,
    },
    AddGuest {
        user: UserId,
        token_hash: [u8; 32],
        at: UnixMs,
        reply: Reply<()>,
    },
    AddBot {
        bot: Bot,
        token_hash: [u8; 32],
        reply: Reply<(Bot, Vec<Person>)>,
    },
    RevokeBot {
        user: UserId,
        at: UnixMs,
        reply: Reply<Bot>,
    },
    ChangeRoom {
        room: RoomId,
        change: RoomChange,
        at: UnixMs,
        reply: Reply<Entry>,
    },
    RemoveMessage {
        room: RoomId,
        seq: Seq,
        at: UnixMs,
        reply: Reply<Entry>,
    },
    Ban {
        ban: Ban,
        at: Option<UnixMs>,
        reply: Reply<bool>,
    },
    Rename {
        user: UserId,
        name: String,
        at: UnixMs,
        newcomer: Option<Expected>,
        reply: Reply<Renamed>,
    },
    MarkRead {
        user: UserId,
        room: RoomId,
        seq: Seq,
        newcomer: Option<Expected>,
        reply: Reply<ReadMarker>,
    },
    KeepPlace {
        reader: UserId,
        room: RoomId,
        name: String,
        place: ConsumerOffset,
        at: UnixMs,
        newcomer: Option<Expected>,
        reply: Reply<()>,
    },
    FindPlace {
        reader: UserId,
        room: RoomId,
        name: String,
        reply: Reply<Option<ConsumerOffset>>,
    },
    RemoveGuests {
        before: UnixMs,
        after: i64,
        reply: Reply<Option<i64>>,
    },
    Probe {
        reply: Reply<()>,
    },
    Close,
}
