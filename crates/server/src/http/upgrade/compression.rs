//! Negotiation of compression, `permessage-deflate` (RFC 7692, 5 and 7.1): the first offer that can be kept is taken.
//!
//! Both sides always begin anew with each message, so that one compressed form serves all receivers, and an idle
//! connection keeps nothing. A smaller window of the peer is kept by sending longer messages as they are.

use axum::http::header::SEC_WEBSOCKET_EXTENSIONS;
use axum::http::{HeaderMap, HeaderValue};

use crate::deflate::WINDOW_BITS;

const NAME: &str = "permessage-deflate";
const ANSWER: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// An offer that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Compression {
    /// Base-2 logarithm of the window that the peer asked for.
    server_window_bits: Option<u8>,
}

impl Compression {
    /// Returns the first offer that can be kept.
    pub(super) fn choose(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(SEC_WEBSOCKET_EXTENSIONS).into_iter();
        let mut offers = values.filter_map(|value| value.to_str().ok()).flat_map(|value| split(value, ','));
        offers.find_map(accepted)
    }

    /// Returns the base-2 logarithm of the window that messages to the peer may refer back in.
    pub(super) fn window_bits(self) -> u8 {
        self.server_window_bits.unwrap_or(WINDOW_BITS)
    }

    /// Returns the value of the answer's header.
    pub(super) fn answer(self) -> Option<HeaderValue> {
        match self.server_window_bits {
            None => Some(HeaderValue::from_static(ANSWER)),
            Some(bits) => HeaderValue::try_from(format!("{ANSWER}; server_max_window_bits={bits}")).ok(),
        }
    }
}

/// Takes an offer, or declines it: another extension, or one with a parameter that is unknown, repeated or malformed.
fn accepted(offer: &str) -> Option<Compression> {
    let mut parts = split(offer, ';');
    if parts.next() != Some(NAME) {
        return None;
    }
    let mut server_window_bits = None;
    let mut seen = Vec::new();
    for parameter in parts {
        let (name, value) = match parameter.split_once('=') {
            Some((name, value)) => (name.trim_end(), Some(unquoted(value.trim_start())?)),
            None => (parameter, None),
        };
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
        match (name, value) {
            // Both are done anyway; what window the client may use is no matter, as any is read.
            (
                "server_no_context_takeover" | "client_no_context_takeover" | "client_max_window_bits",
                None,
            ) => {}
            ("client_max_window_bits", Some(bits)) if window(bits).is_some() => {}
            ("server_max_window_bits", Some(bits)) => server_window_bits = Some(window(bits)?),
            _ => return None,
        }
    }
    Some(Compression { server_window_bits })
}

/// Reads the base-2 logarithm of a window: 8 to 15, without zeros before it.
fn window(bits: &str) -> Option<u8> {
    let number = bits.parse().ok().filter(|number| (8..=WINDOW_BITS).contains(number))?;
    (number.to_string() == bits).then_some(number)
}

/// Returns a word without its quotation marks, if it has any. No word of a parameter needs an escape.
fn unquoted(value: &str) -> Option<&str> {
    let word = match value.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"')?,
        None => value,
    };
    (!word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(word)
}

/// Returns the parts of a list; what is quoted has no separators.
fn split(list: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let parts = list.split(move |c| {
        let is_plain = !std::mem::take(&mut is_escaped);
        is_escaped = is_quoted && is_plain && c == '\\';
        is_quoted ^= is_plain && c == '"';
        c == separator && !is_quoted
    });
    parts.map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(values: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(value));
        }
        let taken = Compression::choose(&headers)?;
        Some(taken.answer()?.to_str().unwrap().strip_prefix(ANSWER).unwrap().to_owned())
    }

    #[test]
    fn offers_of_browsers_are_taken() {
        for offer in [
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate;client_no_context_takeover ; server_no_context_takeover",
            "permessage-deflate; client_max_window_bits=10",
            "permessage-deflate; client_max_window_bits=\"8\"",
        ] {
            assert_eq!(answer(&[offer]).as_deref(), Some(""), "{offer}");
        }
    }

    #[test]
    fn window_of_the_server_is_kept_and_confirmed() {
        for bits in 8..=15_u8 {
            let offer = format!("permessage-deflate; server_max_window_bits={bits}");
            let taken = accepted(&offer).unwrap();
            assert_eq!(taken.window_bits(), bits);
            assert_eq!(taken.answer().unwrap(), format!("{ANSWER}; server_max_window_bits={bits}"));
        }
        assert_eq!(accepted("permessage-deflate").unwrap().window_bits(), 15);
    }

    #[test]
    fn first_offer_that_can_be_kept_is_taken() {
        let bad = "x-webkit-deflate-frame, permessage-deflate; mode=\"a,permessage-deflate\"";
        assert_eq!(answer(&[bad]), None);
        let second =
            "permessage-deflate; server_max_window_bits=7, permessage-deflate; server_max_window_bits=9";
        assert_eq!(answer(&[second]).as_deref(), Some("; server_max_window_bits=9"));
        assert_eq!(answer(&[bad, ", permessage-deflate ,permessage-deflate; x"]).as_deref(), Some(""));
    }

    #[test]
    fn malformed_offers_are_declined_one_by_one() {
        for offer in [
            "",
            ",",
            "permessage-deflat",
            "permessage-deflate; ",
            "permessage-deflate; unknown",
            "permessage-deflate; unknown=1",
            "permessage-deflate; client_max_window_bits; client_max_window_bits",
            "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=",
            "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=09",
            "permessage-deflate; server_max_window_bits=+9",
            "permessage-deflate; server_max_window_bits=\"9",
            "permessage-deflate; client_max_window_bits=\"1\\0\"",
            "permessage-deflate; client_no_context_takeover=1",
            "permessage-deflate; server_no_context_takeover=\"\"",
            "permessage-deflate\"; x",
        ] {
            assert_eq!(accepted(offer), None, "{offer}");
        }
    }
}
