//! The wire protocol `madang.v1`: every message between a client and the server, typed once for both sides.
//!
//! One JSON object per text frame. [`ClientFrame`] goes up, [`ServerFrame`] comes down; both are tagged by
//! the field `t`. Unknown fields are ignored and an unknown `t` reads as `Unknown`, so that an old client
//! survives a newer server. The golden files in `tests/golden` pin every variant.
//!
//! This crate does no I/O and knows no clock; it builds for the server and for wasm alike.

mod close;
mod entry;
mod frame;
mod headers;
mod ids;
pub mod json;
mod limits;
mod message;
mod operation;
mod reactions;
mod refusal;
mod rt;
mod snapshot;
mod tagged;
pub mod text;

pub use close::CloseCode;
pub use entry::{Entry, EntryKind};
pub use frame::{ClientFrame, ResumePoint, ServerFrame};
pub use headers::Headers;
pub use ids::{Cmid, Epoch, IdError, RoomId, Seq, UnixMs, UserId};
pub use limits::Limits;
pub use message::Message;
pub use operation::Operation;
pub use reactions::{Reaction, Reactions};
pub use refusal::RefusalCode;
pub use rt::{Opened, Polled, Problem, ProblemCode};
pub use snapshot::{Person, RoomInfo, Snapshot};
#[doc(hidden)]
pub use tagged::TagFirst;

/// The WebSocket subprotocol that both sides offer and accept.
pub const SUBPROTOCOL: &str = "madang.v1";

/// The room that always exists.
pub const LOBBY: &str = "lobby";

/// The author of what the server itself writes, such as the opening of the lobby.
pub const SYSTEM_USER: &str = "madang";
