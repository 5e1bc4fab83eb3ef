//! Backpressure: a session's queue of frames that wait for its socket.
//!
//! Bounds: beyond [`VOLATILE_BYTES`] volatile frames are dropped; beyond [`MAX_BYTES`] the whole queue is
//! dropped and marked as overflowed, and the session reads its rooms on from the log once it drains. The
//! memory that a slow reader can hold is therefore bounded, and it loses nothing.
//!
//! Texts are counted. Their compressed forms, made for readers that do read, are at most as much again, once for all queues.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use madang_protocol::{CloseCode, RoomId};

use crate::encoded::{Committed, Encoded, PersonFrame};
use crate::simulation::bound;

/// Queued bytes beyond which volatile frames are dropped.
pub(super) const VOLATILE_BYTES: usize = 256 * 1024;

/// Queued bytes beyond which the queue is dropped.
pub(super) const MAX_BYTES: usize = 1024 * 1024;

/// Maximum bytes of one [`Queue::take`]: what one write to the socket carries.
pub const BATCH_BYTES: usize = 32 * 1024;

/// Frames of a batch for which room is made at once.
const RESERVED: usize = 64;

/// A session keeps room for so many frames until [`Queue::release`], and no memory of its busiest moment.
const IDLE_FRAMES: usize = 16;

/// One queued frame.
#[derive(Clone, Debug)]
pub enum QueuedFrame {
    /// An entry of a room that the session follows.
    Entry(Arc<Committed>),
    /// A name, for sessions that know the person.
    Person(Arc<PersonFrame>),
    /// Somebody is typing; volatile.
    Typing(Arc<PersonFrame>, Encoded),
    /// People who are here; volatile.
    Presence(Arc<Vec<PersonFrame>>, Encoded),
    /// A new room, for sessions that may see it.
    Room(RoomId, Encoded),
    /// A room that the session followed was closed.
    Closed(RoomId),
    /// Anything else that is the same for all.
    Frame(Encoded),
}

impl QueuedFrame {
    fn bytes(&self) -> usize {
        match self {
            Self::Entry(entry) => entry.json().len(),
            Self::Person(person) => person.json().len(),
            Self::Typing(_, json) | Self::Presence(_, json) | Self::Room(_, json) | Self::Frame(json) => {
                json.len()
            }
            Self::Closed(room) => room.as_str().len(),
        }
    }

    fn is_volatile(&self) -> bool {
        matches!(self, Self::Typing(..) | Self::Presence(..))
    }
}

/// Result of [`Queue::take`].
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// Frames were moved into the batch.
    Frames,
    /// The queue had overflowed; everything in it is gone, and it takes frames again from now on.
    Overflowed,
    /// The server ends this session.
    Close(CloseCode),
}

/// The queue. The hub pushes, the session's one task takes.
#[derive(Debug, Default)]
pub struct Queue {
    state: Mutex<State>,
    waker: AtomicWaker,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<QueuedFrame>,
    bytes: usize,
    overflowed: bool,
    close: Option<CloseCode>,
}

impl Queue {
    /// Queues one frame, or drops it by the bounds above. Returns whether frames were dropped.
    pub fn push(&self, frame: QueuedFrame) -> bool {
        let wake;
        let dropped;
        {
            let mut state = self.state();
            if state.overflowed {
                return true;
            }
            wake = state.frames.is_empty();
            dropped = state.push(frame);
        }
        // A queue that holds something has woken its session already.
        if wake {
            self.waker.wake();
        }
        dropped
    }

    /// Ends the session, after what it is writing now.
    pub fn close(&self, code: CloseCode) {
        self.state().close.get_or_insert(code);
        self.waker.wake();
    }

    /// Waits for frames and moves at most [`BATCH_BYTES`] of them into `batch`, which must be empty. Cancel
    /// safe: frames are taken only when it returns.
    pub async fn take(&self, batch: &mut Vec<QueuedFrame>) -> Taken {
        std::future::poll_fn(|context| self.poll_take(batch, context)).await
    }

