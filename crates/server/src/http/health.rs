//! Answers to an operator's programs: health, readiness, counters.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::accept::forwarded::Near;
use crate::config::Metrics;
use crate::state::App;
use crate::store::WARNED_FROM;

/// Returns true for a path of these: they are answered to whoever is refused all else.
pub(super) fn is_at(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/metrics")
}

/// The process answers.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// New connections are welcome, and writes would be saved.
pub(super) async fn ready(State(app): State<App>) -> (StatusCode, String) {
    if app.stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".into());
    }
    match app.store.ready().await {
        Ok(()) => match app.metrics.storage_used.get() {
            used @ WARNED_FROM.. => (StatusCode::OK, format!("ready; the storage is {used} % full\n")),
            _ => (StatusCode::OK, "ready\n".into()),
        },
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
    }
}

/// The counters, for who may read them: by the token, if there is one; otherwise where they have an address of their
/// own, there alone; otherwise from this machine itself, and not through a proxy on it.
pub(super) async fn metrics(State(app): State<App>, request: Request) -> Response {
    if may_count(&app, &request) {
        return all_metrics(State(app)).await.into_response();
    }
    let sentence = "The counters are not told here: see --metrics-addr and --metrics-token.\n";
    if app.config.metrics.metrics_token.is_some() {
        return (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")], sentence).into_response();
    }
    (StatusCode::FORBIDDEN, sentence).into_response()
}

fn may_count(app: &App, request: &Request) -> bool {
    let Metrics { metrics_addr, metrics_token } = &app.config.metrics;
    if let Some(token) = metrics_token {
        let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = given.and_then(|value| value.split_once(' '));
        // By their hashes: how long a comparison takes tells nothing of a token.
        return given.is_some_and(|(scheme, given)| {
            scheme.eq_ignore_ascii_case("bearer") && Sha256::digest(given.trim()) == Sha256::digest(token)
        });
    }
    metrics_addr.is_none() && matches!(request.extensions().get(), Some(Near(true)))
}

/// The counters, at an address of their own.
pub(crate) async fn all_metrics(State(app): State<App>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], app.metrics.text())
}
