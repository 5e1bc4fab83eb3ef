//! From whatever a tool sent to the text that is posted.

use serde_json::Value;

use super::words::{first, get, join, says};
use super::{alertmanager, discord, generic, github, gitlab, mrkdwn, slack, teams};

/// Elements of a list at the top that are read.
const LISTED: usize = 100;

/// Returns the text of a payload; empty if it has none. `event` is the header that names GitHub's events, `bot` the
/// webhook's own name, which need not be repeated.
pub(super) fn text(sent: &Value, event: Option<&str>, bot: &str) -> String {
    let text = cleaned(&join(lines(sent, event)).join("\n"));
    let text = text.trim_matches(['\n', '\r']).trim_end();
    match get(sent, "username").map(|name| cleaned(&name)) {
        Some(name) if !text.is_empty() && name.trim() != bot => format!("{}: {text}", name.trim()),
        _ => text.to_owned(),
    }
}

fn lines(sent: &Value, event: Option<&str>) -> Vec<String> {
    match sent {
        Value::String(text) => vec![mrkdwn::plain(text)],
        Value::Array(parts) => parts.iter().take(LISTED).flat_map(|part| lines(part, event)).collect(),
        Value::Object(_) => object(sent, event),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

fn object(sent: &Value, event: Option<&str>) -> Vec<String> {
    let shapes: [&dyn Fn() -> Vec<String>; 4] =
        [&|| alertmanager::lines(sent), &|| gitlab::lines(sent), &|| github::lines(sent, event), &|| {
            teams::lines(sent)
        }];
    if let Some(lines) = shapes.iter().map(|shape| shape()).find(|lines| !lines.is_empty()) {
        let whole = lines.join("\n");
        let text = get(sent, "text").map(|text| mrkdwn::plain(&text));
        return text.filter(|text| !says(&whole, text)).into_iter().chain(lines).collect();
    }
    let mut chat = slack::lines(sent);
    chat.extend(discord::lines(sent));
    if chat.is_empty() {
        return generic::lines(sent);
    }
    let title = first(sent, &["title", "subject"]);
    let message = get(sent, "message").into_iter();
    title.into_iter().chain(chat).chain(message).collect()
}

/// The text without what no reader sees: control characters other than the end of a line and the tab, and the
/// colours of terminals.
fn cleaned(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\u{1b}' if chars.next_if_eq(&'[').is_some() => {
                while chars.next_if(|char| matches!(char, '\u{20}'..='\u{3f}')).is_some() {}
                chars.next_if(|char| matches!(char, '\u{40}'..='\u{7e}'));
            }
            '\r' => {
                chars.next_if_eq(&'\n');
                out.push('\n');
            }
            '\n' | '\t' => out.push(char),
            char if char.is_control() || char == '\u{feff}' => {}
            char => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(sent: Value) -> String {
        text(&sent, None, "Alerts")
    }

    #[test]
    fn a_text_alone_is_posted_as_it_is() {
        assert_eq!(written(json!({"text": "disk full\n on db1"})), "disk full\n on db1");
        assert_eq!(written(json!({"text": "a", "channel": "ops", "icon_emoji": ":x:", "mrkdwn": true})), "a");
        assert_eq!(written(json!({"text": null, "attachments": null})), "", "which is refused as empty");
        for nothing in [json!({}), json!([]), json!(null), json!(7), json!([null]), json!({"text": " "})] {
            assert_eq!(written(nothing), "");
        }
    }

    #[test]
    fn tool_name_precedes_text_unless_bot_shares_it() {
        assert_eq!(written(json!({"text": "down", "username": "Monitor"})), "Monitor: down");
        assert_eq!(written(json!({"text": "down", "username": "Alerts"})), "down");
        assert_eq!(written(json!({"text": "down", "username": " "})), "down");
        assert_eq!(written(json!({"text": "down", "username": 5})), "5: down");
        assert_eq!(written(json!({"text": "down", "username": {}})), "down");
        assert_eq!(written(json!({"username": "Monitor"})), "");
    }

    #[test]
    fn shapes_are_distinguished() {
        for (sent, shown) in [
            (json!([{"text": "a"}, null, 7, {"content": "b"}, "c"]), "a\nb\nc"),
            (json!("just <!here>"), "just @here"),
            (json!({"title": "T", "text": "x", "message": "m"}), "T\nx\nm"),
            (json!({"title": "T", "message": "m", "state": "alerting"}), "T\nm\nstate: alerting"),
            (
                json!({"msg": "[web] down", "monitor": {"name": "web"}, "heartbeat": {"status": 0}}),
                "[web] down\nheartbeat.status: 0\nmonitor.name: web",
            ),
            (json!({"receiver": "r", "alerts": [], "status": "firing", "text": "own"}), "own\n[FIRING]"),
            (json!({"@type": "MessageCard", "text": "once"}), "once"),
        ] {
            assert_eq!(written(sent.clone()), shown, "{sent}");
        }
    }

    #[test]
    fn invisible_text_is_left_out() {
        let sent = json!({"text": "\u{feff}\u{1b}[1;31mred\u{1b}[0m\u{0}\r\nnext\rlast\ttab\u{7}\n\n"});
        assert_eq!(written(sent), "red\nnext\nlast\ttab");
    }
}
