//! Receipts that are owed: each is given when everything that its frame asked for is done and durable.
//!
//! They are as many as the requests under way, which the session bounds, and the rooms that are not live yet.

use std::collections::VecDeque;

use madang_protocol::RoomId;

/// Receipts that are owed.
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
    /// The number of its write.
    write: Option<u64>,
    /// It is that of a frame in a transaction: what goes wrong is about the COMMIT.
    pub(super) held: bool,
    /// The subscriptions whose places must be kept up to this change.
    pub(super) places: Vec<(u64, u64)>,
    /// The room that must be followed live.
    pub(super) live: Option<RoomId>,
    /// Its second header: the cursor at which its subscription begins.
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
        Self { id, write: None, held: false, places: Vec::new(), live: None, begins: None }
    }

    pub(super) fn waits_for_write(&mut self, number: u64) {
        self.write = Some(number);
    }

    fn is_due(&self, answered: u64) -> bool {
        let written = self.write.is_none_or(|number| number <= answered);
        written && self.places.is_empty() && self.live.is_none()
    }
}

impl Receipts {
    /// Counts a write under way, and returns its number.
    pub(super) fn asks(&mut self) -> u64 {
        self.asked += 1;
        self.asked
    }

    pub(super) fn owe(&mut self, owed: Owed) {
        self.owed.push_back(owed);
    }

    /// Returns true if no write is under way.
    pub(super) fn are_answered(&self) -> bool {
        self.asked == self.answered
    }

    /// Counts the oldest write under way as done, and returns its number.
    pub(super) fn done(&mut self) -> u64 {
        self.answered += 1;
        self.answered
    }

    /// The oldest write under way was refused: the receipt that waited for it. It is not given any more, nor are those
    /// of the SENDs that were to be posted with it.
    pub(super) fn refused(&mut self) -> Option<String> {
        self.answered += 1;
        let number = self.answered;
        let receipt = self.take(|owed| owed.write == Some(number) && !owed.held);
        self.owed.retain(|owed| owed.write != Some(number));
        receipt
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

    /// Asks for a write under this receipt, with those of the SENDs in it.
    fn write(receipts: &mut Receipts, id: &str, sends: &[&str]) {
        let number = receipts.asks();
        for (id, held) in sends.iter().map(|id| (*id, true)).chain([(id, false)]) {
            let mut owed = Owed { held, ..Owed::at_once(id.into()) };
            owed.waits_for_write(number);
            receipts.owe(owed);
        }
    }

    #[test]
    fn receipt_is_sent_when_write_is_done() {
        let mut receipts = Receipts::default();
        receipts.asks();
        write(&mut receipts, "second", &[]);
        write(&mut receipts, "commit", &["one", "two"]);
        receipts.done();
        assert_eq!(id(&mut receipts), None);
        receipts.done();
        assert_eq!(id(&mut receipts).as_deref(), Some("second"));
        assert_eq!((id(&mut receipts), receipts.are_answered()), (None, false));
        receipts.done();
        let given: Vec<String> = std::iter::from_fn(|| id(&mut receipts)).collect();
        assert_eq!(given, ["one", "two", "commit"]);
        assert!(receipts.are_answered());
    }

    #[test]
    fn refusal_of_commit_drops_receipts_of_its_sends() {
        let mut receipts = Receipts::default();
        receipts.asks();
        write(&mut receipts, "commit", &["one", "two"]);
        write(&mut receipts, "third", &[]);
        assert_eq!(receipts.refused(), None, "nobody asked for this one's");
        assert_eq!(receipts.refused().as_deref(), Some("commit"));
        assert_eq!(id(&mut receipts), None);
        receipts.done();
        assert_eq!(id(&mut receipts).as_deref(), Some("third"));
        assert_eq!(id(&mut receipts), None);
    }

    #[test]
    fn other_receipts_wait_for_their_causes() {
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
