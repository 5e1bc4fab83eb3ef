//! Messages that a subscription was sent and has not acknowledged.
//!
//! Bounds: so many messages are under way as the client asks for, and so many are open in all as a place can hold; at
//! either bound nothing more is sent, and the next ones wait in the log.

use std::collections::BTreeSet;

use madang_protocol::Seq;

use crate::store::ConsumerOffset;

/// Messages under way unless the client asks for another number.
pub(super) const PREFETCH: usize = 256;

/// Most messages that may be open: under way, refused by the client, or still to be sent once more.
pub(super) const OPEN_MAX: usize = 1_024;

/// Extent of an ACK or NACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The message and all before it.
    Cumulative,
    /// The message alone.
    Individual,
}

/// ACK or NACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AckKind {
    /// The client has consumed it.
    Ack,
    /// The client has not: it is sent once more to a later subscription.
    Nack,
}

/// Decision about sending a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sending {
    /// For the first time.
    First,
    /// Once more: it was not acknowledged.
    Again,
    /// Not at all: it was acknowledged.
    Not,
    /// Not yet.
    Later,
}

/// One subscription's messages.
#[derive(Clone, Debug)]
pub(super) struct UnackedMessages {
    mode: Mode,
    prefetch: usize,
    /// Everything up to it was sent before this subscription, and is in `waiting` if it is open.
    before: Seq,
    /// Everything up to it was sent.
    sent: Seq,
    /// Sent before this subscription, not acknowledged, and to be sent once more.
    waiting: BTreeSet<Seq>,
    /// Sent, and not spoken of yet.
    under_way: BTreeSet<Seq>,
    /// Not consumed, by the client's NACK. They are sent once more to the next subscription.
    refused: BTreeSet<Seq>,
}

impl UnackedMessages {
    /// The unacknowledged messages of a subscription that goes on from a place.
    pub(super) fn new(mode: Mode, prefetch: usize, place: &ConsumerOffset) -> Self {
        Self {
            mode,
            prefetch: prefetch.clamp(1, OPEN_MAX),
            before: place.sent,
            sent: place.sent,
            waiting: place.open.iter().copied().collect(),
            under_way: BTreeSet::new(),
            refused: BTreeSet::new(),
        }
    }

    /// The cursor to read on from.
    pub(super) fn cursor(&self) -> Seq {
        self.waiting.first().map_or(self.before, |first| (first - 1).min(self.before))
    }

    /// As it is to be kept.
    pub(super) fn offset(&self) -> ConsumerOffset {
        let mut open: Vec<Seq> =
            self.waiting.iter().chain(&self.under_way).chain(&self.refused).copied().collect();
        open.sort_unstable();
        ConsumerOffset { sent: self.sent, open }
    }

    /// Asks for the next message, and takes it in if it is to be sent.
    pub(super) fn send(&mut self, seq: Seq) -> Sending {
        let again = self.waiting.contains(&seq);
        if seq <= self.before && !again {
            return Sending::Not;
        }
        // One that waits is open already.
        let open = self.waiting.len() + self.under_way.len() + self.refused.len() - usize::from(again);
        if self.under_way.len() >= self.prefetch || open >= OPEN_MAX {
            return Sending::Later;
        }
        self.waiting.remove(&seq);
        self.under_way.insert(seq);
        self.sent = self.sent.max(seq);
        if again { Sending::Again } else { Sending::First }
    }

    /// The next entry is no message, or was one: there is nothing to acknowledge. Returns true if that changes the
    /// place.
    pub(super) fn pass(&mut self, seq: Seq) -> bool {
        self.waiting.remove(&seq)
    }

    /// Returns true if this message was sent.
    pub(super) fn knows(&self, seq: Seq) -> bool {
        seq <= self.sent
    }

    /// Takes an ACK or NACK of a message that was sent. One that is acknowledged already stays so.
    pub(super) fn acknowledge(&mut self, seq: Seq, kind: AckKind) {
        let answered = match self.mode {
            Mode::Cumulative => {
                let later = self.under_way.split_off(&(seq + 1));
                std::mem::replace(&mut self.under_way, later)
            }
            Mode::Individual => self.under_way.take(&seq).into_iter().collect(),
        };
        match kind {
            AckKind::Ack => {
                // It may have thought better of it, or speak of what an earlier connection brought.
                self.refused.remove(&seq);
                self.waiting.remove(&seq);
            }
            AckKind::Nack => self.refused.extend(answered),
        }
    }

