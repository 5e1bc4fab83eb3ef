//! Decoding of bytes, version by version.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use madang_stomp::DecodeError as Wrong;
use madang_stomp::{ClientCommand, DecodeError, Decoder, Frame, Item, Limits, ServerCommand, Version};

use ClientCommand::{Ack, Connect, Disconnect, Nack, Send, Stomp, Subscribe};
use Version::{V10, V11, V12};

const LIMITS: Limits = Limits { headers: 4, line: 32, head: 64, body: 16 };

type Read = Result<Vec<Item<ClientCommand>>, DecodeError>;

fn read(version: Option<Version>, bytes: &[u8]) -> Read {
    let mut decoder = Decoder::new(LIMITS);
    version.into_iter().for_each(|version| decoder.agree(version));
    let (mut rest, mut items) = (bytes, Vec::new());
    while let Some(item) = decoder.next(&mut rest)? {
        items.push(item);
    }
    Ok(items)
}

fn one(version: impl Into<Option<Version>>, bytes: impl AsRef<[u8]>) -> Frame<ClientCommand> {
    let bytes = bytes.as_ref();
    match read(version.into(), bytes).as_deref() {
        Ok([Item::Frame(frame)]) => frame.clone(),
        other => panic!("{:?}: {other:?}", String::from_utf8_lossy(bytes)),
    }
}

/// The value of the header `v` of a SEND in each version.
fn value(version: Version, line: &str) -> Result<String, DecodeError> {
    let items = read(Some(version), format!("SEND\n{line}\n\n\0").as_bytes())?;
    let [Item::Frame(frame)] = &items[..] else { panic!("{line:?}: {items:?}") };
    Ok(frame.header("v").unwrap_or_else(|| panic!("{line:?}: {frame:?}")).to_owned())
}

fn wrong(version: impl Into<Option<Version>>, bytes: impl AsRef<[u8]>) -> DecodeError {
    let bytes = bytes.as_ref();
    read(version.into(), bytes).expect_err(&String::from_utf8_lossy(bytes))
}

