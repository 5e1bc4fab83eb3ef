//! The client's state, and nothing else: `update(&mut Model, Event, now) -> Vec<Effect>`.
//!
//! There is no socket, clock, storage or random number in here. Whoever runs it (the page's shell, a test's
//! simulation) reports what happened as an [`Event`], with the time and a random number where one is needed,
//! and carries out the [`Effect`]s that come back. What a view shows is read from the [`Model`]: its methods,
//! [`timeline`] for the rows of a room, [`LinkView`], [`RoomLine`] and [`RoomView`]. All of these are cheap to
//! clone and to compare.
//!
//! Reading order: `event`, `effect`, `update`, `frames` (what each frame from the server does), `link` (the
//! connection), `room` and `window`, `outbox`, `timeline`.

mod effect;
mod event;
mod frames;
mod history;
mod intents;
mod link;
mod model;
mod outbox;
mod page;
mod people;
mod reading;
mod room;
mod rooms;
pub mod simulation;
mod timeline;
mod update;
mod view;
mod window;
mod write;

pub use effect::Effect;
pub use event::{Conn, Event, Roll};
pub use link::{LinkView, ReadyState, Transport};
pub use model::Model;
pub use page::{Locale, Notice, PageData, Theme};
pub use timeline::{MessageRow, Reply, Row, RowKey, SendState, timeline, utc_day};
pub use update::update;
pub use view::{RoomLine, RoomView};
pub use window::WINDOW;
pub use write::{Failure, Write, WriteWhat};
