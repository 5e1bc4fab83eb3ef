//! Mark of a generated message, and how to find it in a frame without parsing the frame.

use madang_protocol::{Cmid, Entry, EntryKind, RoomId, ServerFrame};

use crate::history::WriteId;

/// The head of every generated body: `@sender.n.nanoseconds;`, then filler.
///
/// No id and no number in a frame holds an `@`, so the first one in a frame is the mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The write.
    pub write: WriteId,
    /// Time of sending, in nanoseconds of the generator's own clock.
    pub sent_ns: u64,
}

impl Mark {
    /// A body of `bytes` bytes (or a little more, if the mark itself is longer).
    pub fn body(self, bytes: usize) -> String {
        let Self { write: WriteId { sender, n }, sent_ns } = self;
        let mut body = format!("@{sender}.{n}.{sent_ns};");
        body.extend(std::iter::repeat_n('x', bytes.saturating_sub(body.len())));
        body
    }

    /// The mark in `frame`, if there is one.
    pub fn find(frame: &[u8]) -> Option<Self> {
        let rest = frame.get(memchr::memchr(b'@', frame)? + 1..)?;
        let (sender, rest) = number(rest, b'.')?;
        let (n, rest) = number(rest, b'.')?;
        let (sent_ns, _) = number(rest, b';')?;
        let write = WriteId { sender: sender.try_into().ok()?, n: n.try_into().ok()? };
        Some(Self { write, sent_ns })
    }
}

/// The `seq` of an `entry` frame; `None` for every other frame.
pub fn entry_seq(frame: &[u8]) -> Option<u64> {
    const SEQ: &[u8] = b",\"seq\":";
    let rest = frame.strip_prefix(br#"{"t":"entry""#)?;
    let at = memchr::memmem::find(rest, SEQ)?;
    number(rest.get(at + SEQ.len()..)?, b',').map(|(seq, _)| seq)
}

/// The digits before `end`, and what follows it.
fn number(bytes: &[u8], end: u8) -> Option<(u64, &[u8])> {
    let mut value: u64 = 0;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'9' => value = value.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?,
            byte if *byte == end && at > 0 => return Some((value, bytes.get(at + 1..)?)),
            _ => return None,
        }
    }
    None
}

/// The cmid of a write. `run` keeps the writes of two runs against one database apart. Writes of about the same time are
/// beside each other, as ids that are made by time are.
pub fn cmid(run: u32, write: WriteId) -> Cmid {
    Cmid(u128::from(run) << 64 | u128::from(write.n) << 32 | u128::from(write.sender))
}

/// The write that [`cmid`] was made for.
pub fn write_of(cmid: Cmid) -> WriteId {
    WriteId { sender: cmid.0 as u32, n: (cmid.0 >> 32) as u32 }
}

/// Returns the length of a body for an `entry` frame of about `frame_bytes`, so that a server that only passes bodies
/// on can be given frames of the same length.
pub fn body_bytes(frame_bytes: usize) -> usize {
    frame_bytes.saturating_sub(bytes_around())
}

/// Returns the length of an `entry` frame around a body of `body_bytes`.
pub fn frame_bytes(body_bytes: usize) -> usize {
    body_bytes + bytes_around()
}

fn bytes_around() -> usize {
    let entry = ServerFrame::Entry(Entry {
        room: RoomId::lobby(),
        seq: 12_345,
        at: 1_700_000_000_000,
        by: "abcdefghijkl".parse().unwrap_or_else(|_| madang_protocol::UserId::system()),
        cmid: Some(Cmid(0)),
        what: EntryKind::posted(String::new(), None),
    });
    serde_json::to_vec(&entry).map_or(0, |frame| frame.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: Mark = Mark { write: WriteId { sender: 3, n: 71 }, sent_ns: 1_234_567 };

    fn entry(body: String) -> Vec<u8> {
        serde_json::to_vec(&ServerFrame::Entry(Entry {
            room: RoomId::lobby(),
            seq: 98_765,
            at: 1_700_000_000_000,
            by: "abcdefghijkl".parse().unwrap(),
            cmid: Some(cmid(9, MARK.write)),
            what: EntryKind::posted(body, None),
        }))
        .unwrap()
    }

    #[test]
    fn a_scan_reads_what_the_protocol_wrote() {
        let frame = entry(MARK.body(60));
        assert_eq!(entry_seq(&frame), Some(98_765));
        assert_eq!(Mark::find(&frame), Some(MARK));
    }

    #[test]
    fn entry_frame_has_requested_length() {
        assert_eq!(entry(MARK.body(body_bytes(220))).len(), 220);
        assert_eq!(body_bytes(frame_bytes(200)), 200);
    }

    #[test]
    fn frames_without_mark_or_seq_yield_none() {
        assert_eq!(Mark::find(&entry("hello".to_owned())), None);
        for frame in
            [&br#"{"t":"live","room":"lobby","head":5}"#[..], br#"{"t":"entry"}"#, b"", b"@", b"@1.2.x;"]
        {
            assert_eq!(entry_seq(frame), None);
            assert_eq!(Mark::find(frame), None);
        }
    }

    #[test]
    fn a_cmid_names_its_write() {
        let write = WriteId { sender: u32::MAX, n: 7 };
        assert_eq!(write_of(cmid(u32::MAX, write)), write);
        assert_ne!(cmid(1, write), cmid(2, write));
    }
}
