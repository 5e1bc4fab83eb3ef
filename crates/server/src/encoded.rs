//! Frames as they go over the wire: encoded once, shared by all receivers.

use std::sync::{Arc, OnceLock};

use madang_protocol::{Entry, Headers, Person, RoomId, Seq, ServerFrame, What};
use tungstenite::Utf8Bytes;

use crate::doors::Tails;

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
    /// The message that it is about; 0: none.
    pub about: Seq,
    /// The author.
    pub author: Arc<PersonFrame>,
    /// The `entry` frame.
    pub json: Encoded,
    /// What other doors say in its place.
    pub(crate) forms: Forms,
}

/// An entry in the words of each door, made when the first receiver there needs it. Each is about as long as the
/// `entry` frame; none: the door says nothing of it.
#[derive(Debug, Default)]
pub(crate) struct Forms {
    pub(crate) plain_json: OnceLock<Option<Encoded>>,
    pub(crate) plain_text: OnceLock<Option<Encoded>>,
    pub(crate) event: OnceLock<Option<Encoded>>,
    pub(crate) stomp: OnceLock<Box<Tails>>,
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
        Self { room, seq, about, author, json: encode(&ServerFrame::Entry(entry)), forms: Forms::default() }
    }

    /// The same entry, its author named anew.
    pub fn by(&self, author: Arc<PersonFrame>) -> Self {
        let Self { room, seq, about, json, .. } = self;
        let forms = Forms::default();
        Self { room: room.clone(), seq: *seq, about: *about, author, json: json.clone(), forms }
    }

    /// The entry, read back from its frame: only doors with other words need it, once each.
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
