//! Record of every write: by whom, in which order, and how the server answered it.

use std::collections::HashMap;

use madang_protocol::Operation;
use madang_protocol::{Cmid, RefusalCode, RoomId, Seq};

use super::log::{Log, Truth};
use super::{Broken, Verdict};

/// A write that a client's core took in.
#[derive(Debug)]
struct Written {
    client: usize,
    room: RoomId,
    what: Operation,
    done: Option<Seq>,
    refused: Option<RefusalCode>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Ledger {
    writes: HashMap<Cmid, Written>,
    /// Of each client, in the order in which they were made.
    order: HashMap<usize, Vec<Cmid>>,
}

impl Ledger {
    /// `client` makes a write.
    pub fn written(&mut self, client: usize, cmid: Cmid, room: RoomId, what: Operation) {
        self.writes.insert(cmid, Written { client, room, what, done: None, refused: None });
        self.order.entry(client).or_default().push(cmid);
    }

    /// The server acknowledged a write to `client` as durable.
    pub fn done(&mut self, client: usize, cmid: Cmid, room: &RoomId, seq: Seq, verdict: &mut Verdict) {
        let Some(write) = self.writes.get_mut(&cmid).filter(|write| write.client == client) else {
            return verdict
                .broke(Broken::Outsider, || format!("{client} was told that {cmid} is done, not its own"));
        };
        match write.done {
            // One that changed nothing was done as its message; its repeat may have found something to change.
            Some(first)
                if write.what.emoji().is_some() && [first, seq].map(Some).contains(&write.what.target()) => {}
            Some(first) if first != seq || write.room != *room => verdict.broke(Broken::Doubled, || {
                format!("{cmid} is done at {seq} of {room}, and at {first} of {}", write.room)
            }),
            Some(_) => {}
            None => {
                write.done = Some(seq);
                verdict.acked += 1;
            }
        }
    }

    /// The server refused a write of `client`.
    pub fn refused(&mut self, client: usize, cmid: Cmid, code: RefusalCode, verdict: &mut Verdict) {
        match self.writes.get_mut(&cmid).filter(|write| write.client == client) {
            Some(write) => write.refused = Some(code),
            None => verdict.broke(Broken::Outsider, || format!("{client} was refused {cmid}, not its own")),
        }
    }

    /// Refusals, counted by their reason: of a run that tests little, they tell.
    pub fn refusals(&self) -> HashMap<RefusalCode, usize> {
        let mut counts = HashMap::new();
        for code in
            self.writes.values().filter(|write| write.done.is_none()).filter_map(|write| write.refused)
        {
            *counts.entry(code).or_default() += 1;
        }
        counts
    }

    /// Every acknowledged write must be in the log where it was acknowledged, and each author's in order.
    pub(super) fn against(&self, log: &Log, truth: &Truth, verdict: &mut Verdict) {
        for (cmid, write) in &self.writes {
            let Some(seq) = write.done else { continue };
            let unchanged = write.what.emoji().is_some() && write.what.target() == Some(seq);
            let here = unchanged || log.of(*cmid).is_some_and(|(room, at)| *room == write.room && *at == seq);
            if !(here && write.is_kept(seq, *cmid, truth)) {
                verdict.broke(Broken::Lost, || {
                    format!("{write:?} {cmid} was acknowledged; the log has {:?}", log.at(&write.room, seq))
                });
            }
        }
        for (client, cmids) in &self.order {
            let mut last: HashMap<&RoomId, Seq> = HashMap::new();
            for (room, seq) in cmids.iter().filter_map(|cmid| log.of(*cmid)) {
                let last = last.entry(room).or_default();
                if *seq < *last {
                    verdict.broke(Broken::Reordered, || {
                        format!("{client} wrote what stands at {seq} of {room} after what stands at {last}")
                    });
                }
                *last = (*last).max(*seq);
            }
        }
    }
}

impl Written {
    /// Returns true if the room's messages show that this write is in them, as far as they can after later ones.
    fn is_kept(&self, seq: Seq, cmid: Cmid, truth: &Truth) -> bool {
        let Some(messages) = truth.get(&self.room) else { return false };
        match &self.what {
            Operation::Post { body, .. } => messages.get(&seq).is_some_and(|message| {
                let text =
                    message.edited_at.is_some() || message.body.as_deref().is_none_or(|now| now == body);
                message.cmid == Some(cmid) && text
            }),
            Operation::Edit { seq, .. } => {
                messages.get(seq).is_some_and(|message| message.edited_at.is_some() || message.body.is_none())
            }
            // The log is compared with the reactions that stand.
            Operation::React { seq, .. } | Operation::Unreact { seq, .. } => messages.contains_key(seq),
            Operation::Delete { seq } => messages.get(seq).is_some_and(|message| message.body.is_none()),
        }
    }
}
