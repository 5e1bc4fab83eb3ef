//! Payloads for Slack, Mattermost and Rocket.Chat: `text`, `blocks` and `attachments`.

use serde_json::Value;

use super::blocks;
use super::mrkdwn::{linked, plain, utc};
use super::words::{first, get, list, named, says, value};

/// Returns the lines of a message; empty for another shape.
pub(super) fn lines(message: &Value) -> Vec<String> {
    let mut rest = match message.get("blocks") {
        Some(blocks) => blocks::lines(blocks),
        None => Vec::new(),
    };
    rest.extend(list(message, "attachments").iter().flat_map(attachment));
    let props = message.get("props").unwrap_or(&Value::Null);
    rest.extend(list(props, "attachments").iter().flat_map(attachment));
    rest.extend(get(props, "card"));
    let text = get(message, "text").map(|text| plain(&text));
    // Beside blocks the text is what a notification says, which is often the same.
    let text = text.filter(|text| !says(&rest.join("\n"), text));
    text.into_iter().chain(rest).collect()
}

/// The lines of one attachment.
fn attachment(part: &Value) -> Vec<String> {
    if let Value::String(text) = part {
        return vec![plain(text)];
    }
    let text_of = |key: &str| get(part, key).map(|text| plain(&text));
    let link = |key: &str| get(part, key).unwrap_or_default();
    let mut lines = Vec::new();
    lines.extend(text_of("pretext"));
    let author = text_of("author_name").map(|name| linked(&name, &link("author_link")));
    lines.extend(author);
    let title = text_of("title").map(|title| linked(&title, &link("title_link")));
    lines.extend(title.or_else(|| get(part, "title_link")));
    lines.extend(text_of("text"));
    lines.extend(list(part, "fields").iter().filter_map(field));
    lines.extend(part.get("blocks").map(blocks::lines).unwrap_or_default());
    if lines.is_empty() {
        lines.extend(text_of("fallback"));
    }
    lines.extend(list(part, "actions").iter().filter_map(action));
    lines.extend(first(part, &["image_url", "thumb_url"]));
    lines.extend(footer(part));
    lines
}

fn field(field: &Value) -> Option<String> {
    let text_of = |key: &str| value(field.get(key)?).map(|text| plain(&text));
    match field {
        Value::Object(_) => {
            named(text_of("title").or_else(|| text_of("name")), text_of("value").or_else(|| text_of("text")))
        }
        other => value(other).map(|text| plain(&text)),
    }
}

fn action(action: &Value) -> Option<String> {
    let words = first(action, &["text", "name"]).map(|text| plain(&text)).unwrap_or_default();
    Some(linked(&words, &get(action, "url").unwrap_or_default())).filter(|line| !line.is_empty())
}

/// Returns the line with the source and the time.
fn footer(part: &Value) -> Option<String> {
    let footer = plain(&get(part, "footer")?);
    let at = get(part, "ts").and_then(|ts| ts.split('.').next()?.parse().ok()).and_then(utc);
    Some(at.map_or_else(|| footer.clone(), |at| format!("{footer}, {at}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn attachments_keep_all_their_text() {
        for (sent, shown) in [
            (
                json!({"text": "t", "attachments": [{"pretext": "p", "title": "T", "text": "x", "fallback": "f", "color": "#f00"},
                    {"fallback": "only"}, {}, {"title": "T2"}]}),
                "t\np\nT\nx\nonly\nT2",
            ),
            (
                json!({"attachments": [{"author_name": "Kim", "author_link": "https://x.example/kim", "title": "Disk",
                    "title_link": "https://x.example/d", "fields": [{"title": "Used", "value": 97, "short": true},
                    {"title": "Full", "value": false}, {"value": "alone"}, null, 5], "image_url": "https://x.example/g.png",
                    "footer": "db1", "ts": 1392734382.5}]}),
                "Kim (https://x.example/kim)\nDisk (https://x.example/d)\nUsed: 97\nFull: false\nalone\n5\n\
                 https://x.example/g.png\ndb1, 2014-02-18 14:39 UTC",
            ),
            (json!({"attachments": [{"title_link": "https://x.example"}]}), "https://x.example"),
            (
                json!({"attachments": [{"image_url": "https://x.example/g.png", "fallback": "graph"}]}),
                "graph\nhttps://x.example/g.png",
            ),
            (json!({"attachments": [{"blocks": [{"type": "section", "text": {"text": "deep"}}]}]}), "deep"),
            (json!({"attachments": [{"fields": [{"title": "Log", "value": "a\nb"}]}]}), "Log:\na\nb"),
            (
                json!({"attachments": [{"text": "a", "actions": [{"text": "Ack", "url": "https://x.example"}]}]}),
                "a\nAck (https://x.example)",
            ),
            (json!({"text": "a", "blocks": [{"type": "section", "text": {"text": "a"}}]}), "a"),
            (json!({"text": "a", "blocks": [{"type": "section", "text": {"text": "ab"}}]}), "a\nab"),
            (json!({"text": "t", "props": {"attachments": [{"text": "x"}], "card": "more"}}), "t\nx\nmore"),
        ] {
            assert_eq!(lines(&sent).join("\n"), shown, "{sent}");
        }
    }

    #[test]
    fn one_odd_part_is_passed_over() {
        for (sent, shown) in [
            (json!({"text": "t", "attachments": [{"title": 7}]}), "t\n7"),
            (json!({"text": "t", "attachments": {}}), "t"),
            (json!({"text": "t", "attachments": {"text": "bare"}}), "t\nbare"),
            (json!({"text": "t", "attachments": [null]}), "t"),
            (json!({"text": "t", "attachments": "y"}), "t\ny"),
            (json!({"text": "t", "attachments": 5, "blocks": "x"}), "t\nx"),
            (json!({"text": 7}), "7"),
            (json!({"text": ["a", {"text": "b"}, [], {}, null, false]}), "a\nb"),
            (json!({"text": {"type": "mrkdwn", "text": "in"}}), "in"),
            (
                json!({"text": "t", "attachments": [{"fields": {"title": "a", "value": {}}, "ts": "x", "footer": []}]}),
                "t\na",
            ),
        ] {
            assert_eq!(lines(&sent).join("\n"), shown, "{sent}");
        }
    }
}
