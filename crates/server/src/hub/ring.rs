//! A room's most recent entries, encoded: they serve most reconnects without a look at the database.

use std::collections::VecDeque;
use std::sync::Arc;

use madang_protocol::Seq;

use crate::encoded::EntryFrame;
use crate::simulation::{Mutant, bound, is};

/// Most entries that a ring holds; the oldest is dropped for the next.
const ENTRIES: usize = 256;

/// Most bytes of frames that a ring holds.
const BYTES: usize = 128 * 1024;

/// Contiguous entries, the newest last.
#[derive(Debug, Default)]
pub(super) struct Ring {
    frames: VecDeque<Arc<EntryFrame>>,
    bytes: usize,
}

impl Ring {
    /// Adds the entry that follows the newest one.
    pub(super) fn push(&mut self, frame: Arc<EntryFrame>) {
        self.bytes += frame.json.len();
        self.frames.push_back(frame);
        while self.frames.len() > bound(ENTRIES, |bounds| bounds.ring_entries) || self.bytes > BYTES {
            let Some(oldest) = self.frames.pop_front() else { break };
            self.bytes -= oldest.json.len();
        }
    }

    /// All entries after `cursor`, if the ring still holds the first of them.
    pub(super) fn after(&self, cursor: Seq) -> Option<Vec<Arc<EntryFrame>>> {
        let first = self.frames.front()?.seq;
        let skip = usize::try_from((cursor + 1).checked_sub(first)?).ok()?;
        let skip = if is(Mutant::ReplaysOneTooFew) { skip + 1 } else { skip };
        Some(self.frames.iter().skip(skip).cloned().collect())
    }

    /// Takes the deleted message's text out of what a reconnect would be sent.
    pub(super) fn forget(&mut self) {
        self.frames.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use madang_protocol::{Entry, Person, RoomId, UserId, What};

    use super::*;

    fn ring(seqs: std::ops::RangeInclusive<Seq>, body: &str) -> Ring {
        let mut ring = Ring::default();
        for seq in seqs {
            let what = What::Posted { body: body.into(), reply_to: None };
            let entry = Entry { room: RoomId::lobby(), seq, at: 0, by: UserId::system(), cmid: None, what };
            let author = Person { id: UserId::system(), name: String::new() };
            ring.push(Arc::new(EntryFrame::new(entry, author)));
        }
        ring
    }

    fn seqs(frames: Option<Vec<Arc<EntryFrame>>>) -> Option<Vec<Seq>> {
        frames.map(|frames| frames.iter().map(|frame| frame.seq).collect())
    }

    #[test]
    fn a_cursor_inside_gets_all_that_follows() {
        let ring = ring(5..=9, "x");
        assert_eq!(seqs(ring.after(6)), Some(vec![7, 8, 9]));
        assert_eq!(seqs(ring.after(4)), Some(vec![5, 6, 7, 8, 9]), "just before the first");
        assert_eq!(seqs(ring.after(9)), Some(vec![]), "at the head");
    }

    #[test]
    fn a_cursor_before_the_first_is_not_served() {
        assert_eq!(seqs(ring(5..=9, "x").after(3)), None);
        assert_eq!(seqs(Ring::default().after(0)), None, "nor is any from an empty ring");
    }

    #[test]
    fn it_is_bounded_in_entries_and_bytes() {
        assert_eq!(seqs(ring(1..=1_000, "x").after(999 - ENTRIES as Seq)), None);
        assert_eq!(seqs(ring(1..=1_000, "x").after(1_000 - ENTRIES as Seq)).map(|s| s.len()), Some(ENTRIES));
        let large = ring(1..=100, &"x".repeat(8_000));
        assert!(large.bytes <= BYTES);
    }
}
