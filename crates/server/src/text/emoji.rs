//! Emoji that people react with.

use icu_properties::CodePointSetData;
use icu_properties::props::{
    Emoji, EmojiComponent, EmojiModifier, EmojiPresentation, ExtendedPictographic, RegionalIndicator,
};
use madang_protocol::RefusalCode;
use unicode_segmentation::UnicodeSegmentation;

/// Longest emoji. Bytes; a family of four with skin tones has 41.
const BYTES: usize = 64;

/// Selects the presentation as an emoji, of a character that may be text, too.
const AS_EMOJI: char = '\u{fe0f}';

/// Encloses a digit, `#` or `*` in a key.
const KEYCAP: char = '\u{20e3}';

/// Returns `typed` as an emoji: one character to the eye, that is shown as a picture. A heart or another sign that
/// would be shown as text gets the mark that makes it a picture, so that there is one spelling.
///
/// # Errors
/// [`RefusalCode::BadEmoji`] for anything else.
pub fn emoji(typed: &str) -> Result<String, RefusalCode> {
    let mut clusters = typed.graphemes(true);
    match (clusters.next(), clusters.next()) {
        (Some(one), None) if one.len() <= BYTES && is_emoji(one) => Ok(spelled(one)),
        _ => Err(RefusalCode::BadEmoji),
    }
}

fn is_emoji(cluster: &str) -> bool {
    let mut chars = cluster.chars();
    let Some(first) = chars.next() else { return false };
    let rest = chars.as_str();
    if CodePointSetData::new::<RegionalIndicator>().contains(first) {
        return rest.chars().count() == 1
            && rest.chars().all(|c| CodePointSetData::new::<RegionalIndicator>().contains(c));
    }
    if first.is_ascii() {
        return CodePointSetData::new::<Emoji>().contains(first)
            && rest.trim_start_matches(AS_EMOJI).chars().eq([KEYCAP]);
    }
    let belongs = |c: char| {
        !c.is_ascii()
            && (CodePointSetData::new::<Emoji>().contains(c)
                || CodePointSetData::new::<EmojiComponent>().contains(c))
    };
    CodePointSetData::new::<ExtendedPictographic>().contains(first)
        && CodePointSetData::new::<Emoji>().contains(first)
        && rest.chars().all(|c| belongs(c) && c != KEYCAP)
        && !rest.ends_with('\u{200d}')
}

/// One spelling for emoji that differ in the selector alone.
fn spelled(cluster: &str) -> String {
    let mut chars = cluster.chars();
    let (Some(first), second, third) = (chars.next(), chars.next(), chars.next()) else {
        return String::new();
    };
    let is_picture = CodePointSetData::new::<EmojiPresentation>().contains(first);
    let takes_tone = |c: char| CodePointSetData::new::<EmojiModifier>().contains(c);
    match (second, third) {
        _ if first.is_ascii() => format!("{first}{AS_EMOJI}{KEYCAP}"),
        (None, _) if !is_picture => format!("{first}{AS_EMOJI}"),
        (Some(AS_EMOJI), None) if is_picture => first.to_string(),
        // A tone makes a picture by itself.
        (Some(AS_EMOJI), Some(tone)) if takes_tone(tone) && chars.as_str().is_empty() => {
            format!("{first}{tone}")
        }
        _ => cluster.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_emoji_has_one_spelling() {
        for (typed, kept) in [
            ("👍", "👍"),
            ("👍🏽", "👍🏽"),
            ("🎉", "🎉"),
            ("❤", "❤️"),
            ("❤️", "❤️"),
            ("👍\u{fe0f}", "👍"),
            ("☝🏽", "☝🏽"),
            ("☝\u{fe0f}🏽", "☝🏽"),
            ("👨‍👩‍👧", "👨‍👩‍👧"),
            ("🏳️‍🌈", "🏳️‍🌈"),
            ("❤️‍🔥", "❤️‍🔥"),
            ("🇰🇷", "🇰🇷"),
            ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"),
            ("1️⃣", "1️⃣"),
            ("#\u{20e3}", "#️⃣"),
        ] {
            assert_eq!(emoji(typed).as_deref(), Ok(kept), "{typed:?}");
        }
    }

    #[test]
    fn picker_offers_nothing_that_is_refused() {
        let offered = include_str!("../../../web/src/emoji/data.txt");
        let mut counted = 0;
        for text in offered.lines().filter_map(|line| line.split('\t').next()).filter(|text| *text != "#") {
            assert_eq!(emoji(text).as_deref(), Ok(text));
            counted += 1;
        }
        assert!(counted > 1_900, "{counted}");
    }

    #[test]
    fn anything_else_is_no_emoji() {
        for typed in [
            "",
            " ",
            "a",
            "1",
            "#",
            "가",
            "👍👍",
            "👍 ",
            " 👍",
            "👍a",
            "🇰",
            "🇰🇷🇰🇷",
            "\u{fe0f}",
            "\u{200d}",
            "🏽a",
            "👍\u{301}",
            "👍\u{200d}",
            "<b>",
            "\u{20e3}",
            "1\u{301}",
            "\u{0}",
            "👍\u{20e3}",
        ] {
            assert_eq!(emoji(typed), Err(RefusalCode::BadEmoji), "{typed:?}");
        }
        let long = format!("👍{}", "\u{200d}👍".repeat(40));
        assert_eq!(emoji(&long), Err(RefusalCode::BadEmoji), "too long");
    }
}
