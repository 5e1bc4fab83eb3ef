//! The outbox: own writes on their way, shown at once (optimistic updates): one in flight per room, in the order in which they were made.

mod shared;

use std::collections::VecDeque;

use madang_protocol::{ClientFrame, Cmid, Epoch, RoomId, Seq, UnixMs};

use crate::{Failure, Write};

/// A write that is neither acknowledged nor refused by then is sent again.
pub(crate) const PATIENCE_MS: i64 = 20_000;

/// Stage of a write. One with a [`Failure`] is `Waiting` for the person, whatever its stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Waits for its turn.
    Waiting,
    /// Sent on the present connection; `until`: when to lose patience.
    InFlight { until: UnixMs },
    /// Handed to the tab that sends, on the present connection.
    Handed,
    /// Refused for now: it is retried at `until`, before any later one of the room.
    Refused { until: UnixMs },
    /// Durable as entry `seq`, which the log has not brought yet: shown until it does, never sent again.
    Acknowledged { seq: Seq },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OutboxItem {
    pub(crate) write: Write,
    pub(crate) stage: Stage,
    /// True if it was sent, ever: then it may be in the log, and giving it up is too late.
    pub(crate) sent: bool,
    /// True if other tabs have it.
    is_shared: bool,
}

impl OutboxItem {
    fn is_open(&self) -> bool {
        self.write.failure.is_none() && !self.is_acknowledged()
    }

    fn is_acknowledged(&self) -> bool {
        matches!(self.stage, Stage::Acknowledged { .. })
    }
}

/// The writes, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    queue: Vec<OutboxItem>,
    /// True if it has what an earlier page left. Nothing is sent before, or it would overtake.
    pub(crate) restored: bool,
    /// The last writes that were settled or given up: what another tab still sends of them is too late. The oldest
    /// gives way.
    forgotten: VecDeque<Cmid>,
}

impl Outbox {
    pub(crate) fn unsent(&self) -> usize {
        self.queue.iter().filter(|item| item.is_open()).count()
    }

    /// Posts of `room` that its window does not show yet.
    pub(crate) fn posts(&self, room: &RoomId) -> impl Iterator<Item = &OutboxItem> {
        self.queue.iter().filter(move |item| item.write.room == *room && !item.write.is_change())
    }

    /// Edits and deletes of one message, in order.
    pub(crate) fn changes(&self, room: &RoomId, message: Seq) -> impl Iterator<Item = &OutboxItem> {
        self.queue
            .iter()
            .filter(move |item| item.write.room == *room && item.write.what.target() == Some(message))
    }

    /// The changes of one message that still count, newest first.
    pub(crate) fn on_message(&self, room: &RoomId, message: Seq) -> impl Iterator<Item = &Write> {
        let standing = |item: &&OutboxItem| item.write.failure.is_none();
        self.changes(room, message)
            .filter(standing)
            .map(|item| &item.write)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
    }

    /// Queues a new write; its place is behind all others. `None`: there is one with this id.
    pub(crate) fn push(&mut self, mut write: Write) -> Option<&Write> {
        if self.find(write.cmid).is_some() {
            return None;
        }
        let last = self.queue.last().map_or(0, |item| item.write.order);
        write.order = (last + 1).max(u64::try_from(write.at).unwrap_or(0));
        self.queue.push(OutboxItem { write, stage: Stage::Waiting, sent: false, is_shared: false });
        self.queue.last().map(|item| &item.write)
    }

    /// Takes in what an earlier page left. Each may have been sent.
    pub(crate) fn restore(&mut self, writes: Vec<Write>) {
        self.restored = true;
        for write in writes {
            self.insert(OutboxItem { write, stage: Stage::Waiting, sent: true, is_shared: false });
        }
    }

    fn insert(&mut self, item: OutboxItem) {
        let cmid = item.write.cmid;
        if self.find(cmid).is_none() && !self.has_forgotten(cmid) {
            self.queue.push(item);
            self.queue.sort_by_key(|item| (item.write.order, item.write.cmid));
        }
    }

    /// Returns the frames to send now: of each room the first open write, unless one is in flight or must wait. A write
    /// of another tab under another epoch waits until it is known which of the two is over.
    pub(crate) fn pump(&mut self, epoch: Option<&Epoch>, now: UnixMs) -> Vec<ClientFrame> {
        let mut frames = Vec::new();
        if !self.restored {
            return frames;
        }
        // Another tab's write may have come to stand before the one in flight.
        let in_flight = |item: &&OutboxItem| item.is_open() && matches!(item.stage, Stage::InFlight { .. });
        let mut served: Vec<RoomId> =
            self.queue.iter().filter(in_flight).map(|item| item.write.room.clone()).collect();
        for item in &mut self.queue {
            if !item.is_open() || served.contains(&item.write.room) {
                continue;
            }
            served.push(item.write.room.clone());
            let due = match item.stage {
                _ if epoch.is_some_and(|epoch| item.write.is_stale(epoch)) => false,
                Stage::Waiting => true,
                Stage::Refused { until } => until <= now,
                _ => false,
            };
            if due {
                item.stage = Stage::InFlight { until: now + PATIENCE_MS };
                item.sent = true;
                frames.push(item.write.frame());
            }
        }
        frames
    }

    /// The connection is gone: what was in flight goes first on the next one.
    pub(crate) fn cut(&mut self) {
        for item in &mut self.queue {
            if let Stage::InFlight { .. } | Stage::Handed = item.stage {
                item.stage = Stage::Waiting;
            }
        }
    }

