//! The network: one TCP connection at a time, in order in each direction, late, and sometimes cut.

use std::collections::VecDeque;

use madang_client::{Conn, Transport};
use madang_protocol::ClientFrame;
use madang_server::encoded::Encoded;

use crate::scenario::Ms;

/// A connection's number in the story.
pub(crate) type LinkId = usize;

/// Bytes that the network takes from the server before the client has read them. Small, so that a reader need
/// not be very slow to be too slow.
pub(crate) const CAPACITY: usize = 2_000;

/// Messages from the client to the server.
#[derive(Clone, Debug)]
pub(crate) enum Up {
    Frame(ClientFrame),
    Pong,
    Close,
}

/// Messages from the server to the client.
#[derive(Clone, Debug)]
pub(crate) enum Down {
    Frame(Encoded),
    Ping,
    Close(u16),
}

impl Down {
    pub(crate) fn bytes(&self) -> usize {
        if let Self::Frame(frame) = self { frame.len() } else { 0 }
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) device: usize,
    pub(crate) conn: Conn,
    pub(crate) transport: Transport,
    /// The page that opened it, of those that the device has loaded.
    pub(crate) page: u32,
    /// The number of the log that the server had when it took the connection.
    pub(crate) log: usize,
    /// Messages on their way. The events have the time when the first of them arrives.
    pub(crate) up: VecDeque<Up>,
    pub(crate) down: VecDeque<Down>,
    /// Arrival of the last one on its way: the next cannot be earlier.
    pub(crate) up_at: Ms,
    pub(crate) down_at: Ms,
    /// Nothing arrives before.
    pub(crate) stalled: Ms,
    /// Bytes that the client has not taken yet.
    pub(crate) in_flight: usize,
    /// Nothing arrives any more.
    pub(crate) cut: bool,
    /// So many of the next frames to the client get lost.
    pub(crate) to_lose: u32,
    /// The client may send on it.
    pub(crate) open: bool,
    /// The client received its end.
    pub(crate) ended: bool,
}

impl Link {
    pub(crate) fn new(device: usize, conn: Conn, transport: Transport, page: u32) -> Self {
        Self {
            device,
            conn,
            transport,
            page,
            log: 0,
            up: VecDeque::new(),
            down: VecDeque::new(),
            up_at: 0,
            down_at: 0,
            stalled: 0,
            in_flight: 0,
            cut: false,
            to_lose: 0,
            open: true,
            ended: false,
        }
    }
}
