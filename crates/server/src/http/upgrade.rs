//! The door of the WebSocket: the handshake of RFC 6455, 4.2.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{
    CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, SET_COOKIE, UPGRADE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::body::Body as _;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use madang_protocol::SUBPROTOCOL;
use tungstenite::handshake::derive_accept_key;

use crate::accept::Stream;
use crate::app::App;
use crate::connection::{self, Peer, Wire};
use crate::metrics::Carrier;

use super::login::Login;
use super::{error, login, origin, preferences, reject};

/// Upgrades a request to a connection. A newcomer becomes a guest, with the login in the answer's cookie.
pub(super) async fn open(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
) -> Response {
    if app.stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "The server is stopping; come back in a moment.\n")
            .into_response();
    }
    let upgraded = hyper::upgrade::on(&mut request);
    if !request.body().is_end_stream() {
        // What follows the head would be taken for frames.
        reject(&app, peer.ip(), "upgrade");
        return (StatusCode::BAD_REQUEST, "An upgrade has no body.\n").into_response();
    }
    let headers = request.headers();
    let handshake = match handshake(headers) {
        Ok(handshake) => handshake,
        Err(reason) => {
            reject(&app, peer.ip(), "upgrade");
            return reason.into_response();
        }
    };
    if !origin::is_allowed(headers, &app.config.origins) {
        return origin::refuse(&app, peer.ip());
    }
    let Some(protocol) = choose_protocol(headers) else {
        reject(&app, peer.ip(), "subprotocol");
        let known = format!("None of the offered subprotocols is known here. Known: {SUBPROTOCOL}\n");
        return (StatusCode::BAD_REQUEST, known).into_response();
    };
    let login = match login::or_newcomer(&app, headers).await {
        Ok(login) => login,
        Err(refusal) => {
            return error::plain(&refusal, preferences::locale(headers), app.rooms.limits());
        }
    };
    let cookie = HeaderValue::try_from(&login.set_cookie).ok();
    app.connections.spawn(connection(app.clone(), upgraded, peer, login));
    let switched = switching_protocols(handshake, protocol, cookie);
    switched.unwrap_or_else(|| StatusCode::BAD_REQUEST.into_response())
}

/// Why a request is no handshake.
#[derive(Debug, PartialEq, Eq)]
enum NoHandshake {
    NoUpgrade,
    OtherVersion,
    BadKey,
}

impl IntoResponse for NoHandshake {
    fn into_response(self) -> Response {
        match self {
            Self::NoUpgrade => {
                let upgrade = [(UPGRADE, "websocket"), (CONNECTION, "upgrade")];
                let sentence = "A WebSocket is spoken here; see the documentation.\n";
                (StatusCode::UPGRADE_REQUIRED, upgrade, sentence).into_response()
            }
            Self::OtherVersion => {
                let version = [(SEC_WEBSOCKET_VERSION, "13")];
                (StatusCode::UPGRADE_REQUIRED, version, "WebSocket version 13 is spoken here.\n")
                    .into_response()
            }
            Self::BadKey => {
                (StatusCode::BAD_REQUEST, "Sec-WebSocket-Key must be 16 bytes in base64.\n").into_response()
            }
        }
    }
}

/// What the client's key has to be answered with.
fn handshake(headers: &HeaderMap) -> Result<String, NoHandshake> {
    if !lists(headers, CONNECTION, "upgrade") || !lists(headers, UPGRADE, "websocket") {
        return Err(NoHandshake::NoUpgrade);
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(NoHandshake::OtherVersion);
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| is_key(key.as_bytes()));
    key.map(|key| derive_accept_key(key.as_bytes())).ok_or(NoHandshake::BadKey)
}

/// 16 bytes in base64: 22 digits and two signs of padding.
fn is_key(key: &[u8]) -> bool {
    let digits = key.strip_suffix(b"==").unwrap_or_default();
    digits.len() == 22 && digits.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/'))
}

/// Whether a header's list has this word, in any case.
fn lists(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    items(headers, name).any(|item| item.eq_ignore_ascii_case(word))
}

fn items(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|item| !item.is_empty())
}

/// The subprotocol to answer with: `madang.v1` if it is offered, none if none is. Nothing, if all that are
/// offered are unknown.
fn choose_protocol(headers: &HeaderMap) -> Option<Option<HeaderValue>> {
    let mut offers = items(headers, SEC_WEBSOCKET_PROTOCOL).peekable();
    if offers.peek().is_none() {
        return Some(None);
    }
    offers.any(|offer| offer == SUBPROTOCOL).then_some(Some(HeaderValue::from_static(SUBPROTOCOL)))
}

fn switching_protocols(
    accept: String,
    protocol: Option<HeaderValue>,
    cookie: Option<HeaderValue>,
) -> Option<Response> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, HeaderValue::try_from(accept).ok()?);
    protocol.map(|protocol| headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol));
    cookie.map(|cookie| headers.append(SET_COOKIE, cookie));
    Some(response)
}

/// Runs the connection, once the answer has been sent.
async fn connection(app: App, upgraded: OnUpgrade, peer: SocketAddr, login: Login) {
    let upgraded = match upgraded.await {
        Ok(upgraded) => upgraded,
        Err(error) => return tracing::debug!(%peer, %error, "a connection was lost in its upgrade"),
    };
    let Some(wire) = wire(upgraded, app.config.max_frame) else { return };
    let address = peer.ip();
    let Some(_place) = app.addresses.admit(address) else {
        return connection::turn_away(&app, wire, address).await;
    };
    let _counted = app.metrics.connection(Carrier::WebSocket);
    let stop = app.stop.clone();
    connection::run(app, wire, Peer { you: login.person, address }, stop).await;
}

/// The TCP stream below, with what was read of it already.
fn wire(upgraded: Upgraded, max_frame: u32) -> Option<Wire> {
    // The accept loop serves nothing but this kind of stream.
    let parts = upgraded.downcast::<TokioIo<Stream>>().ok()?;
    Some(Wire::new(parts.io.into_inner().into_tcp(), parts.read_buf.into(), max_frame))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_sixteen_bytes_in_base64() {
        assert!(is_key(b"dGhlIHNhbXBsZSBub25jZQ=="));
        for wrong in
            ["", "==", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "dGhl IHNhbXBsZSBub25jZ=="]
        {
            assert!(!is_key(wrong.as_bytes()), "{wrong}");
        }
    }

    #[test]
    fn headers_are_lists_in_any_case_and_number() {
        let mut headers = HeaderMap::new();
        headers.append(CONNECTION, HeaderValue::from_static("keep-alive, Upgrade"));
        headers.append(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("chat"));
        headers.append(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("x , madang.v1"));
        assert!(lists(&headers, CONNECTION, "upgrade"));
        assert!(!lists(&headers, UPGRADE, "websocket"));
        assert_eq!(choose_protocol(&headers), Some(Some(HeaderValue::from_static(SUBPROTOCOL))));
    }

    #[test]
    fn unknown_subprotocols_alone_are_refused_and_none_is_fine() {
        let mut headers = HeaderMap::new();
        assert_eq!(choose_protocol(&headers), Some(None));
        headers.append(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("madang.v10"));
        assert_eq!(choose_protocol(&headers), None);
    }
}
