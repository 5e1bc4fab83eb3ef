//! `POST /hooks/{secret}`: incoming webhooks, in the forms that existing tools send.
//!
//! `request` reads the body as JSON, `text` makes text of it by the shape that it has (a file for each), `pages` parts
//! what is too long. All of these are functions of what was sent alone.

mod alertmanager;
mod blocks;
mod discord;
mod generic;
mod github;
mod gitlab;
mod json;
mod mrkdwn;
mod pages;
mod request;
mod slack;
mod teams;
mod text;
mod words;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use madang_protocol::{Cmid, Headers, Person, RoomId};
use utoipa::ToSchema;

use crate::access::{Action, Actor};
use crate::auth;
use crate::idempotency;
use crate::network::Network;
use crate::room::Post;
use crate::state::App;

use super::body;
use super::problem::{self, Code, HookRefusals, Refused};

/// Largest body, in bytes, where frames are bounded: tools send whole events, of which little is shown.
const BODY_BYTES: usize = 1024 * 1024;

/// Headers that name the event, of GitHub and of those who send the same.
const EVENTS: [&str; 3] = ["x-github-event", "x-gitea-event", "x-gogs-event"];

/// Payload of a tool: any JSON object. Of known shapes the text is shown, of others the fields that hold a text.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes what is read as any JSON")]
pub(super) struct HookMessage {
    /// The text. `&amp;`, `&lt;` and `&gt;` stand for themselves, `<url|words>` for a link.
    #[schema(example = "Disk is full on db1")]
    text: Option<String>,
    /// Name that the tool gives itself: it is put before the text.
    username: Option<String>,
    /// Slack's blocks.
    blocks: Option<Vec<serde_json::Value>>,
    /// More text, a paragraph each.
    attachments: Option<Vec<serde_json::Value>>,
}

/// The form of older tools: the message as JSON in one field.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes what is read as any form")]
pub(super) struct HookForm {
    /// The message, as JSON.
    payload: String,
}

/// Post by a webhook.
///
/// The address is the secret: `madang webhook incoming` prints it. It takes what tools send to chats by a pasted address: JSON, or
/// a form with the JSON in the field `payload`. A text that is too long goes on in up to two further messages.
#[utoipa::path(
    post,
    path = "/hooks/{secret}",
    tag = "Webhooks",
    operation_id = "post_by_webhook",
    params(
        ("secret" = String, Path, description = "The webhook's secret", pattern = "^mdh_[0-9a-f]{64}$"),
        ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,200}$",
            description = "By this a repeat is recognised, for ever"),
    ),
    request_body(content((HookMessage = "application/json"), (HookForm = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, description = "`ok`: it was posted, or had been before", body = String, content_type = "text/plain"),
        HookRefusals,
    ),
    security(()),
)]
pub(super) async fn post(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    sent: Body,
) -> Result<&'static str, Refused> {
    let Path(secret) = path.map_err(|_| Refused::of(Code::NotFound))?;
    let (bot, room) = auth::by_hook(&app, &secret)
        .ok_or(Refused::because(Code::NotFound, "There is no such webhook, or it was removed."))?;
    let taken = take(&app, &bot, room, &headers, sent).await;
    taken.inspect_err(|refused| {
        let (code, why) = (problem::name(refused.code()), refused.sentence());
        tracing::warn!(webhook = %bot.id, name = bot.name, code, %why, "what was sent to a webhook is refused");
    })?;
    Ok("ok")
}

/// Reads what was sent, and posts it.
async fn take(app: &App, bot: &Person, room: RoomId, headers: &HeaderMap, sent: Body) -> Result<(), Refused> {
    let cmid = body::cmid(headers)?;
    let bytes = body::bytes(app, sent, BODY_BYTES).await?;
    let sent = request::read(headers, bytes).await?;
    let event = EVENTS.iter().find_map(|name| headers.get(*name)?.to_str().ok());
    let text = text::text(&sent, event, &bot.name);
    let posts = posts(&text, room, cmid, app.rooms.limits().body_chars);
    // One request is one alert, however long: it costs one post.
    let actor = Actor::new(bot.id.clone(), Network::NOWHERE);
    let granted = posts.into_iter().map(|post| {
        let grant = app.rooms.access().allow(&actor, &post.room, Action::Post);
        grant.map(|grant| (grant, post)).map_err(|refusal| Refused::by_rooms(app, &refusal))
    });
    let granted = granted.collect::<Result<Vec<_>, _>>()?;
    let written = async { app.rooms.write_all((granted, Vec::new()), 1, app.now())?.await };
    written.await.map_err(|none| Refused::by_rooms(app, &none.refusal))?;
    Ok(())
}

/// The messages of one request. A repeat makes the same ones: each has an id that the first one's leads to.
fn posts(text: &str, room: RoomId, cmid: Cmid, max: u32) -> Vec<Post> {
    let pages = pages::pages(text, usize::try_from(max).unwrap_or(usize::MAX));
    let made = pages.into_iter().enumerate().map(|(number, body)| {
        let cmid = if number == 0 { cmid } else { idempotency::cmid(&format!("{cmid} {number}")) };
        Post { room: room.clone(), cmid, body, headers: Headers::default() }
    });
    let mut posts: Vec<Post> = made.collect();
    // A page without a mark would be refused, and all others with it; where nothing has one, that is what is said.
    let blank = |post: &Post| !crate::text::has_mark(&post.body);
    if !posts.iter().all(blank) {
        posts.retain(|post| !blank(post));
    }
    posts
}
