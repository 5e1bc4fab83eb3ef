//! The daily removal of old guests who left no trace.

use std::time::Duration;

use tokio::time::sleep;

use crate::state::App;
use crate::store::{GUEST_KEPT, StoreError};

/// After a start, others come first.
const FIRST: Duration = Duration::from_secs(5 * 60);

/// From the end of one removal to the next.
const DAILY: Duration = Duration::from_secs(24 * 60 * 60);

/// Between two pieces, so that the writer is everybody's.
const PAUSE: Duration = Duration::from_millis(100);

/// Removes old guests, piece by piece, until the server ends. A failure is tried again the next day.
pub(crate) async fn remove_daily(app: App) {
    sleep(FIRST).await;
    loop {
        match remove(&app).await {
            Ok(()) => {}
            Err(StoreError::Closed) => return,
            Err(error) => tracing::warn!(%error, "old guests cannot be removed"),
        }
        sleep(DAILY).await;
    }
}

async fn remove(app: &App) -> Result<(), StoreError> {
    let (before, mut after) = (app.wall() - GUEST_KEPT, 0);
    while let Some(next) = app.store.remove_guests(before, after).await? {
        after = next;
        sleep(PAUSE).await;
    }
    Ok(())
}
