//! `PUT` and `DELETE /api/rooms/{room}/messages/{seq}/reactions/{emoji}`.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use madang_protocol::{Operation, RefusalCode, Seq};

use crate::access::Action;
use crate::state::App;

use super::problem::{Code, Refused, WriteRefusals};
use super::types::Posted;
use super::{body, caller};

type Target = Result<Path<(String, Seq, String)>, PathRejection>;

/// React to a message.
///
/// It is answered once the reaction is on the server's disk. Where the caller has reacted with this emoji already, nothing is
/// written, and the answer is 200 with the number of the message.
#[utoipa::path(
    put,
    path = "/api/rooms/{room}/messages/{seq}/reactions/{emoji}",
    tag = "Rooms",
    operation_id = "react",
    params(
        ("room" = String, Path, description = "The room's id", pattern = "^[a-z0-9_-]{1,64}$", example = "lobby"),
        ("seq" = u64, Path, description = "The message", minimum = 1, example = 42),
        ("emoji" = String, Path, description = "One emoji, percent-encoded", example = "🎉"),
        ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,200}$",
            description = "By this a repeat is recognised, for ever and for each caller: any text, or a cmid"),
    ),
    responses(
        (status = 201, description = "It was written", body = Posted),
        (status = 200, description = "Nothing was left to be written", body = Posted),
        WriteRefusals,
    ),
    security(("token" = []), ("login" = [])),
)]
pub(super) async fn put(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    path: Target,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    write(&app, peer, path, &headers, |seq, emoji| Operation::React { seq, emoji }).await
}

/// Take a reaction of the caller's own back.
///
/// Where there is none with this emoji, nothing is written, and the answer is 200 with the number of the message.
#[utoipa::path(
    delete,
    path = "/api/rooms/{room}/messages/{seq}/reactions/{emoji}",
    tag = "Rooms",
    operation_id = "unreact",
    params(
        ("room" = String, Path, description = "The room's id", pattern = "^[a-z0-9_-]{1,64}$", example = "lobby"),
        ("seq" = u64, Path, description = "The message", minimum = 1, example = 42),
        ("emoji" = String, Path, description = "One emoji, percent-encoded", example = "🎉"),
        ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,200}$",
            description = "By this a repeat is recognised, for ever and for each caller: any text, or a cmid"),
    ),
    responses(
        (status = 201, description = "It was written", body = Posted),
        (status = 200, description = "Nothing was left to be written", body = Posted),
        WriteRefusals,
    ),
    security(("token" = []), ("login" = [])),
)]
pub(super) async fn delete(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    path: Target,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    write(&app, peer, path, &headers, |seq, emoji| Operation::Unreact { seq, emoji }).await
}

async fn write(
    app: &App,
    peer: SocketAddr,
    path: Target,
    headers: &HeaderMap,
    operation: impl FnOnce(Seq, String) -> Operation,
) -> Result<Response, Refused> {
    let you = caller::of(app, headers).await?;
    let Path((room, seq, emoji)) =
        path.map_err(|_| Refused::of(Code::Refused(RefusalCode::UnknownMessage)))?;
    // Before a repeat is looked for: no message has such a number.
    if seq == 0 || i64::try_from(seq).is_err() {
        return Err(Refused::of(Code::Refused(RefusalCode::UnknownMessage)));
    }
    let room = caller::room(&room)?;
    you.head(app, peer, &room)?;
    let cmid = body::cmid(headers)?;
    let operation = operation(seq, emoji);
    let grant = you.allow(app, peer, &room, Action::React)?;
    let written = async { app.rooms.write(&grant, cmid, operation, app.now())?.await };
    let written = written.await.map_err(|refusal| Refused::by_rooms(app, &refusal))?;
    let status = if written.repeat { StatusCode::OK } else { StatusCode::CREATED };
    let cursor = app.rooms.cursors().text(written.seq);
    let posted = Posted { room: written.room, seq: written.seq, cursor, cmid, repeat: written.repeat };
    Ok((status, Json(posted)).into_response())
}
