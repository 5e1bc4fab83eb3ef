//! The outbox as the tabs of a browser share it: each holds all writes, one sends them.

use madang_protocol::Cmid;

use super::{Outbox, Queued, Stage};
use crate::Write;

/// Settled writes that are remembered.
const FORGOTTEN: usize = 256;

impl Outbox {
    /// Takes in an open write of another page or tab, which may have been sent. `sending`: here is where it will be.
    pub(crate) fn learn(&mut self, write: Write, sending: bool) {
        let stage = if sending { Stage::Waiting } else { Stage::Handed };
        self.insert(Queued { write, stage, sent: true, told: true });
    }

    /// Another tab reports that a write failed, or is to be sent again.
    pub(crate) fn change(&mut self, write: Write, sending: bool) {
        match self.find_mut(write.cmid) {
            Some(queued) if queued.is_acknowledged() => {}
            Some(queued) => {
                if queued.write.failure != write.failure {
                    queued.stage = if sending { Stage::Waiting } else { Stage::Handed };
                }
                queued.write = write;
            }
            None => self.learn(write, sending),
        }
    }

    /// A write is settled or was given up, here or in another tab. One that is acknowledged stays until the log
    /// shows it.
    pub(crate) fn forgotten(&mut self, cmid: Cmid) {
        self.queue.retain(|queued| queued.write.cmid != cmid || queued.is_acknowledged());
        if self.forgotten.len() >= FORGOTTEN {
            self.forgotten.pop_front();
        }
        self.forgotten.push_back(cmid);
    }

    pub(crate) fn has_forgotten(&self, cmid: Cmid) -> bool {
        self.forgotten.contains(&cmid)
    }

    /// Returns the writes that no other tab has, in order; not before all earlier ones are known.
    pub(crate) fn untold(&mut self) -> Vec<Write> {
        let untold = |queued: &&mut Queued| !queued.told && !queued.is_acknowledged();
        let untold = self.queue.iter_mut().filter(|_| self.restored).filter(untold);
        untold
            .map(|queued| {
                queued.told = true;
                queued.write.clone()
            })
            .collect()
    }

    /// Returns the writes to hand to the tab that sends, in order.
    pub(crate) fn hand_over(&mut self) -> Vec<Write> {
        let mut writes = Vec::new();
        let waiting = |queued: &&mut Queued| !queued.is_acknowledged() && queued.stage != Stage::Handed;
        for queued in self.queue.iter_mut().filter(|_| self.restored).filter(waiting) {
            queued.stage = Stage::Handed;
            (queued.sent, queued.told) = (true, true);
            writes.push(queued.write.clone());
        }
        writes
    }
}