    /// As [`Queue::take`], for a task that waits for other things too.
    pub fn poll_take(&self, batch: &mut Vec<QueuedFrame>, context: &mut Context<'_>) -> Poll<Taken> {
        if let Some(taken) = self.try_take(batch) {
            return Poll::Ready(taken);
        }
        self.waker.register(context.waker());
        // Something may have come between the look and the registration.
        self.try_take(batch).map_or(Poll::Pending, Poll::Ready)
    }

    /// As [`Queue::take`], if there is something now.
    pub fn try_take(&self, batch: &mut Vec<QueuedFrame>) -> Option<Taken> {
        let mut state = self.state();
        if let Some(code) = state.close {
            return Some(Taken::Close(code));
        }
        if state.overflowed {
            state.overflowed = false;
            return Some(Taken::Overflowed);
        }
        batch.reserve(state.frames.len().min(RESERVED));
        let mut bytes = 0;
        while bytes < BATCH_BYTES {
            let Some(frame) = state.frames.pop_front() else { break };
            bytes += frame.bytes();
            batch.push(frame);
        }
        state.bytes -= bytes;
        if state.frames.is_empty() && state.frames.capacity() > IDLE_FRAMES {
            state.frames = VecDeque::new();
        }
        (!batch.is_empty()).then_some(Taken::Frames)
    }

    /// Gives back the room for frames, if there are none.
    pub fn release(&self) {
        let mut state = self.state();
        if state.frames.is_empty() {
            state.frames = VecDeque::new();
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing panics while it holds this lock; if it did, the counts are still sound.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(&mut self, frame: QueuedFrame) -> bool {
        let bytes = frame.bytes();
        if frame.is_volatile() && self.bytes + bytes > VOLATILE_BYTES {
            return true;
        }
        if self.bytes + bytes > bound(MAX_BYTES, |bounds| bounds.queue_bytes) {
            self.frames = VecDeque::new();
            self.bytes = 0;
            self.overflowed = true;
            return true;
        }
        self.bytes += bytes;
        self.frames.push_back(frame);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(bytes: usize) -> QueuedFrame {
        QueuedFrame::Frame("x".repeat(bytes).into())
    }

    fn typing(bytes: usize) -> QueuedFrame {
        let person = madang_protocol::Person::new(madang_protocol::UserId::system(), "");
        QueuedFrame::Typing(Arc::new(PersonFrame::from(person)), "x".repeat(bytes).into())
    }

    #[test]
    fn volatile_frames_are_dropped_first() {
        let queue = Queue::default();
        assert!(!queue.push(frame(VOLATILE_BYTES)));
        assert!(queue.push(typing(1)), "no room for volatile frames");
        assert!(!queue.push(frame(1)), "room for all others");
    }

    #[test]
    fn full_queue_is_dropped_and_reported_once() {
        let queue = Queue::default();
        assert!(!queue.push(frame(MAX_BYTES)));
        assert!(queue.push(frame(1)));
        assert_eq!(queue.state().bytes, 0);
        assert!(queue.push(frame(1)), "nothing is queued until the session knows");
        let mut batch = Vec::new();
        assert_eq!(queue.try_take(&mut batch), Some(Taken::Overflowed));
        assert_eq!(queue.try_take(&mut batch), None);
        assert!(!queue.push(frame(1)));
        assert_eq!(queue.try_take(&mut batch), Some(Taken::Frames));
    }

    #[test]
    fn a_batch_is_bounded_and_keeps_the_order() {
        let queue = Queue::default();
        for size in [BATCH_BYTES - 1, 2, 3] {
            queue.push(frame(size));
        }
        let mut batch = Vec::new();
        assert_eq!(queue.try_take(&mut batch), Some(Taken::Frames));
        assert_eq!(batch.iter().map(QueuedFrame::bytes).collect::<Vec<_>>(), [BATCH_BYTES - 1, 2]);
        batch.clear();
        assert_eq!(queue.try_take(&mut batch), Some(Taken::Frames));
        assert_eq!(batch.iter().map(QueuedFrame::bytes).collect::<Vec<_>>(), [3]);
        assert_eq!(queue.state().bytes, 0);
    }

    #[test]
    fn a_close_goes_before_what_waits() {
        let queue = Queue::default();
        queue.push(frame(1));
        queue.close(CloseCode::RESTART);
        assert_eq!(queue.try_take(&mut Vec::new()), Some(Taken::Close(CloseCode::RESTART)));
    }
}
