//! Single flight: one read for all who ask for the same at the same time.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

/// Work under way, by its key. Whoever waits drives it; a caller that gives up holds nobody up.
#[derive(Debug)]
pub struct SingleFlight<K>(Mutex<HashMap<K, Shared<BoxFuture<'static, ()>>>>);

impl<K> Default for SingleFlight<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Eq + Hash> SingleFlight<K> {
    /// Waits for what is under way about `key`, or starts it.
    pub async fn join<F>(&self, key: &K, start: impl FnOnce() -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let flight = self.table().entry(key.clone()).or_insert_with(|| start().boxed().shared()).clone();
        flight.clone().await;
        let mut table = self.table();
        if table.get(key).is_some_and(|other| other.ptr_eq(&flight)) {
            table.remove(key);
        }
    }

    fn table(&self) -> MutexGuard<'_, HashMap<K, Shared<BoxFuture<'static, ()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn concurrent_callers_share_one_flight() {
        let (flights, started, gate) =
            (SingleFlight::default(), Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let start = || {
            let (started, gate) = (started.clone(), gate.clone());
            async move {
                started.fetch_add(1, Ordering::SeqCst);
                gate.notified().await;
            }
        };
        // The first one gives up; the others go on without it.
        assert!(flights.join(&"room", start).now_or_never().is_none());
        let all = futures_util::future::join_all((0..100).map(|_| flights.join(&"room", start)));
        futures_util::future::join(all, async { gate.notify_one() }).await;
        assert_eq!(started.load(Ordering::SeqCst), 1);
        gate.notify_one();
        flights.join(&"room", start).await;
        assert_eq!(started.load(Ordering::SeqCst), 2);
        assert!(flights.table().is_empty());
    }
}
