//! A text that is longer than a message may be, in several messages.

/// Messages that one request makes at most.
const PAGES: usize = 3;

/// A line of words that a page keeps for saying that it was cut.
const NOTE: usize = 48;

/// The text in messages of at most `max` characters (0: any length). Each that is cut shows it in its last line; what
/// does not fit into the last one is left out, and counted there.
pub(super) fn pages(text: &str, max: usize) -> Vec<String> {
    if max == 0 || text.chars().count() <= max {
        return vec![text.to_owned()];
    }
    let mut pages = Vec::new();
    let mut rest = text;
    while pages.len() < PAGES {
        let length = rest.chars().count();
        if length <= max {
            pages.push(rest.to_owned());
            break;
        }
        let is_last = pages.len() + 1 == PAGES;
        let room = if max > 2 * NOTE { max - NOTE } else { max.saturating_sub(10).max(max / 2) };
        let (page, after) = cut(rest, room);
        let left = after.chars().count();
        let note = match is_last {
            true if room + NOTE <= max => format!("… (cut here: {left} characters more)"),
            true => "… (cut)".to_owned(),
            false => "… (more)".to_owned(),
        };
        let free = max.saturating_sub(page.chars().count());
        let note = match free {
            0 => String::new(),
            free if free <= note.chars().count() => "…".to_owned(),
            _ => format!("\n{note}"),
        };
        pages.push(format!("{page}{note}"));
        rest = after;
    }
    pages.retain(|page| !page.trim().is_empty());
    pages
}

/// The text's beginning of at most `room` characters, and what follows: parted at the end of a line or of a word, if
/// there is one in its second half; else anywhere but before a sign that joins what stands before it.
fn cut(text: &str, room: usize) -> (&str, &str) {
    let place = |count: usize| text.char_indices().nth(count).map_or(text.len(), |(at, _)| at);
    let (half, end) = (place(room / 2), place(room.max(1)));
    let head = text.get(half..end).unwrap_or_default();
    let space = head.rfind('\n').or_else(|| head.rfind([' ', '\t']));
    let at = match space {
        Some(space) => half + space,
        None => (half..=end).rev().find(|at| text.get(*at..).is_some_and(begins)).unwrap_or(end),
    };
    let at = if at == 0 { end } else { at };
    let (page, rest) = text.split_at(at);
    (page.trim_end(), rest.strip_prefix(['\n', ' ', '\t']).unwrap_or(rest))
}

/// Returns true if a page may begin with this text: not with a mark, a joiner or a skin colour of the character before.
fn begins(text: &str) -> bool {
    !text.starts_with(|char| {
        matches!(char, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{200d}' | '\u{20d0}'..='\u{20ff}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{1160}'..='\u{11ff}' | '\u{1f3fb}'..='\u{1f3ff}')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_fits_is_one_message() {
        assert_eq!(pages("가나다", 3), ["가나다"]);
        assert_eq!(pages(&"x".repeat(100_000), 0).len(), 1);
    }

    #[test]
    fn longer_text_continues_in_next_messages() {
        let text = "one two three four five\nsix seven";
        assert_eq!(pages(text, 30), ["one two three four\n… (more)", "five\nsix seven"]);
        let lines: Vec<String> = (0..300).map(|n| format!("line {n} is of some length")).collect();
        let pages = pages(&lines.join("\n"), 5_000);
        let again: Vec<&str> =
            pages.iter().flat_map(|page| page.lines()).filter(|line| !line.starts_with('…')).collect();
        assert_eq!(again, lines);
        assert!(pages.len() == 2 && pages[0].ends_with("\n… (more)"));
    }

    #[test]
    fn text_beyond_three_messages_is_cut_and_counted() {
        for max in [1, 2, 5, 8, 20, 97, 500, 8_000] {
            let made = pages(&"가".repeat(40_000), max);
            assert_eq!(made.len(), 3, "{max}");
            assert!(
                made.iter().all(|page| page.chars().count() <= max && !page.is_empty()),
                "{max}: {made:?}"
            );
        }
        let made = pages(&"x".repeat(30_000), 8_000);
        let shown: usize = made.iter().map(|page| page.matches('x').count()).sum();
        assert_eq!(
            made[2].lines().last(),
            Some(format!("… (cut here: {} characters more)", 30_000 - shown).as_str())
        );
        assert_eq!(pages(&"x".repeat(70), 20)[2], format!("{}\n… (cut)", "x".repeat(10)));
    }

    #[test]
    fn characters_stay_whole() {
        let family = "👨‍👩‍👧".repeat(40);
        for page in pages(&family, 20) {
            assert!(!page.starts_with('\u{200d}'), "{page:?}");
        }
    }
}
