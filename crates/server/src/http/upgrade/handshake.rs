//! The handshake of RFC 6455, 4.2.

use axum::body::Body;
use axum::http::header::{
    CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, SET_COOKIE, UPGRADE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tungstenite::handshake::derive_accept_key;

use super::compression::Compression;

/// Returns true if a request asks for a WebSocket at all.
pub(in crate::http) fn is_asked(headers: &HeaderMap) -> bool {
    lists(headers, CONNECTION, "upgrade") && lists(headers, UPGRADE, "websocket")
}

/// Reasons why a request is no handshake.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoHandshake {
    NoUpgrade,
    OtherVersion,
    BadKey,
}

impl IntoResponse for NoHandshake {
    fn into_response(self) -> Response {
        match self {
            Self::NoUpgrade => {
                let upgrade = [(UPGRADE, "websocket"), (CONNECTION, "upgrade")];
                let sentence = "A WebSocket is spoken here; see the documentation.\n";
                (StatusCode::UPGRADE_REQUIRED, upgrade, sentence).into_response()
            }
            Self::OtherVersion => {
                let headers =
                    [(SEC_WEBSOCKET_VERSION, "13"), (UPGRADE, "websocket"), (CONNECTION, "upgrade")];
                (StatusCode::UPGRADE_REQUIRED, headers, "WebSocket version 13 is spoken here.\n")
                    .into_response()
            }
            Self::BadKey => {
                (StatusCode::BAD_REQUEST, "Sec-WebSocket-Key must be 16 bytes in base64, once.\n")
                    .into_response()
            }
        }
    }
}

/// Returns the answer to the client's key.
pub(super) fn handshake(headers: &HeaderMap) -> Result<String, NoHandshake> {
    if !is_asked(headers) {
        return Err(NoHandshake::NoUpgrade);
    }
    // RFC 6455, 11.3.1 and 11.3.5: neither header may stand twice.
    if single(headers, SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(NoHandshake::OtherVersion);
    }
    let key = single(headers, SEC_WEBSOCKET_KEY).filter(|key| is_key(key.as_bytes()));
    key.map(|key| derive_accept_key(key.as_bytes())).ok_or(NoHandshake::BadKey)
}

/// Returns the only value of a header; `None` if there are more.
fn single(headers: &HeaderMap, name: HeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// 16 bytes in base64: 22 digits and two signs of padding.
fn is_key(key: &[u8]) -> bool {
    let digits = key.strip_suffix(b"==").unwrap_or_default();
    digits.len() == 22 && digits.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/'))
}

/// Returns true if a header's list has this word, in any case.
fn lists(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    items(headers, name).any(|item| item.eq_ignore_ascii_case(word))
}

pub(super) fn items(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|item| !item.is_empty())
}

/// The answer that ends the handshake.
pub(super) fn switching_protocols(
    accept: String,
    protocol: Option<&'static str>,
    compression: Option<Compression>,
    cookies: Vec<HeaderValue>,
) -> Option<Response> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, HeaderValue::try_from(accept).ok()?);
    protocol.map(|it| headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(it)));
    compression.and_then(Compression::answer).map(|it| headers.insert(SEC_WEBSOCKET_EXTENSIONS, it));
    for cookie in cookies {
        headers.append(SET_COOKIE, cookie);
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_sixteen_bytes_in_base64() {
        assert!(is_key(b"dGhlIHNhbXBsZSBub25jZQ=="));
        for wrong in
            ["", "==", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "dGhl IHNhbXBsZSBub25jZ=="]
        {
            assert!(!is_key(wrong.as_bytes()), "{wrong}");
        }
    }

    #[test]
    fn headers_are_lists_in_any_case_and_number() {
        let mut headers = HeaderMap::new();
        headers.append(CONNECTION, HeaderValue::from_static("keep-alive, Upgrade"));
        assert!(lists(&headers, CONNECTION, "upgrade"));
        assert!(!lists(&headers, UPGRADE, "websocket"));
        assert!(!is_asked(&headers));
        headers.append(UPGRADE, HeaderValue::from_static("h2c, WebSocket"));
        assert!(is_asked(&headers));
    }
}
