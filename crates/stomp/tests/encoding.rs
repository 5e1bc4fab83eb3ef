//! Encoding of frames, version by version; negotiation of versions and heart-beats.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use madang_stomp::{
    Beats, ClientCommand, EncodeError, Frame, HeartBeat, ServerCommand, Version, encode, write_header,
};

use Version::{V10, V11, V12};

fn written(frame: &Frame<ServerCommand>, version: Version) -> Result<String, EncodeError> {
    let mut out = b"before".to_vec();
    let result = encode(frame, version, &mut out);
    let text = String::from_utf8(out.split_off(6)).unwrap();
    assert!(result.is_ok() || text.is_empty(), "what cannot be said leaves nothing behind");
    result.map(|()| text)
}

#[test]
fn escaped_characters_depend_on_version() {
    let said = |text: &str| Ok(format!("MESSAGE\nv:{text}\n\n\0"));
    let no = Err(EncodeError::HeaderText);
    for (value, in_10, in_11, in_12) in [
        ("plain", said("plain"), said("plain"), said("plain")),
        ("a:b", said("a:b"), said(r"a\cb"), said(r"a\cb")),
        (r"a\b", said(r"a\b"), said(r"a\\b"), said(r"a\\b")),
        ("a\nb", no.clone(), said(r"a\nb"), said(r"a\nb")),
        ("a\rb", said("a\rb"), said("a\rb"), said(r"a\rb")),
        ("a\0b", no.clone(), no.clone(), no.clone()),
        (" a", no.clone(), said(" a"), said(" a")),
        ("가:나\n", no.clone(), said(r"가\c나\n"), said(r"가\c나\n")),
        ("", said(""), said(""), said("")),
    ] {
        let frame = Frame::new(ServerCommand::Message).with("v", value);
        assert_eq!(written(&frame, V10), in_10, "{value:?} in 1.0");
        assert_eq!(written(&frame, V11), in_11, "{value:?} in 1.1");
        assert_eq!(written(&frame, V12), in_12, "{value:?} in 1.2");
    }
}

#[test]
fn injected_newline_makes_no_header_or_frame() {
    let evil = "x\n\n\0ERROR\nmessage:yes";
    for version in Version::ALL {
        for frame in [
            Frame::new(ServerCommand::Message).with("v", evil),
            Frame::new(ServerCommand::Message).with(evil, "v"),
            Frame::new(ServerCommand::Connected).with("version", "1.2").with("v", evil),
        ] {
            assert_eq!(written(&frame, version), Err(EncodeError::HeaderText));
        }
        let evil = "x\nadmin:true";
        if let Ok(text) = written(&Frame::new(ServerCommand::Message).with("v", evil), version) {
            assert_eq!(text, "MESSAGE\nv:x\\nadmin\\ctrue\n\n\0");
        }
        let connected = Frame::new(ServerCommand::Connected).with("version", "1.2").with("v", evil);
        assert_eq!(written(&connected, version), Err(EncodeError::HeaderText));
    }
}

#[test]
fn the_frame_that_answers_connect_is_never_escaped() {
    for version in Version::ALL {
        let frame = Frame::new(ServerCommand::Connected).with("version", "1.1").with("v", r"a:\b");
        assert_eq!(written(&frame, version), Ok("CONNECTED\nversion:1.1\nv:a:\\b\n\n\0".into()));
        let frame = Frame::new(ServerCommand::Connected).with("version", "1.1").with("v", "\r");
        assert_eq!(written(&frame, version), Err(EncodeError::HeaderText));
        let frame = Frame::new(ServerCommand::Connected).with("v", " a");
        assert_eq!(written(&frame, version), Err(EncodeError::HeaderText), "1.0 would trim it");
    }
}

#[test]
fn body_needs_content_length_only_for_nuls() {
    let message = || Frame::new(ServerCommand::Message);
    let plain = Frame { body: b"ab".to_vec(), ..message() };
    assert_eq!(written(&plain, V12), Ok("MESSAGE\n\nab\0".into()));
    assert_eq!(written(&message().with_body("a\0b"), V12), Ok("MESSAGE\ncontent-length:3\n\na\0b\0".into()));
    let bare = Frame { body: b"a\0b".to_vec(), ..message() };
    assert_eq!(written(&bare, V12), Err(EncodeError::NulInBody));
    for length in ["2", "4", "+3", "x"] {
        let lying = Frame { body: b"a\0b".to_vec(), ..message().with("content-length", length) };
        assert_eq!(written(&lying, V12), Err(EncodeError::BadContentLength), "{length}");
    }
    assert_eq!(
        written(&Frame::new(ServerCommand::Receipt).with_body("x"), V12),
        Err(EncodeError::UnexpectedBody)
    );
    assert_eq!(written(&message().with("", "x"), V12), Err(EncodeError::EmptyHeaderName));
    let nack = encode(&Frame::new(ClientCommand::Nack), V10, &mut Vec::new());
    assert_eq!(nack, Err(EncodeError::UnknownCommand));
}

#[test]
fn frame_part_is_written_like_the_whole() {
    let mut line = Vec::new();
    write_header("a:b", "c\n", V12, &mut line).unwrap();
    assert_eq!(line, b"a\\cb:c\\n\n");
    assert_eq!(write_header("a:b", "c", V10, &mut line), Err(EncodeError::HeaderText));
}

#[test]
fn the_newest_version_of_both_is_agreed_on() {
    for (header, newest) in [
        (None, Some(V10)),
        (Some("1.0"), Some(V10)),
        (Some("1.2,1.1,1.0"), Some(V12)),
        (Some("1.0,1.1"), Some(V11)),
        (Some(" 1.0 , 1.1 "), Some(V11)),
        (Some("1.1,2.0"), Some(V11)),
        (Some("2.0"), None),
        (Some(""), None),
        (Some("1.2.0,1"), None),
    ] {
        assert_eq!(Version::accepted(header).next(), newest, "{header:?}");
    }
    for version in Version::ALL {
        assert_eq!(Version::of_subprotocol(version.subprotocol()), Some(version));
    }
    assert_eq!(Version::of_subprotocol("v13.stomp"), None);
}

#[test]
fn heart_beats_follow_both_sides_offers() {
    let beat = |header: &str| HeartBeat::parse(header);
    for bad in
        ["", ",", "1", "1,", ",1", "1,2,3", "-1,0", "+1,0", " 1,0", "1, 0", "1.5,0", "4294967296,0", "x,y"]
    {
        assert_eq!(beat(bad), None, "{bad:?}");
    }
    let server = HeartBeat { sends: 10_000, wants: 25_000 };
    for (client, sends, hears) in [
        ("0,0", None, None),
        ("4000,0", Some(25_000), None),
        ("0,4000", None, Some(10_000)),
        ("30000,30000", Some(30_000), Some(30_000)),
        ("1,1", Some(25_000), Some(10_000)),
    ] {
        let client = beat(client).unwrap();
        assert_eq!(client.agree(server), Beats { client: sends, server: hears }, "{client}");
        assert_eq!(client.agree(HeartBeat::default()), Beats::default());
        assert_eq!(beat(&client.to_string()), Some(client));
    }
}
