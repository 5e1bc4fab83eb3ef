//! HTTP for programs: `/api`, and the addresses of incoming webhooks. It adds no second way to write or to read:
//! every answer comes from `room`, and a stream is a connection like any other. See docs/api.md.

mod body;
mod caller;
mod document;
mod entries;
mod hooks;
mod messages;
mod page;
mod problem;
mod reactions;
mod rooms;
mod stream;
pub(crate) mod types;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::refusal::Refusal;
use crate::state::App;
use problem::{Code, Refused};

/// The routes. Each stands in the document because it is taken from there.
pub(super) fn router() -> Router<App> {
    let (timed, timed_doc) = timed().split_for_parts();
    let (endless, endless_doc) = endless().split_for_parts();
    let document = document::whole([timed_doc, endless_doc]);
    timed
        .merge(document::router(document))
        .route("/api/", any(nowhere))
        .route("/api/{*rest}", any(nowhere))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, super::REQUEST))
        .merge(endless)
        .layer(CatchPanicLayer::new())
        .layer(map_response(problem::into_problem))
}

/// Returns true for a path of the API.
pub(super) fn is_at(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

/// The answer to a page of another site that comes with its visitor's login.
pub(super) fn foreign() -> Response {
    Refused::of(Code::Origin).into_response()
}

fn timed() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(rooms::list))
        .routes(routes!(messages::post))
        .routes(routes!(reactions::put, reactions::delete))
        .routes(routes!(entries::after))
        .routes(routes!(hooks::post))
}

/// Routes without an end have no bound on their time.
fn endless() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(stream::open))
}

/// A refusal in the API's form.
pub(super) fn refused(app: &App, refusal: &Refusal) -> impl IntoResponse + use<> {
    Refused::by_rooms(app, refusal)
}

async fn nowhere() -> Refused {
    Refused::of(Code::NotFound)
}
