//! Properties for a fuzzer: each takes any bytes, and panics if a promise is broken. The targets in `fuzz/` call
//! them, and a test replays the inputs that are kept there.

mod client;
mod cursor;
mod frame;
mod session;
mod stage;
mod stomp;

pub use client::client;
pub use cursor::cursor;
pub use frame::frame;
pub use session::session;
pub use stomp::stomp;
