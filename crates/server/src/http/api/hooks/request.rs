//! The body of a webhook's request: JSON, whatever its declared type, or a form that has the JSON in a field.

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use futures_util::stream;
use serde_json::Value;

use super::super::body;
use super::super::problem::{Code, Refused};
use super::json;

/// Fields of a form that may hold the JSON.
const FIELDS: [&str; 2] = ["payload", "payload_json"];

/// Returns the payload of the tool.
///
/// # Errors
/// A sentence that tells why the body cannot be read.
pub(super) async fn read(headers: &HeaderMap, bytes: Bytes) -> Result<Value, Refused> {
    let kind = body::media_type(headers);
    let text = decoded(headers, &bytes);
    let text = text.trim_start_matches('\u{feff}').trim();
    // Some send a form and do not say so, others JSON and say that it is a form.
    if text.starts_with(['{', '[', '"']) {
        return json_of(text);
    }
    if kind == "multipart/form-data" {
        return json_of(&multipart(headers, bytes).await?);
    }
    if kind == "application/x-www-form-urlencoded"
        || FIELDS.iter().any(|field| text.starts_with(&format!("{field}=")))
    {
        return json_of(&form(text)?);
    }
    match kind.as_str() {
        "" | "application/json" => json_of(text),
        kind if kind.ends_with("+json") => json_of(text),
        _ => {
            let sentence = "The body must be JSON, or a form that has JSON in the field `payload`.";
            Err(Refused::because(Code::UnsupportedMediaType, sentence))
        }
    }
}

fn json_of(text: &str) -> Result<Value, Refused> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let value = json::read(text)
        .map_err(|error| Refused::because(Code::BadRequest, format!("The body is no JSON: {error}.")))?;
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            Err(Refused::because(Code::BadBody, "The body must be a JSON object."))
        }
        value => Ok(value),
    }
}

fn form(text: &str) -> Result<String, Refused> {
    let fields: Vec<(String, String)> = serde_urlencoded::from_str(text)
        .map_err(|error| Refused::because(Code::BadRequest, format!("The form cannot be read: {error}.")))?;
    let payload = fields.into_iter().find(|(name, _)| FIELDS.contains(&name.as_str()));
    payload.map(|(_, payload)| payload).ok_or_else(no_payload)
}

async fn multipart(headers: &HeaderMap, bytes: Bytes) -> Result<String, Refused> {
    let broken = |error: multer::Error| {
        Refused::because(Code::BadRequest, format!("The form cannot be read: {error}."))
    };
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(kind).map_err(broken)?;
    let body = stream::iter([Ok::<_, std::convert::Infallible>(bytes)]);
    let mut parts = multer::Multipart::new(body, boundary);
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        if part.name().is_some_and(|name| FIELDS.contains(&name)) {
            let bytes = part.bytes().await.map_err(broken)?;
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    Err(no_payload())
}

fn no_payload() -> Refused {
    Refused::because(Code::BadRequest, "The form has no `payload`.")
}

/// Decodes the bytes as UTF-8, unless a mark or the header names another encoding. Invalid bytes are replaced, not
/// refused.
fn decoded(headers: &HeaderMap, bytes: &[u8]) -> String {
    let utf16 = |unit: fn([u8; 2]) -> u16| {
        let units = bytes.get(2..).unwrap_or_default().as_chunks::<2>().0.iter().map(|pair| unit(*pair));
        char::decode_utf16(units).map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes {
        [0xff, 0xfe, ..] => return utf16(u16::from_le_bytes),
        [0xfe, 0xff, ..] => return utf16(u16::from_be_bytes),
        _ => {}
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.to_ascii_lowercase();
    let latin = ["iso-8859-1", "latin1", "windows-1252"].iter().any(|charset| kind.contains(charset));
    match std::str::from_utf8(bytes) {
        Err(_) if latin => bytes.iter().map(|byte| char::from(*byte)).collect(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn sent(kind: &str, bytes: &[u8]) -> Option<Value> {
        let mut headers = HeaderMap::new();
        if !kind.is_empty() {
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        }
        read(&headers, Bytes::copy_from_slice(bytes)).await.ok()
    }

    #[tokio::test]
    async fn json_is_read_under_any_content_type() {
        let kinds = [
            "",
            "application/json",
            "application/json; charset=utf-8",
            "text/plain",
            "text/html",
            "application/x-www-form-urlencoded",
            "application/vnd.x+json",
            "multipart/form-data; boundary=x",
            "application/octet-stream",
            "nonsense",
        ];
        for kind in kinds {
            for body in [r#"{"text":"a=b&c"}"#, " \n{\"text\":\"a=b&c\"} ", "\u{feff}{\"text\":\"a=b&c\"}"] {
                assert_eq!(
                    sent(kind, body.as_bytes()).await,
                    Some(json!({"text": "a=b&c"})),
                    "{kind} {body}"
                );
            }
        }
        let utf16: Vec<u8> = "\u{feff}{\"text\":\"가\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(sent("application/json", &utf16).await, Some(json!({"text": "가"})));
        assert_eq!(
            sent("application/json; charset=ISO-8859-1", b"{\"text\":\"\xe9\"}").await,
            Some(json!({"text": "é"}))
        );
        assert_eq!(sent("application/json", b"{\"text\":\"\xff\"}").await, Some(json!({"text": "\u{fffd}"})));
    }

    #[tokio::test]
    async fn a_form_has_it_in_a_field() {
        let form = "application/x-www-form-urlencoded";
        assert_eq!(
            sent(form, b"x=1&payload=%7B%22text%22%3A%22a%2Bb+c%22%7D").await,
            Some(json!({"text": "a+b c"}))
        );
        assert_eq!(sent("text/plain", b"payload=%7B%22text%22%3A1%7D").await, Some(json!({"text": 1})));
        let parts = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.png\"\r\n\r\n\u{0}\r\n--b\r\n\
            Content-Disposition: form-data; name=\"payload_json\"\r\n\r\n{\"content\":\"x\"}\r\n--b--\r\n";
        assert_eq!(
            sent("multipart/form-data; boundary=b", parts.as_bytes()).await,
            Some(json!({"content": "x"}))
        );
        assert_eq!(sent("multipart/form-data; boundary=b", b"--b--\r\n").await, None);
        assert_eq!(sent("multipart/form-data", b"x").await, None);
    }

    #[tokio::test]
    async fn body_of_neither_form_is_refused() {
        for (kind, body) in [
            ("application/json", ""),
            ("application/json", "7"),
            ("application/json", "null"),
            ("text/plain", "x"),
            ("application/x-www-form-urlencoded", "text=x"),
            ("application/x-www-form-urlencoded", "payload=7"),
            ("", "{"),
        ] {
            assert_eq!(sent(kind, body.as_bytes()).await, None, "{kind} {body}");
        }
    }
}
