//! `GET /api/rooms`.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;

use crate::state::App;

use super::caller;
use super::problem::{Refusals, Refused};
use super::types::{Room, RoomList};

/// List the rooms.
///
/// All rooms that the caller may see, the most recently active first.
#[utoipa::path(
    get,
    path = "/api/rooms",
    tag = "Rooms",
    operation_id = "list_rooms",
    responses((status = 200, description = "The rooms", body = RoomList), Refusals),
    security(("token" = []), ("login" = [])),
)]
pub(super) async fn list(State(app): State<App>, headers: HeaderMap) -> Result<Json<RoomList>, Refused> {
    let you = caller::of(&app, &headers).await?;
    let rooms =
        app.rooms.list(Some(you.id.clone())).await.map_err(|refusal| Refused::by_rooms(&app, &refusal))?;
    let rooms = rooms.into_iter().map(|info| Room::new(info, app.rooms.cursors())).collect();
    Ok(Json(RoomList { rooms }))
}
