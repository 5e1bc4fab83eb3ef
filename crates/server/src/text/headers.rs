//! Headers that a message may carry, set by programs beside its text, by STOMP or by the API.

use madang_protocol::{Headers, RefusalCode};

/// Checks the headers of a message, for every protocol.
///
/// # Errors
/// More or longer ones than may be, a name that is empty, padded, or holds a control character, one of the server's own
/// names, or a value with a control character other than tab, LF and CR: [`RefusalCode::BadHeaders`].
pub fn headers(headers: &Headers) -> Result<(), RefusalCode> {
    let fit = headers.len() <= Headers::MAX && headers.bytes() <= Headers::MAX_BYTES;
    let well = headers.iter().all(|(name, value)| is_name(name) && is_value(value));
    if fit && well { Ok(()) } else { Err(RefusalCode::BadHeaders) }
}

/// Returns true for a name that is not a sender's to give to a message: STOMP's own on SEND and MESSAGE, Madang's own
/// there, and what programs sign in with, which others must not read.
pub fn is_own(name: &str) -> bool {
    const OWN: [&str; 19] = [
        "about",
        "ack",
        "at",
        "bot",
        "cmid",
        "content-length",
        "destination",
        "login",
        "message-id",
        "nickname",
        "passcode",
        "receipt",
        "redelivered",
        "reply-to",
        "seq",
        "subscription",
        "transaction",
        "type",
        "user",
    ];
    let is_secret = ["authorization", "cookie"].iter().any(|secret| name.eq_ignore_ascii_case(secret));
    OWN.contains(&name) || is_secret
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.trim() == name && !name.contains(char::is_control) && !is_own(name)
}

fn is_value(value: &str) -> bool {
    !value.contains(|c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_taken<const N: usize>(all: [(&str, &str); N]) -> bool {
        headers(&all.into_iter().collect()).is_ok()
    }

    #[test]
    fn names_and_values_are_held_to_their_rules() {
        assert!(is_taken([]));
        assert!(is_taken([("content-type", "application/json"), ("Seq", "7"), ("우선 순위", " 높음 ")]));
        assert!(is_taken([("a:b", "c:d\r\n\te\\"), ("empty", "")]));
        for name in
            ["", " ", " seq", "seq ", "a\nb", "a\0", "a\u{85}b", "\u{a0}x", "seq", "user", "cookie", "COOKIE"]
        {
            assert!(!is_taken([(name, "x")]), "{name:?}");
        }
        for value in ["\0", "a\u{1b}[31m", "\u{7f}", "\u{9b}"] {
            assert!(!is_taken([("x", value)]), "{value:?}");
        }
    }

    #[test]
    fn so_many_and_so_long_as_may_be() {
        let many = |count: usize| (0..count).map(|n| (n.to_string(), "x")).collect();
        assert!(headers(&many(Headers::MAX)).is_ok() && headers(&many(Headers::MAX + 1)).is_err());
        let long = |bytes: usize| [("name", "x".repeat(bytes - 4))].into_iter().collect();
        assert!(
            headers(&long(Headers::MAX_BYTES)).is_ok() && headers(&long(Headers::MAX_BYTES + 1)).is_err()
        );
    }
}
