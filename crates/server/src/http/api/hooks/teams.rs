//! Payloads for Microsoft Teams: a MessageCard, or adaptive cards; and Google Chat's cards, which are built alike.

use serde_json::Value;

use super::mrkdwn::{linked, markdown};
use super::words::{deep, first, get, items, list, named, value};

/// Returns the lines of a card; empty for another shape.
pub(super) fn lines(message: &Value) -> Vec<String> {
    let kind = first(message, &["@type", "type"]).unwrap_or_default();
    if kind == "MessageCard" {
        return message_card(message);
    }
    if kind == "AdaptiveCard" {
        return adaptive(message);
    }
    let cards = list(message, "attachments")
        .iter()
        .filter(|part| get(part, "contentType").is_some_and(|kind| kind.contains("card")));
    let cards: Vec<String> =
        cards.flat_map(|part| adaptive(part.get("content").unwrap_or(&Value::Null))).collect();
    let google = ["cards", "cardsV2"].iter().flat_map(|key| list(message, key));
    let google: Vec<String> = google.flat_map(adaptive).collect();
    if cards.is_empty() && google.is_empty() {
        return Vec::new();
    }
    let text = first(message, &["text", "summary"]).map(|text| markdown(&text));
    text.into_iter().chain(cards).chain(google).collect()
}

fn message_card(card: &Value) -> Vec<String> {
    let text_of = |object: &Value, key: &str| get(object, key).map(|text| markdown(&text));
    let mut lines = Vec::new();
    lines.extend(text_of(card, "title"));
    lines.extend(text_of(card, "text"));
    for section in list(card, "sections") {
        let keys = ["title", "startGroupTitle", "activityTitle", "activitySubtitle", "activityText", "text"];
        lines.extend(keys.iter().filter_map(|key| text_of(section, key)));
        lines.extend(list(section, "facts").iter().filter_map(fact));
        lines.extend(list(section, "images").iter().filter_map(|image| first(image, &["image", "url"])));
        lines.extend(list(section, "potentialAction").iter().filter_map(action));
    }
    if lines.is_empty() {
        lines.extend(text_of(card, "summary"));
    }
    lines.extend(list(card, "potentialAction").iter().filter_map(action));
    lines
}

fn fact(fact: &Value) -> Option<String> {
    let part = |key: &str| value(fact.get(key)?).map(|text| markdown(&text));
    named(part("name").or_else(|| part("title")), part("value"))
}

fn action(action: &Value) -> Option<String> {
    let url = deep(action, &["url"]).or_else(|| {
        list(action, "targets").iter().chain(list(action, "target")).find_map(|target| {
            if target.is_string() { super::words::words(target) } else { get(target, "uri") }
        })
    });
    let words = first(action, &["name", "title"]).unwrap_or_default();
    Some(linked(&words, &url?)).filter(|line| !line.is_empty())
}

/// The lines of an adaptive card or of a part of one, in the order of their places.
fn adaptive(part: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    if part.get("type").and_then(Value::as_str) == Some("TableRow") {
        let cells = list(part, "cells").iter().map(|cell| adaptive(cell).join(" "));
        return vec![cells.collect::<Vec<_>>().join(" | ")];
    }
    for key in ["topLabel", "title", "subtitle", "text", "bottomLabel", "label"] {
        lines.extend(
            part.get(key)
                .filter(|text| text.is_string())
                .and_then(super::words::words)
                .map(|text| markdown(&text)),
        );
    }
    lines.extend(list(part, "facts").iter().filter_map(fact));
    // The text of a rich text block stands in runs of one line.
    let runs = list(part, "inlines")
        .iter()
        .filter_map(|run| run.as_str().or_else(|| run.get("text")?.as_str()).map(str::to_owned));
    lines.extend(Some(runs.collect::<String>()).filter(|line| !line.is_empty()));
    let inner = [
        "header",
        "card",
        "body",
        "items",
        "columns",
        "cells",
        "rows",
        "sections",
        "widgets",
        "textParagraph",
        "decoratedText",
        "keyValue",
        "buttonList",
        "buttons",
        "image",
        "images",
        "content",
    ];
    let inner = inner.iter().filter_map(|key| part.get(key)).flat_map(items);
    lines.extend(inner.filter(|part| part.is_object()).flat_map(adaptive));
    for action in list(part, "actions") {
        lines.extend(self::action(action).or_else(|| get(action, "title")));
        lines.extend(action.get("card").map(adaptive).unwrap_or_default());
    }
    lines.extend(first(part, &["imageUrl", "url"]).filter(|_| part.get("actions").is_none()));
    lines.extend(deep(part, &["onClick", "openLink", "url"]));
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn message_card_is_read_with_facts_and_links() {
        let card = json!({"@type": "MessageCard", "summary": "s", "title": "Build 7", "text": "failed", "sections": [
            {"activityTitle": "Kim", "activitySubtitle": "main", "facts": [{"name": "Tests:", "value": 12}, {"name": "Red", "value": true}],
             "images": [{"image": "https://x.example/g.png"}]}, null],
            "potentialAction": [{"@type": "OpenUri", "name": "Open", "targets": [{"os": "default", "uri": "https://x.example"}]}]});
        assert_eq!(
            lines(&card).join("\n"),
            "Build 7\nfailed\nKim\nmain\nTests: 12\nRed: true\nhttps://x.example/g.png\nOpen (https://x.example)"
        );
        assert_eq!(lines(&json!({"@type": "MessageCard", "summary": "s"})), ["s"]);
    }

    #[test]
    fn adaptive_cards_are_read_in_visual_order() {
        let card = json!({"type": "AdaptiveCard", "body": [
            {"type": "TextBlock", "text": "Disk [log](https://x.example/l)"},
            {"type": "FactSet", "facts": [{"title": "Host", "value": "db1"}]},
            {"type": "ColumnSet", "columns": [{"items": [{"type": "TextBlock", "text": "a"}]}, {"items": [{"text": "b"}]}]},
            {"type": "RichTextBlock", "inlines": ["x ", {"type": "TextRun", "text": "y"}]},
            {"type": "Table", "rows": [{"type": "TableRow", "cells": [{"items": [{"text": "1"}]}, {"items": [{"text": "2"}]}]}]},
            {"type": "Image", "url": "https://x.example/g.png"}],
            "actions": [{"type": "Action.OpenUrl", "title": "Open", "url": "https://x.example"}]});
        let message = json!({"type": "message", "attachments": [
            {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}]});
        let shown = "Disk log (https://x.example/l)\nHost: db1\na\nb\nx y\n1 | 2\nhttps://x.example/g.png\nOpen (https://x.example)";
        assert_eq!(lines(&message).join("\n"), shown);
        assert_eq!(lines(&card).join("\n"), shown);
    }

    #[test]
    fn google_chats_cards_are_read() {
        let card = json!({"text": "t", "cardsV2": [{"cardId": "1", "card": {"header": {"title": "Disk", "subtitle": "db1"}, "sections": [{"widgets": [
            {"textParagraph": {"text": "97 %"}}, {"decoratedText": {"topLabel": "Since", "text": "4:00"}},
            {"buttonList": {"buttons": [{"text": "Open", "onClick": {"openLink": {"url": "https://x.example"}}}]}}]}]}}]});
        assert_eq!(lines(&card).join("\n"), "t\nDisk\ndb1\n97 %\nSince\n4:00\nOpen\nhttps://x.example");
        assert!(lines(&json!({"text": "t", "attachments": [{"text": "x"}]})).is_empty());
    }
}
