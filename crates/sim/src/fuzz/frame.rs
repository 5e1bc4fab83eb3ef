//! Reading frames: no bytes make it panic, and what was read once is written and read the same for ever.

use std::fmt::Debug;

use madang_protocol::text::{NAME_CHARS, TITLE_CHARS};
use madang_protocol::{ClientFrame, ServerFrame};
use madang_server::text;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Most characters of a message's text, for the rule about texts.
const BODY_CHARS: u32 = 100;

/// Reads `bytes` as a frame of either side, as an array of frames, and as the texts that people type.
///
/// # Panics
/// If a frame does not survive being written and read, or a rule about texts contradicts itself.
pub fn frame(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    round_trip::<ClientFrame>(text);
    round_trip::<ServerFrame>(text);
    round_trip::<Vec<ClientFrame>>(text);
    round_trip::<Vec<ServerFrame>>(text);
    typed(text);
}

fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(text: &str) {
    let Ok(read) = serde_json::from_str::<T>(text) else { return };
    // A frame that this version does not know cannot be written.
    let Ok(written) = serde_json::to_string(&read) else { return };
    let again: T = serde_json::from_str(&written).unwrap_or_else(|error| panic!("{written}: {error}"));
    assert_eq!(read, again, "{written}");
}

/// Text that was cleaned once is clean, and within its bound.
fn typed(text: &str) {
    for (clean, most) in
        [(text::nickname as fn(&str) -> Result<String, _>, NAME_CHARS), (text::room_title, TITLE_CHARS)]
    {
        let Ok(line) = clean(text) else { continue };
        assert!(line.chars().count() <= most, "{line:?}");
        assert_eq!(clean(&line).as_ref(), Ok(&line), "cleaned twice");
    }
    if let Ok(body) = text::body(text, BODY_CHARS) {
        assert!(body.chars().count() <= BODY_CHARS as usize);
        assert!(text::has_mark(&body), "a blank message");
        assert!(body.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t')), "{body:?}");
        assert_eq!(text::body(&body, BODY_CHARS).as_ref(), Ok(&body), "cleaned twice");
    }
}
