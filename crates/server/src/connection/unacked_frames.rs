//! The frames of an HTTP session that its client has not acknowledged, by number: 1, 2, 3 …
//!
//! Bounds: with more than [`CROWDED`] bytes that nobody fetched the connection waits before it adds more, as one
//! over a WebSocket waits for its socket. Of what was fetched by a stream, which acknowledges seldom,
//! [`KEPT`] bytes are kept; a reader who asks for older ones begins a new session with its cursors.

use std::collections::VecDeque;

use crate::encoded::Encoded;

/// Bytes not fetched beyond which nothing is added.
const CROWDED: usize = 64 * 1024;

/// Bytes kept of what a stream fetched and did not acknowledge.
const KEPT: usize = 256 * 1024;

/// A frame that was asked for is not here: it was let go, or there is none of that number yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotHeld;

#[derive(Debug, Default)]
pub(super) struct UnackedFrames {
    frames: VecDeque<Encoded>,
    /// The number of the newest frame that is no longer held.
    gone: u64,
    /// The number of the newest frame that was fetched.
    fetched: u64,
    /// Bytes of the held frames that were fetched, and of those that were not.
    fetched_bytes: usize,
    waiting_bytes: usize,
}

impl UnackedFrames {
    /// Adds a frame, with the next number.
    pub(super) fn push(&mut self, frame: Encoded) {
        self.waiting_bytes += frame.len();
        self.frames.push_back(frame);
    }

    /// The number of the newest frame.
    pub(super) fn newest(&self) -> u64 {
        self.gone + self.frames.len() as u64
    }

    /// Returns true if the unfetched frames are more than may be.
    pub(super) fn is_crowded(&self) -> bool {
        self.waiting_bytes > CROWDED
    }

    /// Bytes that it holds.
    pub(super) fn bytes(&self) -> usize {
        self.fetched_bytes + self.waiting_bytes
    }

    /// Returns true if everything was fetched.
    pub(super) fn is_fetched(&self) -> bool {
        self.fetched >= self.newest()
    }

    /// Returns true if all frames after `after` are held.
    pub(super) fn holds_after(&self, after: u64) -> bool {
        (self.gone..=self.newest()).contains(&after)
    }

    /// Lets go of what the client has. A number that was never given is nobody's.
    pub(super) fn acknowledge(&mut self, number: u64) {
        if number <= self.newest() {
            self.fetch_up_to(number);
            while self.gone < number {
                self.let_go_of_oldest();
            }
            if self.frames.is_empty() {
                self.frames = VecDeque::new();
            }
        }
    }

    /// The frames after the numbered one: at most `bytes` of them, but one at least, if there is one.
    pub(super) fn fetch(&mut self, after: u64, bytes: usize) -> Result<Vec<Encoded>, NotHeld> {
        if !self.holds_after(after) {
            return Err(NotHeld);
        }
        let mut taken = 0;
        let skipped = usize::try_from(after - self.gone).unwrap_or(usize::MAX);
        let fits = |frame: &&Encoded| {
            let fits = taken < bytes;
            taken += frame.len();
            fits
        };
        let frames: Vec<Encoded> = self.frames.iter().skip(skipped).take_while(fits).cloned().collect();
        self.fetch_up_to(after + frames.len() as u64);
        Ok(frames)
    }

    /// Bounds what is kept for a stream's next attempt.
    pub(super) fn forget(&mut self) {
        while self.fetched_bytes > KEPT {
            self.let_go_of_oldest();
        }
    }

    fn fetch_up_to(&mut self, number: u64) {
        let from = usize::try_from(self.fetched.saturating_sub(self.gone)).unwrap_or(usize::MAX);
        let count = usize::try_from(number.saturating_sub(self.fetched)).unwrap_or_default();
        let bytes: usize = self.frames.iter().skip(from).take(count).map(|frame| frame.len()).sum();
        self.waiting_bytes -= bytes;
        self.fetched_bytes += bytes;
        self.fetched = self.fetched.max(number);
    }

