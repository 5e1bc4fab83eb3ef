//! The protocol over plain HTTP, for networks that block WebSockets: frames are posted, and fetched by an event
//! stream or by polls. Same frames, same limits, same rules as over a WebSocket; see docs/protocol.md.

mod answer;
pub(super) mod body;
mod fetch;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use madang_protocol::{ClientFrame, Opened, ProblemCode};
use serde::Deserialize;

use crate::auth::login;
use crate::connection;
use crate::connection::http_session::{Gone, HttpSession, PostedFrames};
use crate::connection::http_sessions::NotFound;
use crate::connection::peer::Peer;
use crate::metrics::Carrier;
use crate::protocols::Madang;
use crate::state::App;

use super::rejection::reject;
use super::{error, preferences};
pub(super) use answer::AGAIN_MS;
use answer::{Refused, json};

/// The routes. They stand outside the limit on a request's time.
pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/rt", post(open))
        .route("/rt/{session}", post(send).delete(leave))
        // A HEAD reads nothing, so it must not take the frames from whoever does.
        .route("/rt/{session}/events", get(fetch::events).head(only_get))
        .route("/rt/{session}/poll", get(fetch::poll).head(only_get))
        .method_not_allowed_fallback(other_method)
        .layer(from_fn(unstored))
}

/// Returns true for a path of these routes.
pub(super) fn is_at(path: &str) -> bool {
    path == "/rt" || path.starts_with("/rt/")
}

/// The answer to a page of another site.
pub(super) fn foreign() -> Response {
    Refused(ProblemCode::Origin).into_response()
}

/// The answer to a request of an address that has too many under way.
pub(super) fn too_fast() -> Response {
    Refused(ProblemCode::TooFast).into_response()
}

async fn only_get() -> Response {
    ([(header::ALLOW, "GET")], other_method().await).into_response()
}

async fn other_method() -> Refused {
    Refused(ProblemCode::MethodNotAllowed)
}

/// Acknowledgement in a request.
#[derive(Debug, Default, Deserialize)]
struct Acknowledged {
    ack: Option<u64>,
}

/// Begins a session with its `hello`.
async fn open(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    if app.stop.is_cancelled() {
        return Err(Refused(ProblemCode::Unavailable));
    }
    let address = peer.ip();
    let place = app.connection_limit.admit(address);
    let place = place.ok_or_else(|| refuse(&app, peer, ProblemCode::OverLimit))?;
    let hello = body::read(&app, body).await;
    let hello = hello.and_then(|text| if is_hello(&text) { Ok(text) } else { Err(ProblemCode::BadFrame) });
    let hello = hello.map_err(|code| refuse(&app, peer, code))?;
    let login = match login::or_newcomer(&app, &headers).await {
        Ok(login) => login,
        Err(refusal) => {
            return Ok(error::problem(&refusal, preferences::locale(&headers), app.rooms.limits()));
        }
    };
    let counted = app.metrics.connection(Carrier::Poll);
    let account = app.unsent.account(address, None);
    let (http_session, transport) = HttpSession::open(login.key, counted, hello, account);
    let listed = app.http_sessions.list(http_session).ok_or(Refused(ProblemCode::Unavailable))?;
    let opened = Opened { session: listed.token() };
    let mut answer = (StatusCode::CREATED, json(&opened)).into_response();
    for cookie in login.cookies {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    let peer = Box::new(Peer { you: Some(login.person), expected: login.expected, address });
    app.connections.spawn({
        let app = app.clone();
        async move {
            connection::run(&app, transport, Madang, peer).await;
            drop((listed, place));
        }
    });
    Ok(answer)
}

/// Takes one frame or an array of them.
async fn send(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(session): Path<String>,
    Query(Acknowledged { ack }): Query<Acknowledged>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Refused> {
    let http_session = find(&app, peer, &session, &headers)?;
    let _permit = http_session.admit_post().ok_or_else(|| refuse(&app, peer, ProblemCode::TooFast))?;
    let parcel = match body::read(&app, body).await.and_then(|text| body::frames(&text)) {
        Ok(frames) => PostedFrames::Frames(frames),
        Err(ProblemCode::TooBig) => PostedFrames::TooBig,
        Err(code) => return Err(refuse(&app, peer, code)),
    };
    let too_big = matches!(parcel, PostedFrames::TooBig);
    http_session.post(parcel, ack).await.map_err(|Gone| Refused(ProblemCode::SessionGone))?;
    // The connection that ends for it is counted and logged; the request is not once more.
    if too_big { Err(Refused(ProblemCode::TooBig)) } else { Ok(StatusCode::NO_CONTENT) }
}

/// Ends a session.
async fn leave(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(session): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Refused> {
    find(&app, peer, &session, &headers)?.leave();
    Ok(StatusCode::NO_CONTENT)
}

/// The session of that token, if this login opened it.
fn find(
    app: &App,
    peer: SocketAddr,
    session: &str,
    headers: &HeaderMap,
) -> Result<Arc<HttpSession>, Refused> {
    app.http_sessions.find(session, &login::keys(app, headers)).map_err(|not_found| {
        match not_found {
            // So ends every session after a restart: nothing to tell anybody.
            NotFound::Unknown => app.metrics.rejected("session_gone"),
            NotFound::OfAnotherLogin => reject(app, peer.ip(), "another_login"),
        }
        Refused(ProblemCode::SessionGone)
    })
}

/// Counts and logs what is wrong with a request.
fn refuse(app: &App, peer: SocketAddr, code: ProblemCode) -> Refused {
    reject(app, peer.ip(), answer::name(code));
    Refused(code)
}

fn is_hello(text: &str) -> bool {
    matches!(serde_json::from_str(text), Ok(ClientFrame::Hello { .. }))
}

/// Answers are for the asker alone, at once: nobody between may keep them, hold them back or change them.
async fn unstored(request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    answer
}
