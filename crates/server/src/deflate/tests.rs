//! Compression of single messages.

use proptest::prelude::*;

use super::*;

const HELLO: &[u8] = b"Hello";

fn both_ways(text: &[u8]) -> Option<usize> {
    let deflated = deflate(text)?;
    assert_eq!(inflate(&deflated, Some(text.len())).as_deref(), Ok(text));
    assert!(deflated.len() < text.len());
    Some(deflated.len())
}

/// Bytes that repeat themselves seldom.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(next).collect()
}

#[test]
fn shrinking_text_is_compressed_and_read_back() {
    let text =
        r#"{"t":"entry","room":"lobby","seq":18231,"body":"회의는 오후 세 시에 합니다"}"#.repeat(4_000);
    for length in [LEAST, LEAST + 1, 1_000, 32_767, 32_768, 65_536, text.len()] {
        assert!(both_ways(&text.as_bytes()[..length]).is_some(), "{length}");
    }
    assert_eq!(deflate(&text.as_bytes()[..LEAST - 1]), None, "too short");
    for length in [LEAST, 5_000, 100_000] {
        assert_eq!(deflate(&noise(length)), None, "it does not shrink");
    }
    assert!(both_ways(text.as_bytes()).is_some(), "and what went before is forgotten");
}

#[test]
fn examples_of_the_standard_are_read() {
    // RFC 7692, 7.2.3.
    let compressed: [&[u8]; 5] = [
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
        &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
        // Without the octet behind the last block, as some send it.
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
    ];
    for message in compressed {
        assert_eq!(inflate(message, Some(5)).as_deref(), Ok(HELLO), "{message:x?}");
        assert_eq!(inflate(message, Some(4)), Err(NotInflated::TooLong), "{message:x?}");
    }
    for empty in [&[0x00][..], &[0x02, 0x00], &[0x03, 0x00, 0x00], &[]] {
        assert_eq!(inflate(empty, Some(0)).as_deref(), Ok(&b""[..]), "{empty:x?}");
    }
}

#[test]
fn message_that_is_cut_short_is_broken() {
    let text = "네, 그럼 내일 회의는 오후 세 시에 합니다. ".repeat(10);
    let deflated = deflate(text.as_bytes()).unwrap();
    for length in 1..deflated.len() {
        assert_eq!(inflate(&deflated[..length], None), Err(NotInflated::Broken), "{length}");
    }
    let more = [&deflated[..], b"more"].concat();
    assert_eq!(inflate(&more, None), Err(NotInflated::Broken));
}

#[test]
fn bomb_takes_no_more_memory_than_a_message() {
    let bomb = deflate(&vec![0; 8 << 20]).unwrap();
    let mut decompressor = Decompress::new(false);
    for max in [0, 1, 1_000, 65_536] {
        let mut inflating = Inflating { decompressor: &mut decompressor, out: Vec::new(), max, lasts: 0 };
        assert_eq!(inflating.feed(&bomb), Err(NotInflated::TooLong));
        assert_eq!(inflating.out.capacity(), max + 1);
        decompressor.reset(false);
    }
    let many = [&bomb[..], &TAIL].concat().repeat(3);
    assert_eq!(inflate(&many, None), Err(NotInflated::TooLong), "where messages have no limit");
    assert_eq!(inflate(&bomb, None).unwrap().len(), 8 << 20);
}

#[test]
fn blocks_marked_as_last_are_counted() {
    let last = [0x03, 0x00];
    let hello = [
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..],
        &last.repeat(3),
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
    ];
    assert_eq!(inflate(&hello.concat(), None).as_deref(), Ok(&b"HelloHello"[..]));
    assert_eq!(inflate(&[&last.repeat(30_000)[..], &[0]].concat(), None), Err(NotInflated::Broken));
}

#[test]
fn stored_text_goes_before_a_compressed_one() {
    let text = "네, 그럼 내일 회의는 오후 세 시에 합니다. ".repeat(10);
    let deflated = deflate(text.as_bytes()).unwrap();
    for length in [0, 1, 65_535, 65_536, 200_000] {
        let own = noise(length);
        let mut message = Vec::new();
        store(&own, &mut message);
        assert_eq!(message.len(), stored_bytes(length));
        message.extend(&deflated);
        assert_eq!(inflate(&message, None).unwrap(), [&own, text.as_bytes()].concat());
    }
}

#[test]
fn text_beyond_the_peers_window_does_not_fit() {
    for (bits, most) in [(8, 256), (9, 512), (14, 16_384)] {
        let agreed = Deflate::new(bits, Counter::default());
        assert_eq!((agreed.fits(most), agreed.fits(most + 1)), (true, false));
    }
    assert!(Deflate::new(15, Counter::default()).fits(usize::MAX));
}

proptest! {
    #[test]
    fn any_bytes_are_inflated_within_bounds(bytes in proptest::collection::vec(any::<u8>(), 0..600), max in 0..2_000_usize) {
        if let Ok(inflated) = inflate(&bytes, Some(max)) {
            prop_assert!(inflated.len() <= max);
        }
    }
}
