//! The one way in: an event changes the model, and says what is to be done.

use madang_protocol::UnixMs;

use crate::{Effect, Event, Model};

/// Lets `event`, which happened at `now` by the local clock, change `model`; returns what is to be done, in order.
pub fn update(model: &mut Model, event: Event, now: UnixMs) -> Vec<Effect> {
    let _ = (model, event, now);
    Vec::new()
}
