//! Words out of any JSON value: one odd part never costs the others.

use serde_json::Value;

/// The words of a value: a text as it is, a number in digits, an object that holds a text, a list of these. None
/// for what holds no text.
pub(super) fn words(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim_end().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(words).collect();
            items.join("\n")
        }
        Value::Object(fields) => {
            let keys = ["text", "plain_text", "content", "value", "name"];
            keys.iter().find_map(|key| words(fields.get(*key)?))?
        }
        Value::Null | Value::Bool(_) => return None,
    };
    Some(text).filter(|text| !text.trim().is_empty())
}

/// As [`words`]; a yes or no is a word too.
pub(super) fn value(value: &Value) -> Option<String> {
    value.as_bool().map(|yes| yes.to_string()).or_else(|| words(value))
}

/// The words of one field.
pub(super) fn get(object: &Value, key: &str) -> Option<String> {
    words(object.get(key)?)
}

/// Returns the text of the first of these fields that has one.
pub(super) fn first(object: &Value, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| get(object, key))
}

/// The field behind a path of keys.
pub(super) fn at<'v>(object: &'v Value, path: &[&str]) -> &'v Value {
    path.iter().fold(object, |value, key| value.get(key).unwrap_or(&Value::Null))
}

/// The words behind a path of keys.
pub(super) fn deep(object: &Value, path: &[&str]) -> Option<String> {
    words(at(object, path))
}

/// The parts of a list; of anything else that is there, itself, because a list of one is often sent bare.
pub(super) fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        Value::Null => &[],
        one => std::slice::from_ref(one),
    }
}

/// The parts of the list in a field.
pub(super) fn list<'v>(object: &'v Value, key: &str) -> &'v [Value] {
    object.get(key).map_or(&[], items)
}

/// A name and what it has, in one line or, where that has several, below the name.
pub(super) fn named(name: Option<String>, value: Option<String>) -> Option<String> {
    match (name, value) {
        (Some(name), Some(value)) if value.contains('\n') => Some(format!("{name}:\n{value}")),
        (Some(name), Some(value)) => Some(format!("{}: {value}", name.trim_end_matches(':'))),
        (name, value) => name.or(value),
    }
}

/// Puts each part with a new text behind the others.
pub(super) fn join(parts: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    for part in parts {
        let new = joined.iter().all(|known| !says(known, &part));
        if new && !part.trim().is_empty() {
            joined.push(part);
        }
    }
    joined
}

/// Returns true if a text has these words as whole lines, whatever the space between.
pub(super) fn says(text: &str, words: &str) -> bool {
    let fold = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.filter(|line| !line.is_empty()).collect()
    };
    let (text, words) = (fold(text), fold(words));
    words.is_empty() || text.windows(words.len()).any(|lines| lines == words)
}
