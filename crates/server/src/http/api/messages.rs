//! `POST /api/rooms/{room}/messages`.

use axum::Json;
use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use madang_protocol::{Operation, RefusalCode};

use crate::access::Action;
use crate::state::App;

use super::problem::{Code, Refused, WriteRefusals};
use super::types::{NewMessage, Posted};
use super::{body, caller};

/// Post a message.
///
/// It is answered once the message is on the server's disk. With an `Idempotency-Key` the request may be repeated as
/// often as wanted, however much later: the message is posted once, and each repeat answers 200 with the first one's number.
#[utoipa::path(
    post,
    path = "/api/rooms/{room}/messages",
    tag = "Rooms",
    operation_id = "post_message",
    params(
        ("room" = String, Path, description = "The room's id", pattern = "^[a-z0-9_-]{1,64}$", example = "lobby"),
        ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,200}$",
            description = "By this a repeat is recognised, for ever and for each caller: any text, or a cmid"),
    ),
    request_body = NewMessage,
    responses(
        (status = 201, description = "It was posted", body = Posted,
            headers(("Location" = String, description = "The message's page"))),
        (status = 200, description = "It had been posted before", body = Posted,
            headers(("Location" = String, description = "The message's page"))),
        WriteRefusals,
    ),
    security(("token" = []), ("login" = [])),
)]
pub(super) async fn post(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    sent: Body,
) -> Result<Response, Refused> {
    let you = caller::of(&app, &headers).await?;
    let Path(room) = path.map_err(|_| Refused::of(Code::Refused(RefusalCode::UnknownRoom)))?;
    let room = caller::room(&room)?;
    you.head(&app, peer, &room)?;
    if body::media_type(&headers) != "application/json" {
        return Err(Refused::because(Code::UnsupportedMediaType, "The body must be application/json."));
    }
    let cmid = body::cmid(&headers)?;
    let message: NewMessage = body::json(&body::text(&app, sent).await?)?;
    let NewMessage { body, reply_to, headers } = message;
    let operation = Operation::Post { body, reply_to, headers: headers.unwrap_or_default() };
    let grant = you.allow(&app, peer, &room, Action::Post)?;
    let written = async { app.rooms.write(&grant, cmid, operation, app.now())?.await };
    let written = written.await.map_err(|refusal| Refused::by_rooms(&app, &refusal))?;
    let status = if written.repeat { StatusCode::OK } else { StatusCode::CREATED };
    let location = [(LOCATION, format!("/r/{}/{}", written.room, written.seq))];
    let cursor = app.rooms.cursors().text(written.seq);
    let posted = Posted { room: written.room, seq: written.seq, cursor, cmid, repeat: written.repeat };
    Ok((status, location, Json(posted)).into_response())
}
