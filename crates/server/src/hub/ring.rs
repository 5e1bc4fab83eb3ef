//! A room's most recent entries, encoded: they serve reconnects without a look at the database.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use madang_protocol::{Person, Seq};

use crate::encoded::{Committed, PersonFrame};
use crate::simulation::bound;

/// Most entries that a ring holds: as many as a reader may be behind. The oldest is dropped for the next.
pub(super) const ENTRIES: usize = 1_000;

/// Most bytes that a ring holds: a thousand messages of an ordinary length, four times over.
pub(super) const BYTES: usize = 1024 * 1024;

/// Most bytes of a ring while all rings together hold more than [`ALL_BYTES`].
const LEAST_BYTES: usize = 128 * 1024;

/// Bytes of all rings beyond which those that are written to keep [`LEAST_BYTES`] each. With 500 rooms, all rings
/// therefore hold 128 MiB at the very most.
const ALL_BYTES: usize = 64 * 1024 * 1024;

/// Cost of an entry besides its texts.
const FRAME_COST: usize = 256;

/// Size of all rings together. Bytes.
#[derive(Debug, Default)]
pub(super) struct Budget(AtomicUsize);

/// Source that a cursor is replayed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplaySource {
    /// All that follows is in it.
    Ring,
    /// It has not been filled from the log since the start.
    NotLoaded,
    /// Only the log has what follows.
    Store,
    /// As [`ReplaySource::Store`], and more than the bytes that a ring holds.
    TooFar,
}

/// Contiguous entries, the newest last.
#[derive(Debug, Default)]
pub(super) struct Ring {
    entries: VecDeque<Arc<Committed>>,
    bytes: usize,
    /// It holds all that its bounds allow: it was filled from the log, or by what happened.
    warm: bool,
    /// True if its last bound was that of bytes.
    heavy: bool,
}

impl Budget {
    fn bytes(&self) -> usize {
        if self.0.load(Ordering::Relaxed) > ALL_BYTES { LEAST_BYTES } else { BYTES }
    }

    fn changed(&self, before: usize, after: usize) {
        self.0.fetch_add(after, Ordering::Relaxed);
        self.0.fetch_sub(before, Ordering::Relaxed);
    }
}

impl Ring {
    /// Adds the entry that follows the newest one.
    pub(super) fn push(&mut self, committed: Arc<Committed>, budget: &Budget) {
        let before = self.bytes;
        self.warm |= committed.entry.seq == 1;
        self.bytes += cost(&committed);
        self.entries.push_back(committed);
        let (entries, bytes) = (bound(ENTRIES, |bounds| bounds.ring_entries), budget.bytes());
        while self.entries.len() > entries || self.bytes > bytes {
            self.warm = true;
            self.heavy = self.entries.len() <= entries;
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= cost(&oldest);
        }
        budget.changed(before, self.bytes);
    }

    /// Adds entries of the log, oldest first, before its own: those up to `head` if it has none. Entries that do not
    /// lead up to its own are not taken.
    pub(super) fn fill(&mut self, entries: Vec<Arc<Committed>>, head: Seq, budget: &Budget) {
        let before = self.bytes;
        let mut next = self.entries.front().map_or(head, |first| first.entry.seq - 1);
        let (most, bytes) = (bound(ENTRIES, |bounds| bounds.ring_entries), budget.bytes());
        let newest = next;
        for committed in entries.into_iter().rev().skip_while(|committed| committed.entry.seq > newest) {
            if committed.entry.seq != next
                || self.entries.len() >= most
                || self.bytes + cost(&committed) > bytes
            {
                break;
            }
            next -= 1;
            self.bytes += cost(&committed);
            self.entries.push_front(committed);
        }
        self.warm = true;
        self.heavy = next > 0 && self.entries.len() < most;
        budget.changed(before, self.bytes);
    }

    /// All entries after `cursor`, if the ring still holds the first of them.
    pub(super) fn after(&self, cursor: Seq) -> Option<Vec<Arc<Committed>>> {
        let first = self.entries.front()?.entry.seq;
        let skip = usize::try_from((cursor + 1).checked_sub(first)?).ok()?;
        Some(self.entries.iter().skip(skip).cloned().collect())
    }

    /// Returns the source for `cursor` in a room whose newest entry is `head`.
    pub(super) fn replay_source(&self, cursor: Seq, head: Seq) -> ReplaySource {
        let first = self.entries.front().map_or(head + 1, |first| first.entry.seq);
        if cursor + 1 >= first {
            ReplaySource::Ring
        } else if !self.warm {
            ReplaySource::NotLoaded
        } else if self.heavy {
            ReplaySource::TooFar
        } else {
            ReplaySource::Store
        }
    }

    /// Takes a deleted message's texts out of what a reconnect is sent.
    pub(super) fn redact(&mut self, message: Seq, budget: &Budget) {
        let before = self.bytes;
        for committed in self.entries.iter_mut().filter(|committed| committed.entry.about() == Some(message))
        {
            if let Some(redacted) = committed.redacted() {
                self.bytes -= cost(committed);
                *committed = Arc::new(redacted);
                self.bytes += cost(committed);
            }
        }
        budget.changed(before, self.bytes);
    }

