//! The outbox as the tabs of a browser share it: each holds all writes, one sends them.

use madang_protocol::Cmid;

use super::{Outbox, OutboxItem, Stage};
use crate::Write;

/// Settled writes that are remembered.
const FORGOTTEN: usize = 256;

impl Outbox {
    /// Takes in an open write of another page or tab, which may have been sent. `sending`: here is where it will be.
    pub(crate) fn learn(&mut self, write: Write, sending: bool) {
        let stage = if sending { Stage::Waiting } else { Stage::Handed };
        self.insert(OutboxItem { write, stage, sent: true, is_shared: true });
    }

    /// Another tab reports that a write failed, or is to be sent again.
    pub(crate) fn change(&mut self, write: Write, sending: bool) {
        match self.find_mut(write.cmid) {
            Some(item) if item.is_acknowledged() => {}
            Some(item) => {
                if item.write.failure != write.failure {
                    item.stage = if sending { Stage::Waiting } else { Stage::Handed };
                }
                item.write = write;
            }
            None => self.learn(write, sending),
        }
    }

    /// A write is settled or was given up, here or in another tab. One that is acknowledged stays until the log
    /// shows it.
    pub(crate) fn forgotten(&mut self, cmid: Cmid) {
        self.queue.retain(|item| item.write.cmid != cmid || item.is_acknowledged());
        if self.forgotten.len() >= FORGOTTEN {
            self.forgotten.pop_front();
        }
        self.forgotten.push_back(cmid);
    }

    pub(crate) fn has_forgotten(&self, cmid: Cmid) -> bool {
        self.forgotten.contains(&cmid)
    }

    /// Returns the writes that no other tab has, in order; not before all earlier ones are known.
    pub(crate) fn unshared(&mut self) -> Vec<Write> {
        let unshared = |item: &&mut OutboxItem| !item.is_shared && !item.is_acknowledged();
        let unshared = self.queue.iter_mut().filter(|_| self.restored).filter(unshared);
        unshared
            .map(|item| {
                item.is_shared = true;
                item.write.clone()
            })
            .collect()
    }

    /// Returns the writes to hand to the tab that sends, in order.
    pub(crate) fn hand_over(&mut self) -> Vec<Write> {
        let mut writes = Vec::new();
        let waiting = |item: &&mut OutboxItem| !item.is_acknowledged() && item.stage != Stage::Handed;
        for item in self.queue.iter_mut().filter(|_| self.restored).filter(waiting) {
            item.stage = Stage::Handed;
            (item.sent, item.is_shared) = (true, true);
            writes.push(item.write.clone());
        }
        writes
    }
}
