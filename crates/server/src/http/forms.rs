//! The plain forms: everything that a person does before or without JavaScript. They write through the same
//! rules as a session, and a form that is sent twice writes once.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, Form, Path, Request, State};
use axum::http::header::CONNECTION;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use madang_protocol::{Cmid, Operation, ProblemCode, RefusalCode, RoomId, Seq};
use serde::Deserialize;

use crate::access::{Action, Actor};
use crate::idempotency;
use crate::refusal::Refusal;
use crate::state::App;

use super::back::back_to;
use super::error::{problem, wants_json};
use super::pages::{self, Look};
use super::rejection::reject;
use super::{preferences, rt};
use crate::auth::login::{self, Login};

/// Largest form. Bytes; a message of 8,000 characters in percent-encoded UTF-8 fits three times.
pub(super) const FORM_BYTES: usize = 256 * 1024;

/// Fields of a form that writes a message.
#[derive(Debug, Deserialize)]
pub(super) struct Written {
    #[serde(default)]
    body: String,
    cmid: String,
    #[serde(default)]
    reply_to: Option<String>,
}

impl Written {
    /// Returns the id of the write: the same form with the same text is the same write. With another text it is another
    /// one: the browser's back button shows a page that was kept, whose form was sent before. `None`: it has no cmid.
    fn cmid(&self) -> Option<Cmid> {
        let form: Cmid = self.cmid.parse().ok()?;
        Some(idempotency::cmid(&format!("{form} {}", self.body)))
    }
}

/// The buttons of a message's reactions: the one that was pressed.
#[derive(Debug, Deserialize)]
pub(super) struct Reacted {
    react: Option<String>,
    unreact: Option<String>,
}

/// The nickname form.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    #[serde(default)]
    name: String,
    #[serde(default)]
    back: String,
}

/// The form that opens a room.
#[derive(Debug, Deserialize)]
pub(super) struct Titled {
    #[serde(default)]
    title: String,
    #[serde(default)]
    back: String,
}

/// Reads what is posted within its bounds, before anything is done with it.
pub(super) async fn in_time(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let (code, status, sentence) = match rt::body::bytes(&app, body, FORM_BYTES).await {
        Ok(bytes) => return next.run(Request::from_parts(parts, bytes.into())).await,
        Err(ProblemCode::Timeout) => {
            ("timeout", StatusCode::REQUEST_TIMEOUT, "The form did not come in time.\n")
        }
        Err(ProblemCode::TooBig) => {
            ("too_big", StatusCode::PAYLOAD_TOO_LARGE, "This is larger than a form may be.\n")
        }
        Err(_) => ("bad_form", StatusCode::BAD_REQUEST, "The form broke off.\n"),
    };
    reject(&app, peer.ip(), code);
    (status, [(CONNECTION, "close")], sentence).into_response()
}

/// Posts a message.
pub(super) async fn post(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(room): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Written>,
) -> Response {
    let reply_to = form.reply_to.as_deref().and_then(|seq| seq.parse().ok());
    let cmid = form.cmid();
    let operation = Operation::post(form.body, reply_to);
    write(&app, peer, &room, &headers, cmid, operation).await
}

/// Edits a message.
pub(super) async fn edit(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path((room, seq)): Path<(String, Seq)>,
    headers: HeaderMap,
    Form(form): Form<Written>,
) -> Response {
    let cmid = form.cmid();
    let operation = Operation::Edit { seq, body: form.body };
    write(&app, peer, &room, &headers, cmid, operation).await
}

/// Deletes a message.
pub(super) async fn delete(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path((room, seq)): Path<(String, Seq)>,
    headers: HeaderMap,
    Form(form): Form<Written>,
) -> Response {
    write(&app, peer, &room, &headers, form.cmid(), Operation::Delete { seq }).await
}

/// Reacts to a message, or takes that back. Sent twice it does so once, as it says how it is to be, so it has no cmid.
pub(super) async fn react(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path((room, seq)): Path<(String, Seq)>,
    headers: HeaderMap,
    Form(form): Form<Reacted>,
) -> Response {
    let operation = match form {
        Reacted { react: Some(emoji), .. } => Operation::React { seq, emoji },
        Reacted { unreact, .. } => Operation::Unreact { seq, emoji: unreact.unwrap_or_default() },
    };
    write(&app, peer, &room, &headers, Some(idempotency::fresh()), operation).await
}

async fn write(
    app: &App,
    peer: SocketAddr,
    room: &str,
    headers: &HeaderMap,
    cmid: Option<Cmid>,
    operation: Operation,
) -> Response {
    let result = async {
        let login = login::or_newcomer(app, headers).await?;
        let id: RoomId = room.parse().map_err(|_| RefusalCode::UnknownRoom)?;
        let cmid = cmid.ok_or(RefusalCode::BadFrame)?;
        let actor = Actor::new(login.person.id.clone(), peer.ip());
        let grant = app.rooms.access().allow(&actor, &id, Action::of(&operation))?;
        app.rooms.write(&grant, cmid, operation, app.now())?.await?;
        Ok((login, format!("/r/{id}")))
    };
    match result.await {
        Ok((login, to)) => see_other(login, &to),
        Err(refusal) => refuse(app, headers, &format!("/r/{room}"), refusal).await,
    }
}

/// Gives the person a nickname.
pub(super) async fn rename(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(form): Form<Named>,
) -> Response {
    let result = async {
        let login = login::or_newcomer(&app, &headers).await?;
        let actor = Actor::new(login.person.id.clone(), peer.ip());
        let grant = app.rooms.access().allow_on_server(&actor, Action::SetName)?;
        app.rooms.rename(&grant, &form.name, app.now()).await?;
        Ok(login)
    };
    match result.await {
        Ok(login) if wants_json(&headers) => (StatusCode::NO_CONTENT, login.cookie()).into_response(),
        Ok(login) => see_other(login, back_to(&form.back)),
        Err(refusal) => refuse(&app, &headers, &form.back, refusal).await,
    }
}

/// Opens a room.
pub(super) async fn open(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(form): Form<Titled>,
) -> Response {
    let result = async {
        let login = login::or_newcomer(&app, &headers).await?;
        let actor = Actor::new(login.person.id.clone(), peer.ip());
        let grant = app.rooms.access().allow_on_server(&actor, Action::OpenRoom)?;
        let info = app.rooms.open(&grant, login::random_id()?, &form.title, app.now()).await?;
        Ok((login, info))
    };
    match result.await {
        Ok((login, info)) if wants_json(&headers) => {
            (StatusCode::CREATED, login.cookie(), Json(info)).into_response()
        }
        Ok((login, info)) => see_other(login, &format!("/r/{}", info.room)),
        Err(refusal) => refuse(&app, &headers, &form.back, refusal).await,
    }
}

fn see_other(login: Login, to: &str) -> Response {
    (login.cookie(), Redirect::to(to)).into_response()
}

/// The refusal as JSON for a program, or on the page that the form stood on.
async fn refuse(app: &App, headers: &HeaderMap, back: &str, refusal: Refusal) -> Response {
    app.metrics.refused(refusal.code);
    if wants_json(headers) {
        return problem(&refusal, preferences::locale(headers), app.rooms.limits());
    }
    let room =
        back_to(back).strip_prefix("/r/").and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
    let room = room.parse().unwrap_or_else(|_| RoomId::lobby());
    pages::render(app, headers, room, Look { refused: Some(refusal), ..Look::default() }).await
}
