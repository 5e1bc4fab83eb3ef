//! Reads that wait for a thread, shared fairly: each address has a queue of its own, and they are served in turn. So a
//! thousand reads for one address delay those of another by one.
//!
//! Bound: [`WAITING_MAX`] reads of one address. One more is refused, and harms nobody else.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::network::Network;

/// Reads of one address that wait. A connection and a request ask for one at a time.
pub(super) const WAITING_MAX: usize = 1_024;

/// Address that a read is for; `None` for the server itself.
pub(super) type Asker = Option<Network>;

/// The queues of what waits.
pub(super) struct FairQueue<T> {
    state: Mutex<State<T>>,
    comes: Condvar,
}

struct State<T> {
    waiting: HashMap<Asker, VecDeque<T>>,
    /// Those for whom something waits, each once: the next one first.
    order: VecDeque<Asker>,
    closed: bool,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        let state = State { waiting: HashMap::new(), order: VecDeque::new(), closed: false };
        Self { state: Mutex::new(state), comes: Condvar::new() }
    }
}

/// There is no room for it, or nobody serves any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Full,
    Closed,
}

impl<T> FairQueue<T> {
    /// Queues something behind what waits for the same asker.
    pub(super) fn add(&self, asker: Asker, work: T) -> Result<(), Refused> {
        let mut state = self.state();
        if state.closed {
            return Err(Refused::Closed);
        }
        let waiting = state.waiting.entry(asker).or_default();
        if waiting.len() >= WAITING_MAX {
            return Err(Refused::Full);
        }
        waiting.push_back(work);
        if waiting.len() == 1 {
            state.order.push_back(asker);
        }
        drop(state);
        self.comes.notify_one();
        Ok(())
    }

    /// Waits for the next one; `None` after the end, once everything was served. Blocks.
    pub(super) fn next(&self) -> Option<T> {
        let mut state = self.state();
        loop {
            if let Some(work) = state.next() {
                return Some(work);
            }
            if state.closed {
                return None;
            }
            state = self.comes.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes nothing any more.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.comes.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn next(&mut self) -> Option<T> {
        let asker = self.order.pop_front()?;
        let waiting = self.waiting.get_mut(&asker)?;
        let work = waiting.pop_front();
        if waiting.is_empty() {
            self.waiting.remove(&asker);
        } else {
            self.order.push_back(asker);
        }
        work
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asker(last: u8) -> Asker {
        Some(std::net::IpAddr::from([192, 0, 2, last]).into())
    }

    #[test]
    fn frequent_asker_waits_for_itself() {
        let queue = FairQueue::default();
        for n in 0..1_000 {
            queue.add(asker(1), n).unwrap();
        }
        queue.add(asker(2), 2_000).unwrap();
        queue.add(None, 3_000).unwrap();
        let served: Vec<i32> = (0..5).filter_map(|_| queue.next()).collect();
        assert_eq!(served, [0, 2_000, 3_000, 1, 2], "and each one's own in their order");
    }

    #[test]
    fn full_queue_refuses_only_its_asker() {
        let queue = FairQueue::default();
        for _ in 0..WAITING_MAX {
            queue.add(asker(1), ()).unwrap();
        }
        assert_eq!(queue.add(asker(1), ()), Err(Refused::Full));
        assert_eq!(queue.add(asker(2), ()), Ok(()));
    }

    #[test]
    fn the_end_comes_behind_what_waits() {
        let queue = FairQueue::default();
        queue.add(None, 1).unwrap();
        queue.close();
        assert_eq!(queue.add(None, 2), Err(Refused::Closed));
        assert_eq!((queue.next(), queue.next()), (Some(1), None));
        assert!(queue.state().waiting.is_empty() && queue.state().order.is_empty());
    }
}
