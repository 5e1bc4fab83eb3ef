//! Any frame survives being written and read; any bytes mean the same however they are split.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use madang_stomp::{
    ClientCommand, Command, DecodeError, Decoder, EncodeError, Frame, Headers, Item, Limits, Version, encode,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const LIMITS: Limits = Limits { headers: 8, line: 64, head: 256, body: 64 };
const WIDE: Limits = Limits { headers: 8, line: 1 << 20, head: 1 << 20, body: 1 << 20 };

/// Joins `pieces`, one after the other.
fn read(
    version: Version,
    limits: Limits,
    pieces: &[&[u8]],
) -> (Vec<Item<ClientCommand>>, Option<DecodeError>) {
    let mut decoder = Decoder::new(limits);
    decoder.agree(version);
    let mut items = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        loop {
            match decoder.next(&mut rest) {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(error) => return (items, Some(error)),
            }
        }
    }
    (items, None)
}

fn version() -> impl Strategy<Value = Version> {
    select(&Version::ALL[..])
}

/// Text made of what is special.
fn text() -> impl Strategy<Value = String> {
    vec(select(vec!['a', ':', '\\', '\n', '\r', ' ', 'c', 'n', 'r', '마', '\t']), 0..8)
        .prop_map(|chars| chars.into_iter().collect())
}

fn frame() -> impl Strategy<Value = Frame<ClientCommand>> {
    let headers = vec((text(), text()), 0..6);
    (select(ClientCommand::ALL), headers, vec(any::<u8>(), 0..32)).prop_map(|(command, pairs, body)| {
        let mut headers = Headers::default();
        pairs.into_iter().for_each(|(name, value)| headers.push(name, value));
        let frame = Frame { command, headers, body: Vec::new() };
        if command.has_body() { frame.with_body(body) } else { frame }
    })
}

/// Bytes that come near to being frames.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "SEND",
        "CONNECT",
        "NACK",
        "\n",
        "\n\n",
        "\r\n",
        "\r",
        "\0",
        "a:b",
        ":",
        "\\",
        "\\c",
        "\\t",
        "content-length:3",
        "accept-version:1.2",
        " ",
        "가",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    vec(select(words.to_vec()), 0..24).prop_map(|words| words.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn encoded_frames_decode_unchanged(frame in frame(), version in version()) {
        let mut out = Vec::new();
        if encode(&frame, version, &mut out).is_ok() {
            prop_assert_eq!(read(version, WIDE, &[&out]), (vec![Item::Frame(frame)], None));
        }
    }

    #[test]
    fn any_header_without_nul_encodes_since_1_1(frame in frame(), newest in any::<bool>()) {
        let version = if newest { Version::V12 } else { Version::V11 };
        let named = frame.headers.iter().all(|(name, _)| !name.is_empty());
        if named && frame.command.version_header().is_none() {
            prop_assert_eq!(encode(&frame, version, &mut Vec::new()), Ok(()));
        }
    }

    #[test]
    fn bytes_decode_alike_however_split(
        bytes in bytes(),
        version in version(),
        splits in vec(any::<proptest::sample::Index>(), 0..12),
    ) {
        let whole = read(version, LIMITS, &[&bytes]);
        let mut at: Vec<usize> = splits.iter().map(|index| index.index(bytes.len() + 1)).collect();
        at.sort_unstable();
        let (mut pieces, mut rest, mut from) = (Vec::new(), &bytes[..], 0);
        for to in at {
            let (piece, tail) = rest.split_at(to - from);
            pieces.push(piece);
            (rest, from) = (tail, to);
        }
        pieces.push(rest);
        prop_assert_eq!(&read(version, LIMITS, &pieces), &whole);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&read(version, LIMITS, &single), &whole);
    }

    #[test]
    fn decoded_frames_survive_reencoding(bytes in bytes(), version in version()) {
        for item in read(version, LIMITS, &[&bytes]).0 {
            let Item::Frame(frame) = &item else { continue };
            if frame.command.version_header().is_some() && !frame.body.is_empty() {
                // A body that 1.0 lets such a frame carry is ignored when read, and never written.
                prop_assert_eq!(encode(frame, version, &mut Vec::new()), Err(EncodeError::UnexpectedBody));
                continue;
            }
            let mut out = Vec::new();
            prop_assert_eq!(encode(frame, version, &mut out), Ok(()));
            prop_assert_eq!(read(version, WIDE, &[&out]), (vec![item], None));
        }
    }
}

#[test]
fn single_bytes_cost_as_much_as_one_read() {
    // Looking again at what came before would be some 10^13 steps here: this test would not end.
    let limits = Limits { headers: 2, line: 4 << 20, head: 4 << 20, body: 4 << 20 };
    let long = "x".repeat(4_000_000);
    let bytes = format!("SEND\na:{long}\n\n{long}\0").into_bytes();
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(read(Version::V12, limits, &single).0.len(), 1);
}
