//! JSON as tools really send it, which is not always JSON.

use serde_json::Value;

/// Deepest nesting that is read; what is deeper is read as `null`. Well below the depth at which `serde_json`
/// refuses the whole.
const DEPTH: usize = 64;

/// Reads JSON. Templates that paste logs into JSON make raw line breaks, unknown escapes, halves of surrogate
/// pairs and commas before a closing bracket; these are repaired.
///
/// # Errors
/// The sentence of `serde_json` about the text as it came.
pub(super) fn read(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text).or_else(|error| serde_json::from_str(&repaired(text)).map_err(|_| error))
}

/// The text with every fault mended that can be mended without a guess.
fn repaired(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut chars = text.chars().peekable();
    let mut depth: usize = 0;
    while let Some(char) = chars.next() {
        match char {
            '"' => {
                let string = string(&mut chars);
                if depth <= DEPTH {
                    out.push_str(&string);
                }
            }
            '[' | '{' => {
                depth += 1;
                if depth == DEPTH + 1 {
                    out.push_str("null");
                } else if depth <= DEPTH {
                    out.push(char);
                }
            }
            ']' | '}' => {
                if depth <= DEPTH {
                    let kept = out.trim_end().trim_end_matches(',').len();
                    out.truncate(kept);
                    out.push(char);
                }
                depth = depth.saturating_sub(1);
            }
            _ if depth > DEPTH => {}
            _ => out.push(char),
        }
    }
    out
}

/// One string, from behind its opening quote to its closing one, as JSON has it.
fn string(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut out = String::from('"');
    while let Some(char) = chars.next() {
        match char {
            '"' => {
                out.push('"');
                break;
            }
            '\\' => escape(chars, &mut out),
            char if char < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(char))),
            char => out.push(char),
        }
    }
    out
}

/// Reads the rest of an escape, behind its backslash.
fn escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    let known = |char: &char| matches!(char, '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't');
    if let Some(char) = chars.next_if(known) {
        out.push('\\');
        out.push(char);
        return;
    }
    let mut ahead = chars.clone();
    match unit(&mut ahead) {
        None => out.push_str("\\\\"),
        Some(0xdc00..=0xdfff) => {
            *chars = ahead;
            out.push('\u{fffd}');
        }
        Some(high @ 0xd800..=0xdbff) => {
            *chars = ahead.clone();
            let low = if ahead.next() == Some('\\') { unit(&mut ahead) } else { None };
            match low {
                Some(low @ 0xdc00..=0xdfff) => {
                    *chars = ahead;
                    out.push_str(&format!("\\u{high:04x}\\u{low:04x}"));
                }
                _ => out.push('\u{fffd}'),
            }
        }
        Some(unit) => {
            *chars = ahead;
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
}

/// The number of `u` and four hexadecimal digits.
fn unit(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<u32> {
    chars.next_if_eq(&'u')?;
    (0..4).try_fold(0, |unit, _| Some(unit * 16 + chars.next()?.to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_with_faults_of_templates_is_mended() {
        for (sent, meant) in [
            ("{\"a\":\"x\ny\"}", json!({"a": "x\ny"})),
            ("{\"a\":\"x\r\n\ty\u{1}\"}", json!({"a": "x\r\n\ty\u{1}"})),
            (r#"{"a":"C:\Users\new"}"#, json!({"a": "C:\\Users\new"})),
            (r#"{"a":"it\'s"}"#, json!({"a": "it\\'s"})),
            (r#"{"a":"\ud83d\n"}"#, json!({"a": "\u{fffd}\n"})),
            (
                r#"{"a":"\ude00 \ud83d\ude00 \uac00 \u12","b":1,}"#,
                json!({"a": "\u{fffd} 😀 가 \\u12", "b": 1}),
            ),
            (r#"{"a":[1,2, ],}"#, json!({"a": [1, 2]})),
        ] {
            assert_eq!(read(sent).unwrap(), meant, "{sent:?}");
        }
    }

    #[test]
    fn deep_nesting_is_cut_and_not_refused() {
        let deep = format!(r#"{{"text":"x","a":{}"]"{},"b":1}}"#, "[".repeat(20_000), "]".repeat(20_000));
        let read = read(&deep).unwrap();
        assert_eq!((&read["text"], &read["b"]), (&json!("x"), &json!(1)));
        let deep = format!(r#"{{"text":"x","a":{}1{}}}"#, r#"{"a":"#.repeat(500), "}".repeat(500));
        assert_eq!(super::read(&deep).unwrap()["text"], "x");
    }

    #[test]
    fn invalid_json_stays_refused() {
        for text in ["", "{", "x", r#"{"a":"b"#, r#"{"a" "b"}"#, "{}{}", "[", "]", "\"", "\\"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
