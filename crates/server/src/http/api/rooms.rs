//! `GET /api/rooms`.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;

use crate::access::Action;
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
pub(super) async fn list(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<Json<RoomList>, Refused> {
    let you = caller::of(&app, &headers).await?;
    let rooms = async {
        let grant = app.rooms.access().allow_on_server(&you.actor(peer), Action::ListRooms)?;
        app.rooms.list(&grant).await
    };
    let rooms = rooms.await.map_err(|refusal| Refused::by_rooms(&app, &refusal))?;
    let rooms = rooms.into_iter().map(|info| Room::new(info, app.rooms.cursors())).collect();
    Ok(Json(RoomList { rooms }))
}
