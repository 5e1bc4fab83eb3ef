//! Requests from an address that is banned. A request that upgrades to a connection, or opens one, is answered by that
//! connection's close code, which a page can read.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use madang_protocol::RefusalCode;

use crate::refusal::Refusal;
use crate::state::App;

use super::rejection::reject;
use super::{api, error, health, preferences, rt, upgrade};

/// Refuses everything else but signs of life.
pub(super) async fn check(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let from = peer.ip().into();
    let path = request.uri().path();
    let opens = upgrade::is_asked(request.headers()) || rt::is_at(path);
    if opens || health::is_at(path) || !app.rooms.access().is_banned(None, from) {
        return next.run(request).await;
    }
    reject(&app, peer.ip(), "banned");
    answer(&app, path, request.headers(), &RefusalCode::Banned.into())
}

/// Returns a refusal in the form of what is asked for: the API's, JSON, or a line of text.
pub(super) fn answer(app: &App, path: &str, headers: &HeaderMap, refusal: &Refusal) -> Response {
    if api::is_at(path) || path.starts_with("/hooks/") {
        return api::refused(app, refusal).into_response();
    }
    let (locale, limits) = (preferences::locale(headers), app.rooms.limits());
    if error::wants_json(headers) {
        error::problem(refusal, locale, limits)
    } else {
        error::plain(refusal, locale, limits)
    }
}
