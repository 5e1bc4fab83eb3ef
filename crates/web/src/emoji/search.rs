//! Search by words of both languages, or their parts.

use super::{Emoji, all};

/// Maximum emoji of a result: who looks for one has looked at fewer.
const RESULTS: usize = 240;

/// Emoji that most people mean, among equal matches.
const COMMON: [&str; 12] = ["❤️", "👍", "😂", "🎉", "😮", "😢", "😊", "😭", "🙏", "👏", "🔥", "✅"];

/// Number of letters that may end a Hangul syllable, none among them, and of its vowels.
const FINALS: u32 = 28;
const VOWELS: u32 = 21;
const FIRST_SYLLABLE: u32 = '가' as u32;

/// Returns the emoji that all words of `typed` lead to, the best match first: by a whole word, by how a word begins, by
/// a part of it, each in the name before the further words; then common emoji and short names first.
///
/// While a syllable is being `composed`, and nothing has it, the last letter does not count: it may begin the next one.
pub(crate) fn search(typed: &str, composed: bool) -> Vec<Emoji> {
    let typed = &whole(&typed.to_lowercase());
    let found = found(typed);
    match unfinished(typed).filter(|_| composed && found.is_empty()) {
        Some(shorter) => self::found(&shorter),
        None => found,
    }
}

fn found(typed: &str) -> Vec<Emoji> {
    let words: Vec<&str> = typed.split_whitespace().collect();
    let rank = |emoji: &Emoji| words.iter().map(|word| rank(emoji, word)).sum::<Option<u32>>();
    let tie = |emoji: &Emoji| (!COMMON.contains(&emoji.text), emoji.name(!typed.is_ascii()).chars().count());
    let mut found: Vec<_> = all()
        .filter(|_| !words.is_empty())
        .filter_map(|emoji| Some((rank(&emoji)?, tie(&emoji), emoji)))
        .collect();
    found.sort_by_key(|(rank, tie, _)| (*rank, *tie));
    found.into_iter().take(RESULTS).map(|(_, _, emoji)| emoji).collect()
}

/// Returns how well a word leads to an emoji, 0 the best; `None` if it does not.
fn rank(emoji: &Emoji, word: &str) -> Option<u32> {
    let name = emoji.english.to_lowercase() + " " + emoji.korean;
    let between = |c: char| c == ' ' || c.is_ascii_punctuation() || "“”’".contains(c);
    let ways = [
        name.split(between).any(|named| named == word),
        emoji.further.split(' ').any(|further| further == word),
        name.split(between).any(|named| named.starts_with(word)),
        emoji.further.split(' ').any(|further| further.starts_with(word)),
        name.contains(word),
        emoji.further.contains(word),
    ];
    (0..).zip(ways).find(|(_, leads)| *leads).map(|(rank, _)| rank)
}

/// Puts Hangul syllables together that were typed as single letters (NFD), and leaves accents out.
fn whole(typed: &str) -> String {
    let mut text = String::new();
    for letter in typed.chars() {
        let last = text.chars().next_back().unwrap_or_default();
        let joined = match (last, letter) {
            (_, '\u{300}'..='\u{36f}') => continue,
            ('ᄀ'..='ᄒ', 'ᅡ'..='ᅵ') => {
                FIRST_SYLLABLE + ((last as u32 - 'ᄀ' as u32) * VOWELS + (letter as u32 - 'ᅡ' as u32)) * FINALS
            }
            ('가'..='힣', 'ᆨ'..='ᇂ') if final_letter(last) == 0 => {
                last as u32 + (letter as u32 - 'ᆨ' as u32 + 1)
            }
            _ => {
                text.push(letter);
                continue;
            }
        };
        text.pop();
        text.extend(char::from_u32(joined));
    }
    text
}

/// Returns the number of the letter that ends a syllable; 0 if none does.
fn final_letter(syllable: char) -> u32 {
    (syllable as u32 - FIRST_SYLLABLE) % FINALS
}

