//! Receipts that are owed: each is given when everything that its frame asked for is done and durable.
//!
//! They are as many as the requests under way, which the session bounds, and the rooms that are not live yet.

use std::collections::VecDeque;

use madang_protocol::RoomId;

/// What is owed.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    /// Writes that the session was asked for, and that it has answered, in their order.
    asked: u64,
    answered: u64,
    owed: VecDeque<Owed>,
}

/// A receipt, and what it waits for.
#[derive(Debug)]
pub(super) struct Owed {
    id: String,
    /// The numbers of its first and its last write.
    writes: Option<(u64, u64)>,
    /// The subscriptions whose places must be kept up to this change.
    pub(super) places: Vec<(u64, u64)>,
    /// The room that must be followed live.
    pub(super) live: Option<RoomId>,
    /// What it says besides: the cursor at which its subscription begins.
    pub(super) begins: Option<String>,
}

/// A receipt that can be given.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) id: String,
    /// The cursor at which its subscription begins, if it is a subscription's.
    pub(super) begins: Option<String>,
}

impl Owed {
    /// A receipt that waits for nothing yet.
    pub(super) fn at_once(id: String) -> Self {
        Self { id, writes: None, places: Vec::new(), live: None, begins: None }
    }

    pub(super) fn waits_for_write(&mut self, number: u64) {
        let first = self.writes.map_or(number, |(first, _)| first);
        self.writes = Some((first, number));
    }

    fn is_due(&self, answered: u64) -> bool {
        let written = self.writes.is_none_or(|(_, last)| last <= answered);
        written && self.places.is_empty() && self.live.is_none()
    }
}

impl Receipts {
    /// A write was asked for: its number.
    pub(super) fn asks(&mut self) -> u64 {
        self.asked += 1;
        self.asked
    }

    pub(super) fn owe(&mut self, owed: Owed) {
        self.owed.push_back(owed);
    }

    /// Whether no write is under way.
    pub(super) fn are_answered(&self) -> bool {
        self.asked == self.answered
    }

    /// The oldest write under way is done.
    pub(super) fn done(&mut self) {
        self.answered += 1;
    }

    /// The oldest write under way was refused: the receipt that waited for it, which is not given any more.
    pub(super) fn refused(&mut self) -> Option<String> {
        self.answered += 1;
        let number = self.answered;
        self.take(|owed| owed.writes.is_some_and(|(first, last)| (first..=last).contains(&number)))
    }

    /// The room is followed live.
    pub(super) fn live(&mut self, room: &RoomId) {
        for owed in self.owed.iter_mut().filter(|owed| owed.live.as_ref() == Some(room)) {
            owed.live = None;
        }
    }

    /// The place of this subscription is kept up to this change.
    pub(super) fn kept(&mut self, number: u64, change: u64) {
        for owed in &mut self.owed {
            owed.places.retain(|(of, wanted)| *of != number || *wanted > change);
        }
    }

    /// The place of this subscription cannot be kept: the receipt that waited for that.
    pub(super) fn lost(&mut self, number: u64) -> Option<String> {
        self.take(|owed| owed.places.iter().any(|(of, _)| *of == number))
    }

    /// The next receipt that can be given.
    pub(super) fn next(&mut self) -> Option<Receipt> {
        let answered = self.answered;
        let Owed { id, begins, .. } = self.take_owed(|owed| owed.is_due(answered))?;
        Some(Receipt { id, begins })
    }

    fn take(&mut self, is_meant: impl Fn(&Owed) -> bool) -> Option<String> {
        self.take_owed(is_meant).map(|owed| owed.id)
    }

    fn take_owed(&mut self, is_meant: impl Fn(&Owed) -> bool) -> Option<Owed> {
        let at = self.owed.iter().position(is_meant)?;
        self.owed.remove(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(receipts: &mut Receipts) -> Option<String> {
        receipts.next().map(|receipt| receipt.id)
    }

    /// Asks for so many writes under one receipt.
    fn write(receipts: &mut Receipts, id: &str, count: u64) {
        let mut owed = Owed::at_once(id.into());
        (0..count).for_each(|_| owed.waits_for_write(receipts.asks()));
        receipts.owe(owed);
    }

    #[test]
    fn a_receipt_is_given_when_all_of_its_writes_are_done() {
        let mut receipts = Receipts::default();
        receipts.asks();
        write(&mut receipts, "second", 1);
        write(&mut receipts, "both", 2);
        receipts.done();
        assert_eq!(id(&mut receipts), None);
        receipts.done();
        assert_eq!(id(&mut receipts).as_deref(), Some("second"));
        receipts.done();
        assert_eq!((id(&mut receipts), receipts.are_answered()), (None, false));
        receipts.done();
        assert_eq!(id(&mut receipts).as_deref(), Some("both"));
        assert!(receipts.are_answered());
    }

    #[test]
    fn a_refusal_is_about_the_receipt_that_waits_for_it() {
        let mut receipts = Receipts::default();
        receipts.asks();
        write(&mut receipts, "both", 2);
        write(&mut receipts, "third", 1);
        assert_eq!(receipts.refused(), None, "nobody asked for this one's");
        assert_eq!(receipts.refused().as_deref(), Some("both"), "they are one transaction");
        receipts.done();
        assert_eq!(id(&mut receipts), None);
        receipts.done();
        assert_eq!(id(&mut receipts).as_deref(), Some("third"));
    }

    #[test]
    fn other_receipts_wait_for_all_that_they_are_about() {
        let mut receipts = Receipts::default();
        let room = RoomId::lobby();
        let owed = |id: &str| Owed::at_once(id.into());
        receipts.owe(Owed { places: vec![(1, 3)], live: Some(room.clone()), ..owed("a") });
        receipts.kept(1, 2);
        receipts.live(&room);
        assert_eq!(id(&mut receipts), None);
        receipts.kept(2, 9);
        assert_eq!(id(&mut receipts), None);
        receipts.owe(owed("at once"));
        assert_eq!(id(&mut receipts).as_deref(), Some("at once"));
        receipts.kept(1, 4);
        assert_eq!(id(&mut receipts).as_deref(), Some("a"));
        receipts.owe(Owed { places: vec![(1, 5)], ..owed("b") });
        assert_eq!(receipts.lost(2), None);
        assert_eq!(receipts.lost(1).as_deref(), Some("b"));
    }
}
