//! The scoreboard that all writers and receivers of a run share: what is on its way, what arrived, how fast.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, Semaphore};

use crate::history::{Sighting, WriteId};
use crate::mark::Mark;

/// Moment at which a write makes room for the next one in its writer's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settles {
    /// Once the server has acknowledged it.
    Acknowledged,
    /// Once every receiver has it, and the server has acknowledged it if it does such a thing: the writers go as fast
    /// as the slowest receiver, and no faster.
    SeenByAll,
}

/// Receivers that must get each write.
#[derive(Clone, Copy, Debug)]
pub struct Parties {
    /// Receivers of each write.
    pub receivers: u32,
    /// True if the server acknowledges writes.
    pub acknowledges: bool,
    /// Moment at which a write makes room for the next one.
    pub settles: Settles,
}

/// See the module.
pub struct Stats {
    clock: Instant,
    parties: Parties,
    lanes: Vec<Lane>,
    unsettled: Cell<u64>,
    quiet: Notify,
    counts: Cell<Counts>,
    measuring: Cell<bool>,
    delivery: RefCell<Histogram<u64>>,
    acknowledgement: RefCell<Histogram<u64>>,
    acknowledged: RefCell<Vec<Sighting>>,
    complaints: RefCell<Vec<String>>,
}

/// One writer's.
struct Lane {
    window: Semaphore,
    /// By the writer's count, from 1.
    sent: RefCell<Vec<Sent>>,
}

#[derive(Clone, Copy)]
struct Sent {
    at_ns: u64,
    /// Parties that have not received it yet.
    open: u32,
}

/// Counts since the run began.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Messages that reached a receiver.
    pub deliveries: u64,
    /// Their payloads' bytes.
    pub bytes: u64,
    /// Writes that were acknowledged.
    pub acknowledged: u64,
    /// Writes that were refused.
    pub refused: u64,
}

/// Percentiles, in microseconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Latency {
    /// Half are faster.
    pub p50_us: u64,
    /// One in a hundred is slower.
    pub p99_us: u64,
    /// The slowest.
    pub max_us: u64,
}

/// Complaints kept; the first ones show what went wrong, the rest repeat it.
const COMPLAINTS: usize = 10;

