//! The protocols of WebSockets: from a request to a connection with the requested protocol.

mod compression;
mod handshake;
mod offer;

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::body::Body as _;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use madang_protocol::CloseCode;
use madang_stomp::Version;

use crate::accept::http_stream::HttpStream;
use crate::auth::login;
use crate::connection;
use crate::connection::peer::Peer;
use crate::connection::websocket::WebSocketTransport;
use crate::deflate::Deflate;
use crate::metrics::Carrier;
use crate::protocols::{ClientProtocol, Madang, Plain, PlainQuery, Stomp};
use crate::state::App;
use crate::unsent::Account;

use super::origin::OriginVerdict;
use super::rejection::reject;
use super::{error, origin, preferences};
use compression::Compression;
pub(super) use handshake::is_asked;

/// Path of `madang.v1`.
pub(super) const MADANG: &str = "/ws";

/// Protocols of an upgraded connection.
#[derive(Debug)]
pub(super) enum Protocol {
    Madang,
    Plain(PlainQuery),
    /// In the subprotocol's version, if one was offered.
    Stomp(Option<Version>),
    /// Messages as they came, for conformance tests.
    #[cfg(feature = "echo")]
    Echo,
}

/// The paths that are nothing but protocols. They stand outside the limit on a request's time.
pub(super) fn router() -> Router<App> {
    let router =
        Router::new().route(MADANG, get(madang)).route("/plain", get(plain)).route("/stomp", get(stomp));
    #[cfg(feature = "echo")]
    let router = router.route("/echo", get(echo));
    router
}

/// [`MADANG`].
pub(super) async fn madang(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    open(app, peer, request, Protocol::Madang).await
}

/// `/plain`, and `/` for a request that asks for a WebSocket.
pub(super) async fn plain(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    // An unreadable query is reported on the open socket: a page sees no status.
    let asked = Query::try_from_uri(request.uri()).map(|Query(asked)| asked).unwrap_or_default();
    open(app, peer, request, Protocol::Plain(asked)).await
}

async fn stomp(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    open(app, peer, request, Protocol::Stomp(None)).await
}

#[cfg(feature = "echo")]
async fn echo(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    open(app, peer, request, Protocol::Echo).await
}

/// Upgrades on the paths that speak STOMP by an option, whatever else is there.
pub(super) async fn fixed_paths(
    state: State<App>,
    peer: ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let fixed = is_asked(request.headers())
        && state.config.stomp_paths.iter().any(|path| path == request.uri().path());
    if fixed { stomp(state, peer, request).await } else { next.run(request).await }
}

/// Upgrades a request to a connection. A newcomer gets a login in the answer's cookie.
async fn open(app: App, peer: SocketAddr, mut request: Request, by_path: Protocol) -> Response {
    if app.stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "The server is stopping; come back in a moment.\n")
            .into_response();
    }
    let upgraded = hyper::upgrade::on(&mut request);
    if !request.body().is_end_stream() {
        // Bytes behind the head would be taken for frames.
        reject(&app, peer.ip(), "upgrade");
        return (StatusCode::BAD_REQUEST, "An upgrade has no body.\n").into_response();
    }
    let headers = request.headers();
    let accept = match handshake::handshake(headers) {
        Ok(accept) => accept,
        Err(reason) => {
            reject(&app, peer.ip(), "upgrade");
            return reason.into_response();
        }
    };
    let Ok((speaks, subprotocol)) = offer::choose(headers, by_path) else {
        reject(&app, peer.ip(), "subprotocol");
        let known = offer::KNOWN.join(", ");
        let sentence = format!("None of the offered subprotocols is known here. Known: {known}\n");
        return (StatusCode::BAD_REQUEST, sentence).into_response();
    };
    let standing = origin::standing(headers, &app.config.origins);
    let login = match (standing, &speaks) {
        // This protocol asks who it is after the upgrade, and makes a guest only of somebody who says nothing.
        (OriginVerdict::Own, Protocol::Stomp(_)) => login::of(&app, headers).await,
        (OriginVerdict::Neighbour, Protocol::Stomp(_)) => Ok(None),
        (OriginVerdict::Own, _) => login::or_newcomer(&app, headers).await.map(Some),
        // A page from next door is served by the protocols of programs, and is nobody whom this one knows.
        (OriginVerdict::Neighbour, Protocol::Plain(_)) => login::newcomer(&app, headers).map(Some),
        (OriginVerdict::Neighbour | OriginVerdict::Foreign, _) => {
            return origin::refuse(&app, peer.ip(), headers, request.uri());
        }
    };
    let login = match login {
        Ok(login) => login,
        Err(refusal) => {
            return error::plain(&refusal, preferences::locale(headers), app.rooms.limits());
        }
    };
    let mut cookies = Vec::new();
    let mut by = Peer { you: None, expected: None, address: peer.ip() };
    if let Some(login) = login {
        by = Peer { you: Some(login.person), expected: login.expected, ..by };
        cookies = login.cookies;
    }
    cookies.retain(|_| standing == OriginVerdict::Own);
    let compression = if app.config.no_compression { None } else { Compression::choose(headers) };
    let connection = Box::new(Connection { app: app.clone(), upgraded, peer, by, compression });
    match speaks {
        Protocol::Madang => app.connections.spawn(connection.run(Madang)),
        Protocol::Plain(asked) => app.connections.spawn(connection.run(Plain::new(asked))),
        Protocol::Stomp(version) => {
            let protocol = Stomp::new(app.clone(), version);
            app.connections.spawn(connection.run(protocol))
        }
        #[cfg(feature = "echo")]
        Protocol::Echo => app.connections.spawn(connection.echo()),
    };
    let switched = handshake::switching_protocols(accept, subprotocol, compression, cookies);
    switched.unwrap_or_else(|| StatusCode::BAD_REQUEST.into_response())
}

