//! Types of the API. They mean the same as those of `madang.v1`, with the author's name and the cursor beside each
//! entry, so that a program needs no memory.

use madang_protocol::{Cmid, Entry, EntryKind, Headers, Person, RoomId, RoomInfo, Seq, UnixMs, UserId};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Number;
use utoipa::openapi::schema::{Object, SchemaType, Type};
use utoipa::{IntoParams, ToSchema};

use crate::cursor::Cursors;

/// The rooms.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RoomList {
    /// The most recently active first.
    pub(super) rooms: Vec<Room>,
}

/// A room.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Room {
    /// Its id, as in its address.
    #[schema(value_type = String, example = "lobby")]
    room: RoomId,
    /// The title that people see.
    #[schema(example = "Lobby")]
    title: String,
    /// The newest entry's number.
    #[schema(value_type = u64)]
    head: Seq,
    /// The cursor behind the newest entry.
    #[schema(example = "42")]
    cursor: String,
    /// Up to where the caller has read.
    #[schema(value_type = u64)]
    read: Seq,
    /// Messages of others after it, counted up to 1,000.
    #[schema(minimum = 0)]
    unread: u32,
}

impl Room {
    pub(super) fn new(info: RoomInfo, cursors: &Cursors) -> Self {
        let cursor = cursors.text(info.head);
        let RoomInfo { room, title, head, read, unread } = info;
        Self { room, title, head, cursor, read, unread }
    }
}

/// A message to post.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewMessage {
    /// The text: at least one visible character, at most `--max-body` characters (8,000 unless set otherwise).
    #[schema(pattern = "\\S", example = "Build 7 is green.")]
    pub(super) body: String,
    /// The message that it answers.
    #[serde(default, deserialize_with = "seq")]
    #[schema(value_type = Option<u64>, minimum = 1)]
    pub(super) reply_to: Option<Seq>,
    /// Headers of the sender beside the text, like those of a STOMP SEND: at most 4 KiB of names and values. Names that
    /// Madang or STOMP uses itself, such as `seq`, are refused.
    #[serde(default, deserialize_with = "headers")]
    #[schema(schema_with = headers_schema)]
    pub(super) headers: Option<Headers>,
}

