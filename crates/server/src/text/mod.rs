//! Rules for what people and programs write, by Unicode's properties. Whatever the protocol, it passes through here.
//!
//! The tables are the server's alone: the page asks no more of a text than `madang_protocol::text` does, and shows
//! what the server finds.

mod emoji;
mod headers;
mod marks;
mod names;

use std::borrow::Cow;

use madang_protocol::text::{NAME_CHARS, TITLE_CHARS, check_body};
use madang_protocol::{Operation, RefusalCode};

pub use emoji::emoji;
pub use headers::{headers, is_own as is_own_header};
pub use marks::{first_mark, has_mark, initial};
pub use names::{is_reserved, look};

/// Checks a write, and cleans its text, which may have at most `max` characters (0: any length). Returns the bytes of what
/// is left.
///
/// # Errors
/// As [`body`], [`emoji()`] and [`headers()`].
pub fn operation(operation: &mut Operation, max: u32) -> Result<usize, RefusalCode> {
    match operation {
        Operation::Post { body: text, headers: theirs, .. } => {
            clean(text, max)?;
            headers(theirs)?;
            Ok(text.len() + theirs.bytes())
        }
        Operation::Edit { body: text, .. } => {
            clean(text, max)?;
            Ok(text.len())
        }
        Operation::React { emoji: typed, .. } | Operation::Unreact { emoji: typed, .. } => {
            *typed = emoji(typed)?;
            Ok(typed.len())
        }
        Operation::Delete { .. } => Ok(0),
    }
}

fn clean(text: &mut String, max: u32) -> Result<(), RefusalCode> {
    if let Cow::Owned(clean) = body(text, max)? {
        *text = clean;
    }
    Ok(())
}

/// Returns `typed` as a message of at most `max` characters (0: any length). Every kind of line break becomes a line
/// feed; the other control characters, except the tab, are left out.
///
/// # Errors
/// [`RefusalCode::Empty`] if nothing in it leaves a mark, [`RefusalCode::TooLong`] over `max`.
pub fn body(typed: &str, max: u32) -> Result<Cow<'_, str>, RefusalCode> {
    let body = without_controls(typed);
    if !has_mark(&body) {
        return Err(RefusalCode::Empty);
    }
    check_body(&body, max)?;
    Ok(body)
}

/// Returns `typed` as a nickname: one line, composed (NFC), without what is not seen in it.
///
/// # Errors
/// [`RefusalCode::Empty`] if nothing in it leaves a mark, [`RefusalCode::TooLong`] over [`NAME_CHARS`],
/// [`RefusalCode::NameReserved`] if it reads as the server's own name or as a guest's.
pub fn nickname(typed: &str) -> Result<String, RefusalCode> {
    let name = one_line(typed, NAME_CHARS)?;
    if is_reserved(&name) { Err(RefusalCode::NameReserved) } else { Ok(name) }
}

/// Returns `typed` as a room's title, by the rules for a nickname; no title is reserved.
///
/// # Errors
/// [`RefusalCode::Empty`] if nothing in it leaves a mark, [`RefusalCode::TooLong`] over [`TITLE_CHARS`].
pub fn room_title(typed: &str) -> Result<String, RefusalCode> {
    one_line(typed, TITLE_CHARS)
}

fn one_line(typed: &str, max: usize) -> Result<String, RefusalCode> {
    let line = names::visible_line(typed);
    if !has_mark(&line) {
        return Err(RefusalCode::Empty);
    }
    if line.chars().count() > max {
        return Err(RefusalCode::TooLong);
    }
    Ok(line)
}

