//! Frames that a client received, as the stories look at them.

use madang_protocol::{
    Cmid, Entry, Epoch, Limits, Message, Person, RefusalCode, RoomId, RoomInfo, Seq, Snapshot,
};

/// Content of `welcome`.
#[derive(Clone, Debug)]
pub(crate) struct Welcome {
    pub(crate) you: Person,
    pub(crate) epoch: Epoch,
    pub(crate) rooms: Vec<RoomInfo>,
    pub(crate) limits: Limits,
    pub(crate) heartbeat_ms: u32,
}

/// Content of `refused`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) cmid: Option<Cmid>,
    pub(crate) req: Option<u32>,
    pub(crate) room: Option<RoomId>,
    pub(crate) code: RefusalCode,
    pub(crate) message: String,
    pub(crate) retry_after_ms: Option<u32>,
}

/// Result of a watch, up to its `live`.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) head: Seq,
}

/// Content of `page`.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) head: Seq,
    pub(crate) messages: Vec<Message>,
    pub(crate) before: bool,
    pub(crate) after: bool,
}

/// End of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Farewell {
    pub(crate) bye: Option<u16>,
    pub(crate) retry_after_ms: u32,
    pub(crate) close: Option<u16>,
}
