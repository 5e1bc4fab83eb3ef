//! One write of one's own, as it is queued, kept over a reload, and sent.

use madang_protocol::{ClientFrame, Cmid, Epoch, Operation, RefusalCode, RoomId, UnixMs};
use serde::{Deserialize, Serialize};

/// Reason why a write failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The reason; the page has its own sentence for each that it knows.
    pub code: RefusalCode,
    /// The server's sentence, for a reason that the page does not know; may be empty.
    #[serde(default)]
    pub message: String,
}

/// A write that is not acknowledged yet. It is saved as it is; fields may be added with a default, so that a
/// newer page reads what an older one left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// Its id for ever, over every repeat.
    pub cmid: Cmid,
    /// The room.
    pub room: RoomId,
    /// Its place among the person's writes: greater is later. Also in another tab, and after a reload.
    pub order: u64,
    /// Time at which the person made it, by the browser's clock.
    pub at: UnixMs,
    /// The operation.
    pub what: Operation,
    /// The epoch of the seqs in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// Set once the server refused it for good; such a write waits for the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl Write {
    /// Returns true if it names seqs of another epoch than this one, where they mean something else.
    pub(crate) fn is_stale(&self, epoch: &Epoch) -> bool {
        self.epoch.as_ref().is_some_and(|known| known != epoch)
    }

    /// Returns true if it changes a message.
    pub(crate) fn is_change(&self) -> bool {
        self.what.target().is_some()
    }

    /// The frame that carries it out. Always the same for the same write: a repeat must be one.
    pub fn frame(&self) -> ClientFrame {
        self.what.clone().into_frame(self.room.clone(), self.cmid)
    }
}
