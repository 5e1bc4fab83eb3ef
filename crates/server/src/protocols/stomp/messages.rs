//! MESSAGE, as its readers get it: a short head of each subscription's own, and a tail that is made once for all.

use madang_protocol::{Entry, EntryKind, Headers, Seq};
use madang_stomp::{Command, Frame, ServerCommand, Version, encode, write_header};

use super::receipts::Receipt;
use crate::cursor::Cursors;
use crate::encoded::{Committed, Encoded, Encoding};
use crate::protocols::names::shown_name;
use crate::text::is_own_header;

/// The header with the type of a body.
const CONTENT_TYPE: &str = "content-type";

/// Entries that a subscription gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    /// Posted messages whose text is not deleted.
    Messages,
    /// Every entry, with its type.
    Entries,
}

/// In which words a client is spoken to.
#[derive(Debug)]
pub(super) struct EncodingContext {
    pub(super) version: Version,
    pub(super) cursors: Cursors,
}

/// Returns the part behind the head of a MESSAGE; `None` if a subscription of this kind gets nothing for the entry.
pub(super) fn tail<'e>(
    committed: &'e Committed,
    wants: Wants,
    encoding_context: &EncodingContext,
) -> Option<&'e Encoded> {
    let encoding = match wants {
        Wants::Messages => Encoding::StompMessage(encoding_context.version),
        Wants::Entries => Encoding::StompEntry(encoding_context.version),
    };
    committed.encodings.get(encoding, || make(committed, wants, encoding_context))
}

fn make(committed: &Committed, wants: Wants, encoding_context: &EncodingContext) -> Option<Encoded> {
    let Entry { room, seq, at, cmid, what, .. } = &*committed.entry;
    let (kind, body) = (what.name()?, what.text());
    // A message whose text was deleted is none any more.
    if wants == Wants::Messages && (!matches!(what, EntryKind::Posted { .. }) || body.is_empty()) {
        return None;
    }
    let mut out = Vec::with_capacity(256 + body.len());
    let mut header = |name: &str, value: &str| {
        let before = out.len();
        if write_header(name, value, encoding_context.version, &mut out).is_err() {
            out.truncate(before);
        }
    };
    header("destination", &format!("/topic/{room}"));
    header("message-id", &format!("{room}/{seq}"));
    header("seq", &encoding_context.cursors.text(*seq));
    header("at", &at.to_string());
    header("user", committed.author.person.id.as_str());
    header("nickname", &shown_name(&committed.author.person));
    if committed.author.person.bot {
        header("bot", "true");
    }
    if wants == Wants::Entries {
        header("type", kind);
    }
    let mut number =
        |name: &str, seq: Option<Seq>| seq.into_iter().for_each(|seq| header(name, &seq.to_string()));
    number("about", what.target());
    number("reply-to", what.reply_to());
    if let Some(cmid) = cmid {
        header("cmid", &cmid.to_string());
    }
    let no_headers = Headers::default();
    let said = what.headers().unwrap_or(&no_headers);
    // 1.1 cannot escape a CR, which some of its readers take for the end of a line.
    let is_sayable = |value: &str| encoding_context.version == Version::V12 || !value.contains('\r');
    header("content-type", said.get(CONTENT_TYPE).filter(|kind| is_sayable(kind)).unwrap_or("text/plain"));
    header("content-length", &body.len().to_string());
    // Behind the server's own, which nobody else says.
    let is_theirs = |name: &str| name != CONTENT_TYPE && !is_own_header(name);
    let theirs = said.iter().filter(|(name, value)| is_theirs(name) && is_sayable(value));
    theirs.for_each(|(name, value)| header(name, value));
    out.push(b'\n');
    out.extend(body.as_bytes());
    out.push(0);
    String::from_utf8(out).ok().map(Into::into)
}

/// Encodes any other frame; `None` if it holds what the version cannot carry.
pub(super) fn text<C: Command>(frame: &Frame<C>, version: Version) -> Option<Encoded> {
    let mut out = Vec::new();
    encode(frame, version, &mut out).ok()?;
    String::from_utf8(out).ok().map(Into::into)
}

/// The answer to a frame that asked for one. A receipt that came can be sent again.
pub(super) fn receipt(receipt: &Receipt, version: Version) -> Encoded {
    let mut frame = Frame::new(ServerCommand::Receipt).with("receipt-id", &*receipt.id);
    if let Some(cursor) = &receipt.begins {
        frame = frame.with("seq", &**cursor);
    }
    text(&frame, version).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use madang_protocol::{Cmid, Person, RoomId, UserId};

    use super::*;

    fn entry(what: EntryKind, name: &str) -> Committed {
        let by: UserId = "u000000ada01".parse().unwrap();
        let author = Person::new(by.clone(), name);
        let cmid = Some(Cmid(7));
        let entry = Entry { room: RoomId::lobby(), seq: 7, at: 5, by, cmid, what };
        Committed::new(entry, author)
    }

    fn encoding_context(version: Version) -> EncodingContext {
        let epoch = |name: &str| name.parse().unwrap();
        EncodingContext { version, cursors: Cursors::new(epoch("second"), epoch("first")) }
    }

    fn posted(body: &str, name: &str) -> Committed {
        entry(EntryKind::posted(body, None), name)
    }

    #[test]
    fn message_names_place_and_author_in_each_version() {
        let entry = posted("안녕:\\\0\n", r"A:\b");
        let tail = |name: &str| {
            format!(
                "destination:/topic/lobby\nmessage-id:lobby/7\nseq:7@second\nat:5\nuser:u000000ada01\nnickname:{name}\n\
                 cmid:{:032x}\ncontent-type:text/plain\ncontent-length:10\n\n안녕:\\\0\n\0",
                7
            )
        };
        assert_eq!(
            super::tail(&entry, Wants::Messages, &encoding_context(Version::V10)).unwrap().as_str(),
            tail(r"A:\b")
        );
        assert_eq!(
            super::tail(&entry, Wants::Messages, &encoding_context(Version::V11)).unwrap().as_str(),
            tail(r"A\c\\b")
        );
        assert_eq!(
            super::tail(&entry, Wants::Messages, &encoding_context(Version::V12)).unwrap().as_str(),
            tail(r"A\c\\b")
        );
    }

    #[test]
    fn message_is_encoded_once() {
        let entry = posted("x", "Ada");
        let first = tail(&entry, Wants::Messages, &encoding_context(Version::V12)).unwrap().as_ptr();
        assert_eq!(tail(&entry, Wants::Messages, &encoding_context(Version::V12)).unwrap().as_ptr(), first);
    }

    #[test]
    fn other_entries_reach_only_subscribers_of_all() {
        for (what, kind, rest) in [
            (EntryKind::Edited { seq: 3, body: "x".into() }, "edited", "about:3\n"),
            (EntryKind::Deleted { seq: 3 }, "deleted", "about:3\n"),
            (EntryKind::Opened { title: "T".into() }, "opened", "content-length:1\n\nT\0"),
            (EntryKind::posted(String::new(), Some(2)), "posted", "reply-to:2\n"),
        ] {
            let entry = entry(what, "Ada");
            assert_eq!(tail(&entry, Wants::Messages, &encoding_context(Version::V12)), None, "{kind}");
            let all = tail(&entry, Wants::Entries, &encoding_context(Version::V12)).unwrap();
            assert!(all.contains(&format!("\ntype:{kind}\n")) && all.contains(rest), "{all}");
        }
        assert_eq!(
            tail(&entry(EntryKind::Unknown, "Ada"), Wants::Entries, &encoding_context(Version::V12)),
            None
        );
    }
}