    /// Gives entries of the person their present name.
    pub(super) fn rename(&mut self, person: &Person) {
        let mut author = None;
        for committed in self.entries.iter_mut().filter(|committed| committed.author.person.id == person.id) {
            let author = author.get_or_insert_with(|| Arc::new(PersonFrame::from(person.clone())));
            *committed = Arc::new(committed.renamed(author.clone()));
        }
    }
}

fn cost(committed: &Committed) -> usize {
    FRAME_COST + committed.bytes()
}

#[cfg(test)]
mod tests {
    use madang_protocol::{Entry, EntryKind, RoomId, UserId};

    use super::*;

    fn frame(seq: Seq, what: EntryKind) -> Arc<Committed> {
        let entry = Entry { room: RoomId::lobby(), seq, at: 0, by: UserId::system(), cmid: None, what };
        let author = Person::new(UserId::system(), "");
        Arc::new(Committed::new(entry, author))
    }

    fn posts(seqs: std::ops::RangeInclusive<Seq>, body: &str) -> Vec<Arc<Committed>> {
        seqs.map(|seq| frame(seq, EntryKind::posted(body, None))).collect()
    }

    fn ring(seqs: std::ops::RangeInclusive<Seq>, body: &str) -> Ring {
        let (mut ring, budget) = (Ring::default(), Budget::default());
        posts(seqs, body).into_iter().for_each(|committed| ring.push(committed, &budget));
        assert_eq!(budget.0.into_inner(), ring.bytes);
        ring
    }

    fn seqs(entries: Option<Vec<Arc<Committed>>>) -> Option<Vec<Seq>> {
        entries.map(|entries| entries.iter().map(|committed| committed.entry.seq).collect())
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
    fn ring_is_bounded_in_entries_and_bytes() {
        let many = ring(1..=2_000, "x");
        assert_eq!(seqs(many.after(1_999 - ENTRIES as Seq)), None);
        assert_eq!(seqs(many.after(2_000 - ENTRIES as Seq)).map(|s| s.len()), Some(ENTRIES));
        assert_eq!(many.replay_source(999, 2_000), ReplaySource::Store);
        let large = ring(1..=500, &"x".repeat(8_000));
        assert!(large.bytes <= BYTES);
        assert_eq!(large.replay_source(1, 500), ReplaySource::TooFar);
    }

    #[test]
    fn when_all_rings_hold_much_each_holds_little() {
        let (mut ring, budget) = (Ring::default(), Budget(ALL_BYTES.into()));
        posts(1..=900, "some text").into_iter().for_each(|committed| ring.push(committed, &budget));
        assert!(ring.bytes <= LEAST_BYTES);
        assert_eq!(budget.0.into_inner(), ALL_BYTES + ring.bytes);
    }

    #[test]
    fn ring_is_filled_up_to_its_first_entry() {
        let budget = Budget::default();
        let mut ring = ring(5..=6, "x");
        assert_eq!(ring.replay_source(3, 6), ReplaySource::NotLoaded);
        ring.fill(posts(2..=8, "x"), 6, &budget);
        assert_eq!(seqs(ring.after(1)), Some(vec![2, 3, 4, 5, 6]));
        assert_eq!(
            (ring.replay_source(1, 6), ring.replay_source(0, 6)),
            (ReplaySource::Ring, ReplaySource::TooFar)
        );
        let mut empty = Ring::default();
        assert_eq!(
            (empty.replay_source(6, 6), empty.replay_source(5, 6)),
            (ReplaySource::Ring, ReplaySource::NotLoaded)
        );
        empty.fill(posts(1..=8, "x"), 6, &budget);
        assert_eq!(seqs(empty.after(0)), Some(vec![1, 2, 3, 4, 5, 6]), "the others are about to come");
    }

    #[test]
    fn entries_with_a_gap_are_not_taken() {
        let mut ring = ring(5..=6, "x");
        ring.fill(posts(1..=3, "x"), 6, &Budget::default());
        assert_eq!(seqs(ring.after(4)), Some(vec![5, 6]));
        assert_ne!(ring.replay_source(2, 6), ReplaySource::Ring);
    }

    #[test]
    fn deleted_text_is_in_no_frame() {
        let (mut ring, budget) = (ring(1..=2, "secret"), Budget::default());
        ring.push(frame(3, EntryKind::Edited { seq: 1, body: "still secret".into() }), &budget);
        ring.push(frame(4, EntryKind::Deleted { seq: 1 }), &budget);
        ring.redact(1, &Budget(ring.bytes.into()));
        let texts: Vec<bool> =
            ring.entries.iter().map(|committed| committed.json().contains("secret")).collect();
        assert_eq!(texts, [false, true, false, false]);
        assert_eq!(seqs(ring.after(0)), Some(vec![1, 2, 3, 4]), "each keeps its place");
        assert!(ring.entries[3].json().contains(r#""deleted""#));
        assert_eq!(ring.bytes, ring.entries.iter().map(|committed| cost(committed)).sum::<usize>());
    }

    #[test]
    fn a_name_is_the_present_one() {
        let mut ring = ring(1..=2, "x");
        ring.rename(&Person::new(UserId::system(), "Now"));
        assert!(ring.entries.iter().all(|committed| committed.author.json().contains("Now")));
        assert!(Arc::ptr_eq(&ring.entries[0].author, &ring.entries[1].author));
    }
}
