//! Rules for what people type that the page checks too, to tell early. The server has more of them, and the last word.

use crate::RefusalCode;

/// Longest nickname, in Unicode scalar values.
pub const NAME_CHARS: usize = 40;

/// Longest room title, in Unicode scalar values.
pub const TITLE_CHARS: usize = 80;

/// Checks that `body` may be a message of at most `max` characters (0: any length). It may still hold nothing that
/// leaves a mark: the tables that tell would weigh on every page, so the server tells.
///
/// # Errors
/// [`RefusalCode::Empty`] if it is white space alone, [`RefusalCode::TooLong`] over `max`.
pub fn check_body(body: &str, max: u32) -> Result<(), RefusalCode> {
    if body.chars().all(|c| c.is_whitespace() || c.is_control()) {
        return Err(RefusalCode::Empty);
    }
    if max != 0 && body.chars().count() > max as usize {
        return Err(RefusalCode::TooLong);
    }
    Ok(())
}

/// Returns `typed` as one line, trimmed, with runs of space folded: a nickname or a title, before the server has taken
/// from it what is not seen.
///
/// # Errors
/// [`RefusalCode::Empty`] if nothing is left, [`RefusalCode::TooLong`] over `max` characters.
pub fn one_line(typed: &str, max: usize) -> Result<String, RefusalCode> {
    let line = typed.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return Err(RefusalCode::Empty);
    }
    if line.chars().count() > max {
        return Err(RefusalCode::TooLong);
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_of_white_space_is_empty() {
        for body in ["", "  \n\t", "\u{3000}", "\u{0}\u{7}"] {
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
    fn a_line_is_trimmed_and_folded() {
        assert_eq!(one_line("  김 \n 철수 ", 40).as_deref(), Ok("김 철수"));
        assert_eq!(one_line(" \u{3000} ", 40), Err(RefusalCode::Empty));
        assert_eq!(one_line("nnnn", 3), Err(RefusalCode::TooLong));
    }
}
