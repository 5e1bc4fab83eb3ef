//! Bodies and headers, read within their bounds.

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use madang_protocol::{Cmid, ProblemCode};
use serde::de::{DeserializeOwned, Error as _, IgnoredAny};
use serde_json::Error;

use crate::idempotency;
use crate::state::App;

use super::super::rt::body as frames;
use super::problem::{Code, Refused};

/// The header by which a repeated write is recognised.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Longest key, in bytes.
const KEY_BYTES: usize = 200;

/// The text of a body: at most as long as a frame may be.
pub(super) async fn text(app: &App, body: Body) -> Result<String, Refused> {
    match frames::read(app, body).await {
        Ok(text) => Ok(text.as_str().to_owned()),
        Err(ProblemCode::TooBig) => Err(Refused::of(Code::TooBig)),
        Err(ProblemCode::Timeout) => Err(Refused::of(Code::Timeout)),
        Err(_) => Err(Refused::because(Code::BadRequest, "The body is not UTF-8, or broke off.")),
    }
}

/// The bytes of a body: at most `most` or, where frames are larger, as many as a frame may have.
pub(super) async fn bytes(app: &App, body: Body, most: usize) -> Result<Bytes, Refused> {
    frames::read_bytes(app, body, most).await.map_err(|code| match code {
        ProblemCode::TooBig => Refused::because(Code::TooBig, "The body is too large."),
        ProblemCode::Timeout => Refused::of(Code::Timeout),
        _ => Refused::because(Code::BadRequest, "The body broke off."),
    })
}

/// Types a text as a JSON object. An array with the right values in the right order is none.
pub(super) fn json<T: DeserializeOwned>(text: &str) -> Result<T, Refused> {
    let typed = if text.trim_start().starts_with('{') {
        serde_json::from_str(text)
    } else {
        serde_json::from_str::<IgnoredAny>(text).and_then(|_| Err(Error::custom("expected an object")))
    };
    typed.map_err(|error| {
        let code = if error.is_data() { Code::BadBody } else { Code::BadRequest };
        Refused::because(code, format!("The body is not of the form that is described: {error}."))
    })
}

/// Returns the refusal of a query that cannot be read.
pub(super) fn bad_query(error: &QueryRejection) -> Refused {
    Refused::because(Code::BadRequest, format!("{}.", error.body_text()))
}

/// The media type of the body, without its parameters and in small letters.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The id of a write: from the key that its sender gave it, or a fresh one.
pub(super) fn cmid(headers: &HeaderMap) -> Result<Cmid, Refused> {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(key) = keys.next() else { return Ok(idempotency::fresh()) };
    let is_key =
        |key: &&str| (1..=KEY_BYTES).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    let key = key.to_str().ok().filter(is_key);
    match (key, keys.next()) {
        (Some(key), None) => Ok(idempotency::cmid(key)),
        _ => {
            let sentence =
                format!("Idempotency-Key is one value of 1 to {KEY_BYTES} visible ASCII characters.");
            Err(Refused::because(Code::BadRequest, sentence))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_is_read_without_its_parameters() {
        for value in ["application/json", "Application/JSON; charset=utf-8", " application/json ;x"] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, value.parse().unwrap());
            assert_eq!(media_type(&headers), "application/json", "{value}");
        }
        assert_eq!(media_type(&HeaderMap::new()), "");
    }

    #[test]
    fn a_key_is_one_bounded_value() {
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            values.iter().for_each(|value| _ = headers.append(IDEMPOTENCY_KEY, value.parse().unwrap()));
            cmid(&headers).ok()
        };
        assert_eq!(read(&["order-1"]), read(&["order-1"]));
        assert_ne!(read(&["order-1"]), read(&["order-2"]));
        assert_ne!(read(&[]), read(&[]), "without a key nobody can repeat it");
        assert!(read(&[&"k".repeat(200)]).is_some());
        for wrong in [&[""][..], &[&"k".repeat(201)], &["a", "b"], &["ключ"], &["a b"], &["a\tb"]] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }
}
