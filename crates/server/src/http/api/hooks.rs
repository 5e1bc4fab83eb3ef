//! `POST /hooks/{secret}`: incoming webhooks, in the form that existing tools send.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::addresses::Network;
use crate::app::App;
use crate::auth;
use crate::store::Change;

use super::body;
use super::problem::{Code, HookRefusals, Refused};

/// What a tool has to say.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct HookMessage {
    /// The text. `&amp;`, `&lt;` and `&gt;` stand for themselves, `<url|words>` for a link.
    #[schema(example = "Disk is full on db1")]
    text: Option<String>,
    /// What the tool calls itself: it is put before the text.
    username: Option<String>,
    /// More to say, a paragraph each.
    attachments: Option<Vec<Attachment>>,
}

/// One more paragraph.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct Attachment {
    /// A line before it.
    pretext: Option<String>,
    /// Its first line.
    title: Option<String>,
    /// Its text.
    text: Option<String>,
    /// What is said in its place if it has nothing else.
    fallback: Option<String>,
}

/// The form of older tools: the message as JSON in one field.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct HookForm {
    /// The message, as JSON.
    payload: String,
}

/// Post by a webhook.
///
/// The address is the secret: `madang webhook incoming` prints it. It takes what tools send to chats by a pasted address: JSON, or
/// a form with the JSON in the field `payload`. A text that is too long is refused, not cut.
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
    let kind = body::media_type(&headers);
    let is_form = kind == "application/x-www-form-urlencoded";
    if !is_form && kind != "application/json" {
        let sentence = "The body must be application/json or application/x-www-form-urlencoded.";
        return Err(Refused::because(Code::UnsupportedMediaType, sentence));
    }
    let cmid = body::cmid(&headers)?;
    let text = body::text(&app, sent).await?;
    let message: HookMessage = if is_form {
        let form: HookForm = serde_urlencoded::from_str(&text).map_err(|error| {
            Refused::because(Code::BadRequest, format!("The form has no `payload`: {error}."))
        })?;
        body::json(&form.payload)?
    } else {
        body::json(&text)?
    };
    let change = Change::Post { body: message.written(&bot.name), reply_to: None };
    let written = async { app.rooms.write(&bot.id, Network::NOWHERE, room, cmid, change, app.now())?.await };
    written.await.map_err(|refusal| Refused::by_rooms(&app, &refusal))?;
    Ok("ok")
}

impl HookMessage {
    /// The message's text, as a bot of that name posts it.
    fn written(&self, bot: &str) -> String {
        let attachments = self.attachments.iter().flatten().map(Attachment::written);
        let parts = self.text.iter().map(|text| plain(text)).chain(attachments);
        let parts: Vec<String> = parts.filter(|part| !part.trim().is_empty()).collect();
        let text = parts.join("\n");
        match self.username.as_deref().map(str::trim) {
            Some(name) if !name.is_empty() && name != bot && !text.is_empty() => format!("{name}: {text}"),
            _ => text,
        }
    }
}

impl Attachment {
    fn written(&self) -> String {
        let lines = [&self.pretext, &self.title, &self.text].into_iter().flatten();
        let lines: Vec<String> =
            lines.filter(|line| !line.trim().is_empty()).map(|line| plain(line)).collect();
        if lines.is_empty() { plain(self.fallback.as_deref().unwrap_or_default()) } else { lines.join("\n") }
    }
}

/// Links and signs as they are meant. Everything else stays as it came.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, link, after)) = next_link(rest) {
        plain.push_str(before);
        match link.split_once('|') {
            Some((url, words)) if !words.is_empty() && words != url => {
                plain.push_str(&format!("{words} ({url})"));
            }
            Some((url, _)) => plain.push_str(url),
            None => plain.push_str(link),
        }
        rest = after;
    }
    plain.push_str(rest);
    plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// The first `<url>` or `<url|words>`, and what stands before and after it.
fn next_link(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + text.get(from..)?.find('<')?;
        let (before, inside) = (text.get(..open)?, text.get(open + 1..)?);
        let link = ["http://", "https://", "mailto:"].iter().any(|scheme| inside.starts_with(scheme));
        match inside.split_once('>') {
            Some((link, after)) if !link.contains(['<', '\n']) && is_link(link) => {
                return Some((before, link, after));
            }
            _ if link => return None,
            _ => from = open + 1,
        }
    }
}

fn is_link(text: &str) -> bool {
    ["http://", "https://", "mailto:"].iter().any(|scheme| text.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(json: &str) -> String {
        serde_json::from_str::<HookMessage>(json).unwrap().written("Alerts")
    }

    #[test]
    fn a_text_alone_is_posted_as_it_is() {
        assert_eq!(written(r#"{"text":"disk full\n on db1"}"#), "disk full\n on db1");
        assert_eq!(written(r#"{"text":"a","channel":"ops","icon_emoji":":x:","mrkdwn":true}"#), "a");
        assert_eq!(written(r#"{"text":null,"attachments":null}"#), "", "which is refused as empty");
    }

    #[test]
    fn a_tools_name_stands_before_its_text_unless_the_bot_has_it() {
        assert_eq!(written(r#"{"text":"down","username":"Monitor"}"#), "Monitor: down");
        assert_eq!(written(r#"{"text":"down","username":"Alerts"}"#), "down");
        assert_eq!(written(r#"{"text":"down","username":" "}"#), "down");
        assert_eq!(written(r#"{"username":"Monitor"}"#), "");
    }

    #[test]
    fn attachments_are_paragraphs_and_their_fallback_is_the_last_resort() {
        let json = r##"{"text":"t","attachments":[
            {"pretext":"p","title":"T","text":"x","fallback":"f","color":"#f00"},
            {"fallback":"only"},{},{"title":"T2"}]}"##;
        assert_eq!(written(json), "t\np\nT\nx\nonly\nT2");
    }

    #[test]
    fn links_and_signs_are_as_they_are_meant() {
        for (sent, meant) in [
            ("see <https://x.example/a|the log>", "see the log (https://x.example/a)"),
            ("<https://x.example>", "https://x.example"),
            ("<https://x.example|https://x.example>", "https://x.example"),
            ("a &lt; b &amp;&amp; c &gt; d", "a < b && c > d"),
            ("&amp;lt;", "&lt;"),
            ("1 < 2 > 1", "1 < 2 > 1"),
            ("a <b <https://x.example|y>", "a <b y (https://x.example)"),
            ("<https://x.example", "<https://x.example"),
            ("<", "<"),
        ] {
            assert_eq!(plain(sent), meant, "{sent}");
        }
    }
}
