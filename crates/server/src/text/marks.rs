//! Characters that leave a mark where they are shown.

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, NoncharacterCodePoint, WhiteSpace};
use icu_properties::{CodePointMapData, CodePointSetData};
use unicode_segmentation::UnicodeSegmentation;

/// Returns true if anything in `text` leaves a mark by itself.
pub fn has_mark(text: &str) -> bool {
    // Nearly every text answers with its first character.
    text.chars().any(|c| c.is_ascii_graphic() || (!c.is_ascii() && leaves_mark(c)))
}

/// Returns the first thing in `text` that a reader sees as one character: a letter with its marks, a flag, a
/// family. Empty if nothing leaves a mark.
pub fn first_mark(text: &str) -> &str {
    text.graphemes(true).find(|cluster| has_mark(cluster)).unwrap_or_default()
}

/// Returns what the avatar of somebody with this name shows, if that is not simply the first character: the first mark,
/// in capitals. Empty if it is.
pub fn initial(name: &str) -> String {
    let capital = first_mark(name).to_uppercase();
    let first: String = name.chars().take(1).flat_map(char::to_uppercase).collect();
    if capital == first { String::new() } else { capital }
}

/// Returns true if `c` is neither space, nor ignorable, nor a control or format character, nor a combining mark.
///
/// An unassigned character counts, because it may be a newer Unicode's letter or emoji, and so does a private one: both
/// are drawn, if only as a box.
fn leaves_mark(c: char) -> bool {
    let unmarked = CodePointSetData::new::<WhiteSpace>().contains(c)
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || CodePointSetData::new::<NoncharacterCodePoint>().contains(c)
        || is_blank_sign(c);
    !unmarked && !matches!(category(c), Category::Unseen | Category::Combining)
}

/// General category of a character, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Category {
    /// Controls, format characters, separators.
    Unseen,
    /// Marks on another character.
    Combining,
    /// All others.
    Seen,
}

pub(super) fn category(c: char) -> Category {
    use GeneralCategory as G;
    match CodePointMapData::<GeneralCategory>::new().get(c) {
        G::Control
        | G::Format
        | G::Surrogate
        | G::SpaceSeparator
        | G::LineSeparator
        | G::ParagraphSeparator => Category::Unseen,
        G::NonspacingMark | G::EnclosingMark | G::SpacingMark => Category::Combining,
        _ => Category::Seen,
    }
}

/// The signs that are blank by their own definition, which no property tells: the empty braille pattern, the null
/// notehead, the blank hieroglyphs, and the place of an object that is not there.
pub(super) fn is_blank_sign(c: char) -> bool {
    matches!(c, '\u{2800}' | '\u{1d159}' | '\u{13441}' | '\u{13442}' | '\u{fffc}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_initial_is_kept_only_where_it_differs() {
        for (name, kept) in [
            ("민수", ""),
            ("ada", ""),
            ("7up", ""),
            ("", ""),
            ("👨‍👩‍👧 Kim", "👨‍👩‍👧"),
            ("🇰🇷대한", "🇰🇷"),
            ("1️⃣", "1️⃣"),
            ("\u{301}\u{200f}kim", "K"),
            ("\u{2800}민", "민"),
            ("\u{1112}\u{1161}\u{11ab}글", "\u{1112}\u{1161}\u{11ab}"),
            ("e\u{331}a", "E\u{331}"),
        ] {
            assert_eq!(initial(name), kept, "{name:?}");
        }
    }

    #[test]
    fn the_first_mark_is_a_whole_cluster() {
        for (name, first) in [
            ("민수", "민"),
            ("ada", "a"),
            ("👨‍👩‍👧 Kim", "👨‍👩‍👧"),
            ("🇰🇷대한", "🇰🇷"),
            ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"),
            ("👍🏽 ok", "👍🏽"),
            ("e\u{301}a", "e\u{301}"),
            ("\u{1112}\u{1161}\u{11ab}글", "\u{1112}\u{1161}\u{11ab}"),
            ("\u{200b}\u{3164}\u{301} Kim", "K"),
            ("1️⃣", "1️⃣"),
            ("\u{200b}", ""),
        ] {
            assert_eq!(first_mark(name), first, "{name:?}");
        }
    }
}
