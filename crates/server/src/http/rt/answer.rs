//! Answers to requests of the HTTP transport.

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use madang_protocol::{Problem, ProblemCode};
use serde::Serialize;

use crate::encoded::Encoded;

/// An answer as JSON.
pub(super) fn json(answer: &impl Serialize) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], serde_json::to_string(answer).unwrap_or_default())
}

/// Time after which a request that found no place may find one. Milliseconds.
pub(crate) const AGAIN_MS: u32 = 1_000;

/// A request that is refused.
#[derive(Debug)]
pub(super) struct Refused(pub(super) ProblemCode);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(code) = self;
        let (status, message) = status_and_text(code);
        let retry_after_ms = (code == ProblemCode::TooFast).then_some(AGAIN_MS);
        let later = retry_after_ms.map(|ms| [(RETRY_AFTER, ms.div_ceil(1_000))]);
        (status, later, json(&Problem { code, message: message.into(), retry_after_ms })).into_response()
    }
}

fn status_and_text(code: ProblemCode) -> (StatusCode, &'static str) {
    match code {
        ProblemCode::BadFrame => (StatusCode::BAD_REQUEST, "This is not a frame of madang.v1 as JSON."),
        ProblemCode::Origin => {
            (StatusCode::FORBIDDEN, "This page may not use this server: see the option --origin.")
        }
        ProblemCode::MethodNotAllowed => (
            StatusCode::METHOD_NOT_ALLOWED,
            "This address does not know that method; Allow says which it knows.",
        ),
        ProblemCode::Timeout => (StatusCode::REQUEST_TIMEOUT, "The body did not come in time."),
        ProblemCode::Replaced => (StatusCode::CONFLICT, "A newer request fetches this session's frames."),
        ProblemCode::SessionGone => {
            (StatusCode::GONE, "There is no such session, or not any more. Begin a new one.")
        }
        ProblemCode::TooBig => (StatusCode::PAYLOAD_TOO_LARGE, "This is larger than a frame may be."),
        ProblemCode::TooFast => (StatusCode::TOO_MANY_REQUESTS, "Too many requests at a time."),
        ProblemCode::OverLimit => {
            (StatusCode::TOO_MANY_REQUESTS, "There are too many connections from this address.")
        }
        ProblemCode::Unavailable | ProblemCode::Unknown => {
            (StatusCode::SERVICE_UNAVAILABLE, "The server is stopping; come back in a moment.")
        }
    }
}

/// A reason's name in the counters.
pub(super) fn name(code: ProblemCode) -> &'static str {
    match code {
        ProblemCode::BadFrame => "bad_frame",
        ProblemCode::Origin => "origin",
        ProblemCode::MethodNotAllowed => "method_not_allowed",
        ProblemCode::Timeout => "timeout",
        ProblemCode::Replaced => "replaced",
        ProblemCode::SessionGone => "session_gone",
        ProblemCode::TooBig => "too_big",
        ProblemCode::TooFast => "too_fast",
        ProblemCode::OverLimit => "over_limit",
        ProblemCode::Unavailable => "unavailable",
        ProblemCode::Unknown => "unknown",
    }
}

/// A [`madang_protocol::Polled`]: the frames are encoded already.
pub(super) fn polled(frames: &[Encoded], ack: u64) -> Response {
    let bytes: usize = frames.iter().map(|frame| frame.len() + 1).sum();
    let mut text = String::with_capacity(bytes + 48);
    text.push_str(&format!(r#"{{"ack":{ack},"frames":["#));
    for (n, frame) in frames.iter().enumerate() {
        if n > 0 {
            text.push(',');
        }
        text.push_str(frame);
    }
    text.push_str("]}");
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

/// One chunk of an event stream: JSON has no line breaks, so each frame is one line of data.
pub(super) fn events(frames: &[Encoded], last: u64) -> String {
    let first = last + 1 - frames.len() as u64;
    let mut text = String::with_capacity(frames.iter().map(|frame| frame.len() + 24).sum());
    for (number, frame) in (first..).zip(frames) {
        text.push_str(&format!("id: {number}\ndata: {frame}\n\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use madang_protocol::{Polled, ServerFrame};

    use super::*;
    use crate::encoded::encode;

    #[tokio::test]
    async fn handmade_json_parses_as_its_type() {
        let heads = ServerFrame::Heads { heads: vec![] };
        let frames = vec![encode(&heads), encode(&heads)];
        let body = axum::body::to_bytes(polled(&frames, 7).into_body(), 1_000).await.unwrap();
        let read: Polled = serde_json::from_slice(&body).unwrap();
        assert_eq!(read, Polled { ack: 7, frames: vec![heads.clone(), heads] });
    }

    #[test]
    fn event_has_number_and_frame_on_one_line() {
        let frames = ["{}".into(), r#"{"a":"\n"}"#.into()];
        assert_eq!(events(&frames, 9), "id: 8\ndata: {}\n\nid: 9\ndata: {\"a\":\"\\n\"}\n\n");
    }
}
