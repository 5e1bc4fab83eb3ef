//! The bounds of a session. 0 means that there is none.

use serde::{Deserialize, Serialize};

/// The limits in force, as `welcome` sends them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Largest frame that a client may send, in bytes. A larger one closes the connection with 1009.
    pub frame_bytes: u32,
    /// Longest message, in Unicode scalar values.
    pub body_chars: u32,
    /// Posts, edits and deletes per person and second, in the long run.
    pub post_rate: u32,
    /// Posts, edits and deletes per person at once.
    pub post_burst: u32,
    /// Rooms that one session may watch.
    pub rooms: u32,
    /// Messages in one `page`.
    pub history: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes: 64 * 1024,
            body_chars: 8_000,
            post_rate: 10,
            post_burst: 30,
            rooms: 500,
            history: 200,
        }
    }
}
