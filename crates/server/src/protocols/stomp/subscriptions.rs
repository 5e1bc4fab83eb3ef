//! The subscriptions of a connection. Several may be to one room, each with a cursor of its own: the session
//! follows the room once, from the smallest of them.

use std::fmt::Write as _;

use madang_protocol::{RoomId, Seq, UnixMs};
use madang_stomp::{Version, write_header};
use rustc_hash::FxHashMap;

use super::command::{Acknowledgement, Key, Message};
use super::error::Reason;
use super::messages::{self, EncodingContext, Wants};
use super::unacked::{Sending, UnackedMessages};
use crate::connection::transport::Transport;
use crate::encoded::Committed;
use crate::room::NamedOffset;
use crate::session::{OffsetCommit, Session};
use crate::store::ConsumerOffset;

/// One of them.
#[derive(Debug)]
pub(super) struct Subscription {
    /// Its number in this connection.
    pub(super) number: u64,
    pub(super) key: Key,
    pub(super) wants: Wants,
    /// Everything up to it was sent, or was nothing for this subscription.
    pub(super) cursor: Seq,
    /// It takes no more before something is acknowledged.
    pub(super) waits: bool,
    /// Messages to be acknowledged; `None` if it acknowledges nothing.
    pub(super) unacked: Option<UnackedMessages>,
    /// Name under which its place is kept; `None` if its person cannot come back, or there is nothing to keep.
    pub(super) keeps: Option<String>,
    /// Number of changes of its offset, and up to which one it is kept.
    pub(super) changes: u64,
    pub(super) kept: u64,
    /// A change that is being kept.
    pub(super) keeping: bool,
    /// COMMITs under way that keep its place with what they acknowledge: until they are durable or refused it is not
    /// kept otherwise, which would take that back.
    held: usize,
    /// Beginning of all its messages.
    head: String,
}

/// All of them, by room.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    rooms: FxHashMap<RoomId, Vec<Subscription>>,
    last: u64,
    /// Some place may have to be kept.
    changed: bool,
}

impl Subscriptions {
    pub(super) fn count(&self) -> usize {
        self.rooms.values().map(Vec::len).sum()
    }

    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut Subscription> {
        self.rooms.values_mut().flatten()
    }

    /// Returns true if every place that is to be kept is.
    pub(super) fn are_kept(&self) -> bool {
        !self.rooms.values().flatten().any(Subscription::is_changed)
    }

    /// A new one, which is not added yet.
    pub(super) fn make(&mut self, key: Key, wants: Wants, cursor: Seq, version: Version) -> Subscription {
        self.last += 1;
        let head = head(&key, version);
        let (waits, unacked, keeps, changes, kept, keeping, held) = Default::default();
        let number = self.last;
        Subscription { number, key, wants, cursor, waits, unacked, keeps, changes, kept, keeping, held, head }
    }

    pub(super) fn add(&mut self, room: RoomId, subscription: Subscription) {
        self.changed = true;
        self.rooms.entry(room).or_default().push(subscription);
    }

    /// Takes one out; the room, and whether it was the last one there.
    pub(super) fn remove(&mut self, key: &Key) -> Option<(RoomId, bool)> {
        let (room, list) = self.rooms.iter_mut().find(|(_, list)| list.iter().any(|it| it.key == *key))?;
        list.retain(|it| it.key != *key);
        let (room, empty) = (room.clone(), list.is_empty());
        if empty {
            self.rooms.remove(&room);
        }
        Some((room, empty))
    }

    /// Returns the cursor from which the session must follow the room for all who take something now.
    pub(super) fn cursor(&self, room: &RoomId) -> Option<Seq> {
        let list = self.rooms.get(room)?;
        list.iter().filter(|it| !it.waits).map(|it| it.cursor).min()
    }

