//! The door of the WebSocket.

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, State, WebSocketUpgrade};
use axum::http::header::{SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use madang_protocol::{CloseCode, SUBPROTOCOL};
use std::net::SocketAddr;

use crate::app::App;
use crate::socket;

use super::{error, login, origin, preferences};

/// Upgrades a request to a connection. A newcomer becomes a guest, with the login in the answer's cookie.
pub(super) async fn open(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if app.stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "The server is stopping; come back in a moment.\n")
            .into_response();
    }
    let mut upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return not_an_upgrade(&app, rejection),
    };
    if !has_key(&headers) {
        app.metrics.rejected("upgrade");
        return (StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is 16 bytes in base64.\n").into_response();
    }
    if !origin::is_allowed(&headers, &app.config.origins) {
        return origin::refuse(&app);
    }
    if !choose_protocol(&mut upgrade) {
        app.metrics.rejected("subprotocol");
        let known = format!("None of the offered subprotocols is known here. Known: {SUBPROTOCOL}\n");
        return (StatusCode::BAD_REQUEST, known).into_response();
    }
    let login = match login::or_newcomer(&app, &headers).await {
        Ok(login) => login,
        Err(refusal) => return error::plain(&refusal, preferences::locale(&headers), app.rooms.limits()),
    };
    let upgrade = bounded(upgrade, &app);
    let tracker = app.connections.clone();
    let mut response = match app.addresses.admit(peer.ip()) {
        Some(place) => upgrade.on_upgrade(move |socket| {
            let person = login.person;
            tracker.track_future(async move {
                let stop = app.stop.clone();
                socket::run(app, socket, person, stop).await;
                drop(place);
            })
        }),
        None => {
            app.metrics.closed(CloseCode::OVER_LIMIT);
            tracing::info!(address = %peer.ip(), "an address has as many connections as it may");
            upgrade.on_upgrade(move |socket| {
                tracker.track_future(socket::turn_away(socket, CloseCode::OVER_LIMIT))
            })
        }
    };
    if let Ok(cookie) = HeaderValue::try_from(login.set_cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Whether the key is 16 bytes in base64, as RFC 6455, 4.2.1 asks; axum takes any.
fn has_key(headers: &HeaderMap) -> bool {
    let key = headers.get(SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes);
    let digits = key.and_then(|key| key.strip_suffix(b"=="));
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    digits.is_some_and(|digits| digits.len() == 22 && digits.iter().all(is_digit))
}

/// Takes `madang.v1` if it is offered, or no subprotocol if none is.
fn choose_protocol(upgrade: &mut WebSocketUpgrade) -> bool {
    let mut offered = upgrade.requested_protocols().peekable();
    if offered.peek().is_none() {
        return true;
    }
    let known = offered.any(|offer| offer.as_bytes() == SUBPROTOCOL.as_bytes());
    drop(offered);
    if known {
        upgrade.set_selected_protocol(HeaderValue::from_static(SUBPROTOCOL));
    }
    known
}

/// The bounds of what the WebSocket layer holds for one connection.
fn bounded(upgrade: WebSocketUpgrade, app: &App) -> WebSocketUpgrade {
    let frame = match app.config.max_frame {
        0 => usize::MAX,
        bytes => bytes as usize,
    };
    upgrade
        .read_buffer_size(socket::READ_BUFFER)
        .max_message_size(frame)
        .max_frame_size(frame)
        .write_buffer_size(socket::WRITE_BUFFER)
}

fn not_an_upgrade(app: &App, rejection: WebSocketUpgradeRejection) -> Response {
    app.metrics.rejected("upgrade");
    match rejection {
        WebSocketUpgradeRejection::InvalidWebSocketVersionHeader(_) => {
            let version = [(SEC_WEBSOCKET_VERSION, "13")];
            (StatusCode::UPGRADE_REQUIRED, version, "WebSocket version 13 is spoken here.\n").into_response()
        }
        WebSocketUpgradeRejection::InvalidConnectionHeader(_)
        | WebSocketUpgradeRejection::InvalidUpgradeHeader(_) => {
            let upgrade = [("upgrade", "websocket"), ("connection", "upgrade")];
            (StatusCode::UPGRADE_REQUIRED, upgrade, "A WebSocket is spoken here; see the documentation.\n")
                .into_response()
        }
        other => other.into_response(),
    }
}
