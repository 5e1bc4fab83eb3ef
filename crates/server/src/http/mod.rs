//! Everything that is asked by HTTP.

pub(crate) mod api;
mod back;
mod banned;
pub(crate) mod compression;
mod error;
mod forms;
mod guard;
mod health;
pub(crate) mod host;
mod origin;
mod pages;
mod preferences;
pub(crate) mod redirect;
pub(crate) mod rejection;
pub(crate) mod rendered;
mod request_limit;
mod rt;
pub(crate) mod unsent_body;
mod upgrade;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::header::{
    CONNECTION, HeaderName, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use crate::accept::head::Head;
use crate::asker;
use crate::assets;
use crate::state::App;

/// Time for a request that is not an upgrade, from its head to its answer.
const REQUEST: Duration = Duration::from_secs(30);

/// All routes.
pub(crate) fn router(app: App) -> Router {
    let counted = from_fn_with_state(app.clone(), unsent_body::counted);
    let pages = Router::new()
        .route("/", get(front))
        .route("/r", get(async || Redirect::permanent("/r/lobby")))
        .route("/r/{room}", get(pages::room))
        .route("/r/{room}/{seq}", get(pages::message))
        .route("/r/{room}/{seq}/edit", get(pages::edit_form).post(forms::edit))
        .route("/r/{room}/{seq}/delete", post(forms::delete))
        .route("/r/{room}/{seq}/react", post(forms::react))
        .route("/r/{room}/post", post(forms::post))
        .route("/me", post(forms::rename))
        .route("/rooms", post(forms::open))
        .route("/settings", post(preferences::set))
        .route("/redrawn", post(pages::redrawn))
        .layer(counted.clone())
        .layer(compression::of_answers())
        .layer(from_fn_with_state(app.clone(), forms::in_time))
        .layer(DefaultBodyLimit::max(forms::FORM_BYTES));
    let (mut api, mut rt) = (api::router().layer(counted.clone()), rt::router().layer(counted));
    if !app.config.no_compression {
        api = api.layer(compression::of_answers()).layer(from_fn(compression::by_pieces));
        rt = rt.layer(from_fn(compression::by_pieces));
    }
    let health = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics));
    let layered: Router = pages
        .merge(health)
        .merge(assets::router())
        .route("/favicon.ico", get(pages::icon))
        .route("/apple-touch-icon.png", get(pages::icon))
        .route("/apple-touch-icon-precomposed.png", get(pages::icon))
        .fallback(pages::nowhere)
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST))
        .merge(upgrade::router())
        .merge(api)
        .merge(rt)
        .layer(from_fn_with_state(app.clone(), upgrade::fixed_paths))
        .layer(from_fn(for_its_asker))
        .layer(from_fn_with_state(app.clone(), origin::check))
        .layer(from_fn_with_state(app.clone(), request_limit::bounded))
        .layer(from_fn_with_state(app.clone(), banned::check))
        .layer(CatchPanicLayer::new())
        .layer(from_fn(guard::check))
        .layer(map_response_with_state(app.clone(), close_when_stopping))
        .layer(map_response_with_state(app.clone(), with_headers))
        .with_state(app.clone());
    Router::new().fallback_service(tower::service_fn(move |request: Request| {
        let (app, layered) = (app.clone(), layered.clone());
        async move {
            match direct_client(&request, &app) {
                Some(client) => Ok(Box::pin(direct(app, client, request)).await),
                None => layered.oneshot(request).await,
            }
        }
    }))
}

/// Adds what every answer has.
async fn with_headers(State(app): State<App>, mut response: Response) -> Response {
    const ALWAYS: [(HeaderName, &str); 4] = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Some(value) = hsts(&app) {
        headers.insert(STRICT_TRANSPORT_SECURITY, value);
    }
    response
}

/// Returns the client of a request that [`direct`] answers: an upgrade to `madang.v1`, in a head that is well formed.
fn direct_client(request: &Request, app: &App) -> Option<SocketAddr> {
    let path = request.uri().path();
    let head = request.extensions().get::<Head>()?;
    let ConnectInfo(client) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    let is_direct = path == upgrade::MADANG
        && request.method() == Method::GET
        && head.fault.is_none()
        && upgrade::is_asked(request.headers())
        && !app.config.stomp_paths.iter().any(|stomp| stomp == path);
    is_direct.then_some(*client)
}

/// Answers an upgrade to `madang.v1` as the layers would, which let one pass as it is and cost more than all else
/// of it: thousands ask for one at once, after a restart.
async fn direct(app: App, client: SocketAddr, request: Request) -> Response {
    let upgrade = upgrade::madang(State(app.clone()), ConnectInfo(client), request);
    let response = asker::on_behalf_of(client.ip(), upgrade).await;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return response;
    }
    // What follows was not followed.
    let mut response = with_headers(State(app), response).await;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Runs a request on behalf of its address.
async fn for_its_asker(ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request, next: Next) -> Response {
    asker::on_behalf_of(peer.ip(), next.run(request)).await
}

/// The counters alone, for a listener of their own.
pub(crate) fn metrics(app: App) -> Router {
    Router::new().route("/metrics", get(health::all_metrics)).with_state(app)
}

/// The front page; for a program that asks for a WebSocket here, as textbooks do, the plain protocol.
async fn front(state: State<App>, peer: ConnectInfo<SocketAddr>, request: Request) -> Response {
    if upgrade::is_asked(request.headers()) {
        return upgrade::plain(state, peer, request).await;
    }
    pages::front().await.into_response()
}

/// While the server stops, an answer is the last one on its connection.
async fn close_when_stopping(State(app): State<App>, mut response: Response) -> Response {
    if app.stop.is_cancelled() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Only if it is asked for: a host name that had https once may have to do without it again, or serve something else
/// on another port.
fn hsts(app: &App) -> Option<HeaderValue> {
    let seconds = app.config.tls.hsts;
    (seconds > 0).then(|| HeaderValue::try_from(format!("max-age={seconds}")).ok()).flatten()
}
