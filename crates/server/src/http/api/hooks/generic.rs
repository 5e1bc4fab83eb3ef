//! Payloads of no known shape: the fields by which most tools name their text; else every field.

use serde_json::Value;

use super::words::{join, named, value};

/// Fields of the subject, in the order in which they are shown, in small letters.
const TEXT_FIELDS: [&str; 23] = [
    "title",
    "subject",
    "summary",
    "rulename",
    "alertname",
    "incident_name",
    "message",
    "msg",
    "text",
    "body",
    "description",
    "details",
    "reason",
    "error",
    "culprit",
    "comment",
    "state",
    "status",
    "level",
    "severity",
    "web_url",
    "html_url",
    "permalink",
];

/// Links and pictures, shown last.
const LINKS: [&str; 8] =
    ["subscribeurl", "shortlink", "ruleurl", "click", "link", "imageurl", "full_url", "url"];

/// Fields of its look, not its text.
const LOOKS: [&str; 22] = [
    "channel",
    "username",
    "icon_emoji",
    "icon_url",
    "icon",
    "avatar",
    "avatar_url",
    "mrkdwn",
    "mrkdwn_in",
    "link_names",
    "parse",
    "unfurl_links",
    "unfurl_media",
    "thread_ts",
    "color",
    "as_user",
    "blocks",
    "attachments",
    "embeds",
    "tts",
    "response_type",
    "props",
];

/// Fields of a payload that is small enough to be shown whole.
const SMALL: usize = 16;

/// Lines that are shown of one that is not.
const LINES: usize = 40;

/// The lines of anything.
pub(super) fn lines(object: &Value) -> Vec<String> {
    let mut leaves = Vec::new();
    collect(object, "", 0, &mut leaves);
    // A leaf that stands higher is more about the whole.
    leaves.sort_by_key(|leaf| leaf.depth);
    let find = |name: &&str| leaves.iter().find(|leaf| leaf.key() == *name);
    let known_fields: Vec<&Leaf> = TEXT_FIELDS.iter().filter_map(find).collect();
    let links: Vec<&Leaf> = LINKS.iter().filter_map(find).collect();
    let whole = known_fields.is_empty() || leaves.len() <= SMALL;
    let named_before = |leaf: &Leaf| known_fields.iter().chain(&links).any(|known| known.path == leaf.path);
    let rest = leaves.iter().filter(|leaf| whole && !named_before(leaf)).take(LINES);
    let known_fields = known_fields.iter().map(|leaf| match leaf.key().as_str() {
        "state" | "status" | "level" | "severity" => leaf.with_name(),
        _ => leaf.text.clone(),
    });
    join(known_fields.chain(rest.map(Leaf::with_name)).chain(links.iter().map(|leaf| leaf.text.clone())))
}

struct Leaf {
    path: String,
    depth: usize,
    text: String,
}

impl Leaf {
    fn key(&self) -> String {
        self.path.rsplit('.').next().unwrap_or_default().to_lowercase()
    }

    fn with_name(&self) -> String {
        named(Some(self.path.clone()), Some(self.text.clone())).unwrap_or_default()
    }
}

/// Every value that is none of objects or lists, with the keys that lead to it.
fn collect(of: &Value, path: &str, depth: usize, leaves: &mut Vec<Leaf>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match of {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(key, _)| depth > 0 || !LOOKS.contains(&key.as_str()));
            fields.for_each(|(key, of)| collect(of, &below(key), depth + 1, leaves));
        }
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            let text: Vec<String> = items.iter().filter_map(value).collect();
            leaf(text.join(", "), path, depth, leaves);
        }
        Value::Array(items) => {
            (1..)
                .zip(items)
                .for_each(|(number, of)| collect(of, &below(&number.to_string()), depth + 1, leaves));
        }
        other => leaf(value(other).unwrap_or_default(), path, depth, leaves),
    }
}

fn leaf(text: String, path: &str, depth: usize, leaves: &mut Vec<Leaf>) {
    if !text.trim().is_empty() {
        leaves.push(Leaf { path: path.to_owned(), depth, text });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn named_fields_or_whole_small_payloads_are_shown() {
        for (sent, shown) in [
            (
                json!({"message": "full", "host": "db1", "disk": 97, "ok": false}),
                "full\ndisk: 97\nhost: db1\nok: false",
            ),
            (
                json!({"topic": "ops", "title": "Disk", "message": "97 %", "click": "https://x.example", "tags": ["a", "b"]}),
                "Disk\n97 %\ntags: a, b\ntopic: ops\nhttps://x.example",
            ),
            (json!({"a": {"b": [{"c": 1}, {"c": "x\ny"}]}}), "a.b.1.c: 1\na.b.2.c:\nx\ny"),
            (
                json!({"Type": "Notification", "Subject": "Alarm", "Message": "CPU"}),
                "Alarm\nCPU\nType: Notification",
            ),
            (json!({"channel": "#ops", "icon_emoji": ":x:", "mrkdwn": true, "username": "u"}), ""),
            (json!({"a": null, "b": "", "c": [], "d": {}}), ""),
        ] {
            assert_eq!(lines(&sent).join("\n"), shown, "{sent}");
        }
    }

    #[test]
    fn large_payload_shows_only_named_fields() {
        let mut event = serde_json::Map::new();
        (0..50).for_each(|n| _ = event.insert(format!("k{n}"), json!(n)));
        event.insert("title".into(), json!("Crash"));
        event.insert("web_url".into(), json!("https://s.example/1"));
        event.insert("level".into(), json!("error"));
        let sent = json!({"action": "triggered", "data": {"event": event}});
        assert_eq!(lines(&sent).join("\n"), "Crash\ndata.event.level: error\nhttps://s.example/1");
    }
}
