//! Frames from a session to its client, typed: each protocol has its own form for them.

use std::sync::Arc;

use madang_protocol::ServerFrame;

use crate::encoded::{Committed, Encoded, encode};
use crate::refusal::Refusal;

/// One frame to the client.
#[derive(Clone, Debug)]
pub enum Outgoing {
    /// An entry of a followed room: the one after the last that this client was sent.
    Entry(Arc<Committed>),
    /// A frame of `madang.v1` that is the same for many: names, snapshots, presence, read markers, the room list.
    /// Protocols that have no form for these pass them over.
    Shared(Encoded),
    /// A frame for this client alone: `welcome`, `live`, `done`, `refused`, `page`, `heads`.
    Frame(Box<ServerFrame>),
    /// A place is kept, or why not: for protocols that keep some.
    OffsetCommitted {
        /// The protocol's number for it.
        number: u64,
        /// Version of its state.
        version: u64,
        /// Reason why it is not kept.
        refusal: Option<Refusal>,
    },
}

impl Outgoing {
    /// As a frame of `madang.v1`.
    pub fn encoded(self) -> Encoded {
        match self {
            Self::Entry(entry) => entry.json().clone(),
            Self::Shared(json) => json,
            Self::Frame(frame) => encode(&frame),
            // Nobody who speaks `madang.v1` keeps a place.
            Self::OffsetCommitted { .. } => Encoded::default(),
        }
    }
}

impl From<ServerFrame> for Outgoing {
    fn from(frame: ServerFrame) -> Self {
        Self::Frame(Box::new(frame))
    }
}
