//! Close codes of the WebSocket, as `bye` announces them.

use serde::{Deserialize, Serialize};

/// Reason of the server for ending a connection. 4000–4499: come back; 4500–4999: do not come back by yourself.
///
/// 1003 (a binary frame), 1007 (a text frame that is not UTF-8), 1009 (a frame over the limit) and 1012 (the server restarts) keep
/// their meaning from RFC 6455 and its registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// The client closed, and all is well.
    pub const NORMAL: Self = Self(1000);
    /// A binary frame where text is spoken.
    pub const NO_BINARY: Self = Self(1003);
    /// A text frame was not UTF-8.
    pub const NOT_UTF8: Self = Self(1007);
    /// A frame was over the limit.
    pub const TOO_BIG: Self = Self(1009);
    /// The server restarts.
    pub const RESTART: Self = Self(1012);
    /// The server asks the client to connect again, after `retry_after_ms`.
    pub const MOVING: Self = Self(4001);
    /// No answer to a ping.
    pub const NO_PONG: Self = Self(4003);
    /// The client does not read what it is sent.
    pub const STALLED: Self = Self(4008);
    /// More frames than a session may send.
    pub const TOO_FAST: Self = Self(4013);
    /// The login is gone.
    pub const LOGIN_GONE: Self = Self(4500);
    /// Not `madang.v1`: a binary frame, a second `hello`.
    pub const PROTOCOL_ERROR: Self = Self(4501);
    /// The first frame was not `hello`, or none came within 10 s.
    pub const NO_HELLO: Self = Self(4502);
    /// The person is banned.
    pub const BANNED: Self = Self(4503);
    /// The address has as many connections as it may.
    pub const OVER_LIMIT: Self = Self(4504);
    /// A plain socket asked for a room that there is not, or that it may not read.
    pub const NO_SUCH_ROOM: Self = Self(4505);
    /// A plain socket asked to resume from a cursor that is not of the room's log.
    pub const BAD_CURSOR: Self = Self(4506);
    /// A STOMP client got the reason in the ERROR before.
    pub const STOMP_ERROR: Self = Self(4507);

    /// Returns true if a client should try again by itself. Codes that are not Madang's come from the network or a
    /// proxy, and are worth another try; so is a `hello` that came too late, from a device that slept meanwhile.
    pub fn comes_back(self) -> bool {
        self == Self::NO_HELLO || !(4500..5000).contains(&self.0)
    }
}