impl Stats {
    /// A board for `writers` writers, each with at most `window` writes on their way.
    ///
    /// # Errors
    /// If the histogram's bounds do not fit; they are constants that do.
    pub fn new(writers: u32, window: usize, parties: Parties) -> anyhow::Result<Self> {
        // Up to a minute, to three digits.
        let histogram = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3)?;
        let lane = || Lane { window: Semaphore::new(window), sent: RefCell::default() };
        Ok(Self {
            clock: Instant::now(),
            parties,
            lanes: (0..writers).map(|_| lane()).collect(),
            unsettled: Cell::new(0),
            quiet: Notify::new(),
            counts: Cell::default(),
            measuring: Cell::new(false),
            delivery: RefCell::new(histogram.clone()),
            acknowledgement: RefCell::new(histogram),
            acknowledged: RefCell::default(),
            complaints: RefCell::default(),
        })
    }

    /// Room for a write of `sender`, if there is some now.
    pub fn try_reserve(&self, sender: u32) -> bool {
        let permit = self.lane(sender).and_then(|lane| lane.window.try_acquire().ok());
        permit.map(|permit| permit.forget()).is_some()
    }

    /// Waits for room for a write of `sender`.
    pub async fn reserve(&self, sender: u32) {
        let Some(lane) = self.lane(sender) else { return };
        // The semaphore is never closed.
        if let Ok(permit) = lane.window.acquire().await {
            permit.forget();
        }
    }

    /// The mark of the next write of `sender`, which is sent now.
    pub fn send(&self, sender: u32) -> Mark {
        let at_ns = self.now_ns();
        let open = self.parties.receivers + u32::from(self.parties.acknowledges);
        let mut n = 0;
        if let Some(lane) = self.lane(sender) {
            let mut sent = lane.sent.borrow_mut();
            sent.push(Sent { at_ns, open });
            n = u32::try_from(sent.len()).unwrap_or(u32::MAX);
        }
        self.unsettled.set(self.unsettled.get() + 1);
        Mark { write: WriteId { sender, n }, sent_ns: at_ns }
    }

    /// A receiver has this message, in a frame of `bytes` bytes.
    pub fn delivered(&self, mark: Mark, bytes: usize) {
        self.count(|counts| {
            counts.deliveries += 1;
            counts.bytes += bytes as u64;
        });
        if self.measuring.get() {
            self.delivery.borrow_mut().saturating_record(self.since_us(mark.sent_ns));
        }
        self.heard(mark.write, self.parties.settles == Settles::SeenByAll);
    }

    /// The server has acknowledged this write, at this place.
    pub fn acknowledged(&self, write: WriteId, room: u32, seq: u64) {
        self.count(|counts| counts.acknowledged += 1);
        self.acknowledged.borrow_mut().push(Sighting { room, seq, write: Some(write) });
        if self.measuring.get()
            && let Some(sent) = self.sent(write)
        {
            self.acknowledgement.borrow_mut().saturating_record(self.since_us(sent.at_ns));
        }
        if self.parties.settles == Settles::Acknowledged {
            self.free(write.sender);
        }
        self.heard(write, self.parties.settles == Settles::SeenByAll);
    }

    /// The server has refused this write: nobody else will receive it.
    pub fn refused(&self, write: WriteId, why: &str) {
        self.count(|counts| counts.refused += 1);
        self.complain(format!("a write was refused: {why}"));
        self.update(write, |sent| sent.open = 0);
        self.free(write.sender);
        self.settle();
    }

    /// Notes what should not have happened; the first few are kept.
    pub fn complain(&self, complaint: String) {
        let mut complaints = self.complaints.borrow_mut();
        if complaints.len() < COMPLAINTS {
            complaints.push(complaint);
        }
    }

    /// Records latencies from now on, or no more.
    pub fn measure(&self, on: bool) {
        self.measuring.set(on);
    }

    /// Returns the counts so far.
    pub fn counts(&self) -> Counts {
        self.counts.get()
    }

    /// Waits until everybody has received every write. Returns false if that took longer than `limit`.
    pub async fn quiet(&self, limit: Duration) -> bool {
        let settled = async {
            while self.unsettled.get() > 0 {
                self.quiet.notified().await;
            }
        };
        tokio::time::timeout(limit, settled).await.is_ok()
    }

    /// From the sending to the delivery.
    pub fn delivery_latency(&self) -> Latency {
        latency(&self.delivery.borrow())
    }

    /// All that [`Self::delivery_latency`] is of, taken out: the next measurement begins anew.
    pub fn take_latencies(&self) -> Histogram<u64> {
        let empty = self.latencies();
        self.delivery.replace(empty)
    }

    /// An empty set of latencies.
    pub fn latencies(&self) -> Histogram<u64> {
        let mut empty = self.delivery.borrow().clone();
        empty.reset();
        empty
    }

    /// From the sending to the acknowledgement.
    pub fn acknowledgement_latency(&self) -> Latency {
        latency(&self.acknowledgement.borrow())
    }

    /// Returns what must be in every receiver's log: what was acknowledged; all that was sent, by a server that
    /// acknowledges nothing. There each writer is a log of its own.
    pub fn owed(&self) -> Vec<Sighting> {
        if self.parties.acknowledges {
            return self.acknowledged.borrow().clone();
        }
        let writes = self.lanes.iter().zip(0..).flat_map(|(lane, sender)| {
            let sent = u32::try_from(lane.sent.borrow().len()).unwrap_or(u32::MAX);
            (1..=sent).map(move |n| WriteId { sender, n })
        });
        writes.map(Sighting::unlogged).collect()
    }

    /// Returns the complaints so far.
    pub fn complaints(&self) -> Vec<String> {
        self.complaints.borrow().clone()
    }

    fn heard(&self, write: WriteId, frees: bool) {
        let mut last = false;
        // A repeat finds nothing open; the history tells of it.
        self.update(write, |sent| {
            last = sent.open == 1;
            sent.open = sent.open.saturating_sub(1);
        });
        if last {
            if frees {
                self.free(write.sender);
            }
            self.settle();
        }
    }

    fn settle(&self) {
        self.unsettled.set(self.unsettled.get().saturating_sub(1));
        if self.unsettled.get() == 0 {
            self.quiet.notify_one();
        }
    }

    fn free(&self, sender: u32) {
        if let Some(lane) = self.lane(sender) {
            lane.window.add_permits(1);
        }
    }

    fn sent(&self, write: WriteId) -> Option<Sent> {
        self.lane(write.sender)?.sent.borrow().get(write.n.checked_sub(1)? as usize).copied()
    }

    fn update(&self, write: WriteId, change: impl FnOnce(&mut Sent)) {
        let Some(lane) = self.lane(write.sender) else { return };
        let at = (write.n as usize).wrapping_sub(1);
        if let Some(sent) = lane.sent.borrow_mut().get_mut(at) {
            change(sent);
        }
    }

    fn lane(&self, sender: u32) -> Option<&Lane> {
        self.lanes.get(sender as usize)
    }

    fn count(&self, change: impl FnOnce(&mut Counts)) {
        let mut counts = self.counts.get();
        change(&mut counts);
        self.counts.set(counts);
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn since_us(&self, at_ns: u64) -> u64 {
        self.now_ns().saturating_sub(at_ns) / 1_000
    }
}

/// The percentiles of a set.
pub(crate) fn latency(histogram: &Histogram<u64>) -> Latency {
    Latency {
        p50_us: histogram.value_at_quantile(0.5),
        p99_us: histogram.value_at_quantile(0.99),
        max_us: histogram.max(),
    }
}