/// A connection whose handshake is being answered.
struct Connection {
    app: App,
    upgraded: OnUpgrade,
    peer: SocketAddr,
    by: Peer,
    compression: Option<Compression>,
}

impl Connection {
    /// Runs it, once the answer has been sent.
    async fn run(self: Box<Self>, protocol: impl ClientProtocol) {
        let (app, address) = (self.app.clone(), self.peer.ip());
        // On the heap, and gone once the connection is open.
        let Some((wire, by)) = Box::pin(self.upgraded()).await else { return };
        let Some(_place) = app.connection_limit.admit(address) else {
            let code = CloseCode::OVER_LIMIT;
            return Box::pin(connection::turn_away(&app, *wire, protocol, address, code)).await;
        };
        let _counted = app.metrics.connection(Carrier::WebSocket);
        connection::run(&app, *wire, protocol, by).await;
    }

    /// Sends back what comes.
    #[cfg(feature = "echo")]
    async fn echo(self: Box<Self>) {
        if let Some((wire, _)) = Box::pin(self.upgraded()).await {
            wire.echo().await;
        }
    }

    /// Waits for the end of the handshake. Returns what is below it, and who it is.
    async fn upgraded(self: Box<Self>) -> Option<(Box<WebSocketTransport>, Box<Peer>)> {
        let Self { app, upgraded, peer, by, compression } = *self;
        let upgraded = match upgraded.await {
            Ok(upgraded) => upgraded,
            Err(error) => {
                tracing::debug!(%peer, %error, "a connection was lost in its upgrade");
                return None;
            }
        };
        let account = app.unsent.account(peer.ip(), None);
        let compressed = &app.metrics.frames_compressed;
        let deflate = compression.map(|it| Deflate::new(it.window_bits(), compressed.clone()));
        let wire = wire(upgraded, app.config.max_frame, deflate, account)?;
        Some((Box::new(wire), Box::new(by)))
    }
}

/// Returns the connection below the upgrade, with what was read of it already.
fn wire(
    upgraded: Upgraded,
    max_frame: u32,
    deflate: Option<Deflate>,
    account: Account,
) -> Option<WebSocketTransport> {
    // The accept loop serves nothing but this kind of stream.
    let parts = upgraded.downcast::<TokioIo<HttpStream>>().ok()?;
    let io = parts.io.into_inner().into_io();
    // Copied, so that an idle connection does not keep the 8 KiB that hyper read its request into.
    Some(WebSocketTransport::new(io, &parts.read_buf, max_frame, deflate, account))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn future_bytes<A, F: Future>(_: impl Fn(A) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn task_of_a_connection_stays_small() {
        // An idle connection costs it all its life, whichever of its steps is the largest.
        let bytes = future_bytes(|connection: Box<Connection>| connection.run(Madang));
        println!("task: {bytes} bytes");
        assert!(bytes <= 640, "{bytes} bytes");
    }
}
