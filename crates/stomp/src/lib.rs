//! A codec of STOMP 1.0, 1.1 and 1.2: bytes to frames and back. No I/O, no clock, no dependency.
//!
//! A [`Decoder`] is fed bytes, split anywhere, and yields frames and heart-beats, or one [`DecodeError`] after
//! which the connection cannot go on. Its work is linear in the bytes, and its memory is bounded by its
//! [`Limits`], however the bytes are split. [`encode`] writes a frame by the rules of one [`Version`].
//!
//! The specifications: <https://stomp.github.io/stomp-specification-1.2.html>, likewise 1.1 and 1.0. Where they
//! leave something open, the place that decides it documents how.

mod command;
mod decode;
mod encode;
mod error;
mod escape;
mod frame;
mod heartbeat;
mod version;

pub use command::{ClientCommand, Command, ServerCommand};
pub use decode::{Decoder, Item, Limits};
pub use encode::{encode, write_header};
pub use error::{DecodeError, EncodeError};
pub use frame::{Frame, Headers};
pub use heartbeat::{Beats, HeartBeat};
pub use version::Version;
