//! What a plain client asks for.

use serde::Deserialize;

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

/// The fields that are read. What a client says of who it is (`userId`) is not: the server knows.
#[derive(Deserialize)]
struct Fields {
    message: Option<String>,
    nickname: Option<String>,
    cmid: Option<String>,
}

impl Request {
    /// Reads `{"message": "…"}`; none: it is no JSON object. The error says what is wrong with the object.
    pub(super) fn of_json(text: &str) -> Option<Result<Self, String>> {
        let is_object = text.trim_start().starts_with('{');
        let value: serde_json::Value = is_object.then(|| serde_json::from_str(text).ok()).flatten()?;
        let fields: Fields = match serde_json::from_value(value) {
            Ok(fields) => fields,
            Err(error) => return Some(Err(error.to_string())),
        };
        Some(Self::of_fields(fields))
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
        Request::of_json(text)
    }

    #[test]
    fn an_object_with_a_message_is_a_message_whoever_it_says_it_is_from() {
        let said = json(r#"{"userId":"root","message":"hi"}"#).unwrap().unwrap();
        assert_eq!(said, Request { message: Some("hi".into()), ..Request::default() });
        let named = json(r#" {"message":"hi","nickname":" Ada ","cmid":"k1","more":[1]} "#).unwrap().unwrap();
        assert_eq!((named.nickname.as_deref(), named.key.as_deref()), (Some("Ada"), Some("k1")));
    }

    #[test]
    fn what_is_no_object_is_not_json_and_a_wrong_object_says_what_is_wrong() {
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
    fn a_line_is_a_name_and_a_text_or_a_text() {
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
