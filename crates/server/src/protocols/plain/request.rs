//! Requests of a plain client.

use serde::Deserialize;
use serde_json::Value;

/// Longest key of a write, in bytes.
const KEY_BYTES: usize = 200;

/// Something to post, a name to be called by, or both.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) nickname: Option<String>,
    pub(super) message: Option<String>,
    /// By which a repeat of it is recognised.
    pub(super) key: Option<String>,
}

/// The fields that are read. A client's own claim of who it is (`userId`) is not: the server knows.
#[derive(Deserialize)]
struct Fields {
    message: Option<String>,
    nickname: Option<String>,
    cmid: Option<String>,
}

/// Content of one frame of a client.
#[derive(Debug, PartialEq)]
pub(super) enum Frame<'t> {
    /// Nothing but space.
    Empty,
    /// `ping`, as a word.
    Ping,
    /// `{"type":"ping"}`, without a message.
    JsonPing,
    /// A JSON object: what it asks for, or what is wrong with it.
    Object(Result<Request, String>),
    /// A JSON array.
    Array {
        /// It has objects or arrays in it: nobody types that as a text.
        nested: bool,
    },
    /// Anything else, without the space around it.
    Text(&'t str),
}

impl<'t> Frame<'t> {
    /// Reads a frame. A byte order mark before it is passed over.
    pub(super) fn of(text: &'t str) -> Self {
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Self::Empty;
        }
        if text.eq_ignore_ascii_case("ping") {
            return Self::Ping;
        }
        match text.starts_with(['{', '[']).then(|| serde_json::from_str(text).ok()).flatten() {
            Some(Value::Array(items)) => {
                Self::Array { nested: items.iter().any(|item| item.is_object() || item.is_array()) }
            }
            Some(value) if is_ping(&value) => Self::JsonPing,
            Some(value) => Self::Object(Request::of_object(value)),
            None => Self::Text(text),
        }
    }
}

fn is_ping(value: &Value) -> bool {
    let kind = value.get("type").and_then(Value::as_str);
    value.get("message").is_none() && kind.is_some_and(|kind| kind.eq_ignore_ascii_case("ping"))
}

impl Request {
    fn of_object(value: Value) -> Result<Self, String> {
        let fields: Fields = serde_json::from_value(value).map_err(|error| error.to_string())?;
        Self::of_fields(fields)
    }

    fn of_fields(fields: Fields) -> Result<Self, String> {
        let Fields { message, nickname, cmid: key } = fields;
        if message.is_none() && nickname.is_none() {
            return Err("`message` is missing".into());
        }
        if key.as_ref().is_some_and(|key| key.is_empty() || key.len() > KEY_BYTES) {
            return Err(format!("`cmid` is 1 to {KEY_BYTES} bytes"));
        }
        // A name that is left empty is no wish to have none.
        let nickname = nickname.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        Ok(Self { nickname, message, key })
    }

    /// Reads `nickname => text`, or a text alone.
    pub(super) fn of_text(line: &str) -> Self {
        let (nickname, message) = match line.split_once("=>") {
            Some((name, text)) if !name.trim().is_empty() && !name.contains('\n') => {
                (Some(name.trim()), text)
            }
            _ => (None, line),
        };
        Self { nickname: nickname.map(Into::into), message: Some(message.trim().into()), key: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Option<Result<Request, String>> {
        match Frame::of(text) {
            Frame::Object(read) => Some(read),
            _ => None,
        }
    }

    #[test]
    fn frame_kinds_are_distinguished_despite_white_space() {
        for text in ["", " \r\n\t", "\u{feff}", "\u{feff} "] {
            assert_eq!(Frame::of(text), Frame::Empty, "{text:?}");
        }
        for text in ["ping", "PING", " Ping\n", "\u{feff}ping"] {
            assert_eq!(Frame::of(text), Frame::Ping, "{text:?}");
        }
        assert_eq!(Frame::of(r#"{"type":"ping"}"#), Frame::JsonPing);
        assert!(matches!(Frame::of(r#"{"type":"ping","message":"x"}"#), Frame::Object(Ok(_))));
        assert_eq!(Frame::of("[]"), Frame::Array { nested: false });
        assert_eq!(Frame::of(" [1,\"a\"] "), Frame::Array { nested: false });
        assert_eq!(Frame::of(r#"[{"message":"x"}]"#), Frame::Array { nested: true });
        assert!(matches!(Frame::of("\u{feff}{\"message\":\"x\"}"), Frame::Object(Ok(_))));
        for text in ["pong", "pinging", "7", "null", "\"x\"", "[x]", "{x}", "[", "ping ping"] {
            assert_eq!(Frame::of(text), Frame::Text(text));
        }
    }

    #[test]
    fn object_with_message_ignores_its_claimed_author() {
        let said = json(r#"{"userId":"root","message":"hi"}"#).unwrap().unwrap();
        assert_eq!(said, Request { message: Some("hi".into()), ..Request::default() });
        let named = json(r#" {"message":"hi","nickname":" Ada ","cmid":"k1","more":[1]} "#).unwrap().unwrap();
        assert_eq!((named.nickname.as_deref(), named.key.as_deref()), (Some("Ada"), Some("k1")));
    }

    #[test]
    fn non_object_is_text_wrong_object_explains_itself() {
        for text in ["", "hello", "Ada => hi", "[1]", "\"x\"", "7", "{", "{]", "null"] {
            assert_eq!(json(text), None, "{text}");
        }
        for text in ["{}", r#"{"message":7}"#, r#"{"message":"x","cmid":""}"#, r#"{"nickname":[]}"#] {
            assert!(json(text).unwrap().is_err(), "{text}");
        }
        let long = format!(r#"{{"message":"x","cmid":"{}"}}"#, "k".repeat(201));
        assert!(json(&long).unwrap().is_err());
    }

    #[test]
    fn line_is_text_with_optional_name() {
        let read = |line: &str| {
            let Request { nickname, message, .. } = Request::of_text(line);
            (nickname, message.unwrap())
        };
        assert_eq!(read("Ada => hello"), (Some("Ada".into()), "hello".into()));
        assert_eq!(read("Ada=>a => b"), (Some("Ada".into()), "a => b".into()));
        assert_eq!(read("hello"), (None, "hello".into()));
        assert_eq!(read(" => hello"), (None, "=> hello".into()));
        assert_eq!(read("a\nb => c"), (None, "a\nb => c".into()));
    }
}
