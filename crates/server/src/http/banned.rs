//! Requests from an address that is banned. What upgrades to a connection, or opens one, is told so by that connection's
//! close code, which a page can read.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use madang_protocol::RefusalCode;

use crate::app::App;
use crate::refusal::Refusal;

use super::{api, error, preferences, reject, upgrade};

/// Refuses everything else but signs of life.
pub(super) async fn check(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let from = peer.ip().into();
    let path = request.uri().path();
    let opens = upgrade::is_asked(request.headers()) || path == "/rt" || path.starts_with("/rt/");
    let open_to_all = matches!(path, "/healthz" | "/readyz" | "/metrics");
    if opens || open_to_all || !app.rooms.is_banned(None, from) {
        return next.run(request).await;
    }
    reject(&app, peer.ip(), "banned");
    let refusal = Refusal::from(RefusalCode::Banned);
    if path.starts_with("/api") || path.starts_with("/hooks/") {
        return api::refused(&app, &refusal).into_response();
    }
    let (locale, limits) = (preferences::locale(request.headers()), app.rooms.limits());
    if error::wants_json(request.headers()) {
        error::problem(&refusal, locale, limits)
    } else {
        error::plain(&refusal, locale, limits)
    }
}
