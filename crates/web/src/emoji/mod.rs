//! Emoji to choose from, in the groups of Unicode, and search among them by English and Korean words.
//!
//! Pure: the picker shows what is found here. `make.mjs` makes the data; the server's test of its own rule for emoji
//! reads them, too.

mod grid;
mod search;

pub(crate) use grid::moved;
pub(crate) use search::search;

/// See `make.mjs`.
const DATA: &str = include_str!("data.txt");

/// Begins the line of a group.
const GROUP: &str = "#\t";

/// Maximum emoji in the list of those that were used last.
const RECENT: usize = 18;

/// An emoji that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Emoji {
    /// As the server spells it.
    pub(crate) text: &'static str,
    english: &'static str,
    korean: &'static str,
    /// Words to find it by, besides its names. In small letters, a space between them.
    further: &'static str,
}

/// Emoji below one heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) emoji: Vec<Emoji>,
}

impl Emoji {
    /// Reads a line of the data; `None` if it is a group's.
    fn read(line: &'static str) -> Option<Self> {
        let mut fields = Some(line).filter(|line| !line.starts_with(GROUP))?.split('\t');
        let mut next = || fields.next().unwrap_or_default();
        Some(Self { text: next(), english: next(), korean: next(), further: next() })
    }

    /// The name in Korean or in English.
    pub(crate) fn name(&self, korean: bool) -> &'static str {
        if korean { self.korean } else { self.english }
    }
}

/// All emoji, in Unicode's order.
fn all() -> impl Iterator<Item = Emoji> {
    DATA.lines().filter_map(Emoji::read)
}

/// All emoji in their groups, which are named in Korean or in English.
pub(crate) fn groups(korean: bool) -> Vec<Section> {
    let mut groups = Vec::<Section>::new();
    for line in DATA.lines() {
        match (Emoji::read(line), groups.last_mut()) {
            (Some(emoji), Some(group)) => group.emoji.push(emoji),
            _ => {
                let name = line.split('\t').nth(if korean { 2 } else { 1 }).unwrap_or_default();
                groups.push(Section { name, emoji: Vec::new() });
            }
        }
    }
    groups
}

/// The emoji of a list as it is kept in the browser, the newest first; what is no emoji is left out.
pub(crate) fn recent(kept: &str) -> Vec<Emoji> {
    kept.split(' ').take(RECENT).filter_map(|text| all().find(|emoji| emoji.text == text)).collect()
}

/// The list as it is to be kept after `emoji` was used.
pub(crate) fn used(kept: &str, emoji: Emoji) -> String {
    let others = kept.split(' ').filter(|text| !text.is_empty() && *text != emoji.text);
    std::iter::once(emoji.text).chain(others).take(RECENT).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_emoji_is_whole_and_stands_once() {
        let mut seen = std::collections::HashSet::new();
        for emoji in all() {
            assert!(seen.insert(emoji.text), "{emoji:?}");
            assert!(!emoji.english.is_empty() && !emoji.korean.is_empty(), "{emoji:?}");
        }
        assert!(seen.len() > 1_900, "{}", seen.len());
    }

    #[test]
    fn groups_are_unicodes_in_either_language() {
        let names = |korean| groups(korean).iter().map(|group| group.name).collect::<Vec<_>>();
        assert_eq!(names(false).len(), 9);
        assert_eq!(names(false)[0], "Smileys and emotion");
        assert_eq!(names(true)[0], "표정과 감정");
        assert_eq!(groups(true)[0].emoji[0].name(true), "활짝 웃는 얼굴");
        assert_eq!(groups(false).iter().map(|group| group.emoji.len()).sum::<usize>(), all().count());
    }

    #[test]
    fn used_emoji_move_to_the_front() {
        let emoji = |text| all().find(|emoji| emoji.text == text).unwrap();
        let kept = used(&used(&used("", emoji("🎉")), emoji("👍")), emoji("🎉"));
        assert_eq!(kept, "🎉 👍");
        assert_eq!(recent("🎉 <b> 👍"), [emoji("🎉"), emoji("👍")]);
        let many = all().fold(String::new(), |kept, emoji| used(&kept, emoji));
        assert_eq!(recent(&many).len(), RECENT);
        assert_eq!(recent(""), []);
    }
}
