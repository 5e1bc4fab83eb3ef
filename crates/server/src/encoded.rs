//! Frames as they go over the wire, below each protocol's codec: encoded once, shared by all receivers.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use madang_protocol::{Entry, Headers, Person, ServerFrame};
use madang_stomp::Version;
use serde::Serialize;

use crate::deflate::{Deflate, LEAST, deflate};

/// The text of one frame, and its compressed form once somebody needs that; cloning shares both.
#[derive(Clone, Debug, Default)]
pub struct Encoded(Arc<Text>);

#[derive(Debug, Default)]
struct Text {
    text: String,
    /// Made by the first receiver that needs it, for all; `None` where it is not shorter.
    deflated: OnceLock<Option<Box<[u8]>>>,
}

impl Encoded {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Bytes of the text, and of a compressed form that may come to stand beside it.
    fn most_bytes(&self) -> usize {
        if self.len() < LEAST { self.len() } else { 2 * self.len() }
    }

    /// Returns the compressed text, made now or by another receiver, if that is shorter and the peer can read it.
    pub(crate) fn deflated(&self, agreed: &Deflate) -> Option<&[u8]> {
        let make = || deflate(self.as_bytes()).inspect(|_| agreed.count());
        if agreed.fits(self.len()) { self.0.deflated.get_or_init(make).as_deref() } else { None }
    }
}

impl Deref for Encoded {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<String> for Encoded {
    fn from(text: String) -> Self {
        Self(Arc::new(Text { text, deflated: OnceLock::new() }))
    }
}

impl From<&str> for Encoded {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl PartialEq for Encoded {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Encoded {}

impl fmt::Display for Encoded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self)
    }
}

/// Encodes one frame.
pub fn encode(frame: &ServerFrame) -> Encoded {
    json(frame)
}

/// Encodes what a protocol has in place of a frame, as JSON.
pub(crate) fn json(value: &impl Serialize) -> Encoded {
    // Plain structs with string keys, which JSON can always hold.
    serde_json::to_string(value).unwrap_or_default().into()
}

/// An entry that is durable, with its author's name when it was read or written, and with its encodings, each made when
/// it is first needed: the `entry` frame when the entry is delivered, the others by their first receiver.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The entry: one in memory, to the last of its encodings.
    pub entry: Arc<Entry>,
    /// The author.
    pub author: Arc<PersonFrame>,
    json: OnceLock<Encoded>,
    /// Encodings for clients of other protocols.
    pub(crate) encodings: Encodings,
}

/// [`ServerFrame::Entry`] of an entry that others hold, too.
#[derive(Serialize)]
#[serde(tag = "t", rename_all = "snake_case")]
enum Shared<'e> {
    Entry(&'e Entry),
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
#[derive(Clone, Debug, Default)]
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

impl Committed {
    /// Takes an entry and its author.
    pub fn new(entry: Entry, author: Person) -> Self {
        Self::by(entry.into(), Arc::new(author.into()))
    }

    /// Takes an entry and its author, who may be shared with others.
    pub fn by(entry: Arc<Entry>, author: Arc<PersonFrame>) -> Self {
        let (json, encodings) = Default::default();
        Self { entry, author, json, encodings }
    }

    /// Returns the `entry` frame.
    pub fn json(&self) -> &Encoded {
        self.json.get_or_init(|| json(&Shared::Entry(&self.entry)))
    }

    /// The same entry, its author named anew.
    pub fn renamed(&self, author: Arc<PersonFrame>) -> Self {
        Self { json: self.json.clone(), ..Self::by(self.entry.clone(), author) }
    }

    /// The same entry without the text and the headers of its message, as the log has it once the message is deleted.
    pub fn redacted(&self) -> Option<Self> {
        let mut entry = Entry::clone(&self.entry);
        entry.what.redact().then(|| Self::by(entry.into(), self.author.clone()))
    }

    /// Bytes of memory that depend on the entry, at most: its own text, and its frame with a compressed form.
    pub fn bytes(&self) -> usize {
        let what = &self.entry.what;
        self.json().most_bytes() + what.text().len() + what.headers().map_or(0, Headers::bytes)
    }
}

impl PartialEq for Committed {
    fn eq(&self, other: &Self) -> bool {
        self.entry == other.entry && self.author.person == other.author.person
    }
}

/// A person, with the `people` frame that names them.
#[derive(Debug)]
pub struct PersonFrame {
    /// The person.
    pub person: Person,
    json: OnceLock<Encoded>,
}

impl PersonFrame {
    /// Returns the `people` frame.
    pub fn json(&self) -> &Encoded {
        self.json.get_or_init(|| encode(&ServerFrame::People { people: vec![self.person.clone()] }))
    }
}

impl From<Person> for PersonFrame {
    fn from(person: Person) -> Self {
        Self { person, json: OnceLock::new() }
    }
}

#[cfg(test)]
mod tests {
    use madang_protocol::{EntryKind, RoomId, UserId};

    use super::*;

    #[test]
    fn shared_entry_encodes_as_its_frame() {
        let what = EntryKind::posted("x", Some(3));
        let (room, by) = (RoomId::lobby(), UserId::system());
        let entry = Entry { room, seq: 7, at: 5, by: by.clone(), cmid: None, what };
        let committed = Committed::new(entry.clone(), Person::new(by, "Ada"));
        assert_eq!(*committed.json(), encode(&ServerFrame::Entry(entry)));
    }
}