/// Headers whose names are visible ASCII: others are for clients of STOMP.
fn headers<'de, D: Deserializer<'de>>(json: D) -> Result<Option<Headers>, D::Error> {
    let headers = Option::<Headers>::deserialize(json)?;
    let is_name = |name: &str| {
        (1..=NAME_BYTES).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if headers.iter().flat_map(Headers::iter).all(|(name, _)| is_name(name)) {
        Ok(headers)
    } else {
        Err(D::Error::custom("a header's name is 1 to 100 visible ASCII characters"))
    }
}

/// Longest name of a header.
const NAME_BYTES: usize = 100;

fn headers_schema() -> Object {
    let value = Object::builder()
        .schema_type(Type::String)
        .pattern(Some(r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"));
    let name = Object::builder().pattern(Some("^[!-~]{1,100}$"));
    Object::builder()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .property_names(Some(name))
        .additional_properties(Some(value))
        .max_properties(Some(Headers::MAX))
        .description(Some("What its sender says beside the text, as the headers of a STOMP SEND do: at most 4 KiB of names and values. Names that Madang or STOMP uses itself, such as `seq`, are refused."))
        .examples([serde_json::json!({"priority": "9", "content-type": "application/json"})])
        .build()
}

/// A number of an entry. JSON knows no integers: `7.0` is `7`, and some programs write it so.
fn seq<'de, D: Deserializer<'de>>(json: D) -> Result<Option<Seq>, D::Error> {
    let Some(number) = Option::<Number>::deserialize(json)? else { return Ok(None) };
    let whole = number.as_f64().filter(|float| float.fract() == 0.0 && *float < 1e15);
    let seq = number.as_u64().or_else(|| format!("{:.0}", whole?).parse().ok());
    let seq = seq.filter(|seq| (1..=i64::MAX.unsigned_abs()).contains(seq));
    seq.map(Some).ok_or_else(|| D::Error::custom("a number that no message can have"))
}

/// A message that is on the server's disk.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Posted {
    /// Its room. For a repeat that of the first one.
    #[schema(value_type = String, example = "lobby")]
    pub(super) room: RoomId,
    /// Its number there. For a repeat that of the first one.
    #[schema(value_type = u64, minimum = 1, example = 42)]
    pub(super) seq: Seq,
    /// The cursor behind it.
    #[schema(example = "42")]
    pub(super) cursor: String,
    /// The write's id, which its entry carries too.
    #[schema(value_type = String, example = "f6af00000000000000000000000add41")]
    pub(super) cmid: Cmid,
    /// True if a write with this key had been made before: then nothing was written.
    pub(super) repeat: bool,
}

/// A page of a room's log.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Entries {
    /// The room.
    #[schema(value_type = String, example = "lobby")]
    pub(super) room: RoomId,
    /// The entries after the cursor, in order, without a gap.
    pub(super) entries: Vec<ApiEntry>,
    /// The cursor behind the last of them: the next `after`.
    #[schema(example = "42")]
    pub(super) cursor: String,
    /// The newest entry's number.
    #[schema(value_type = u64)]
    pub(super) head: Seq,
    /// True if there are more now.
    pub(super) more: bool,
}

/// One line of a room's log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Entry)]
pub(crate) struct ApiEntry {
    /// The room.
    #[schema(value_type = String, example = "lobby")]
    room: RoomId,
    /// Its number: 1, 2, 3 … in each room, without a gap.
    #[schema(value_type = u64, minimum = 1, example = 42)]
    seq: Seq,
    /// The cursor behind it.
    #[schema(example = "42")]
    cursor: String,
    /// Time of writing: milliseconds since 1970 in UTC, by the server's clock.
    #[schema(value_type = i64, example = 1_795_296_748_463_i64)]
    at: UnixMs,
    /// The author: a person's or a bot's id.
    #[schema(value_type = String, example = "7rmo66779wsq")]
    by: UserId,
    /// Their present name; empty until they chose one.
    #[schema(example = "Ada")]
    name: String,
    /// True for a program; absent for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<bool>, nullable = false)]
    bot: Option<bool>,
    /// The end of their id, to be shown with the name; absent unless somebody else's name looks the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, example = "wsq7")]
    tag: Option<String>,
    /// The write that made it; absent for what the server wrote by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    cmid: Option<Cmid>,
    /// The change of the log.
    what: ApiWhat,
}

/// A change of the log. `t` names its kind; a program passes over those that it does not know.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = What)]
#[serde(tag = "t", rename_all = "snake_case")]
enum ApiWhat {
    /// The room was opened: always number 1.
    Opened {
        /// The room's title.
        title: String,
    },
    /// A message was posted.
    Posted {
        /// Its text; empty once it was deleted.
        body: String,
        /// The message that it answers.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<u64>, nullable = false)]
        reply_to: Option<Seq>,
        /// Headers of the sender beside the text; absent if there were none, and once the message was deleted.
        #[serde(skip_serializing_if = "Headers::is_empty")]
        #[schema(value_type = BTreeMap<String, String>, required = false)]
        headers: Headers,
    },
    /// The author replaced the text of a message.
    Edited {
        /// The message.
        #[schema(value_type = u64)]
        seq: Seq,
        /// Its new text; empty once it was deleted.
        body: String,
    },
    /// The author, or the owner of the server, took a message back.
    Deleted {
        /// The message.
        #[schema(value_type = u64)]
        seq: Seq,
    },
    /// The room has another title.
    Renamed {
        /// The title.
        title: String,
    },
    /// The room was closed: nothing follows.
    Closed {},
    /// Somebody reacted to a message.
    Reacted {
        /// The message.
        #[schema(value_type = u64)]
        seq: Seq,
        /// The emoji.
        emoji: String,
    },
    /// Somebody took a reaction of theirs back.
    Unreacted {
        /// The message.
        #[schema(value_type = u64)]
        seq: Seq,
        /// The emoji.
        emoji: String,
    },
    /// Something else.
    Unknown,
}

impl ApiEntry {
    /// The entry in the API's words.
    pub(crate) fn new(entry: &Entry, author: &Person, cursors: &Cursors) -> Self {
        let Entry { room, seq, at, by, cmid, what } = entry.clone();
        let what = match what {
            EntryKind::Opened { title } => ApiWhat::Opened { title },
            EntryKind::Posted { body, reply_to, headers } => ApiWhat::Posted { body, reply_to, headers },
            EntryKind::Edited { seq, body } => ApiWhat::Edited { seq, body },
            EntryKind::Deleted { seq } => ApiWhat::Deleted { seq },
            EntryKind::Renamed { title } => ApiWhat::Renamed { title },
            EntryKind::Closed {} => ApiWhat::Closed {},
            EntryKind::Reacted { seq, emoji } => ApiWhat::Reacted { seq, emoji },
            EntryKind::Unreacted { seq, emoji } => ApiWhat::Unreacted { seq, emoji },
            EntryKind::Unknown => ApiWhat::Unknown,
        };
        let (name, cursor) = (author.name.clone(), cursors.text(seq));
        let (bot, tag) = (author.bot.then_some(true), author.alike.then(|| by.tag().to_owned()));
        Self { room, seq, cursor, at, by, name, bot, tag, cmid, what }
    }
}

/// Place to read on from.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct After {
    /// The cursor to read on from; without it, from the beginning.
    #[param(pattern = "^[0-9]{1,40}(@[a-z0-9_-]{1,64})?$", example = "41")]
    pub(super) after: Option<String>,
    /// Most entries to answer with; 100 if it is missing.
    #[param(minimum = 1, maximum = 200)]
    pub(super) limit: Option<u16>,
}

/// Place where a stream begins.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct From {
    /// The cursor to resume from; without it, and without `Last-Event-ID`, the stream begins with the next entry.
    #[param(pattern = "^[0-9]{1,40}(@[a-z0-9_-]{1,64})?$", example = "41")]
    pub(super) after: Option<String>,
}
