//! The pages: a room as it is now, complete before any script runs.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::HttpBody;
use axum::extract::{Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use madang_client::{Locale, Notice, PageData};
use madang_protocol::{Headers, RefusalCode, RoomId, Seq};
use serde::Deserialize;

use crate::access::{Action, Actor};
use crate::asker;
use crate::idempotency;
use crate::network::Network;
use crate::refusal::{self, Refusal};
use crate::room::SNAPSHOT_MESSAGES;
use crate::snapshot_cache::RoomSnapshot;
use crate::state::App;
use crate::store::{PageAt, ReadLimit};

use super::error::plain;
use super::preferences;
use crate::auth::login::{self, Login};

/// The page is this person's, at this moment; and the browser needs it as it was rendered. Not `no-store`: no browser
/// would keep such a page alive for its back button.
const CACHE: &str = "private, no-cache, no-transform";

/// Bytes that a page counts for at least in the budget of reading: making a short one takes time, too.
const PAGE_COST: usize = 128 * 1024;

/// Parts of a page besides the newest messages.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) at: Option<PageAt>,
    pub(super) focus: Option<Seq>,
    pub(super) editing: Option<Seq>,
    pub(super) refused: Option<Refusal>,
}

impl Look {
    /// There is no such room.
    fn nowhere() -> Self {
        Self { refused: Some(RefusalCode::UnknownRoom.into()), ..Self::default() }
    }
}

/// Place in the history that plain links lead to.
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
    method: Method,
    Path(room): Path<String>,
    Query(paging): Query<Paging>,
    headers: HeaderMap,
) -> Response {
    if method == Method::HEAD {
        return head(&app, &room).await;
    }
    let at = paging.before.map(PageAt::Before).or(paging.after.map(PageAt::After));
    page(&app, &headers, &room, Look { at, ..Look::default() }).await
}

/// A message by its permanent link.
pub(super) async fn message(
    State(app): State<App>,
    method: Method,
    Path((room, seq)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let Ok(seq) = seq.parse() else { return missing(&app, &method, &headers).await };
    if method == Method::HEAD {
        return head(&app, &room).await;
    }
    page(&app, &headers, &room, Look { at: Some(PageAt::Around(seq)), focus: Some(seq), ..Look::default() })
        .await
}

/// A message as a form to edit it.
pub(super) async fn edit_form(
    State(app): State<App>,
    method: Method,
    Path((room, seq)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let Ok(seq) = seq.parse() else { return missing(&app, &method, &headers).await };
    if method == Method::HEAD {
        return head(&app, &room).await;
    }
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
    missing(&app, &method, &headers).await
}

/// The lobby, with the word that there is no such room.
async fn missing(app: &App, method: &Method, headers: &HeaderMap) -> Response {
    if method == Method::HEAD {
        return bare(StatusCode::NOT_FOUND);
    }
    page(app, headers, "", Look::default()).await
}

/// Answers HEAD of a room's page: nothing is rendered for it, and nobody gets a login.
async fn head(app: &App, room: &str) -> Response {
    let Some(_turn) = app.pages.enter(false).await else { return bare(StatusCode::SERVICE_UNAVAILABLE) };
    let found = room.parse().is_ok_and(|room| app.store.version(&room).is_some());
    bare(if found { StatusCode::OK } else { StatusCode::NOT_FOUND })
}

fn bare(status: StatusCode) -> Response {
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "private, no-store")];
    (status, headers).into_response()
}

/// The icons that browsers ask for by themselves.
pub(super) async fn icon() -> Redirect {
    Redirect::permanent("/icon-192.png")
}

async fn page(app: &App, headers: &HeaderMap, room: &str, look: Look) -> Response {
    match room.parse() {
        Ok(room) => render(app, headers, room, look).await,
        Err(_) => render(app, headers, RoomId::lobby(), Look::nowhere()).await,
    }
}

