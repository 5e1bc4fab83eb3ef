//! Rules for what people type. Both sides apply them: the page to tell early, the server to be sure.

use crate::RefusalCode;

/// Longest nickname, in Unicode scalar values.
pub const NAME_CHARS: usize = 40;

/// Longest room title, in Unicode scalar values.
pub const TITLE_CHARS: usize = 80;

/// Whether `body` may be a message of at most `max` characters (0: any length).
pub fn check_body(body: &str, max: u32) -> Result<(), RefusalCode> {
    if is_blank(body) {
        return Err(RefusalCode::Empty);
    }
    if max != 0 && body.chars().count() > max as usize {
        return Err(RefusalCode::TooLong);
    }
    Ok(())
}

/// `typed` as a nickname: one line, trimmed, runs of space folded.
///
/// # Errors
/// [`RefusalCode::Empty`] if nothing visible is left, [`RefusalCode::TooLong`] over [`NAME_CHARS`].
pub fn nickname(typed: &str) -> Result<String, RefusalCode> {
    one_line(typed, NAME_CHARS)
}

/// `typed` as a room's title: one line, trimmed, runs of space folded.
///
/// # Errors
/// [`RefusalCode::Empty`] if nothing visible is left, [`RefusalCode::TooLong`] over [`TITLE_CHARS`].
pub fn room_title(typed: &str) -> Result<String, RefusalCode> {
    one_line(typed, TITLE_CHARS)
}

fn one_line(typed: &str, max: usize) -> Result<String, RefusalCode> {
    let visible: String = typed
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_direction_control(*c))
        .collect();
    let line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    if is_blank(&line) {
        return Err(RefusalCode::Empty);
    }
    if line.chars().count() > max {
        return Err(RefusalCode::TooLong);
    }
    Ok(line)
}

/// Characters that reorder the text around them: a name that holds one could rewrite its neighbours.
fn is_direction_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}')
}

/// Nothing that leaves a mark: white space, control and zero-width characters, Hangul fillers.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || c.is_control()
            || is_direction_control(c)
            || matches!(
                c,
                '\u{200b}'
                    ..='\u{200d}'
                        | '\u{2060}'
                        | '\u{feff}'
                        | '\u{00ad}'
                        | '\u{3164}'
                        | '\u{115f}'
                        | '\u{1160}'
                        | '\u{ffa0}'
            )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_of_invisible_characters_is_empty() {
        for body in ["", "  \n\t", "\u{200b}\u{feff}", "\u{3164}", "\u{202e}"] {
            assert_eq!(check_body(body, 10), Err(RefusalCode::Empty), "{body:?}");
        }
    }

    #[test]
    fn a_body_is_counted_in_characters_not_bytes() {
        assert_eq!(check_body(&"가".repeat(10), 10), Ok(()));
        assert_eq!(check_body(&"가".repeat(11), 10), Err(RefusalCode::TooLong));
        assert_eq!(check_body(&"a".repeat(100_000), 0), Ok(()), "0 means no limit");
    }

    #[test]
    fn a_nickname_is_one_trimmed_line_without_direction_tricks() {
        assert_eq!(nickname("  김\u{202e} \n 철수 ").as_deref(), Ok("김 철수"));
        assert_eq!(nickname(" \u{200b} "), Err(RefusalCode::Empty));
        assert_eq!(nickname(&"n".repeat(41)), Err(RefusalCode::TooLong));
    }
}
