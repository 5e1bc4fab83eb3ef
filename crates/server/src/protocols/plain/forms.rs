//! Encodings for a plain client. A message is encoded once in each form, for all who read it.

use madang_protocol::{EntryKind, Headers, Person, RefusalCode, Seq, UnixMs, UserId};
use serde::Serialize;

use crate::cursor::Cursors;
use crate::encoded::{Committed, Encoded, Encoding, json as encode};
use crate::protocols::names::{SERVER, shown_name};

#[derive(Serialize)]
struct Message<'a> {
    message: &'a str,
    #[serde(rename = "userId")]
    user_id: &'a UserId,
    nickname: &'a str,
    /// Only of a program.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    bot: bool,
    seq: Seq,
    /// Cursor to give back in `after`, where it is not simply `seq`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    at: UnixMs,
    #[serde(skip_serializing_if = "Headers::is_empty")]
    headers: &'a Headers,
}

/// The messages that are not a person's have a `type`; a textbook's client looks at `userId` there and shows the
/// `message` of all others.
#[derive(Serialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
enum Note<'a> {
    #[serde(rename = "userId")]
    Greeting {
        user_id: &'a UserId,
        seq: Seq,
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
    },
    #[serde(rename = "done")]
    Done { cmid: &'a str, seq: Seq },
    #[serde(rename = "pong")]
    Pong {},
    #[serde(rename = "error")]
    Error {
        code: RefusalCode,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cmid: Option<&'a str>,
    },
}

/// Returns the server's first frame. `seq` is where the room is read on from, so that a client that loses the
/// connection before a message comes has a place to resume from.
pub(super) fn greeting(you: &Person, seq: Seq, cursors: &Cursors) -> Encoded {
    encode(&Note::Greeting { user_id: &you.id, seq, cursor: beside(seq, cursors) })
}

/// The cursor of a place, where it is not simply its number.
fn beside(seq: Seq, cursors: &Cursors) -> Option<String> {
    Some(cursors.text(seq)).filter(|text| *text != seq.to_string())
}

/// The write under the client's own key is durable.
pub(super) fn done(key: &str, seq: Seq) -> Encoded {
    encode(&Note::Done { cmid: key, seq })
}

/// The answer to `{"type":"ping"}`.
pub(super) fn pong() -> Encoded {
    encode(&Note::Pong {})
}

/// Encodes a refusal.
pub(super) fn refusal_json(
    code: RefusalCode,
    message: &str,
    retry_after_ms: Option<u32>,
    key: Option<&str>,
) -> Encoded {
    encode(&Note::Error { code, message, retry_after_ms, cmid: key })
}

/// As [`refusal_json`], as a line.
pub(super) fn refusal_text(message: &str) -> Encoded {
    format!("{SERVER} => {message}").into()
}

/// Returns a posted message as an object; `None` for another entry, or if its text was deleted.
pub(super) fn json<'e>(committed: &'e Committed, cursors: &Cursors) -> Option<&'e Encoded> {
    committed.encodings.get(Encoding::PlainJson, || {
        posted(committed, |body, at, headers| {
            let nickname = &shown_name(&committed.author.person);
            let (user_id, bot) = (&committed.author.person.id, committed.author.person.bot);
            let (seq, cursor) = (committed.entry.seq, beside(committed.entry.seq, cursors));
            encode(&Message { message: body, user_id, nickname, bot, seq, cursor, at, headers })
        })
    })
}

/// A posted message as one line.
pub(super) fn text(committed: &Committed) -> Option<&Encoded> {
    committed.encodings.get(Encoding::PlainText, || {
        posted(committed, |body, _, _| {
            let one_line: Vec<&str> = body.split(['\n', '\r']).filter(|line| !line.is_empty()).collect();
            format!("{} => {}", shown_name(&committed.author.person), one_line.join(" ")).into()
        })
    })
}

fn posted(committed: &Committed, form: impl FnOnce(&str, UnixMs, &Headers) -> Encoded) -> Option<Encoded> {
    match &committed.entry.what {
        EntryKind::Posted { body, headers, .. } if !body.is_empty() => {
            Some(form(body, committed.entry.at, headers))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use madang_protocol::{Entry, RoomId};

    use super::*;

    fn committed(what: EntryKind, name: &str) -> Committed {
        let by: UserId = "u000000ada01".parse().unwrap();
        let author = Person::new(by.clone(), name);
        let entry = Entry { room: RoomId::lobby(), seq: 7, at: 5, by, cmid: None, what };
        Committed::new(entry, author)
    }

    fn cursors(present: &str) -> Cursors {
        Cursors::new(present.parse().unwrap(), "first".parse().unwrap())
    }

    fn posted(body: &str, name: &str) -> Committed {
        committed(EntryKind::posted(body, None), name)
    }

    #[test]
    fn the_forms_are_those_of_the_textbooks() {
        let entry = posted("a \"b\"\nc", "Ada");
        assert_eq!(
            json(&entry, &cursors("first")).unwrap().as_str(),
            r#"{"message":"a \"b\"\nc","userId":"u000000ada01","nickname":"Ada","seq":7,"at":5}"#
        );
        assert_eq!(text(&entry).unwrap().as_str(), "Ada => a \"b\" c");
        assert_eq!(text(&posted("x", "")).unwrap().as_str(), "guest-da01 => x");
        assert_eq!(
            greeting(&entry.author.person, 6, &cursors("first")).as_str(),
            r#"{"type":"userId","userId":"u000000ada01","seq":6}"#
        );
        assert_eq!(done("k", 7).as_str(), r#"{"type":"done","cmid":"k","seq":7}"#);
        assert_eq!(
            refusal_json(RefusalCode::TooFast, "Wait.", Some(50), None).as_str(),
            r#"{"type":"error","code":"too_fast","message":"Wait.","retryAfterMs":50}"#
        );
    }

    #[test]
    fn restored_epoch_adds_cursor_beside_seq() {
        let entry = posted("x", "Ada");
        assert_eq!(
            json(&entry, &cursors("second")).unwrap().as_str(),
            r#"{"message":"x","userId":"u000000ada01","nickname":"Ada","seq":7,"cursor":"7@second","at":5}"#
        );
    }

    #[test]
    fn a_message_is_encoded_once_for_all() {
        let entry = posted("x", "Ada");
        let cursors = cursors("first");
        let first = json(&entry, &cursors).unwrap().as_ptr();
        assert_eq!(json(&entry, &cursors).unwrap().as_ptr(), first);
    }

    #[test]
    fn only_undeleted_messages_are_sent() {
        for what in [
            EntryKind::Opened { title: "t".into() },
            EntryKind::Edited { seq: 1, body: "b".into() },
            EntryKind::Deleted { seq: 1 },
            EntryKind::posted(String::new(), None),
        ] {
            let entry = committed(what, "Ada");
            assert_eq!((json(&entry, &cursors("first")), text(&entry)), (None, None));
        }
    }
}
