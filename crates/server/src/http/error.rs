//! Refusals of an HTTP request: a status, and a sentence.

use axum::Json;
use axum::http::header::{ACCEPT, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use madang_client::Locale;
use madang_protocol::{Limits, RefusalCode};
use serde::Serialize;

use crate::refusal::Refusal;

#[derive(Serialize)]
struct Problem {
    code: RefusalCode,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u32>,
}

/// Returns true if a program asks, which wants JSON, and not a person's browser.
pub(super) fn wants_json(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("application/json") && !accept.contains("text/html"))
}

/// The refusal as JSON.
pub(super) fn problem(refusal: &Refusal, locale: Locale, limits: &Limits) -> Response {
    let problem = Problem {
        code: refusal.code,
        message: refusal.sentence(locale, limits),
        retry_after_ms: refusal.retry_after_ms,
    };
    with_headers(refusal, (refusal.status(), Json(problem)).into_response())
}

/// The refusal as one line of text, where there is no page to show it on.
pub(super) fn plain(refusal: &Refusal, locale: Locale, limits: &Limits) -> Response {
    with_headers(refusal, (refusal.status(), refusal.sentence(locale, limits)).into_response())
}

fn with_headers(refusal: &Refusal, mut response: Response) -> Response {
    if let Some(ms) = refusal.retry_after_ms {
        response.headers_mut().insert(RETRY_AFTER, ms.div_ceil(1000).into());
    }
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
