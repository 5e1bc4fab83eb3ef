//! Requests that are turned away before they are understood.

use std::net::IpAddr;

use crate::state::App;

/// Counts a request that is rejected before it is served, and logs it; the log sums up repeats.
pub(crate) fn reject(app: &App, address: IpAddr, reason: &'static str) {
    app.metrics.rejected(reason);
    tracing::info!(reason, %address, "a request is turned away");
}