#[test]
fn escapes_are_those_of_the_version() {
    let ok = |text: &str| Ok(text.to_owned());
    for (line, in_10, in_11, in_12) in [
        ("v:plain", ok("plain"), ok("plain"), ok("plain")),
        (r"v:a\nb", ok(r"a\nb"), ok("a\nb"), ok("a\nb")),
        (r"v:a\cb", ok(r"a\cb"), ok("a:b"), ok("a:b")),
        (r"v:a\\b", ok(r"a\\b"), ok(r"a\b"), ok(r"a\b")),
        (r"v:a\\nb", ok(r"a\\nb"), ok(r"a\nb"), ok(r"a\nb")),
        (r"v:a\rb", ok(r"a\rb"), Err(Wrong::BadEscape), ok("a\rb")),
        (r"v:a\tb", ok(r"a\tb"), Err(Wrong::BadEscape), Err(Wrong::BadEscape)),
        (r"v:a\", ok(r"a\"), Err(Wrong::BadEscape), Err(Wrong::BadEscape)),
        (r"v:a\Nb", ok(r"a\Nb"), Err(Wrong::BadEscape), Err(Wrong::BadEscape)),
        // Should have been escaped, and can mean nothing else.
        ("v:a:b", ok("a:b"), ok("a:b"), ok("a:b")),
        ("v:", ok(""), ok(""), ok("")),
        ("v:마당", ok("마당"), ok("마당"), ok("마당")),
        // Spaces count since 1.1.
        ("v: a ", ok("a"), ok(" a "), ok(" a ")),
        ("v:\ta", ok("\ta"), ok("\ta"), ok("\ta")),
        // A CR is text where it does not belong to a line's end.
        ("v:a\rb", ok("a\rb"), ok("a\rb"), Err(Wrong::StrayCr)),
        ("v:a\r", ok("a\r"), ok("a\r"), ok("a")),
        ("v:a\r\r", ok("a\r\r"), ok("a\r\r"), Err(Wrong::StrayCr)),
    ] {
        assert_eq!(value(V10, line), in_10, "{line:?} in 1.0");
        assert_eq!(value(V11, line), in_11, "{line:?} in 1.1");
        assert_eq!(value(V12, line), in_12, "{line:?} in 1.2");
    }
}

#[test]
fn names_are_escaped_like_values() {
    let name = |version| one(version, "SEND\na\\cb:x\n\n\0").headers.iter().next().unwrap().0.to_owned();
    assert_eq!(name(V10), r"a\cb");
    assert_eq!(name(V11), "a:b");
    assert_eq!(name(V12), "a:b");
}

#[test]
fn the_frame_that_connects_is_never_escaped() {
    for version in [None, Some(V10), Some(V11), Some(V12)] {
        for command in ["CONNECT", "STOMP"] {
            let frame = one(version, format!("{command}\naccept-version:1.2\npasscode:a\\nb:\\c\n\n\0"));
            assert_eq!(frame.header("passcode"), Some(r"a\nb:\c"), "{version:?}");
        }
    }
}

#[test]
fn connect_without_accept_version_pads_as_1_0() {
    let frame = one(None, "CONNECT\nlogin: me \n passcode :  x\n\n\0");
    assert_eq!((frame.header("login"), frame.header("passcode")), (Some("me"), Some("x")));
    let frame = one(None, "CONNECT\naccept-version:1.1\nlogin: me\n\n\0");
    assert_eq!(frame.header("login"), Some(" me"));
}

#[test]
fn cr_lf_ends_lines_by_version() {
    for version in [None, Some(V12)] {
        let frame = one(version, "SUBSCRIBE\r\nid:0\r\ndestination:/topic/a\r\n\r\n\0");
        assert_eq!((frame.command, frame.headers.len()), (Subscribe, 2));
        assert_eq!(frame.header("destination"), Some("/topic/a"));
    }
    for version in [V10, V11] {
        assert_eq!(wrong(version, "SUBSCRIBE\r\nid:0\r\n\r\n\0"), Wrong::UnknownCommand);
        assert_eq!(wrong(version, "SUBSCRIBE\nid:0\r\n\r\n\0"), Wrong::NoColon, "no empty line");
    }
}

#[test]
fn repeated_header_means_its_first_value() {
    for version in Version::ALL {
        let frame = one(version, "SEND\na:1\na:2\n\n\0");
        assert_eq!(frame.header("a"), Some("1"));
        assert_eq!(frame.headers.iter().collect::<Vec<_>>(), [("a", "1"), ("a", "2")]);
    }
    let frame = one(V12, "SEND\ncontent-length:2\ncontent-length:9\n\nab\0");
    assert_eq!(frame.body, b"ab");
}

#[test]
fn body_ends_at_nul_or_content_length() {
    for version in Version::ALL {
        assert_eq!(one(version, "SEND\n\na\nb\0").body, b"a\nb");
        assert_eq!(one(version, "SEND\ncontent-length:3\n\na\0b\0").body, b"a\0b");
        assert_eq!(one(version, "SEND\ncontent-length:0\n\n\0").body, b"");
        assert_eq!(wrong(version, "SEND\ncontent-length:3\n\nabcd\0"), Wrong::NoNul);
        assert_eq!(wrong(version, "SEND\ncontent-length:1\n\na\n"), Wrong::NoNul);
        for length in ["", "-1", "+1", "1.0", "one", "0x1"] {
            let bytes = format!("SEND\ncontent-length:{length}\n\na\0");
            assert_eq!(wrong(version, bytes), Wrong::BadContentLength, "{length:?}");
        }
    }
}

#[test]
fn body_without_nul_waits_then_fails() {
    assert_eq!(read(Some(V12), b"SEND\n\nnever").unwrap(), []);
    assert_eq!(wrong(V12, "SEND\n\n0123456789abcdefg"), Wrong::BodyTooLong);
}

#[test]
fn only_some_commands_have_a_body() {
    assert_eq!(wrong(V11, "SUBSCRIBE\nid:0\n\nx\0"), Wrong::UnexpectedBody);
    assert_eq!(wrong(V12, "DISCONNECT\ncontent-length:1\n\nx\0"), Wrong::UnexpectedBody);
    assert_eq!(wrong(None, "CONNECT\naccept-version:1.0,1.2\n\nx\0"), Wrong::UnexpectedBody);
    assert_eq!(one(V12, "DISCONNECT\ncontent-length:0\n\n\0").command, Disconnect);
    assert_eq!(one(V10, "DISCONNECT\n\nx\0").body, b"x", "1.0 does not forbid it");
    assert_eq!(one(V10, "CONNECT\n\nx\0").body, b"x", "nor there");
    assert_eq!(one(None, "CONNECT\ncontent-length:1\n\nx\0").body, b"x", "without a version it is of 1.0");
    assert_eq!(one(None, "CONNECT\naccept-version:1.0\n\nx\0").body, b"x");
}

#[test]
fn commands_are_those_of_the_version() {
    assert_eq!(one(None, "STOMP\naccept-version:1.2\n\n\0").command, Stomp);
    assert_eq!(one(V11, "NACK\n\n\0").command, Nack);
    assert_eq!(wrong(V10, "NACK\n\n\0"), Wrong::UnknownCommand);
    for name in ["send", "SEND ", " SEND", "MESSAGE", "SENDS", "GET / HTTP/1.1", "A"] {
        assert_eq!(wrong(V12, format!("{name}\n\n\0")), Wrong::UnknownCommand, "{name:?}");
    }
    assert_eq!(wrong(V12, "A".repeat(17)), Wrong::UnknownCommand, "before its end has come");
    let mut decoder = Decoder::<ServerCommand>::new(LIMITS);
    assert!(decoder.next(&mut &b"CONNECTED\nversion:1.2\n\n\0"[..]).unwrap().is_some());
}

#[test]
fn malformed_header_is_an_error() {
    for (bytes, error) in [
        (&b"SEND\nno colon\n\n\0"[..], Wrong::NoColon),
        (b"SEND\n:x\n\n\0", Wrong::EmptyHeaderName),
        (b"SEND\n \n\n\0", Wrong::NoColon),
        (b"SEND\na:\xff\n\n\0", Wrong::NotUtf8),
        (b"S\xffND\n\n\0", Wrong::NotUtf8),
        (b"SEND\0", Wrong::NulInHead),
        (b"SEND\na:b\0\n\n", Wrong::NulInHead),
        (b"\0", Wrong::NulInHead),
        (b"\rSEND\n\n\0", Wrong::StrayCr),
    ] {
        for version in Version::ALL {
            assert_eq!(wrong(version, bytes), error, "{bytes:?} in {version}");
        }
    }
    assert_eq!(wrong(V10, "SEND\n  :x\n\n\0"), Wrong::EmptyHeaderName, "a name of padding");
    assert_eq!(wrong(None, "CONNECT\n  :x\n\n\0"), Wrong::EmptyHeaderName);
}

#[test]
fn bounds_hold_at_the_byte_that_passes_them() {
    let line = |bytes: usize| format!("SEND\nv:{}", "x".repeat(bytes - 2));
    assert_eq!(read(Some(V12), line(32).as_bytes()), Ok(vec![]));
    assert_eq!(wrong(V12, line(33)), Wrong::LineTooLong);
    let two = format!("{}\nw:{}", line(32), "x".repeat(30));
    assert_eq!(read(Some(V12), two.as_bytes()), Ok(vec![]));
    assert_eq!(wrong(V12, format!("{two}\nx")), Wrong::HeadTooLong);
    let four = "SEND\na:\nb:\nc:\nd:\n";
    assert_eq!(one(V12, format!("{four}\n\0")).headers.len(), 4);
    assert_eq!(wrong(V12, format!("{four}e:\n")), Wrong::TooManyHeaders);
    assert_eq!(one(V12, format!("SEND\n\n{}\0", "x".repeat(16))).body.len(), 16);
    assert_eq!(wrong(V12, format!("SEND\n\n{}", "x".repeat(17))), Wrong::BodyTooLong);
    assert_eq!(wrong(V12, "SEND\ncontent-length:17\n\n"), Wrong::BodyTooLong, "before any of it has come");
    let most = format!("SEND\ncontent-length:{}\n\n", "9".repeat(16));
    assert_eq!(wrong(V12, most), Wrong::BodyTooLong);
}

#[test]
fn line_end_between_frames_is_heart_beat() {
    for version in Version::ALL {
        let items = read(Some(version), b"\n\r\nACK\n\n\0\n\n").unwrap();
        let kinds: Vec<bool> = items.iter().map(|item| *item == Item::HeartBeat).collect();
        assert_eq!(kinds, [true, true, false, true, true], "{version}");
    }
}

#[test]
fn agreed_version_holds_from_next_frame() {
    let mut decoder = Decoder::<ClientCommand>::new(LIMITS);
    let mut rest = &b"CONNECT\naccept-version:1.1\na:\\t\n\n\0SEND\nv:\\c\n\n\0SEND\nv:\\t\n\n\0"[..];
    let Ok(Some(Item::Frame(frame))) = decoder.next(&mut rest) else { panic!("a frame") };
    assert_eq!((frame.command, frame.header("a")), (Connect, Some(r"\t")));
    decoder.agree(V11);
    let Ok(Some(Item::Frame(frame))) = decoder.next(&mut rest) else { panic!("a frame") };
    assert_eq!((frame.command, frame.header("v")), (Send, Some(":")));
    assert_eq!(decoder.next(&mut rest), Err(Wrong::BadEscape));
    assert_eq!(decoder.next(&mut &b"ACK\n\n\0"[..]), Err(Wrong::BadEscape), "for ever");
}

#[test]
fn error_in_frame_keeps_its_receipt() {
    let mut decoder = Decoder::<ClientCommand>::new(LIMITS);
    decoder.agree(V12);
    let mut rest = &b"ACK\nreceipt:1\n\n\0SEND\nreceipt:2\nno colon\n"[..];
    assert!(
        decoder
            .next(&mut rest)
            .unwrap()
            .is_some_and(|item| matches!(&item, Item::Frame(f) if f.command == Ack))
    );
    assert_eq!(decoder.receipt(), None);
    assert!(!decoder.is_inside());
    assert_eq!(decoder.next(&mut rest), Err(Wrong::NoColon));
    assert_eq!(decoder.receipt(), Some("2"));
    assert!(decoder.is_inside());
}
