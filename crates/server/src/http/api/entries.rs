//! `GET /api/rooms/{room}/entries`.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::HeaderMap;

use crate::access::Action;
use crate::cursor::CursorError;
use crate::refusal::Refusal;
use madang_protocol::RefusalCode;

use crate::state::App;
use crate::store::{Committed, entry_bytes};

use super::problem::{Code, ReadRefusals, Refused};
use super::types::{After, ApiEntry, Entries};
use super::{body, caller};

/// Entries of a page, if nothing else is asked for, and at most.
const USUAL: u16 = 100;
const MOST: u16 = 200;

/// Read a room's log.
///
/// The entries after a cursor, in order and without a gap, edits and deletions among them. Read on with the answer's `cursor` until
/// `more` is false.
#[utoipa::path(
    get,
    path = "/api/rooms/{room}/entries",
    tag = "Rooms",
    operation_id = "read_entries",
    params(
        ("room" = String, Path, description = "The room's id", pattern = "^[a-z0-9_-]{1,64}$", example = "lobby"),
        After,
    ),
    responses((status = 200, description = "Entries", body = Entries), ReadRefusals),
    security(("token" = []), ("login" = [])),
)]
pub(super) async fn after(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<After>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<Entries>, Refused> {
    let you = caller::of(&app, &headers).await?;
    let Path(room) = path.map_err(|_| Refused::of(Code::Refused(RefusalCode::UnknownRoom)))?;
    let room = caller::room(&room)?;
    let Query(After { after, limit }) = query.map_err(|error| body::bad_query(&error))?;
    let limit = limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(Refused::because(Code::BadRequest, format!("`limit` is 1 to {MOST}.")));
    }
    let refused = |refusal: Refusal| Refused::by_rooms(&app, &refusal);
    let grant = you.allow(&app, peer, &room, Action::Read)?;
    let head = app.rooms.head(&grant).map_err(refused)?;
    let cursors = app.rooms.cursors();
    let after = match after {
        Some(text) => cursors.read(&text, head).map_err(|error| unreadable(&app, error))?,
        None => 0,
    };
    let reading = app.rooms.begin_read(&you.actor(peer), app.now()).map_err(refused)?;
    let read = match app.rooms.entries_after(&grant, after, limit.into()).await {
        Ok(read) => read,
        Err(refusal) => {
            reading.end(0);
            return Err(refused(refusal));
        }
    };
    reading.end(read.iter().map(|committed| entry_bytes(&committed.entry)).sum());
    let last = read.last().map_or(after, |committed| committed.entry.seq);
    let entry = |committed: Committed| ApiEntry::new(&committed.entry, &committed.author.person, cursors);
    let entries = read.into_iter().map(entry).collect();
    // Entries committed since the head was looked at may have been read already.
    let head = head.max(last);
    Ok(Json(Entries { room, entries, cursor: cursors.text(last), head, more: last < head }))
}

/// Returns the refusal of a cursor.
pub(super) fn unreadable(app: &App, error: CursorError) -> Refused {
    match error {
        CursorError::Malformed => {
            Refused::because(Code::BadRequest, "A cursor is what this server gave as one, such as 41.")
        }
        CursorError::Unusable => Refused::by_rooms(app, &error.into()),
    }
}
