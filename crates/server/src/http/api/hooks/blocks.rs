//! Slack's blocks: `section`, `header`, `context`, `rich_text`, `table` and all others, also ones not yet made, by the
//! fields that they share.

use serde_json::Value;

use super::mrkdwn::{linked, plain, utc};
use super::words::{deep, first, get, items, list, words};

/// The lines of some blocks.
pub(super) fn lines(blocks: &Value) -> Vec<String> {
    items(blocks).iter().flat_map(block).collect()
}

fn block(block: &Value) -> Vec<String> {
    match block.get("type").and_then(Value::as_str).unwrap_or_default() {
        "rich_text" => list(block, "elements").iter().flat_map(rich).collect(),
        "context" => {
            let parts: Vec<String> =
                list(block, "elements").iter().map(|element| element_lines(element).join(" ")).collect();
            Some(parts.join(" ")).filter(|line| !line.trim().is_empty()).into_iter().collect()
        }
        "table" => list(block, "rows").iter().map(row).collect(),
        _ => element_lines(block),
    }
}

/// Returns the texts of an element, in the order in which it is shown.
fn element_lines(element: &Value) -> Vec<String> {
    if let Value::String(text) = element {
        return vec![plain(text)];
    }
    let mut lines = Vec::new();
    let head = first(element, &["title", "label"]).map(|text| plain(&text));
    let link = first(element, &["title_url", "url"]).unwrap_or_default();
    let text = get(element, "text").or_else(|| deep(element, &["alt_text"])).map(|text| plain(&text));
    let (first_line, others) = match (head, text) {
        (Some(head), text) => (Some(head), text),
        (None, text) => (text, None),
    };
    lines.extend(
        first_line.map(|line| linked(&line, &link)).or_else(|| Some(link).filter(|link| !link.is_empty())),
    );
    lines.extend(others);
    for key in ["description", "hint", "author_name", "provider_name", "value_text"] {
        lines.extend(get(element, key).map(|text| plain(&text)));
    }
    for field in list(element, "fields") {
        lines.extend(words(field).map(|text| plain(&text)));
    }
    let nested = ["accessory", "elements", "element", "options", "blocks"];
    let nested = nested.iter().flat_map(|key| list(element, key));
    lines.extend(nested.filter(|part| !part.is_string()).flat_map(block));
    lines.extend(
        first(element, &["image_url", "video_url"]).or_else(|| deep(element, &["slack_file", "url"])),
    );
    lines
}

fn row(row: &Value) -> String {
    let cells: Vec<String> = items(row).iter().map(|cell| block(cell).join(" ")).collect();
    cells.join(" | ")
}

/// The lines of one part of a rich text.
fn rich(part: &Value) -> Vec<String> {
    match part.get("type").and_then(Value::as_str).unwrap_or_default() {
        "rich_text_list" => {
            let indent = part.get("indent").and_then(Value::as_u64).unwrap_or_default().min(8);
            let ordered = part.get("style").and_then(Value::as_str) == Some("ordered");
            let offset = part.get("offset").and_then(Value::as_u64).unwrap_or_default().min(1_000_000);
            let marked = list(part, "elements").iter().zip(1 + offset..).map(|(element, number)| {
                let mark = if ordered { format!("{number}.") } else { "•".to_owned() };
                format!(
                    "{}{mark} {}",
                    "  ".repeat(usize::try_from(indent).unwrap_or_default()),
                    inline(element)
                )
            });
            marked.collect()
        }
        "rich_text_quote" => inline(part).lines().map(|line| format!("> {line}")).collect(),
        _ => inline(part).lines().map(str::to_owned).collect(),
    }
}

/// The text of a rich text's elements, which stand in one line.
fn inline(part: &Value) -> String {
    list(part, "elements").iter().map(span).collect()
}

fn span(span: &Value) -> String {
    let word = |key: &str| span.get(key).and_then(Value::as_str).unwrap_or_default();
    match word("type") {
        "link" => linked(&raw(span), word("url")),
        "user" => format!("@{}", word("user_id")),
        "usergroup" => format!("@{}", word("usergroup_id")),
        "channel" => format!("#{}", word("channel_id")),
        "broadcast" => format!("@{}", word("range")),
        "emoji" => emoji(word("unicode")).unwrap_or_else(|| format!(":{}:", word("name"))),
        "color" => word("value").to_owned(),
        "date" => match get(span, "fallback") {
            Some(fallback) => fallback,
            None => span.get("timestamp").and_then(Value::as_i64).and_then(utc).unwrap_or_default(),
        },
        _ if span.get("elements").is_some() => inline(span),
        _ => raw(span),
    }
}

