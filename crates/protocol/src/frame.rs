//! The frames themselves.

use serde::{Deserialize, Serialize};

use crate::{
    CloseCode, Cmid, Entry, Epoch, Limits, Message, Person, RefusalCode, RoomId, RoomInfo, Seq, Snapshot,
    UserId,
};

crate::tagged! {
/// Client → server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientFrame {
    /// The first frame of a connection, within 10 s.
    Hello {
        /// The rooms to follow from where the client left off, with its cursors.
        #[serde(default)]
        resume: Vec<ResumePoint>,
        /// The epoch that the cursors belong to; without it they cannot be used.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        epoch: Option<Epoch>,
        /// The language for the sentences in refusals, as in `Accept-Language`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        locale: Option<String>,
    },
    /// Follow a room: with `after`, from that cursor; without, from a `snapshot`.
    Watch {
        /// The room.
        room: RoomId,
        /// The cursor to resume from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Seq>,
    },
    /// Stop following a room.
    Unwatch {
        /// The room.
        room: RoomId,
    },
    /// The room that this person looks at now, or no room: counted by presence. Volatile.
    Present {
        /// The room.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<RoomId>,
    },
    /// Post a message.
    Post {
        /// The room.
        room: RoomId,
        /// The write's id.
        cmid: Cmid,
        /// The text.
        body: String,
        /// The message that this one answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<Seq>,
    },
    /// Replace the text of a message of one's own.
    Edit {
        /// The room.
        room: RoomId,
        /// The write's id.
        cmid: Cmid,
        /// The message.
        seq: Seq,
        /// Its new text.
        body: String,
    },
    /// Take back a message of one's own.
    Delete {
        /// The room.
        room: RoomId,
        /// The write's id.
        cmid: Cmid,
        /// The message.
        seq: Seq,
    },
    /// React to a message with an emoji.
    React {
        /// The room.
        room: RoomId,
        /// The write's id.
        cmid: Cmid,
        /// The message.
        seq: Seq,
        /// The emoji.
        emoji: String,
    },
    /// Take a reaction of one's own back.
    Unreact {
        /// The room.
        room: RoomId,
        /// The write's id.
        cmid: Cmid,
        /// The message.
        seq: Seq,
        /// The emoji.
        emoji: String,
    },
    /// Move the read marker forward. It never moves back.
    Read {
        /// The room.
        room: RoomId,
        /// The newest seq that was seen.
        seq: Seq,
    },
    /// The person is typing. Volatile; good for 6 s.
    Typing {
        /// The room.
        room: RoomId,
    },
    /// Ask for a `page` of messages; exactly one of `before`, `after` and `around`.
    History {
        /// Chosen by the client, returned in the answer.
        req: u32,
        /// The room.
        room: RoomId,
        /// Messages with a smaller seq, the nearest ones.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Seq>,
        /// Messages with a greater seq, the nearest ones.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Seq>,
        /// Messages on both sides of this seq, and itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        around: Option<Seq>,
        /// At most so many messages; 1 to 200.
        limit: u16,
    },
    /// A frame that this server does not know.
    #[serde(other, skip_serializing)]
    Unknown,
}
}

/// A cursor in one room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumePoint {
    /// The room.
    pub room: RoomId,
    /// The last entry that the client has.
    pub seq: Seq,
}

crate::tagged! {
/// Server → client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerFrame {
    /// Answers `hello`.
    Welcome {
        /// The person of this session.
        you: Person,
        /// The database's life; cursors belong to it.
        epoch: Epoch,
        /// The rooms, the most recently active first.
        rooms: Vec<RoomInfo>,
        /// The limits in force.
        limits: Limits,
        /// The server gives a sign of life so often: a `heads` frame. A client that receives nothing for twice this
        /// long has lost the connection. Milliseconds.
        heartbeat_ms: u32,
    },
    /// Replaces all that the client knew of the room's messages.
    Snapshot(Snapshot),
    /// Names for ids, before the first frame that needs them and when they change.
    People {
        /// The names.
        people: Vec<Person>,
    },
    /// Rooms that are new or changed; those not named stay as they are.
    Rooms {
        /// The rooms.
        rooms: Vec<RoomInfo>,
    },
    /// A room has another title, or is no more.
    RoomChanged {
        /// The room.
        room: RoomId,
        /// Its title from now on; absent: the room was closed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
    },
    /// One entry of a watched room; identical bytes for every receiver.
    Entry(Entry),
    /// The replay is over: the client has everything up to `head`.
    Live {
        /// The room.
        room: RoomId,
        /// Its newest seq.
        head: Seq,
    },
    /// The write is durable. A repeat gets the first one's seq.
    Done {
        /// The write.
        cmid: Cmid,
        /// The room.
        room: RoomId,
        /// The entry that it made.
        seq: Seq,
    },
    /// The server refused what a frame asked for, with the reason.
    Refused {
        /// The write that is refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cmid: Option<Cmid>,
        /// The request that is refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        req: Option<u32>,
        /// The room that was meant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<RoomId>,
        /// The reason, for programs.
        code: RefusalCode,
        /// The reason, for people.
        message: String,
        /// Trying again makes sense after so many milliseconds; absent: the same frame will be refused again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u32>,
    },
    /// Answers `history`.
    Page {
        /// As asked.
        req: u32,
        /// As asked.
        room: RoomId,
        /// The seq of the newest entry that these messages reflect.
        head: Seq,
        /// The messages, oldest first.
        messages: Vec<Message>,
        /// True if messages older than these exist.
        #[serde(default)]
        before: bool,
        /// True if messages newer than these exist.
        #[serde(default)]
        after: bool,
    },
    /// Somebody is typing. Volatile; good for 6 s.
    Typing {
        /// The room.
        room: RoomId,
        /// The person who types.
        by: UserId,
    },
    /// Presence in a room: replaces what was known. Volatile, at most once a second for a room.
    Presence {
        /// The room.
        room: RoomId,
        /// People who look at the room; at most 50 of them.
        here: Vec<UserId>,
        /// Number of people here.
        here_count: u32,
    },
    /// This person's read marker moved, here or on another device.
    Read {
        /// The room.
        room: RoomId,
        /// The newest seq that was seen.
        seq: Seq,
        /// Messages by others after it that are not deleted.
        unread: u32,
        /// The room's newest entry when they were counted; 0 if unknown.
        #[serde(default, skip_serializing_if = "is_zero")]
        head: Seq,
    },
    /// With every heartbeat: the heads of the watched rooms that moved since the last one, possibly
    /// none. A client whose cursor is behind one of them has lost a frame, and watches again.
    Heads {
        /// Room and newest seq.
        heads: Vec<(RoomId, Seq)>,
    },
    /// The server is about to close the connection.
    Bye {
        /// The close code that follows.
        code: CloseCode,
        /// Come back after so many milliseconds.
        #[serde(default)]
        retry_after_ms: u32,
    },
    /// A frame that this client does not know.
    #[serde(other, skip_serializing)]
    Unknown,
}
}

// The form is serde's.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(seq: &Seq) -> bool {
    *seq == 0
}