    /// Gives the entry to each subscription to its room that has not had it.
    pub(super) fn deliver(
        &mut self,
        committed: &Committed,
        encoding_context: &EncodingContext,
        transport: &mut impl Transport,
    ) {
        for subscription in self.rooms.get_mut(&committed.entry.room).into_iter().flatten() {
            if !subscription.waits && committed.entry.seq > subscription.cursor {
                subscription.deliver(committed, encoding_context, transport);
                self.changed |= subscription.is_changed();
            }
        }
    }

    /// Takes an ACK or NACK: the offset that it changes, if one is kept, and the room whose log is to be read on for
    /// a subscription that has waited.
    #[expect(clippy::type_complexity, reason = "a pair of small pairs")]
    pub(super) fn acknowledge(
        &mut self,
        ack: &Acknowledgement,
    ) -> Result<(Option<(u64, u64)>, Option<RoomId>), Reason> {
        let (room, subscription) = self.find(&ack.message).ok_or(Reason::Ack)?;
        let (Message::Ack { seq, .. } | Message::Id { seq, .. }) = ack.message;
        let unacked =
            subscription.unacked.as_mut().filter(|unacked| unacked.knows(seq)).ok_or(Reason::Ack)?;
        unacked.acknowledge(seq, ack.kind);
        subscription.changes += 1;
        let goes_on = subscription.waits && unacked.goes_on();
        subscription.waits &= !goes_on;
        let offset = subscription.is_changed().then_some((subscription.number, subscription.changes));
        self.changed |= offset.is_some();
        Ok((offset, goes_on.then_some(room)))
    }

    /// The offsets as they are to be kept once these are taken.
    pub(super) fn after(&mut self, acks: &[Acknowledgement]) -> Vec<NamedOffset> {
        let mut all: Vec<(u64, NamedOffset, UnackedMessages)> = Vec::new();
        for ack in acks {
            let (Message::Ack { seq, .. } | Message::Id { seq, .. }) = ack.message;
            let Some((room, it)) = self.find(&ack.message) else { continue };
            let (Some(name), Some(unacked)) = (&it.keeps, &it.unacked) else { continue };
            let at = all.iter().position(|(number, ..)| *number == it.number).unwrap_or_else(|| {
                all.push((
                    it.number,
                    NamedOffset { room, name: name.clone(), offset: ConsumerOffset::default() },
                    unacked.clone(),
                ));
                all.len() - 1
            });
            if let Some((_, _, unacked)) = all.get_mut(at) {
                unacked.acknowledge(seq, ack.kind);
            }
        }
        all.into_iter().map(|(_, named, unacked)| NamedOffset { offset: unacked.offset(), ..named }).collect()
    }

    /// A COMMIT keeps the offsets that these are about.
    pub(super) fn hold(&mut self, acks: &[Acknowledgement]) {
        for ack in acks {
            self.find(&ack.message).into_iter().for_each(|(_, it)| it.held += 1);
        }
    }

    /// That COMMIT is durable, or refused.
    pub(super) fn release(&mut self, acks: &[Acknowledgement]) {
        for ack in acks {
            self.find(&ack.message).into_iter().for_each(|(_, it)| it.held = it.held.saturating_sub(1));
        }
        self.changed = true;
    }

    /// Returns true if an ACK or NACK is about a message that was sent and is to be acknowledged.
    pub(super) fn knows(&mut self, ack: &Acknowledgement) -> bool {
        let (Message::Ack { seq, .. } | Message::Id { seq, .. }) = ack.message;
        let subscription = self.find(&ack.message);
        subscription.and_then(|(_, it)| it.unacked.as_ref()).is_some_and(|unacked| unacked.knows(seq))
    }

    fn find(&mut self, message: &Message) -> Option<(RoomId, &mut Subscription)> {
        let is_meant = |room: &RoomId, it: &Subscription| match message {
            Message::Ack { number, .. } => it.number == *number,
            Message::Id { subscription: Some(id), room: of, .. } => {
                of == room && matches!(&it.key, Key::Id(key) if key == id)
            }
            Message::Id { subscription: None, room: of, .. } => of == room && it.unacked.is_some(),
        };
        self.rooms
            .iter_mut()
            .flat_map(|(room, list)| list.iter_mut().map(move |it| (room, it)))
            .find(|(room, it)| is_meant(room, it))
            .map(|(room, it)| (room.clone(), it))
    }