fn without_controls(typed: &str) -> Cow<'_, str> {
    let stays = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    if typed.chars().all(stays) {
        return Cow::Borrowed(typed);
    }
    let mut clean = String::with_capacity(typed.len());
    let mut rest = typed.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\r' => {
                rest.next_if_eq(&'\n');
                clean.push('\n');
            }
            // Vertical tab, form feed, next line.
            '\u{b}' | '\u{c}' | '\u{85}' => clean.push('\n'),
            c if stays(c) => clean.push(c),
            _ => {}
        }
    }
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_without_a_mark_is_empty() {
        let bodies = [
            "",
            "  \n\t",
            "\u{200b}\u{feff}",
            "\u{3164}",
            "\u{115f}\u{1160}\u{ffa0}",
            "\u{202e}",
            "\u{2800}\u{2800}",
            "\u{301}",
            " \u{301}\u{20dd}",
            "\u{fe0f}",
            "\u{e0100}",
            "\u{e0067}\u{e007f}",
            "\u{180e}\u{34f}\u{ad}",
            "\u{2066}\u{2069}\u{061c}",
            "\u{0}\u{7}\u{9b}",
            "\u{1d159}\u{1d173}",
            "\u{fff9}\u{fffb}\u{fffc}",
            "\u{feff}\u{ffff}\u{fdd0}",
            "\u{2028}\u{2029}\u{3000}\u{a0}",
        ];
        for typed in bodies {
            assert_eq!(body(typed, 100), Err(RefusalCode::Empty), "{typed:?}");
        }
    }

    #[test]
    fn a_body_with_a_mark_stays_as_typed() {
        for typed in [
            "x",
            "안",
            "ㅏ",
            "\u{1161}",
            ".",
            "👍🏽",
            "🇰🇷",
            "👨‍👩‍👧",
            "e\u{301}",
            "\u{2801}",
            "\u{e000}",
            "\u{1fad0}",
            "a\tb\nc",
        ] {
            assert_eq!(body(typed, 100).as_deref(), Ok(typed), "{typed:?}");
        }
    }

    #[test]
    fn control_characters_do_not_enter_a_body() {
        for (typed, kept) in [
            ("a\r\nb\rc\n\rd", "a\nb\nc\n\nd"),
            ("a\u{b}b\u{c}c\u{85}d", "a\nb\nc\nd"),
            ("\u{1b}[31mred\u{1b}[0m", "[31mred[0m"),
            ("a\u{0}b\u{8}c\u{7f}d\u{9b}e", "abcde"),
        ] {
            assert_eq!(body(typed, 100).as_deref(), Ok(kept), "{typed:?}");
        }
    }

    #[test]
    fn a_body_is_counted_in_characters_not_bytes() {
        assert!(body(&"가".repeat(10), 10).is_ok());
        assert_eq!(body(&"가".repeat(11), 10), Err(RefusalCode::TooLong));
        assert!(body(&"a".repeat(100_000), 0).is_ok(), "0 means no limit");
        assert!(body("0123456789\r\r\u{0}\u{0}", 12).is_ok(), "what goes is not counted");
    }

    #[test]
    fn name_is_one_line_of_visible_text() {
        for (typed, kept) in [
            ("  김\u{202e} \n 철수 ", "김 철수"),
            ("Kim\u{200b}", "Kim"),
            ("K\u{ad}i\u{2060}m\u{feff}", "Kim"),
            ("Kim\u{2800}\u{3164}Lee\u{2800}", "Kim Lee"),
            ("\u{301}Kim", "Kim"),
            ("Kim\u{200d}", "Kim"),
            ("Kim\u{fe0f}\u{e0067}", "Kim"),
            ("Ki\u{0}m\u{1b}", "Kim"),
            ("Ame\u{301}lie", "Amélie"),
            ("👨‍👩‍👧", "👨‍👩‍👧"),
            ("❤️", "❤️"),
            ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("क्\u{200d}ष", "क्\u{200d}ष"),
            ("葛\u{e0100}", "葛\u{e0100}"),
        ] {
            assert_eq!(nickname(typed).as_deref(), Ok(kept), "{typed:?}");
            assert_eq!(room_title(typed).as_deref(), Ok(kept), "{typed:?}");
            assert_eq!(nickname(kept).as_deref(), Ok(kept), "cleaned twice: {typed:?}");
        }
        for typed in [" \u{200b} ", "\u{3164}", "\u{2800}", "\u{301}\u{302}", "\u{200d}", "\u{e0067}"] {
            assert_eq!(nickname(typed), Err(RefusalCode::Empty), "{typed:?}");
            assert_eq!(room_title(typed), Err(RefusalCode::Empty), "{typed:?}");
        }
        assert_eq!(nickname(&"n".repeat(41)), Err(RefusalCode::TooLong));
        assert_eq!(room_title(&"n".repeat(81)), Err(RefusalCode::TooLong));
    }

    #[test]
    fn reserved_names_are_refused_as_names_alone() {
        assert_eq!(nickname("Madang"), Err(RefusalCode::NameReserved));
        assert_eq!(room_title("Madang").as_deref(), Ok("Madang"));
    }
}