    /// A write is durable as entry `seq`; `shown`: the log has brought that entry, or a state after it.
    /// Returns true if the write was known.
    pub(crate) fn done(&mut self, cmid: Cmid, seq: Seq, shown: bool) -> bool {
        let Some(item) = self.find_mut(cmid) else { return false };
        item.stage = Stage::Acknowledged { seq };
        item.write.failure = None;
        if shown {
            self.remove(cmid);
        }
        true
    }

    /// The log has an entry, or a message, of this write. Returns true if it was queued.
    pub(crate) fn settle(&mut self, cmid: Cmid) -> bool {
        self.remove(cmid).is_some()
    }

    /// The log of `room` is known up to `cursor`: what was acknowledged by then is in it.
    pub(crate) fn reached(&mut self, room: &RoomId, cursor: Seq) {
        self.queue.retain(|item| {
            item.write.room != *room || !matches!(item.stage, Stage::Acknowledged { seq } if seq <= cursor)
        });
    }

    /// This is the epoch now, and the seqs of an earlier one mean something else: a change must not hit
    /// another message, nor a reply answer one. Returns the changes that are dropped for it, and the posts
    /// that are not replies any more.
    pub(crate) fn adopt(&mut self, epoch: &Epoch) -> (Vec<Cmid>, Vec<Write>) {
        let (mut dropped, mut changed) = (Vec::new(), Vec::new());
        self.queue.retain_mut(|OutboxItem { write, stage, .. }| {
            let stale = write.is_stale(epoch);
            write.epoch = Some(epoch.clone());
            if !stale || matches!(stage, Stage::Acknowledged { .. }) {
                return !stale;
            }
            if write.is_change() {
                dropped.push(write.cmid);
                return false;
            }
            write.what.detach();
            changed.push(write.clone());
            true
        });
        (dropped, changed)
    }

    /// A write is refused until `until`.
    pub(crate) fn refused_until(&mut self, cmid: Cmid, until: UnixMs) {
        if let Some(item) = self.find_mut(cmid).filter(|item| item.is_open()) {
            item.stage = Stage::Refused { until };
        }
    }

    /// A write is refused for good, until the person decides.
    pub(crate) fn failed(&mut self, cmid: Cmid, failure: Failure) -> Option<&Write> {
        let item = self.find_mut(cmid).filter(|item| item.is_open())?;
        item.stage = Stage::Waiting;
        item.write.failure = Some(failure);
        Some(&item.write)
    }

    /// A failed write is to be sent again, as the same write.
    pub(crate) fn retry(&mut self, cmid: Cmid) -> Option<&Write> {
        let item = self.find_mut(cmid).filter(|item| item.write.failure.is_some())?;
        item.write.failure = None;
        item.stage = Stage::Waiting;
        Some(&item.write)
    }

    /// Drops a write. Returns true if there was one.
    pub(crate) fn drop(&mut self, cmid: Cmid) -> bool {
        self.remove(cmid).is_some()
    }

    pub(crate) fn is_change(&self, cmid: Cmid) -> bool {
        self.find(cmid).is_some_and(|item| item.write.is_change())
    }

    pub(crate) fn is_reaction(&self, cmid: Cmid) -> bool {
        self.find(cmid).is_some_and(|item| item.write.what.emoji().is_some())
    }

    /// Gives up a write that failed, or was never sent. Returns true if it could be.
    pub(crate) fn discard(&mut self, cmid: Cmid) -> bool {
        let may = self.find(cmid).is_some_and(|item| item.write.failure.is_some() || !item.sent);
        may && self.remove(cmid).is_some()
    }

    /// Another person signed in: nothing of the one before is sent under their name by itself.
    pub(crate) fn fail_all(&mut self, failure: &Failure) {
        self.forgotten.clear();
        self.queue.retain(|item| !matches!(item.stage, Stage::Acknowledged { .. }));
        for item in &mut self.queue {
            item.write.failure.get_or_insert_with(|| failure.clone());
            item.stage = Stage::Waiting;
        }
    }

    pub(crate) fn writes(&self) -> impl Iterator<Item = &Write> {
        let open = |item: &&OutboxItem| !matches!(item.stage, Stage::Acknowledged { .. });
        self.queue.iter().filter(open).map(|item| &item.write)
    }

    /// The clock was set back.
    pub(crate) fn shift(&mut self, by: i64) {
        for item in &mut self.queue {
            if let Stage::InFlight { until } | Stage::Refused { until } = &mut item.stage {
                *until += by;
            }
        }
    }

    /// Returns when something is due. `sending`: there is a connection.
    pub(crate) fn wake(&self, sending: bool) -> Option<UnixMs> {
        let due = |item: &OutboxItem| match item.stage {
            Stage::InFlight { until } | Stage::Refused { until } if sending && item.is_open() => Some(until),
            _ => None,
        };
        self.queue.iter().filter_map(due).min()
    }

    /// Makes writes that were in flight for too long, or refused until now, wait for their turn. Returns true if there
    /// was any of the first.
    pub(crate) fn lose_patience(&mut self, now: UnixMs) -> bool {
        let mut any = false;
        for item in &mut self.queue {
            match item.stage {
                Stage::InFlight { until } if until <= now => {
                    item.stage = Stage::Waiting;
                    any = true;
                }
                Stage::Refused { until } if until <= now => item.stage = Stage::Waiting,
                _ => {}
            }
        }
        any
    }

    fn find(&self, cmid: Cmid) -> Option<&OutboxItem> {
        self.queue.iter().find(|item| item.write.cmid == cmid)
    }

    fn find_mut(&mut self, cmid: Cmid) -> Option<&mut OutboxItem> {
        self.queue.iter_mut().find(|item| item.write.cmid == cmid)
    }

    fn remove(&mut self, cmid: Cmid) -> Option<OutboxItem> {
        let index = self.queue.iter().position(|item| item.write.cmid == cmid)?;
        Some(self.queue.remove(index))
    }
}
