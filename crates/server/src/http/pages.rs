//! The pages: a room as it is now, complete before any script runs.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use leptos::nonce::use_nonce;
use leptos::prelude::{expect_context, provide_context};
use madang_client::{Notice, PageData};
use madang_protocol::{Cmid, RefusalCode, RoomId, Seq};
use madang_web::Assets;
use serde::Deserialize;

use crate::app::App;
use crate::assets::versioned;
use crate::refusal::Refusal;
use crate::room::{SNAPSHOT_MESSAGES, Seen};
use crate::store::{Most, PageAt};

use super::error::{plain, status};
use super::login::{self, Login};
use super::preferences;

/// The page is this person's, at this moment; and the browser needs it as it was rendered.
const CACHE: &str = "private, no-store, no-transform";

/// What a page shows besides the newest messages.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) at: Option<PageAt>,
    pub(super) focus: Option<Seq>,
    pub(super) editing: Option<Seq>,
    pub(super) refused: Option<Refusal>,
}

/// Where plain links page to.
#[derive(Debug, Deserialize)]
pub(super) struct Paging {
    before: Option<Seq>,
    after: Option<Seq>,
}

/// The front door leads to the lobby.
pub(super) async fn front() -> Redirect {
    Redirect::to("/r/lobby")
}

/// A room.
pub(super) async fn room(
    State(app): State<App>,
    Path(room): Path<String>,
    Query(paging): Query<Paging>,
    headers: HeaderMap,
) -> Response {
    let at = paging.before.map(PageAt::Before).or(paging.after.map(PageAt::After));
    page(&app, &headers, &room, Look { at, ..Look::default() }).await
}

