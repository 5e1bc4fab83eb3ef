//! The client's state, and nothing else: `update(&mut Model, Event, now) -> Vec<Effect>`.
//!
//! There is no socket, clock, storage or random number in here. Whoever runs it (the page's shell, a test's
//! simulation) reports what happened as an [`Event`], with the time and a random number where one is needed,
//! and carries out the [`Effect`]s that come back. Views read the [`Model`]: its methods,
//! [`timeline`] for the rows of a room, [`LinkView`], [`RoomLine`] and [`RoomView`]. All of these are cheap to
//! clone and to compare.
//!
//! # Whoever runs the core
//! * works events off one at a time, carries out the effects of each in order, and asks for the time anew with
//!   each event (the local clock; it may jump);
//! * reports [`Event::Started`], then [`Event::Role`] as soon as it knows it (nothing connects before), and each
//!   change of it. Without locks or without a channel between tabs that is [`Role::Alone`], once;
//! * opens **carriers**: [`Effect::Connect`] opens a further one beside those that live, [`Effect::Close`] ends one.
//!   Each reports `Opened`, its `Frame`s, and `Closed` once, under its number:
//!   - *WebSocket*: `Opened` after the handshake;
//!   - *EventSource* and *Poll*: `Opened` at once. The first frame that such a carrier is given is `hello`: it is posted to
//!     `/rt`, and then the session's `GET` begins. Further frames go one `POST` at a time, those that wait as one array of at most
//!     60 KiB. A `GET` that ends is made again from the last frame's number. A `POST` that fails, or a `GET` that cannot be made
//!     again, is `Closed` with 1006; a 410 is `Closed` with 4001. `Close` ends the session with `DELETE`, if it can;
//! * carries [`Effect::SendToTabs`] to other tabs (of this browser, origin and build of the wire), as [`Event::Tab`] with the name of
//!   its sender; listens before it reports `Started`. A tab never receives its own. Messages of one tab stay in order;
//! * reports `Woke` when [`Effect::WakeAt`] is due; the timer's lateness is how the core learns of a sleep;
//! * keeps writes: one store for all tabs of the browser. `Restored` answers each [`Effect::Restore`].
//!
//! Reading order: `event`, `effect`, `tabs`, `update`, `frames` (what each frame from the server does), `link` (the
//! connection), `room` and `window`, `outbox`, `timeline`.

mod commands;
mod effect;
mod event;
mod frames;
mod leader;
mod link;
mod model;
mod outbox;
mod page;
mod people;
mod read_state;
mod room;
mod rooms;
mod shared_outbox;
mod tab_clients;
mod tab_codec;
mod tabs;
mod time;
mod timeline;
mod transport;
mod update;
mod view;
mod window;
mod write;

pub use effect::Effect;
pub use event::{Event, Roll};
pub use link::LinkView;
pub use model::Model;
pub use page::{Enter, Locale, Notice, PageData, Theme};
pub use tabs::{Role, TabId, TabMessage};
pub use timeline::{MessageRow, Reply, Row, RowKey, SendState, timeline, utc_day};
pub use transport::{Conn, ReadyState, Transport};
pub use update::update;
pub use view::{RoomLine, RoomView};
pub use window::WINDOW;
pub use write::{Failure, Write};
