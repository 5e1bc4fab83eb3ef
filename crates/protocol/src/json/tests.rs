#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::*;
use crate::{Cmid, Person, RefusalCode, ServerFrame};

/// A frame as the page reads it.
#[derive(Debug, PartialEq)]
struct Frame(ServerFrame);

impl<'t> Deserialize<'t> for Frame {
    fn deserialize<D: Deserializer<'t>>(input: D) -> Result<Self, D::Error> {
        ServerFrame::tag_first(input).map(Self)
    }
}

#[test]
fn golden_frames_read_as_by_serde_json() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/server");
    for file in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let frame: ServerFrame = serde_json::from_str(&text).unwrap();
        assert_eq!(read::<Frame>(&text), Ok(Frame(frame.clone())), "{text}");
        assert_eq!(read::<ServerFrame>(&text), Ok(frame), "{text}");
    }
}

#[test]
fn typed_values_are_read() {
    let text = r#"{"id":"7rmo66779wsq","new":[1.5e3,{"deep":["\ud83c\udf89"]}], "name":"Ad\"a\u00e9\n"}"#;
    let person: Person = read(text).unwrap();
    assert_eq!(person, serde_json::from_str(text).unwrap());
    assert_eq!(person.name, "Ad\"aé\n");
    assert_eq!(read::<RefusalCode>("\"too_fast\""), Ok(RefusalCode::TooFast));
    assert_eq!(read::<RefusalCode>("\"from_the_future\""), Ok(RefusalCode::Unknown));
    assert_eq!(read(&format!("\"{}\"", Cmid(7))), Ok(Cmid(7)));
    assert_eq!(read(" [ 1 , 255 ] "), Ok(vec![1_u8, 255]));
    assert_eq!(read("[null,true]"), Ok((None::<u32>, true)));
    assert_eq!(read::<i64>("-9223372036854775808"), Ok(i64::MIN));
    assert_eq!(read::<u64>("18446744073709551615"), Ok(u64::MAX));
    assert_eq!(read(r#""\ud83c\udf89\/""#), Ok("🎉/".to_owned()));
}

#[test]
fn values_of_other_types_are_unreadable() {
    for text in ["1.5", "1e3", "-1", "256", "18446744073709551616", "\"1\"", "null", "[1]", "1 1", ""] {
        assert_eq!(read::<u8>(text), Err(Unreadable), "{text}");
    }
    for text in [r#""\ud83c""#, r#""\ud83cx""#, r#""\udf89""#, r#""\ud83c\u0041""#, r#""\u+123""#, "\"\n\""] {
        assert!(serde_json::from_str::<String>(text).is_err());
        assert_eq!(read::<String>(text), Err(Unreadable), "{text}");
    }
    assert_eq!(read::<Person>(r#"{"name":"Ada"}"#), Err(Unreadable));
    assert_eq!(read::<(u8, u8)>("[1,2,3]"), Err(Unreadable));
    assert_eq!(read::<(u8, u8)>("[1]"), Err(Unreadable));
}

#[test]
fn deep_nesting_ends_without_panic() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(read::<IgnoredAny>(&nested(64)).is_ok());
    assert_eq!(read::<IgnoredAny>(&nested(65)), Err(Unreadable));
    assert_eq!(read::<Value>(&"[{\"a\":".repeat(1_000_000)), Err(Unreadable));
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((".{0,3}", inner), 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_reads_as_serde_json_does(value in values(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        prop_assert_eq!(read(&text.unwrap()), Ok(value));
    }

    #[test]
    fn damaged_json_is_refused_as_serde_json_does(
        value in values(),
        at: prop::sample::Index,
        cut in 0_usize..3,
        put in r#"[\[\]{}:,"0-9.eE+\-ntu \\]{0,2}"#,
    ) {
        let mut chars: Vec<char> = value.to_string().chars().collect();
        let at = at.index(chars.len() + 1);
        chars.splice(at..(at + cut).min(chars.len()), put.chars());
        let text: String = chars.into_iter().collect();
        // What is passed over may hold half a character there.
        let expected = serde_json::from_str::<IgnoredAny>(&text).is_ok() && !text.contains("\\u");
        prop_assert_eq!(read::<IgnoredAny>(&text).is_ok() && !text.contains("\\u"), expected, "{}", text);
    }
}