/// Returns `typed` without the letter that was typed last, if it is Hangul and something is left.
fn unfinished(typed: &str) -> Option<String> {
    let last = typed.chars().next_back()?;
    let rest = typed.strip_suffix(last)?.to_owned();
    let final_letter = match last {
        '가'..='힣' => final_letter(last),
        'ㄱ'..='ㅣ' => 0,
        _ => return None,
    };
    match char::from_u32(last as u32 - final_letter).filter(|_| final_letter > 0) {
        Some(open) => Some(rest + open.encode_utf8(&mut [0; 4])),
        None => Some(rest).filter(|rest| !rest.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(typed: &str) -> Vec<&'static str> {
        search(typed, false).iter().map(|emoji| emoji.text).collect()
    }

    #[test]
    fn hearts_are_found_in_both_languages() {
        assert_eq!(texts("heart")[0], "❤️");
        assert_eq!(texts("하트")[..2], ["❤️", "♥️"]);
        assert!(texts("웃").contains(&"😀"));
        assert!(texts("웃음").contains(&"😀"));
    }

    #[test]
    fn best_match_comes_first() {
        for (typed, first) in [
            ("cat", "🐈"),
            ("thumbs up", "👍"),
            ("좋아요", "👍"),
            ("korea", "🇰🇵"),
            ("south korea", "🇰🇷"),
            ("대한민국", "🇰🇷"),
            ("고양이", "🐈"),
            ("party", "🎉"),
            ("박수", "👏"),
            ("<3", "❤️"),
            ("+1", "👍"),
        ] {
            assert_eq!(texts(typed)[0], first, "{typed}: {:?}", texts(typed));
        }
    }

    #[test]
    fn word_beginning_comes_before_word_containing() {
        let found = texts("up");
        let place = |text| found.iter().position(|found| *found == text).unwrap();
        assert!(place("👍") < place("🧁"), "thumbs up before cupcake");
        let found = texts("이스");
        assert!(found.contains(&"👍"), "a part of 나이스");
    }

    #[test]
    fn several_words_mean_all_of_them() {
        assert_eq!(texts("빨간 하트"), ["❤️"]);
        assert_eq!(texts("heart red blue"), Vec::<&str>::new());
        assert_eq!(texts("  red   heart "), texts("red heart"));
    }

    #[test]
    fn letters_case_and_accents_do_not_matter() {
        assert_eq!(texts("HEART"), texts("heart"));
        assert_eq!(texts("\u{1112}\u{1161}\u{1110}\u{1173}"), texts("하트"));
        assert_eq!(texts("\u{110b}\u{116e}\u{11ba}"), texts("웃"));
        assert_eq!(texts("\u{1103}\u{1161}\u{11b0}"), texts("닭"));
        for typed in ["Réunion", "re\u{301}union", "reunion", "RÉUNION"] {
            assert_eq!(texts(typed)[0], "🇷🇪", "{typed}");
        }
        assert_eq!(texts("åland")[0], texts("Aland")[0]);
        assert_eq!(whole("각힣 \u{1100}\u{11a8}a\u{1161}"), "각힣 \u{1100}\u{11a8}a\u{1161}");
    }

    #[test]
    fn nothing_is_found_without_words() {
        assert_eq!(texts(""), Vec::<&str>::new());
        assert_eq!(texts("  "), Vec::<&str>::new());
        assert_eq!(texts("뷁뷁"), Vec::<&str>::new());
        assert!(search("e", false).len() <= RESULTS);
    }

    #[test]
    fn syllable_being_composed_may_end_early() {
        for (typed, whole) in [("핱", "하"), ("안ㄱ", "안"), ("안겨", "안"), ("하틏", "하트")] {
            assert_eq!(search(typed, false), [], "{typed}");
            assert_eq!(search(typed, true), search(whole, false), "{typed}");
            assert!(!search(typed, true).is_empty(), "{typed}");
        }
        for nothing in ["ㄸ", "뷁", "xyz"] {
            assert_eq!(search(nothing, true), [], "{nothing}");
        }
        assert_eq!(search("웃", true), search("웃", false));
    }
}