/// A message by its permanent link.
pub(super) async fn message(
    State(app): State<App>,
    Path((room, seq)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let Ok(seq) = seq.parse() else { return lost(&app, &headers).await };
    page(&app, &headers, &room, Look { at: Some(PageAt::Around(seq)), focus: Some(seq), ..Look::default() })
        .await
}

/// A message as a form to edit it.
pub(super) async fn edit_form(
    State(app): State<App>,
    Path((room, seq)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let Ok(seq) = seq.parse() else { return lost(&app, &headers).await };
    let look = Look { at: Some(PageAt::Around(seq)), focus: Some(seq), editing: Some(seq), refused: None };
    page(&app, &headers, &room, look).await
}

/// No route has this path. One that ends with a slash too many leads to the room that it means.
pub(super) async fn nowhere(
    State(app): State<App>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let short = uri.path().trim_end_matches('/');
    let is_room = (short == "/r" || short.starts_with("/r/")) && short.len() < uri.path().len();
    if is_room && matches!(method, Method::GET | Method::HEAD) {
        let room = if short == "/r" { "/r/lobby" } else { short };
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        return Redirect::permanent(&format!("{room}{query}")).into_response();
    }
    lost(&app, &headers).await
}

/// The icons that browsers ask for without being told of them.
pub(super) async fn icon() -> Redirect {
    Redirect::permanent("/icon-192.png")
}

async fn page(app: &App, headers: &HeaderMap, room: &str, look: Look) -> Response {
    match room.parse() {
        Ok(room) => render(app, headers, room, look).await,
        Err(_) => lost(app, headers).await,
    }
}

/// The lobby, with the word that there is no such room.
async fn lost(app: &App, headers: &HeaderMap) -> Response {
    let look = Look { refused: Some(RefusalCode::UnknownRoom.into()), ..Look::default() };
    Box::pin(render(app, headers, RoomId::lobby(), look)).await
}

/// Renders a room. What was refused is said on the page, and in its status.
pub(super) async fn render(app: &App, headers: &HeaderMap, room: RoomId, look: Look) -> Response {
    let status = look.refused.as_ref().map(|refusal| status(refusal.code));
    let in_lobby = room == RoomId::lobby();
    match data(app, headers, room, look).await {
        Ok((login, data)) => {
            let mut response = html(data).await;
            if let Some(status) = status {
                *response.status_mut() = status;
            }
            // Whoever asks for what is not there is not looking for a chat.
            let is_found = status != Some(StatusCode::NOT_FOUND);
            if let Some(cookie) = login.set_cookie.filter(|_| is_found) {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(CACHE));
            response
        }
        Err(refusal) if refusal.code == RefusalCode::UnknownRoom && !in_lobby => lost(app, headers).await,
        Err(refusal) => plain(&refusal, preferences::locale(headers), app.rooms.limits()),
    }
}

async fn data(
    app: &App,
    headers: &HeaderMap,
    room: RoomId,
    look: Look,
) -> Result<(Login, PageData), Refusal> {
    let login = login::or_newcomer(app, headers).await?;
    let Seen { mut snapshot, mut people } = app.rooms.snapshot(&login.person.id, room.clone()).await?;
    let mut after = false;
    if let Some(at) = look.at {
        let most = Most::html(SNAPSHOT_MESSAGES);
        let page = app.rooms.page(&login.person.id, room, at, most).await?;
        snapshot.head = page.head;
        snapshot.messages = page.messages;
        snapshot.before = page.before;
        after = page.after;
        people.extend(page.people);
        people.sort_by(|a, b| a.id.cmp(&b.id));
        people.dedup_by(|a, b| a.id == b.id);
    }
    let locale = preferences::locale(headers);
    let notice = look
        .refused
        .map(|refusal| Notice { code: refusal.code, message: refusal.sentence(locale, app.rooms.limits()) });
    let data = PageData {
        you: Some(login.person.clone()),
        epoch: app.rooms.epoch().clone(),
        snapshot,
        people,
        rooms: app.rooms.list(Some(login.person.id.clone())).await?,
        limits: app.rooms.limits().clone(),
        heartbeat_ms: u32::try_from(app.config.heartbeat().as_millis()).unwrap_or(u32::MAX),
        locale,
        locale_chosen: preferences::chosen_locale(headers).is_some(),
        theme: preferences::theme(headers),
        focus: look.focus,
        editing: look.editing,
        after,
        notice,
        cmid: Cmid((u128::from(random_u64()) << 64) | u128::from(random_u64())),
    };
    Ok((login, data))
}

fn random_u64() -> u64 {
    getrandom::u64().unwrap_or_default()
}

async fn html(data: PageData) -> Response {
    let context = move || {
        provide_context(data.clone());
        provide_context(Assets {
            style: versioned("/pkg/madang.css"),
            script: versioned("/pkg/madang.js"),
            wasm: versioned("/pkg/madang.wasm"),
        });
        if let Some(policy) = use_nonce().and_then(|nonce| policy(&nonce)) {
            expect_context::<leptos_axum::ResponseOptions>().insert_header(CONTENT_SECURITY_POLICY, policy);
        }
    };
    let render = leptos_axum::render_app_async_with_context(context, madang_web::document);
    stamped(render(Request::new(Body::empty())).await).await
}

/// The page with its shape, by which the browser sees whether anything was changed on the way.
async fn stamped(page: Response) -> Response {
    let (head, body) = page.into_parts();
    // In memory already, and as long as a snapshot lets it be.
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let html = String::from_utf8_lossy(&bytes).into_owned();
    Response::from_parts(head, Body::from(madang_web::stamped(html)))
}

/// A browser tells that it drew the page itself, because the HTML was not what was sent. Said once: an extension in one
/// browser does it, and so does a proxy for everyone.
pub(super) async fn redrawn(State(app): State<App>) -> StatusCode {
    static SAID: AtomicBool = AtomicBool::new(false);
    app.metrics.redrawn.inc();
    if !SAID.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "the HTML of a page was changed on its way to a browser, which drew the page anew: by an extension there, \
             or by a proxy in between; further ones are counted as madang_pages_redrawn_total"
        );
    }
    StatusCode::NO_CONTENT
}

/// Nothing comes from elsewhere; scripts are the page's own, by their nonce.
fn policy(nonce: &str) -> Option<HeaderValue> {
    HeaderValue::try_from(format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ))
    .ok()
}