    /// Returns true if this was the number of a subscription that ended.
    pub(super) fn was(&mut self, number: u64) -> bool {
        number <= self.last && self.all().all(|it| it.number != number)
    }

    /// Keeps the offsets that have changed. Of each, one change at a time is under way: what changes meanwhile is
    /// kept together, once that is durable.
    pub(super) fn keep(&mut self, session: &mut Session, now: UnixMs) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        for (room, list) in &mut self.rooms {
            for subscription in list.iter_mut().filter(|it| !it.keeping && it.held == 0) {
                subscription.keep(room, session, now);
            }
        }
    }

    /// A change is kept, and what came after it is kept next.
    pub(super) fn kept(&mut self, number: u64, change: u64) {
        self.changed = true;
        for subscription in self.all().filter(|it| it.number == number) {
            subscription.kept = subscription.kept.max(change);
            subscription.keeping = false;
        }
    }

    /// A change could not be kept. It is tried again with the next one.
    pub(super) fn not_kept(&mut self, number: u64) {
        for subscription in self.all().filter(|it| it.number == number) {
            subscription.keeping = false;
        }
    }

    /// As [`Subscriptions::keep`], at the end: whatever is under way.
    pub(super) fn keep_all(&mut self, session: &mut Session, now: UnixMs) {
        for (room, list) in &mut self.rooms {
            let free = list.iter_mut().filter(|it| it.held == 0);
            free.for_each(|subscription| subscription.keep(room, session, now));
        }
    }
}

impl Subscription {
    fn deliver(
        &mut self,
        committed: &Committed,
        encoding_context: &EncodingContext,
        transport: &mut impl Transport,
    ) {
        let seq = committed.entry.seq;
        let Some(tail) = messages::tail(committed, self.wants, encoding_context) else {
            self.cursor = seq;
            let changed = self.unacked.as_mut().is_some_and(|unacked| unacked.pass(seq));
            self.changes += u64::from(changed);
            return;
        };
        let Some(unacked) = &mut self.unacked else {
            self.cursor = seq;
            return transport.joined(&self.head, tail);
        };
        let sending = unacked.send(seq);
        if sending == Sending::Later {
            self.waits = true;
            return;
        }
        self.cursor = seq;
        if sending == Sending::Not {
            return;
        }
        self.changes += 1;
        let mut head = self.head.clone();
        if encoding_context.version == Version::V12 {
            // Writing to a string cannot fail.
            let _ = writeln!(head, "ack:{}-{}", self.number, seq);
        }
        if sending == Sending::Again {
            head.push_str("redelivered:true\n");
        }
        transport.joined(&head, tail);
    }

    /// Returns true if its place has to be kept.
    fn is_changed(&self) -> bool {
        self.keeps.is_some() && self.kept != self.changes
    }

    fn keep(&mut self, room: &RoomId, session: &mut Session, now: UnixMs) {
        let (Some(name), Some(unacked)) = (&self.keeps, &self.unacked) else { return };
        if !self.is_changed() {
            return;
        }
        self.keeping = true;
        let (number, version) = (self.number, self.changes);
        let kept = OffsetCommit {
            number,
            version,
            name: name.clone(),
            room: room.clone(),
            offset: unacked.offset(),
        };
        session.commit_offset(kept, now);
    }
}

/// Returns the beginning of all messages of a subscription.
fn head(key: &Key, version: Version) -> String {
    let mut head = b"MESSAGE\n".to_vec();
    let before = head.len();
    if let Key::Id(id) = key
        && write_header("subscription", id, version, &mut head).is_err()
    {
        // A header that came in this version can be written in it.
        head.truncate(before);
    }
    String::from_utf8(head).unwrap_or_default()
}