/// Renders a room, or the lobby with the word that there is no such room. A refusal is shown on the page, and in its
/// status.
pub(super) async fn render(app: &App, headers: &HeaderMap, room: RoomId, look: Look) -> Response {
    let locale = preferences::locale(headers);
    let login = match login::or_newcomer(app, headers).await {
        Ok(login) => login,
        Err(refusal) => return plain(&refusal, locale, app.rooms.limits()),
    };
    let reader = Actor::new(login.person.id.clone(), asker::present().unwrap_or(Network::NOWHERE));
    let mut reading = app.rooms.begin_read(&reader, app.now());
    if reading.is_err() {
        app.pages.slow_down().await;
        reading = app.rooms.begin_read(&reader, app.now());
    }
    let reading = match reading {
        Ok(reading) => reading,
        Err(refusal) => return plain(&refusal, locale, app.rooms.limits()),
    };
    let Some(_turn) = app.pages.enter(login.is_member).await else {
        reading.end(0);
        return busy(locale);
    };
    let (mut refused, in_lobby) =
        (look.refused.as_ref().map(|refusal| refusal.code), room == RoomId::lobby());
    let mut made = data(app, headers, (&login, &reader), room, look).await;
    if !in_lobby && made.as_ref().is_err_and(|refusal| refusal.code == RefusalCode::UnknownRoom) {
        refused = Some(RefusalCode::UnknownRoom);
        made = data(app, headers, (&login, &reader), RoomId::lobby(), Look::nowhere()).await;
    }
    let status = refused.map(refusal::status);
    match made {
        Ok(data) => {
            let mut response = app.pages.page(data).await;
            reading.end(bytes(&response).max(PAGE_COST));
            if let Some(status) = status {
                *response.status_mut() = status;
            }
            // A failed request makes nobody anybody, nor does one that another site's page has fetched.
            if status.is_none() && !is_embedded(headers) {
                login.set_on(response.headers_mut());
            }
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(CACHE));
            response
        }
        Err(refusal) => {
            reading.end(0);
            plain(&refusal, locale, app.rooms.limits())
        }
    }
}

fn bytes(response: &Response) -> usize {
    response.body().size_hint().upper().and_then(|bytes| bytes.try_into().ok()).unwrap_or_default()
}

/// Too many ask for pages: this one is to be asked for again.
fn busy(locale: Locale) -> Response {
    let sentence = match locale {
        Locale::Ko => "서버가 다른 페이지를 만드느라 바쁩니다. 잠시 뒤에 다시 열어 주세요.\n",
        Locale::En => "The server is busy with other pages. Open this one again in a moment.\n",
    };
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "2"), (CACHE_CONTROL, "no-store")], sentence)
        .into_response()
}

/// Returns true if another site's page fetched this, and no person went here. Browsers send this.
fn is_embedded(headers: &HeaderMap) -> bool {
    let says = |name: &str, value: &str| headers.get(name).is_some_and(|said| said == value);
    says("sec-fetch-site", "cross-site") && !says("sec-fetch-mode", "navigate")
}

async fn data(
    app: &App,
    headers: &HeaderMap,
    (login, reader): (&Login, &Actor),
    room: RoomId,
    look: Look,
) -> Result<PageData, Refusal> {
    let access = app.rooms.access();
    let (reads, lists) =
        (access.allow(reader, &room, Action::Read)?, access.allow_on_server(reader, Action::ListRooms)?);
    let RoomSnapshot { mut snapshot, mut people, .. } = app.rooms.snapshot(&reads).await?;
    let mut after = false;
    if let Some(at) = look.at {
        let most = ReadLimit::html(SNAPSHOT_MESSAGES);
        let page = app.rooms.page(&reads, at, most).await?;
        snapshot.head = page.head;
        snapshot.messages = page.messages;
        snapshot.before = page.before;
        after = page.after;
        people.extend(page.people);
        people.sort_by(|a, b| a.id.cmp(&b.id));
        people.dedup_by(|a, b| a.id == b.id);
    }
    // No page shows them.
    snapshot.messages.iter_mut().for_each(|message| message.headers = Headers::default());
    let locale = preferences::locale(headers);
    let notice = look
        .refused
        .map(|refusal| Notice { code: refusal.code, message: refusal.sentence(locale, app.rooms.limits()) });
    Ok(PageData {
        you: Some(login.person.clone()),
        epoch: app.rooms.epoch().clone(),
        snapshot,
        people,
        rooms: app.rooms.list(&lists).await?,
        limits: app.rooms.limits().clone(),
        heartbeat_ms: u32::try_from(app.config.heartbeat().as_millis()).unwrap_or(u32::MAX),
        locale,
        locale_chosen: preferences::chosen_locale(headers).is_some(),
        theme: preferences::theme(headers),
        enter: preferences::enter(headers),
        focus: look.focus,
        editing: look.editing,
        after,
        notice,
        cmid: idempotency::fresh(),
    })
}

/// A browser reports that it drew the page itself, because the HTML was changed. Logged once: an extension in one
/// browser does it, and so does a proxy for everyone.
pub(super) async fn redrawn(State(app): State<App>) -> StatusCode {
    static LOGGED: AtomicBool = AtomicBool::new(false);
    app.metrics.redrawn.inc();
    if !LOGGED.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "the HTML of a page was changed on its way to a browser, which drew the page anew: by an extension there, \
             or by a proxy in between; further ones are counted as madang_pages_redrawn_total"
        );
    }
    StatusCode::NO_CONTENT
}
