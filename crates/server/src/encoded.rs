//! Frames as they go over the wire: encoded once, shared by all receivers.

use std::sync::Arc;

use madang_protocol::{Entry, Person, RoomId, Seq, ServerFrame};
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
    /// The author.
    pub author: Arc<PersonFrame>,
    /// The `entry` frame.
    pub json: Encoded,
}

impl EntryFrame {
    /// Encodes `entry`.
    pub fn new(entry: Entry, author: Person) -> Self {
        let (room, seq) = (entry.room.clone(), entry.seq);
        let json = encode(&ServerFrame::Entry(entry));
        Self { room, seq, author: Arc::new(PersonFrame::new(author)), json }
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
