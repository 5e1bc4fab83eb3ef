//! Names as they are seen: without invisible parts, and told apart from those that look the same.

use icu_properties::props::{
    BidiControl, CanonicalCombiningClass, DefaultIgnorableCodePoint, Emoji, Ideographic, JoiningType,
    RegionalIndicator,
};
use icu_properties::{CodePointMapData, CodePointSetData};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use super::marks::{Category, category, has_mark, is_blank_sign};

/// Names of the server itself and its keeper, in both languages of the page. Nobody else has them, nor a name made of
/// these words alone.
const OURS: [&str; 5] = ["Madang", "system", "마당", "마당지기", "시스템"];

/// Names of people without one of their own: one of these words, with a part of their id behind it.
const GUESTS: [&str; 3] = ["guest", "손님", "게스트"];

/// Returns `typed` as one line: composed, runs of space folded, and without characters that are not seen, except where
/// they shape what is seen (joiners and selectors in emoji and in scripts that need them).
pub(super) fn visible_line(typed: &str) -> String {
    let mut line = String::with_capacity(typed.len());
    let composed: String = typed.nfc().filter(|c| c.is_whitespace() || !c.is_control()).collect();
    for cluster in composed.graphemes(true) {
        if has_mark(cluster) {
            keep_visible(cluster, &mut line);
        } else if cluster.chars().any(|c| c.is_whitespace() || is_blank_sign(c) || is_filler(c)) {
            line.push(' ');
        }
    }
    let words = line.split_whitespace().map(|word| word.trim_end_matches(is_joiner));
    // Characters between two others may have kept them from composing.
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ").nfc().collect()
}

fn keep_visible(cluster: &str, line: &mut String) {
    let emoji = cluster.chars().any(is_emoji);
    let flag = cluster.starts_with('\u{1f3f4}');
    for c in cluster.chars() {
        let before = line.chars().next_back();
        let stays = match c {
            '\u{200c}' | '\u{200d}' => emoji || before.is_some_and(joins_next),
            '\u{fe0e}' | '\u{fe0f}' => before.is_some_and(is_emoji),
            '\u{e0020}'..='\u{e007f}' => flag,
            '\u{e0100}'..='\u{e01ef}' | '\u{fe00}'..='\u{fe0d}' => before.is_some_and(is_ideograph),
            '\u{180b}'..='\u{180d}' | '\u{180f}' => before.is_some_and(joins_next),
            c => !is_ignorable(c) && !is_blank_sign(c) && category(c) != Category::Unseen,
        };
        if stays {
            line.push(c);
        }
    }
}

/// Returns true if a name is the server's own, or looks like it, or is that of somebody who chose none.
pub fn is_reserved(name: &str) -> bool {
    let key = key(name);
    let ours: Vec<String> = OURS.iter().map(|name| key_of_word(name)).collect();
    let letters: String = key.chars().filter(|c| c.is_alphanumeric()).collect();
    let mut rest = letters.as_str();
    while let Some(after) = ours.iter().rev().find_map(|ours| rest.strip_prefix(ours.as_str())) {
        rest = after;
    }
    let first = key.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or_default();
    (rest.is_empty() && !letters.is_empty()) || GUESTS.iter().any(|guest| key_of_word(guest) == first)
}

/// Returns a number that two names have in common if a reader could take one for the other: they differ in case, in
/// compatible forms (NFKC), in characters that look the same (UTS 39), in what is not seen, or in an ending like the one
/// by which such names are told apart. 0 for no name.
pub fn look(name: &str) -> u32 {
    if name.is_empty() {
        return 0;
    }
    let key = key(name);
    let hash = without_tag(&key)
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash.max(1)
}

/// The key without an imitated tag: a dot and four letters or digits at its end.
fn without_tag(mut key: &str) -> &str {
    while let Some((name, tag)) = key.rsplit_once(|c: char| is_dot(c)) {
        let (name, tag) = (name.trim_end(), tag.trim_start());
        if name.is_empty() || tag.len() != 4 || !tag.bytes().all(|b| b.is_ascii_alphanumeric()) {
            break;
        }
        key = name;
    }
    key
}

/// The dots that could be taken for that before a tag.
fn is_dot(c: char) -> bool {
    matches!(c, '·' | '•' | '‧' | '∙' | '⋅' | '・' | 'ꞏ' | '᛫' | '●' | '⸱')
}

