//! Payloads for Discord: `content` and `embeds`.

use serde_json::Value;

use super::mrkdwn::{linked, markdown};
use super::words::{deep, get, list, named, value};

/// Returns the lines of a message; empty for another shape.
pub(super) fn lines(message: &Value) -> Vec<String> {
    let content = get(message, "content").map(|text| markdown(&text));
    content.into_iter().chain(list(message, "embeds").iter().flat_map(embed)).collect()
}

fn embed(embed: &Value) -> Vec<String> {
    let text_of = |path: &[&str]| deep(embed, path).map(|text| markdown(&text));
    let mut lines = Vec::new();
    let author = text_of(&["author", "name"]);
    lines.extend(author.map(|name| linked(&name, &deep(embed, &["author", "url"]).unwrap_or_default())));
    let (title, url) = (text_of(&["title"]).unwrap_or_default(), deep(embed, &["url"]).unwrap_or_default());
    lines.extend(Some(linked(&title, &url)).filter(|line| !line.is_empty()));
    lines.extend(text_of(&["description"]));
    for field in list(embed, "fields") {
        let part = |key: &str| value(field.get(key)?).map(|text| markdown(&text));
        lines.extend(named(part("name"), part("value")));
    }
    let picture = ["image", "thumbnail", "video"].iter().find_map(|key| deep(embed, &[key, "url"]));
    lines.extend(picture);
    let footer = [text_of(&["footer", "text"]), deep(embed, &["timestamp"])];
    let footer: Vec<String> = footer.into_iter().flatten().collect();
    lines.extend(Some(footer.join(", ")).filter(|line| !line.is_empty()));
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn content_and_embeds_are_read() {
        let sent = json!({"username": "Sonarr", "content": "<@12> new", "embeds": [{
            "author": {"name": "Kim", "url": "https://x.example/kim"}, "title": "Build 7", "url": "https://x.example/7",
            "description": "see [log](https://x.example/log)", "color": 3, "fields": [{"name": "Time", "value": 12}, {"name": "\u{200b}x"}],
            "image": {"url": "https://x.example/g.png"}, "footer": {"text": "ci"}, "timestamp": "2026-11-28T00:00:00Z"}, null, {}]});
        assert_eq!(
            lines(&sent).join("\n"),
            "@12 new\nKim (https://x.example/kim)\nBuild 7 (https://x.example/7)\nsee log (https://x.example/log)\nTime: 12\n\
             \u{200b}x\nhttps://x.example/g.png\nci, 2026-11-28T00:00:00Z"
        );
        assert_eq!(lines(&json!({"embeds": {"title": 7}})), ["7"]);
    }
}
