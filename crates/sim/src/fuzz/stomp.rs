//! STOMP: any bytes, split anywhere, in each version, from either side.

use std::fmt::Debug;

use madang_stomp::{
    ClientCommand, Command, DecodeError, Decoder, Frame, HeartBeat, Item, Limits, ServerCommand, Version,
    encode,
};

/// So small that short inputs reach them.
const LIMITS: Limits = Limits { headers: 5, line: 40, head: 100, body: 60 };

/// Limits for a frame within [`LIMITS`] once it is written anew: each byte may have become an escape.
const WIDE: Limits = Limits { headers: 5, line: 100, head: 300, body: 60 };

type Told<C> = (Vec<Item<C>>, Option<DecodeError>, Option<String>);

/// Reads the bytes behind the first two as STOMP of one side, in the version that the first byte chooses; the
/// second seeds where they are split.
///
/// # Panics
/// If how they are split matters, a bound is passed, or a frame does not survive being written and read.
pub fn stomp(bytes: &[u8]) {
    let [choice, seed, bytes @ ..] = bytes else { return };
    let version = match choice & 3 {
        0 => None,
        1 => Some(Version::V10),
        2 => Some(Version::V11),
        _ => Some(Version::V12),
    };
    if choice & 4 == 0 {
        one_side::<ClientCommand>(version, *seed, bytes);
    } else {
        one_side::<ServerCommand>(version, *seed, bytes);
    }
    if let Some(beat) = std::str::from_utf8(bytes).ok().and_then(HeartBeat::parse) {
        assert_eq!(HeartBeat::parse(&beat.to_string()), Some(beat));
    }
}

fn one_side<C: Command>(version: Option<Version>, seed: u8, bytes: &[u8]) {
    let told = read::<C>(version, LIMITS, &mut [bytes].into_iter());
    assert_eq!(read::<C>(version, LIMITS, &mut bytes.chunks(1)), told, "one byte at a time");
    assert_eq!(read::<C>(version, LIMITS, &mut Split::of(bytes, seed)), told, "split by {seed}");
    for item in told.0 {
        let Item::Frame(frame) = &item else { continue };
        within_bounds(frame);
        survives(frame, version);
    }
}

/// All bytes of the pieces. The first frame that names a version agrees on it, where none was chosen.
fn read<C: Command>(
    version: Option<Version>,
    limits: Limits,
    pieces: &mut dyn Iterator<Item = &[u8]>,
) -> Told<C> {
    let mut decoder = Decoder::new(limits);
    version.into_iter().for_each(|version| decoder.agree(version));
    let mut items = Vec::new();
    for piece in pieces {
        let mut rest = piece;
        loop {
            match decoder.next(&mut rest) {
                Ok(None) => break,
                Ok(Some(item)) => {
                    if version.is_none() {
                        named(&item).into_iter().for_each(|version| decoder.agree(version));
                    }
                    items.push(item);
                }
                Err(error) => {
                    assert_eq!(decoder.next(&mut &b"\n"[..]), Err(error), "it cannot go on");
                    return (items, Some(error), decoder.receipt().map(str::to_owned));
                }
            }
        }
        assert!(rest.is_empty(), "it takes all");
    }
    (items, None, decoder.receipt().map(str::to_owned))
}

fn named<C: Command>(item: &Item<C>) -> Option<Version> {
    let Item::Frame(frame) = item else { return None };
    Version::accepted(frame.header(frame.command.version_header()?)).next()
}

fn within_bounds<C: Debug>(frame: &Frame<C>) {
    assert!(frame.headers.len() <= LIMITS.headers, "{frame:?}");
    assert!(frame.body.len() <= LIMITS.body, "{frame:?}");
    let lengths = frame.headers.iter().map(|(name, value)| name.len() + value.len());
    assert!(lengths.clone().all(|length| length < LIMITS.line), "{frame:?}");
    assert!(lengths.sum::<usize>() <= LIMITS.head, "{frame:?}");
}

/// Checks that a frame is written and read the same. Without a version that holds for the frames that agree on one: the
/// others have no rules yet.
fn survives<C: Command>(frame: &Frame<C>, version: Option<Version>) {
    let agrees = frame.command.version_header().is_some();
    if agrees && !frame.body.is_empty() {
        // A body that 1.0 lets such a frame carry is passed over, and never written.
        return;
    }
    let Some(version) = version.or(agrees.then_some(Version::V12)) else { return };
    let mut out = Vec::new();
    encode(frame, version, &mut out).unwrap_or_else(|error| panic!("{error}: {frame:?}"));
    let (items, error, _) = read::<C>(Some(version), WIDE, &mut [&out[..]].into_iter());
    assert_eq!((items, error), (vec![Item::Frame(frame.clone())], None));
}

/// Pieces of pseudo-random lengths, empty ones too.
struct Split<'a> {
    rest: &'a [u8],
    state: u32,
}

impl<'a> Split<'a> {
    fn of(bytes: &'a [u8], seed: u8) -> Self {
        Self { rest: bytes, state: u32::from(seed) + 1 }
    }
}

impl<'a> Iterator for Split<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        // Enough of a generator for lengths (Knuth's).
        self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let length = (self.state >> 27) as usize % 8;
        let (piece, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        Some(piece)
    }
}
