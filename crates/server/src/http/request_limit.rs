//! Concurrency limit of requests by address. Each holds memory and a place in some queue until its answer is made, so
//! one beyond the limit is refused at once and waits at its client.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::refusal::Refusal;
use crate::state::App;

use super::rejection::reject;
use super::{banned, health, rt, upgrade};

/// Refuses requests beyond the bound. One that stays open is bounded as a connection instead.
pub(super) async fn bounded(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if stays_open(&request) || health::is_at(request.uri().path()) {
        return next.run(request).await;
    }
    let Some(place) = app.requests.admit(peer.ip()) else {
        reject(&app, peer.ip(), "requests");
        return refused(&app, &request);
    };
    let response = next.run(request).await;
    drop(place);
    response
}

/// Returns true for an upgrade, a poll, and an event stream of either kind.
fn stays_open(request: &Request) -> bool {
    let path = request.uri().path();
    upgrade::is_asked(request.headers())
        || (rt::is_at(path) && (path.ends_with("/poll") || path.ends_with("/events")))
        || (path.starts_with("/api/rooms/") && path.ends_with("/stream"))
}

fn refused(app: &App, request: &Request) -> Response {
    let path = request.uri().path();
    if rt::is_at(path) {
        return rt::too_fast();
    }
    banned::answer(app, path, request.headers(), &Refusal::too_fast(rt::AGAIN_MS))
}
