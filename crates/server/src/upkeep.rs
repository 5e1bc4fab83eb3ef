//! Regular work while the server runs.

use std::time::Duration;

use madang_protocol::UnixMs;
use tokio::time::{MissedTickBehavior, interval};

use crate::state::App;
use crate::store::{RoomChange, StoreError};

/// Interval at which the rooms are looked through.
const EVERY: Duration = Duration::from_secs(60);

const HOUR_MS: UnixMs = 60 * 60 * 1000;

/// Closes rooms in which nobody ever wrote, once they are old enough, until the server stops.
pub(crate) async fn run(app: App) {
    let hours = app.config.unused_rooms;
    if hours == 0 {
        return;
    }
    let mut every = interval(EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            _ = every.tick() => close_unused(&app, UnixMs::from(hours) * HOUR_MS).await,
        }
    }
}

async fn close_unused(app: &App, after: UnixMs) {
    for room in app.store.unused_rooms(app.wall() - after) {
        let change = RoomChange::Close { unused: true };
        match app.store.change_room(room.clone(), change, app.wall()).await {
            Ok(_) => tracing::info!(%room, "a room in which nobody ever wrote is closed"),
            // Somebody was quicker.
            Err(StoreError::InUse | StoreError::UnknownRoom) => {}
            // The next look tries again.
            Err(error) => return tracing::warn!(%error, "an unused room could not be closed"),
        }
    }
}
