//! Frames as they go over the wire, below each protocol's codec: encoded once, shared by all receivers.

use std::sync::{Arc, OnceLock};

use madang_protocol::{Entry, Headers, Person, RoomId, Seq, ServerFrame, What};
use madang_stomp::Version;
use tungstenite::Utf8Bytes;

/// The text of one frame; cloning shares it.
pub type Encoded = Utf8Bytes;

/// Encodes one frame.
pub fn encode(frame: &ServerFrame) -> Encoded {
    // The frames are plain structs with string keys, which JSON can always hold.
    serde_json::to_string(frame).unwrap_or_default().into()
}

/// One committed entry, encoded for every receiver, with its author's name for those who have not met them.
#[derive(Debug)]
pub struct EntryFrame {
    /// The room.
    pub room: RoomId,
    /// The entry's seq.
    pub seq: Seq,
    /// Seq of the message that it is about; 0 if it is about none.
    pub about: Seq,
    /// The author.
    pub author: Arc<PersonFrame>,
    /// The `entry` frame.
    pub json: Encoded,
    /// Encodings for clients of other protocols.
    pub(crate) encodings: Encodings,
}

/// A form in which clients other than those of `madang.v1` get an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// An object with a message, by the plain protocol.
    PlainJson,
    /// A line of text, by the plain protocol.
    PlainText,
    /// An event of the API's stream.
    Event,
    /// Part behind a STOMP MESSAGE's head where a subscription wants messages.
    StompMessage(Version),
    /// The same where it wants every entry.
    StompEntry(Version),
}

/// An entry in each form but the `entry` frame, made when the first receiver needs it. Each is about as long as the
/// frame. `None` where a protocol has nothing to send for it.
#[derive(Debug, Default)]
pub(crate) struct Encodings {
    few: [OnceLock<Option<Encoded>>; 3],
    /// Apart, as few entries are sent by STOMP.
    stomp: OnceLock<Box<[OnceLock<Option<Encoded>>; 6]>>,
}

impl Encodings {
    /// Returns the entry in this form, from memory or made now.
    pub(crate) fn get(&self, encoding: Encoding, make: impl FnOnce() -> Option<Encoded>) -> Option<&Encoded> {
        let [plain_json, plain_text, event] = &self.few;
        let stomp = || self.stomp.get_or_init(Box::default);
        let form = match encoding {
            Encoding::PlainJson => plain_json,
            Encoding::PlainText => plain_text,
            Encoding::Event => event,
            Encoding::StompMessage(version) => of_version(stomp().first_chunk(), version)?,
            Encoding::StompEntry(version) => of_version(stomp().last_chunk(), version)?,
        };
        form.get_or_init(make).as_ref()
    }
}

fn of_version<T>(forms: Option<&[T; 3]>, version: Version) -> Option<&T> {
    let [in_10, in_11, in_12] = forms?;
    Some(match version {
        Version::V10 => in_10,
        Version::V11 => in_11,
        Version::V12 => in_12,
    })
}

impl EntryFrame {
    /// Encodes `entry`.
    pub fn new(entry: Entry, author: Person) -> Self {
        Self::said_by(entry, Arc::new(PersonFrame::new(author)))
    }

    /// Encodes `entry` of an author who is encoded already.
    pub fn said_by(entry: Entry, author: Arc<PersonFrame>) -> Self {
        let (room, seq) = (entry.room.clone(), entry.seq);
        let about = match &entry.what {
            What::Posted { .. } => seq,
            What::Edited { seq, .. } | What::Deleted { seq } => *seq,
            What::Opened { .. } | What::Renamed { .. } | What::Closed {} | What::Unknown => 0,
        };
        Self {
            room,
            seq,
            about,
            author,
            json: encode(&ServerFrame::Entry(entry)),
            encodings: Encodings::default(),
        }
    }

    /// The same entry, its author named anew.
    pub fn by(&self, author: Arc<PersonFrame>) -> Self {
        let Self { room, seq, about, json, .. } = self;
        let encodings = Encodings::default();
        Self { room: room.clone(), seq: *seq, about: *about, author, json: json.clone(), encodings }
    }

    /// The entry, read back from its frame: only protocols with other words need it, once each.
    pub(crate) fn typed(&self) -> Option<Entry> {
        match serde_json::from_str(&self.json) {
            Ok(ServerFrame::Entry(entry)) => Some(entry),
            _ => None,
        }
    }

    /// The same entry without the text and the headers of its message, as the log has it once the message is deleted.
    pub fn redacted(&self) -> Option<Self> {
        let mut entry = self.typed()?;
        match &mut entry.what {
            What::Posted { body, headers, .. } => {
                body.clear();
                *headers = Headers::default();
            }
            What::Edited { body, .. } => body.clear(),
            What::Deleted { .. } | What::Opened { .. } | What::Unknown => return None,
            What::Renamed { .. } | What::Closed {} => return None,
        }
        Some(Self::said_by(entry, self.author.clone()))
    }
}

/// One person's name, encoded as a `people` frame.
#[derive(Debug)]
pub struct PersonFrame {
    /// The person.
    pub person: Person,
    /// The `people` frame.
    pub json: Encoded,
}

impl PersonFrame {
    /// Encodes `person`.
    pub fn new(person: Person) -> Self {
        let json = encode(&ServerFrame::People { people: vec![person.clone()] });
        Self { person, json }
    }
}
