//! Bodies of posts: read within their bounds, and taken apart into frames.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use hyper::body::Body as _;
use madang_protocol::ProblemCode;
use serde_json::value::RawValue;
use tokio::time::timeout;
use tungstenite::Utf8Bytes;

use crate::state::App;

/// Reads a body: at most as many bytes as a frame, as long as a first frame may take.
pub(in crate::http) async fn read(app: &App, body: Body) -> Result<Utf8Bytes, ProblemCode> {
    let bytes = read_bytes(app, body, 0).await?;
    Utf8Bytes::try_from(bytes).map_err(|_| ProblemCode::BadFrame)
}

/// As [`read`], of any bytes, of which there may be `most` where frames have less.
pub(in crate::http) async fn read_bytes(app: &App, body: Body, most: usize) -> Result<Bytes, ProblemCode> {
    let max = match app.config.max_frame {
        0 => usize::MAX,
        max => usize::try_from(max).unwrap_or(usize::MAX).max(most),
    };
    bytes(app, body, max).await
}

/// Reads a body of at most `max` bytes, as long as a first frame may take.
pub(in crate::http) async fn bytes(app: &App, body: Body, max: usize) -> Result<Bytes, ProblemCode> {
    // A length that is told is believed, before a byte of it is read.
    if usize::try_from(body.size_hint().lower()).map_or(true, |length| length > max) {
        return Err(ProblemCode::TooBig);
    }
    let bytes = timeout(app.config.hello_timeout(), collect(body, max));
    Ok(bytes.await.map_err(|_| ProblemCode::Timeout)??.freeze())
}

async fn collect(body: Body, max: usize) -> Result<BytesMut, ProblemCode> {
    let mut chunks = body.into_data_stream();
    let mut bytes = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| ProblemCode::BadFrame)?;
        if bytes.len() + chunk.len() > max {
            return Err(ProblemCode::TooBig);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The texts of one frame, or of an array of frames.
pub(super) fn frames(text: &Utf8Bytes) -> Result<Vec<Utf8Bytes>, ProblemCode> {
    if text.trim_start().starts_with('[') {
        let frames: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| ProblemCode::BadFrame)?;
        return Ok(frames.into_iter().map(|frame| frame.get().into()).collect());
    }
    serde_json::from_str::<&RawValue>(text).map_err(|_| ProblemCode::BadFrame)?;
    Ok(vec![text.clone()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(body: &str) -> Option<Vec<String>> {
        frames(&body.into()).ok().map(|frames| frames.iter().map(|frame| frame.to_string()).collect())
    }

    #[test]
    fn body_is_one_frame_or_an_array() {
        assert_eq!(texts(r#"{"t":"x"}"#).unwrap(), [r#"{"t":"x"}"#]);
        assert_eq!(
            texts(r#" [ {"t":"x"} , {"b":[1,"]"]} ] "#).unwrap(),
            [r#"{"t":"x"}"#, r#"{"b":[1,"]"]}"#]
        );
        assert_eq!(texts("[]").unwrap(), [""; 0]);
        assert_eq!(texts("7").unwrap(), ["7"], "JSON, and for the session to refuse");
    }

    #[test]
    fn invalid_json_has_no_frames() {
        for broken in ["", " ", "{", "[", "[{]", "{}{}", "[{},]", "hello", "[1] 2"] {
            assert_eq!(texts(broken), None, "{broken}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        assert_eq!(texts(&"[".repeat(60_000)), None);
        let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
        assert_eq!(texts(&deep).unwrap().len(), 1, "one frame, which the session refuses");
    }
}