/// The text as it is: its spaces stand between words.
fn raw(span: &Value) -> String {
    match span.get("text") {
        Some(Value::String(text)) => text.clone(),
        Some(other) => words(other).unwrap_or_default(),
        None => String::new(),
    }
}

/// The characters of `1f468-200d-1f4bb`.
fn emoji(codes: &str) -> Option<String> {
    let chars = codes.split('-').map(|code| u32::from_str_radix(code, 16).ok().and_then(char::from_u32));
    chars.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_block_shows_its_content() {
        for (sent, shown) in [
            (json!({"type": "header", "text": {"type": "plain_text", "text": "Disk"}}), "Disk"),
            (
                json!({"type": "section", "text": {"type": "mrkdwn", "text": "<!here> a &amp; b"}}),
                "@here a & b",
            ),
            (
                json!({"type": "section", "text": {"text": "t"}, "fields": [{"text": "*Host*\ndb1"}, {"text": "97 %"}, null],
                    "accessory": {"type": "button", "text": {"text": "Open"}, "url": "https://x.example"}}),
                "t\n*Host*\ndb1\n97 %\nOpen (https://x.example)",
            ),
            (
                json!({"type": "context", "elements": [{"type": "mrkdwn", "text": "by"}, {"type": "image",
                    "image_url": "https://x.example/i.png", "alt_text": "kim"}]}),
                "by kim https://x.example/i.png",
            ),
            (
                json!({"type": "image", "title": {"text": "Load"}, "alt_text": "graph", "image_url": "https://x.example/g.png"}),
                "Load\ngraph\nhttps://x.example/g.png",
            ),
            (json!({"type": "divider"}), ""),
            (
                json!({"type": "actions", "elements": [{"type": "button", "text": {"text": "Ack"}, "value": "7"},
                    {"type": "button", "text": {"text": "Log"}, "url": "https://x.example"}]}),
                "Ack\nLog (https://x.example)",
            ),
            (json!({"type": "markdown", "text": "**x**"}), "**x**"),
            (
                json!({"type": "video", "title": {"text": "Demo"}, "title_url": "https://x.example/v", "description": {"text": "d"}}),
                "Demo (https://x.example/v)\nd",
            ),
            (
                json!({"type": "table", "rows": [[{"type": "raw_text", "text": "a"}, {"text": 1}], [{"text": "b"}]]}),
                "a | 1\nb",
            ),
            (json!({"type": "new", "text": 7, "elements": {}}), "7"),
            (json!([null, 5, "x", [], {}]), "x"),
        ] {
            assert_eq!(lines(&sent).join("\n"), shown, "{sent}");
        }
    }

    #[test]
    fn rich_text_alone_is_read() {
        let section = json!({"type": "rich_text_section", "elements": [
            {"type": "text", "text": "hi "}, {"type": "user", "user_id": "U1"}, {"type": "text", "text": " "},
            {"type": "link", "url": "https://x.example", "text": "log"}, {"type": "emoji", "name": "fire", "unicode": "1f525"},
            {"type": "emoji", "name": "own"}, {"type": "broadcast", "range": "here"}, {"type": "channel", "channel_id": "C1"},
            {"type": "date", "timestamp": 1392734382, "format": "{date}"}]});
        let list = |style| {
            json!({"type": "rich_text_list", "style": style, "indent": 1, "elements": [
            {"type": "rich_text_section", "elements": [{"type": "text", "text": "one"}]},
            {"type": "rich_text_section", "elements": [{"type": "text", "text": "two"}]}]})
        };
        let quote = json!({"type": "rich_text_quote", "elements": [{"type": "text", "text": "a\nb"}]});
        let code =
            json!({"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "x <= 1"}]});
        let block = json!([{"type": "rich_text", "elements": [section, list("bullet"), list("ordered"), quote, code]}]);
        assert_eq!(
            lines(&block).join("\n"),
            "hi @U1 log (https://x.example)🔥:own:@here#C12014-02-18 14:39 UTC\n  • one\n  • two\n  1. one\n  2. two\n\
             > a\n> b\nx <= 1"
        );
    }
}
