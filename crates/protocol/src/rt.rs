//! Answers of `/rt`: the same frames over plain HTTP, for networks that block WebSockets.

use serde::{Deserialize, Serialize};

use crate::ServerFrame;

/// Answers `POST /rt`: a session has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The session's token, which is in its address `/rt/<session>`. Opaque.
    pub session: String,
}

/// Answers `GET /rt/<session>/poll`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Polled {
    /// The number of the last of the frames, to be acknowledged with the next poll.
    pub ack: u64,
    /// The frames after the acknowledged one; possibly none.
    pub frames: Vec<ServerFrame>,
}

/// The body of every other answer but 204.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The reason, for programs.
    pub code: ProblemCode,
    /// The reason, for people.
    pub message: String,
    /// Milliseconds after which the same request may succeed; absent: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u32>,
}

/// Refusals of requests to `/rt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// 400: the body is not JSON, or not the frame that it must be.
    BadFrame,
    /// 403: this page may not use this server.
    Origin,
    /// 405: the address does not know this method.
    MethodNotAllowed,
    /// 408: the body was not received in time.
    Timeout,
    /// 409: a newer request fetches this session's frames.
    Replaced,
    /// 410: the session is unknown, has ended, belongs to another login, or no longer holds the frames that were
    /// asked for. Begin a new one, with the cursors.
    SessionGone,
    /// 413: the body is larger than a frame may be; the session ends.
    TooBig,
    /// 429: too many posts of this session, or requests of this address, are under way.
    TooFast,
    /// 429: too many connections from this address.
    OverLimit,
    /// 503: the server is stopping, or cannot save anything.
    Unavailable,
    /// A reason that a newer server knows.
    #[serde(other)]
    Unknown,
}