fn key_of_word(word: &str) -> String {
    key(word).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The form in which names that look alike are the same.
fn key(name: &str) -> String {
    let seen: String = name.nfkc().filter(|c| !is_ignorable(*c)).collect();
    // Once for the letters as they were typed, once for their small forms: I is l to the eye, and i to the reader.
    let small = skeleton(&seen).to_lowercase();
    let folded: String = small.nfkc().collect();
    skeleton(&folded).to_lowercase().replace(['i', 'ı'], "l").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn skeleton(text: &str) -> String {
    unicode_security::skeleton(text).collect()
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

fn is_ignorable(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || CodePointSetData::new::<BidiControl>().contains(c)
}

/// The ignorable characters that take a letter's place.
fn is_filler(c: char) -> bool {
    is_ignorable(c) && category(c) == Category::Seen
}

fn is_emoji(c: char) -> bool {
    CodePointSetData::new::<Emoji>().contains(c) || CodePointSetData::new::<RegionalIndicator>().contains(c)
}

fn is_ideograph(c: char) -> bool {
    CodePointSetData::new::<Ideographic>().contains(c)
}

/// Returns true if a joiner behind `c` changes how it is drawn: behind a virama, and in scripts whose letters join.
fn joins_next(c: char) -> bool {
    let class = CodePointMapData::<CanonicalCombiningClass>::new().get(c);
    let joining = CodePointMapData::<JoiningType>::new().get(c);
    class == CanonicalCombiningClass::Virama
        || matches!(joining, JoiningType::DualJoining | JoiningType::LeftJoining)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_names_are_reserved_in_every_disguise() {
        for name in [
            "Madang",
            "madang",
            "MADANG",
            "M a d a n g",
            "_madang_",
            "Мadang",
            "mаdang",
            "ｍａｄａｎｇ",
            "𝐌adang",
            "rnadang",
            "Madang!",
            "ma\u{200b}dang",
            "system",
            "SYSTEM",
            "Ѕystem",
            "ѕуѕtеm",
            "Madang System",
            "마당",
            "마 당",
            "\u{1106}\u{1161}\u{1103}\u{1161}\u{11bc}",
            "마당지기",
            "시스템",
            "guest",
            "Guest",
            "guest-ab12",
            "Guest x3k9",
            "guest_x",
            "ɡuest-1",
            "GUEST-1",
            "손님",
            "손님 x3k9",
            "게스트-1",
        ] {
            assert!(is_reserved(name), "{name:?}");
        }
    }

    #[test]
    fn ordinary_names_are_free() {
        for name in [
            "Ada",
            "민수",
            "guesthouse",
            "손님맞이",
            "마당발",
            "systemd",
            "Madangchi",
            "시스템공학",
            "!",
            "👍",
            "1",
        ] {
            assert!(!is_reserved(name), "{name:?}");
        }
    }

    #[test]
    fn names_that_look_alike_share_their_look() {
        for (a, b) in [
            ("Kim", "kim"),
            ("Kim", "Kіm"),
            ("Kim", "КIM"),
            ("Kim", "Ｋｉｍ"),
            ("Kim", "K\u{200b}im"),
            ("Kim", "Kim\u{200d}"),
            ("paypal", "pаypаl"),
            ("lan", "Ian"),
            ("BOB", "B0B"),
            ("corn", "com"),
            ("김철수", "\u{1100}\u{1175}\u{11b7}철수"),
            ("Amélie", "Ame\u{301}lie"),
            ("Kim", "Kim · x7f2"),
            ("Kim", "Kim·x7f2"),
            ("Kim", "kim • x7f2"),
            ("Kim", "Kim ・ X7F2"),
            ("Kim", "Kim · х7f2"),
            ("Kim", "Kim · x7f2 · ab12"),
        ] {
            assert_eq!(look(a), look(b), "{a:?} {b:?}");
        }
        for (a, b) in [
            ("Kim", "Kin"),
            ("민수", "민주"),
            ("Ada", "Adam"),
            ("", "x"),
            ("👍", "👎"),
            ("Kim", "Kim 2024"),
            ("Kim", "Kim · x7f"),
            ("", "· x7f2"),
        ] {
            assert_ne!(look(a), look(b), "{a:?} {b:?}");
        }
        assert_eq!(look(""), 0);
    }
}
