//! Bound of one read: so many rows, and no more than so many bytes of what is made of them. Rows alone bound nothing,
//! since each may be as long as a message may be.

use madang_protocol::{Entry, Headers, Message};

/// Maximum bytes of one answer: a page of history, a snapshot, the HTML of a room, a piece of the log. Anything beyond
/// is asked for next; one message or entry is always in it.
pub const ANSWER_BYTES: usize = 256 * 1024;

/// JSON bytes of a message or an entry besides its text.
const JSON_COST: usize = 256;

/// HTML bytes of a message's row besides its text, with the JSON that a script is handed.
const HTML_COST: usize = 1_300;

/// HTML bytes of the chip of an emoji, with the names in its title.
const CHIP_COST: usize = 1_024;

/// HTML bytes of a link besides its address.
const LINK_COST: usize = 96;

/// HTML bytes of a room besides its rows, with a few dozen rooms in its list.
const HTML_REST: usize = 32 * 1024;

/// The most of one answer.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimit {
    /// Messages or entries.
    pub rows: usize,
    bytes: usize,
    form: Form,
}

/// Form that the rows are turned into.
#[derive(Clone, Copy, Debug)]
enum Form {
    Json,
    Html,
}

/// So many rows, however long.
impl From<usize> for ReadLimit {
    fn from(rows: usize) -> Self {
        Self { rows, bytes: usize::MAX, form: Form::Json }
    }
}

impl ReadLimit {
    /// So many rows, in [`ANSWER_BYTES`] of JSON.
    pub fn json(rows: usize) -> Self {
        Self { rows, bytes: ANSWER_BYTES, form: Form::Json }
    }

    /// So many rows, in [`ANSWER_BYTES`] of the HTML of a whole page.
    pub fn html(rows: usize) -> Self {
        Self { rows, bytes: ANSWER_BYTES - HTML_REST, form: Form::Html }
    }

    pub(super) fn count(self) -> Count {
        Count { most: self, rows: 0, bytes: 0 }
    }
}

/// Rows and bytes taken of [`Most`].
pub(super) struct Count {
    most: ReadLimit,
    rows: usize,
    bytes: usize,
}

impl Count {
    /// Returns true if as many rows were taken as may be.
    pub(super) fn is_full(&self) -> bool {
        self.rows >= self.most.rows
    }

    /// Takes one more message if it fits; the first always does, unless none was asked for.
    pub(super) fn takes(&mut self, message: &Message) -> bool {
        let bytes = match self.most.form {
            Form::Json => message_bytes(message),
            // A page shows no headers, and is not handed any.
            Form::Html => {
                let reactions = &message.reactions;
                let chips = reactions.iter().len() * CHIP_COST + reactions.bytes();
                HTML_COST + chips + html_bytes(message.body.as_deref().unwrap_or_default())
            }
        };
        self.has_room_for(bytes)
    }

    /// Takes one more entry, as [`Count::takes`].
    pub(super) fn takes_entry(&mut self, entry: &Entry) -> bool {
        self.has_room_for(entry_bytes(entry))
    }

    fn has_room_for(&mut self, bytes: usize) -> bool {
        let fits = self.rows == 0 || self.bytes.saturating_add(bytes) <= self.most.bytes;
        if self.is_full() || !fits {
            return false;
        }
        self.rows += 1;
        self.bytes += bytes;
        true
    }
}

/// Returns about how many bytes a message takes in JSON.
pub(crate) fn message_bytes(message: &Message) -> usize {
    let text = message.body.as_deref().unwrap_or_default();
    JSON_COST + json_bytes(text) + headers_bytes(&message.headers) + message.reactions.bytes()
}

/// Returns about how many bytes an entry takes in JSON.
pub(crate) fn entry_bytes(entry: &Entry) -> usize {
    JSON_COST + json_bytes(entry.what.text()) + entry.what.headers().map_or(0, headers_bytes)
}

/// The bytes of headers in JSON, with quotes, colons and commas.
fn headers_bytes(headers: &Headers) -> usize {
    headers.iter().map(|(name, value)| json_bytes(name) + json_bytes(value) + 6).sum()
}

/// The bytes of a text inside a JSON string.
fn json_bytes(text: &str) -> usize {
    let byte = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(byte).sum()
}

/// At most the bytes of a text in a page: as text, and again in the JSON inside the JavaScript that a script is handed.
fn html_bytes(text: &str) -> usize {
    let byte = |byte: u8| match byte {
        b'<' | b'>' | b'&' => 12,
        b'"' | b'\'' | b'\\' => 10,
        0..0x20 => 8,
        _ => 2,
    };
    let links = text.match_indices("://").count();
    let addresses = if links == 0 { 0 } else { text.len() };
    text.bytes().map(byte).sum::<usize>() + addresses + links * LINK_COST
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> Message {
        let by = madang_protocol::UserId::system();
        Message {
            seq: 1,
            at: 0,
            by,
            cmid: None,
            body: Some(body.into()),
            reply_to: None,
            edited_at: None,
            reactions: madang_protocol::Reactions::default(),
            headers: Headers::default(),
        }
    }

    fn taken(most: ReadLimit, body: &str) -> usize {
        let mut count = most.count();
        (0..1_000).take_while(|_| count.takes(&message(body))).count()
    }

    #[test]
    fn rows_and_bytes_both_bound_what_is_taken() {
        assert_eq!(taken(ReadLimit::json(50), "short"), 50);
        assert_eq!(taken(ReadLimit::json(50), &"가".repeat(8_000)), ANSWER_BYTES / (24_000 + JSON_COST));
        assert_eq!(taken(ReadLimit::from(500), &"가".repeat(8_000)), 500);
        assert_eq!(taken(ReadLimit::json(0), ""), 0);
    }

    #[test]
    fn one_that_is_too_long_is_taken_alone() {
        assert_eq!(taken(ReadLimit::json(50), &"x".repeat(2 * ANSWER_BYTES)), 1);
        assert_eq!(taken(ReadLimit::html(50), &"<".repeat(ANSWER_BYTES)), 1);
    }

    #[test]
    fn text_bytes_are_those_of_its_json() {
        for text in ["", "plain", "\"q\" \\ \n\r\t", "\u{1}\u{8}\u{c}\u{1f}\u{7f}", "가나다🙂", "</script>"]
        {
            assert_eq!(json_bytes(text) + 2, serde_json::to_string(text).unwrap().len(), "{text:?}");
        }
    }
}