    /// Of fetched frames.
    fn let_go_of_oldest(&mut self) {
        if let Some(frame) = self.frames.pop_front() {
            self.gone += 1;
            self.fetched_bytes -= frame.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn outbox(frames: usize, bytes: usize) -> UnackedFrames {
        let mut outbox = UnackedFrames::default();
        for _ in 0..frames {
            outbox.push("x".repeat(bytes).into());
        }
        outbox
    }

    #[test]
    fn unacknowledged_frames_can_be_fetched_again() {
        let mut outbox = outbox(3, 10);
        assert_eq!(outbox.fetch(0, 1_000).unwrap().len(), 3);
        assert_eq!(outbox.fetch(0, 1_000).unwrap().len(), 3);
        outbox.acknowledge(2);
        assert_eq!(outbox.fetch(2, 1_000).unwrap().len(), 1);
        assert_eq!(outbox.fetch(1, 1_000), Err(NotHeld), "it was acknowledged");
        outbox.acknowledge(1);
        assert_eq!(outbox.fetch(2, 1_000).unwrap().len(), 1, "a late acknowledgement changes nothing");
    }

    #[test]
    fn numbers_that_were_never_given_are_not_held() {
        let mut outbox = outbox(3, 10);
        assert_eq!(outbox.fetch(4, 1_000), Err(NotHeld));
        outbox.acknowledge(u64::MAX);
        assert_eq!(outbox.fetch(0, 1_000).unwrap().len(), 3);
        assert_eq!(outbox.fetch(3, 1_000).unwrap().len(), 0);
    }

    #[test]
    fn a_fetch_is_bounded_but_moves_on() {
        let mut outbox = outbox(10, 100);
        assert_eq!(outbox.fetch(0, 250).unwrap().len(), 3);
        assert_eq!(outbox.fetch(3, 1).unwrap().len(), 1);
        assert!(!outbox.is_fetched());
        assert_eq!(outbox.fetch(4, 1_000).unwrap().len(), 6);
        assert!(outbox.is_fetched());
    }

    #[test]
    fn unfetched_frames_make_session_crowded() {
        let mut outbox = outbox(2, CROWDED);
        assert!(outbox.is_crowded());
        outbox.fetch(0, 1).unwrap();
        assert!(!outbox.is_crowded());
    }

    #[test]
    fn unacknowledged_stream_keeps_bounded_bytes() {
        let mut outbox = UnackedFrames::default();
        for number in 0..1_000 {
            outbox.push("x".repeat(1_000).into());
            assert_eq!(outbox.fetch(number, 32 * 1024).unwrap().len(), 1);
            outbox.forget();
        }
        assert!(outbox.frames.len() * 1_000 <= KEPT);
        assert_eq!(outbox.fetch(0, 1), Err(NotHeld));
        assert_eq!(outbox.fetch(900, 1_000_000).unwrap().len(), 100);
    }

    /// Actions of a client, a network and the loop.
    #[derive(Clone, Debug)]
    enum Step {
        Push(usize),
        /// The client fetches; the answer arrives, or is lost.
        Fetch(usize, bool),
        Acknowledge,
        Forget,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (1_usize..50_000).prop_map(Step::Push),
            4 => (1_usize..100_000, any::<bool>()).prop_map(|(bytes, arrives)| Step::Fetch(bytes, arrives)),
            1 => Just(Step::Acknowledge),
            1 => Just(Step::Forget),
        ]
    }

    proptest! {
        #[test]
        fn client_gets_each_frame_once_or_gone(steps in prop::collection::vec(step(), 1..80)) {
            let mut outbox = UnackedFrames::default();
            let (mut pushed, mut got) = (Vec::new(), 0);
            for step in steps {
                match step {
                    Step::Push(bytes) => {
                        pushed.push(bytes);
                        outbox.push("x".repeat(bytes).into());
                    }
                    Step::Fetch(bytes, arrives) => match outbox.fetch(got as u64, bytes) {
                        Ok(frames) => {
                            let lengths: Vec<usize> = frames.iter().map(|frame| frame.len()).collect();
                            prop_assert_eq!(&pushed[got..got + lengths.len()], &lengths[..]);
                            prop_assert_eq!(lengths.is_empty(), got == pushed.len());
                            got += if arrives { lengths.len() } else { 0 };
                        }
                        Err(NotHeld) => {
                            prop_assert!((got as u64) < outbox.gone, "only what was let go is not held");
                            break;
                        }
                    },
                    Step::Acknowledge => outbox.acknowledge(got as u64),
                    Step::Forget => outbox.forget(),
                }
                let held: usize = outbox.frames.iter().map(|frame| frame.len()).sum();
                prop_assert_eq!(held, outbox.fetched_bytes + outbox.waiting_bytes);
                prop_assert_eq!(outbox.newest(), pushed.len() as u64);
            }
        }
    }
}
