#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;

use crate::{ClientFrame, EntryKind, Operation, ServerFrame};

fn golden(side: &str) -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(side);
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let texts: Vec<String> = files.map(|file| fs::read_to_string(file).unwrap()).collect();
    assert!(texts.len() > 10);
    texts
}

fn server(text: &str) -> Result<ServerFrame, serde_json::Error> {
    ServerFrame::tag_first(&mut serde_json::Deserializer::from_str(text))
}

#[test]
fn the_page_reads_each_golden_frame_alike() {
    for text in golden("server") {
        assert_eq!(server(&text).unwrap(), serde_json::from_str(&text).unwrap(), "{text}");
    }
    for text in golden("client") {
        let read = ClientFrame::tag_first(&mut serde_json::Deserializer::from_str(&text)).unwrap();
        assert_eq!(read, serde_json::from_str(&text).unwrap(), "{text}");
    }
}

#[test]
fn page_reads_kept_write_alike() {
    for text in [
        r#"{"t":"post","body":"x"}"#,
        r#"{"t":"post","body":"x","reply_to":3}"#,
        r#"{"t":"edit","seq":3,"body":"x"}"#,
        r#"{"t":"delete","seq":3}"#,
        r#"{"t":"react","seq":3,"emoji":"🎉"}"#,
        r#"{"t":"unreact","seq":3,"emoji":"🎉"}"#,
    ] {
        let kept: Operation = serde_json::from_str(text).unwrap();
        assert_eq!(Operation::tag_first(&mut serde_json::Deserializer::from_str(text)).unwrap(), kept);
        assert_eq!(serde_json::to_string(&kept).unwrap(), text, "an outbox that was kept is read for ever");
    }
}

#[test]
fn page_ignores_unknown_kinds() {
    let unknown = r#"{"t":"from_the_future","room":{"deep":[1,{}]},"seq":"x"}"#;
    assert_eq!(server(unknown).unwrap(), ServerFrame::Unknown);
    assert_eq!(server(r#"{"t":"from_the_future"}"#).unwrap(), ServerFrame::Unknown);
    let grown = r#"{"t":"live","new":[{}],"room":"lobby","head":8}"#;
    assert!(matches!(server(grown).unwrap(), ServerFrame::Live { head: 8, .. }));
    let what = r#"{"t":"pinned","seq":3,"with":"🎉"}"#;
    assert_eq!(
        EntryKind::tag_first(&mut serde_json::Deserializer::from_str(what)).unwrap(),
        EntryKind::Unknown
    );
}

#[test]
fn malformed_frame_is_an_error() {
    for text in
        ["{}", "[]", "7", r#"{"t":7}"#, r#"{"head":8,"t":"live"}"#, r#"{"t":"live"}"#, r#"{"t":"live""#]
    {
        assert!(server(text).is_err(), "{text}");
    }
}