    /// Returns true if a subscription that had to wait goes on: not for each single message, because that reads the log
    /// again.
    pub(super) fn goes_on(&self) -> bool {
        let open = self.waiting.len() + self.under_way.len() + self.refused.len();
        self.under_way.len() <= self.prefetch / 2 && (open < OPEN_MAX || !self.waiting.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(sent: Seq, open: &[Seq]) -> ConsumerOffset {
        ConsumerOffset { sent, open: open.to_vec() }
    }

    fn sent(mode: Mode, seqs: std::ops::RangeInclusive<Seq>) -> UnackedMessages {
        let mut unacked = UnackedMessages::new(mode, PREFETCH, &offset(0, &[]));
        for seq in seqs {
            assert_eq!(unacked.send(seq), Sending::First);
        }
        unacked
    }

    #[test]
    fn cumulative_ack_covers_earlier_individual_covers_itself() {
        let mut unacked = sent(Mode::Cumulative, 1..=5);
        unacked.acknowledge(3, AckKind::Ack);
        assert_eq!(unacked.offset(), offset(5, &[4, 5]));
        let mut unacked = sent(Mode::Individual, 1..=5);
        unacked.acknowledge(3, AckKind::Ack);
        assert_eq!(unacked.offset(), offset(5, &[1, 2, 4, 5]));
    }

    #[test]
    fn nacked_message_is_resent_to_next_subscription_only() {
        let mut unacked = sent(Mode::Individual, 1..=3);
        unacked.acknowledge(2, AckKind::Nack);
        unacked.acknowledge(1, AckKind::Ack);
        unacked.acknowledge(3, AckKind::Ack);
        assert_eq!(unacked.offset(), offset(3, &[2]));
        let mut next = UnackedMessages::new(Mode::Individual, PREFETCH, &unacked.offset());
        assert_eq!(next.cursor(), 1);
        assert_eq!([2, 3, 4].map(|seq| next.send(seq)), [Sending::Again, Sending::Not, Sending::First]);
        next.acknowledge(2, AckKind::Ack);
        next.acknowledge(2, AckKind::Ack);
        assert_eq!(next.offset(), offset(4, &[4]));
    }

    #[test]
    fn cumulative_nack_covers_earlier_later_ack_overrides() {
        let mut unacked = sent(Mode::Cumulative, 1..=4);
        unacked.acknowledge(2, AckKind::Nack);
        unacked.acknowledge(4, AckKind::Ack);
        assert_eq!(unacked.offset(), offset(4, &[1, 2]));
        unacked.acknowledge(2, AckKind::Ack);
        assert_eq!(unacked.offset(), offset(4, &[1]));
    }

    #[test]
    fn messages_under_way_are_bounded_by_prefetch() {
        let mut unacked = UnackedMessages::new(Mode::Individual, 2, &offset(0, &[]));
        assert_eq!([1, 2, 3].map(|seq| unacked.send(seq)), [Sending::First, Sending::First, Sending::Later]);
        assert!(!unacked.goes_on());
        unacked.acknowledge(1, AckKind::Ack);
        assert!(unacked.goes_on());
        assert_eq!(unacked.send(3), Sending::First);
        assert_eq!(unacked.send(4), Sending::Later);
    }

    #[test]
    fn no_more_are_open_than_a_place_holds() {
        let mut unacked = UnackedMessages::new(Mode::Individual, OPEN_MAX * 2, &offset(0, &[]));
        for seq in 1..=OPEN_MAX as Seq {
            assert_eq!(unacked.send(seq), Sending::First);
            unacked.acknowledge(seq, AckKind::Nack);
        }
        assert_eq!(unacked.send(5_000), Sending::Later);
        assert!(!unacked.goes_on());
        let mut next = UnackedMessages::new(Mode::Individual, OPEN_MAX, &unacked.offset());
        assert!(next.goes_on());
        for seq in 1..=OPEN_MAX as Seq {
            assert_eq!(next.send(seq), Sending::Again, "each of them fits");
        }
    }

    #[test]
    fn deleted_message_is_no_longer_open() {
        let mut next = UnackedMessages::new(Mode::Individual, PREFETCH, &offset(9, &[4, 6]));
        assert_eq!(next.cursor(), 3);
        assert!(next.pass(4) && !next.pass(5));
        assert_eq!(next.offset(), offset(9, &[6]));
    }
}
