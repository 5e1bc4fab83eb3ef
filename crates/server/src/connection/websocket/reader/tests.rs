//! Frames as their bytes come.

use super::*;
use crate::deflate::deflate;

/// Reads bytes in pieces of so many. Returns what came whole, and the end, if there was one.
fn read_in(piece: usize, bytes: &[u8], max: Option<usize>) -> (Vec<Received>, Option<End>, Reader) {
    let (mut reader, mut all) = (Reader::new(&[], max, true), Vec::new());
    for piece in bytes.chunks(piece) {
        reader.unread.extend_from_slice(piece);
        loop {
            match reader.frame() {
                Ok(Ok(received)) => all.extend(received),
                Ok(Err(missing)) => {
                    assert!(missing > 0);
                    break;
                }
                Err(end) => return (all, Some(end), reader),
            }
        }
    }
    (all, None, reader)
}

fn read(bytes: &[u8], max: Option<usize>) -> (Vec<Received>, Option<End>) {
    let (all, end, _) = read_in(usize::MAX, bytes, max);
    let (single, single_end, _) = read_in(1, bytes, max);
    assert_eq!((&all, end), (&single, single_end), "however it is cut");
    (all, end)
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [1, 2, 3, 4];
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..126 => bytes.push(0x80 | length as u8),
        length @ 126..0x1_0000 => bytes.extend([&[0xfe], &(length as u16).to_be_bytes()[..]].concat()),
        length => bytes.extend([&[0xff], &(length as u64).to_be_bytes()[..]].concat()),
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

fn text(text: &str) -> Received {
    Received::Text(text.into())
}

const PROTOCOL: Option<End> = Some(End::Close(BROKEN));
const TOO_BIG: Option<End> = Some(End::Close(CloseCode::TOO_BIG));

#[test]
fn close_code_is_read_behind_any_frames() {
    let close = frame(0x88, &[0x03, 0xf6, b'!']);
    for length in [0, 1, 125, 126, 300, 70_000] {
        let payload = "x".repeat(length);
        let bytes = [frame(0x81, payload.as_bytes()), close.clone()].concat();
        let expected = vec![text(&payload), Received::Close(Some(CloseCode(1014)))];
        assert_eq!(read_in(usize::MAX, &bytes, None).0, expected);
        assert_eq!(read_in(997, &bytes, None).0, expected);
    }
    assert_eq!(read(&frame(0x88, &[]), None), (vec![Received::Close(None)], None));
}

#[test]
fn malformed_close_is_closing_all_the_same() {
    let half = frame(0x88, b"a");
    let forbidden = [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535];
    let codes = forbidden.map(|code| frame(0x88, &code.to_be_bytes()));
    let long = frame(0x88, &[0; 126]);
    let unmasked = vec![0x88, 0x02, 3, 0xe8];
    for bytes in codes.into_iter().chain([half, long, unmasked]) {
        let (all, end, reader) = read_in(1, &bytes, None);
        assert_eq!((all.as_slice(), end, reader.is_closing()), (&[][..], PROTOCOL, true), "{bytes:x?}");
    }
    let reason = [&[3, 0xe8], &b"\xff"[..]].concat();
    assert_eq!(read(&frame(0x88, &reason), None).1, Some(End::Close(CloseCode::NOT_UTF8)));
}

#[test]
fn whole_messages_end_with_their_last_fragment() {
    let frames = [
        (frame(0x01, b"a"), vec![]),
        (frame(0x89, b"?"), vec![Received::Ping(Bytes::from_static(b"?"))]),
        (frame(0x00, b""), vec![]),
        (frame(0x80, b"b"), vec![text("ab")]),
        (frame(0x8a, b""), vec![Received::Pong]),
        (frame(0x82, b"\xff"), vec![Received::Binary(Bytes::from_static(b"\xff"))]),
    ];
    let bytes: Vec<u8> = frames.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
    let expected: Vec<Received> = frames.into_iter().flat_map(|(_, received)| received).collect();
    assert_eq!(read(&bytes, None), (expected, None));
}

#[test]
fn frames_out_of_order_break_the_protocol() {
    let [text, more, end] = [frame(0x01, b"a"), frame(0x00, b"b"), frame(0x80, b"c")];
    for broken in [more.clone(), end.clone(), [text.clone(), text.clone()].concat(), frame(0x09, b"x")] {
        assert_eq!(read(&broken, None), (vec![], PROTOCOL), "{broken:x?}");
    }
    for reserved in [0x91, 0xa1, 0x83, 0x8b, 0xc9, 0xc8] {
        assert_eq!(read(&frame(reserved, b""), None), (vec![], PROTOCOL), "{reserved:x}");
    }
    assert_eq!(read(&[text, frame(0xc0, b"b")].concat(), None).1, PROTOCOL, "a compressed continuation");
}

#[test]
fn compressed_frame_without_agreement_breaks_the_protocol() {
    let mut reader = Reader::new(&frame(0xc1, &[0]), None, false);
    assert_eq!(reader.frame().err(), PROTOCOL);
    let mut reader = Reader::new(&frame(0xc1, &[0]), None, true);
    assert_eq!(reader.frame(), Ok(Ok(Some(text("")))));
}

#[test]
fn compressed_message_is_read_from_its_fragments() {
    let long = "네, 그럼 내일 회의는 오후 세 시에 합니다. ".repeat(20);
    let deflated = deflate(long.as_bytes()).unwrap();
    let (first, rest) = deflated.split_at(10);
    let (second, third) = rest.split_at(1);
    let bytes = [
        frame(0x41, first),
        frame(0x89, b""),
        frame(0x00, second),
        frame(0x80, third),
        frame(0x81, b"plain"),
        frame(0xc2, &deflated),
    ];
    let expected =
        vec![Received::Ping(Bytes::new()), text(&long), text("plain"), Received::Binary(long.clone().into())];
    assert_eq!(read(&bytes.concat(), Some(long.len())), (expected, None));
}

#[test]
fn bomb_ends_at_the_limit_of_messages() {
    let bomb = deflate(&[b' '; 100_000]).unwrap();
    assert!(bomb.len() < 1_000);
    assert_eq!(read(&frame(0xc1, &bomb), Some(99_999)), (vec![], TOO_BIG));
    assert_eq!(read_in(usize::MAX, &frame(0xc1, &bomb), Some(100_000)).1, None);
    assert_eq!(read(&frame(0xc1, b"\xff\xff"), Some(100_000)), (vec![], PROTOCOL), "no DEFLATE");
    let not_utf8 = deflate(&[0xff; 300]).unwrap();
    assert_eq!(read(&frame(0xc1, &not_utf8), None).1, Some(End::Close(CloseCode::NOT_UTF8)));
}

#[test]
fn messages_are_measured_before_they_are_awaited() {
    let head = |first, length: u64| [&[first, 0xff], &length.to_be_bytes()[..], &[0; 4]].concat();
    assert_eq!(read(&head(0x81, 11), Some(10)).1, TOO_BIG);
    assert_eq!(read(&head(0x81, 10), Some(10)).1, None);
    assert_eq!(read(&head(0x81, 1 << 62), Some(10)).1, TOO_BIG);
    assert_eq!(read(&head(0xc1, 10 + DEFLATE_OVERHEAD as u64 + 1), Some(10)).1, TOO_BIG);
    assert_eq!(read(&[frame(0x01, b"12345"), head(0x80, 6)].concat(), Some(10)).1, TOO_BIG);
    let empty: Vec<u8> = (0..1_000).flat_map(|_| frame(0x00, b"")).collect();
    assert_eq!(read(&[frame(0x01, b""), empty].concat(), Some(10)).1, TOO_BIG, "empty for ever");
    let between: Vec<u8> = (0..1_000).flat_map(|_| [frame(0x00, b""), frame(0x89, b"")].concat()).collect();
    assert_eq!(read(&[frame(0x01, b""), between].concat(), Some(10)).1, TOO_BIG, "with pings between");
}

#[test]
fn broken_text_is_not_awaited_to_its_end() {
    let half = [frame(0x01, b"\xea\xb0"), frame(0x00, b"\x80\xea")].concat();
    assert_eq!(read(&half, None), (vec![], None));
    let whole = [half.clone(), frame(0x80, "가".as_bytes().split_at(1).1)].concat();
    assert_eq!(read(&whole, None).0, [text("가가")]);
    assert_eq!(read(&[half, frame(0x00, b"x")].concat(), None).1, Some(End::Close(CloseCode::NOT_UTF8)));
}
