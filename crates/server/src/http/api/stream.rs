//! `GET /api/rooms/{room}/stream`: server-sent events, one for each entry.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};

use crate::connection;
use crate::connection::peer::Peer;
use crate::connection::streamed::Streamed;
use crate::metrics::Carrier;
use madang_protocol::RefusalCode;

use crate::protocols::Stream;
use crate::state::App;

use super::super::rejection::reject;
use super::entries::unreadable;
use super::problem::{Code, ReadRefusals, Refused};
use super::types::From;
use super::{body, caller};

/// Follow a room.
///
/// A stream of server-sent events that has no end. Each entry is one event: `id` is its cursor, `data` its JSON, as in
/// the log. An `id` without data at the beginning is the cursor from which the stream goes on. `Last-Event-ID`, or else
/// `after`, resumes without a hole, however much was missed. Lines that begin with a colon are comments: `: live` once
/// everything is sent that there was, and signs of life. An event of the type `bye` has the reason of the end.
/// An EventSource needs to know nothing of this but `onmessage`.
#[utoipa::path(
    get,
    path = "/api/rooms/{room}/stream",
    tag = "Rooms",
    operation_id = "follow_room",
    params(
        ("room" = String, Path, description = "The room's id", pattern = "^[a-z0-9_-]{1,64}$", example = "lobby"),
        From,
        ("Last-Event-ID" = Option<String>, Header, pattern = "^[0-9]{1,40}(@[a-z0-9_-]{1,64})?$",
            description = "The cursor to go on from, as an EventSource sends it; it goes before `after`"),
    ),
    responses((status = 200, description = "Events", body = String, content_type = "text/event-stream"), ReadRefusals),
    security(("token" = []), ("login" = [])),
)]
pub(super) async fn open(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<From>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    if app.stop.is_cancelled() {
        return Err(Refused::of(Code::Unavailable));
    }
    let you = caller::of(&app, &headers).await?;
    let Path(room) = path.map_err(|_| Refused::of(Code::Refused(RefusalCode::UnknownRoom)))?;
    let room = caller::room(&room)?;
    let Query(From { after }) = query.map_err(|error| body::bad_query(&error))?;
    let after = match headers.get("last-event-id") {
        Some(id) => Some(id.to_str().unwrap_or_default().to_owned()),
        None => after,
    };
    let head = you.head(&app, peer, &room)?;
    let after = match after {
        Some(text) => app.rooms.cursors().read(&text, head).map_err(|error| unreadable(&app, error))?,
        None => head,
    };
    let address = peer.ip();
    let Some(place) = app.connection_limit.admit(address) else {
        reject(&app, address, "over_limit");
        return Err(Refused::of(Code::OverLimit));
    };
    let account = app.unsent.account(address, None);
    let (transport, events) = Streamed::open(account);
    let protocol = Stream::new(room, after);
    let peer = Box::new(Peer { you: Some(you.person), expected: you.expected, address });
    app.connections.spawn({
        let app = app.clone();
        async move {
            let _counted = app.metrics.connection(Carrier::Stream);
            connection::run(&app, transport, protocol, peer).await;
            drop(place);
        }
    });
    // For the asker alone, at once: nobody between may keep it, hold it back or change it.
    let head = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store, no-transform"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((head, Body::from_stream(events)).into_response())
}
