//! A message in one line, and how high it is.

/// Lines that a message may have before it folds.
const LINES: usize = 24;

/// Columns of a line in a wide window; a letter beyond Latin takes two.
const COLUMNS: usize = 80;

/// The first line of `body` in which something is seen; the fence of a code block is not what a message says.
pub(crate) fn first_line(body: &str) -> &str {
    let mut lines = body.lines().map(str::trim).filter(|line| line.chars().any(is_seen));
    let first = lines.clone().next().unwrap_or_default();
    lines.find(|line| !line.starts_with("```") && !line.starts_with("~~~")).unwrap_or(first)
}

/// Returns true if `body` is so high that it is shown folded.
pub(crate) fn is_high(body: &str) -> bool {
    let height = |line: &str| {
        let columns: usize = line.chars().map(|c| if c < '\u{1100}' { 1 } else { 2 }).sum();
        columns.div_ceil(COLUMNS).max(1)
    };
    body.lines().map(height).sum::<usize>() > LINES
}

/// Returns true if `c` is likely seen. The server knows for certain; here it costs no table.
fn is_seen(c: char) -> bool {
    c.is_ascii_graphic()
        || (c.is_alphanumeric() || c > '\u{2190}')
            && !matches!(c, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3000}' | '\u{3164}' | '\u{ffa0}')
            && !matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffc}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_begins_at_the_first_seen_line() {
        for (body, line) in [
            ("one\ntwo", "one"),
            ("\n \n  one \ntwo", "one"),
            ("\u{3164}\n\u{2800}\none", "one"),
            ("```rust\nfn main() {}\n```", "fn main() {}"),
            ("~~~\n코드\n~~~", "코드"),
            ("```", "```"),
            ("👍\nok", "👍"),
            ("\u{200b}\n\u{fe0f}\n。\n네", "。"),
            ("", ""),
        ] {
            assert_eq!(first_line(body), line, "{body:?}");
        }
    }

    #[test]
    fn a_message_of_many_lines_is_high() {
        assert!(!is_high(&"line\n".repeat(24)));
        assert!(is_high(&"line\n".repeat(25)));
        assert!(is_high(&"\n".repeat(25)));
        assert!(!is_high(&"a".repeat(24 * 80)));
        assert!(is_high(&"가".repeat(12 * 80 + 1)));
    }
}
