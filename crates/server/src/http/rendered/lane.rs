//! A budget of the processor's time for one kind of work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

/// Longest wait for a turn.
const WAIT: Duration = Duration::from_secs(3);

/// Delay of the answer to a request that finds no place to wait: a client that asks again at once is slowed down.
const SLOWED: Duration = Duration::from_secs(1);

/// Those who wait for that. Beyond, the answer is at once.
const SLOWED_MAX: usize = 1_024;

/// Longest rest after a turn.
const REST: Duration = Duration::from_millis(10);

/// Turns of one kind of work, in the order in which they were asked for.
#[derive(Debug)]
pub(super) struct Lane {
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    slowed: AtomicUsize,
    /// So many wait. One more gets no turn.
    most: usize,
    /// A turn rests so many times as long as its work took, so that the others have the processor.
    rests: u32,
}

/// A turn, until it is dropped.
#[derive(Debug)]
pub(in crate::http) struct Turn {
    place: Option<OwnedSemaphorePermit>,
    began: Instant,
    rests: u32,
}

impl Lane {
    /// So many turns at a time.
    pub(super) fn new(turns: usize, most: usize, rests: u32) -> Self {
        let turns = Arc::new(Semaphore::new(turns.max(1)));
        Self { turns, waiting: AtomicUsize::new(0), slowed: AtomicUsize::new(0), most, rests }
    }

    /// Waits for a turn. `None` if too many wait, or it took too long.
    pub(super) async fn enter(&self) -> Option<Turn> {
        let Some(_waiting) = Counted::below(&self.waiting, self.most) else {
            self.slow_down().await;
            return None;
        };
        let place = timeout(WAIT, Arc::clone(&self.turns).acquire_owned()).await.ok()?.ok()?;
        Some(Turn { place: Some(place), began: Instant::now(), rests: self.rests })
    }

    /// Waits before an answer that is a refusal.
    pub(super) async fn slow_down(&self) {
        if let Some(_slowed) = Counted::below(&self.slowed, SLOWED_MAX) {
            sleep(SLOWED).await;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let place = self.place.take();
        let rest = self.began.elapsed().saturating_mul(self.rests).min(REST);
        // Outside of a runtime there is nobody to rest for.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                sleep(rest).await;
                drop(place);
            });
        }
    }
}

/// One of those who are counted.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn below(count: &'a AtomicUsize, most: usize) -> Option<Self> {
        let counted = Self(count);
        (count.fetch_add(1, Ordering::Relaxed) < most).then_some(counted)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_turn_follows_the_other_and_rests() {
        let lane = Lane::new(1, 8, 3);
        let first = lane.enter().await.unwrap();
        let mut second = Box::pin(lane.enter());
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        assert!(second.await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn full_lane_or_long_wait_gives_no_turn() {
        let lane = Lane::new(1, 1, 0);
        let held = lane.enter().await.unwrap();
        let (waits, refused) = tokio::join!(lane.enter(), lane.enter());
        assert!(waits.is_none() && refused.is_none());
        drop(held);
        assert!(lane.enter().await.is_some(), "it goes on");
    }
}
