//! Page about the API, for people: made once from the document, and from nothing else. It has no
//! script, and everything that goes into it is escaped.

use std::fmt::Write as _;

use serde_json::Value;

use crate::assets::versioned;

/// The page of this document.
pub(super) fn html(document: &Value) -> String {
    let mut out = String::from("<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    let info = &document["info"];
    tag(&mut out, "title", &format!("{}: the API", text(&info["title"])));
    let style = escaped(&versioned("/pkg/madang.css"));
    let _ = write!(out, "<link rel=\"stylesheet\" href=\"{style}\"></head><body class=\"reference\"><main>");
    tag(&mut out, "h1", &format!("{} {}", text(&info["title"]), text(&info["version"])));
    paragraph(&mut out, text(&info["description"]));
    out.push_str("<p>For programs: <a href=\"/api/openapi.json\">openapi.json</a>.</p>");
    for (path, methods) in each(&document["paths"]) {
        for (method, operation) in each(methods) {
            describe(&mut out, path, method, operation);
        }
    }
    out.push_str("<h2>Types</h2>");
    for (name, schema) in each(at(document, "/components/schemas")) {
        type_of(&mut out, name, schema);
    }
    out.push_str("</main></body></html>");
    out
}

fn describe(out: &mut String, path: &str, method: &str, operation: &Value) {
    let _ = write!(out, "<section id=\"{}\">", escaped(text(&operation["operationId"])));
    tag(out, "h2", text(&operation["summary"]));
    let _ = write!(out, "<pre><b>{}</b> {}</pre>", escaped(&method.to_uppercase()), escaped(path));
    paragraph(out, text(&operation["description"]));
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !parameters.is_empty() {
        out.push_str("<h3>Parameters</h3><dl>");
        for parameter in parameters {
            let name = format!("{} ({})", text(&parameter["name"]), text(&parameter["in"]));
            item(out, &name, &form(&parameter["schema"]), text(&parameter["description"]));
        }
        out.push_str("</dl>");
    }
    if let Some(content) = at(operation, "/requestBody/content").as_object() {
        out.push_str("<h3>Body</h3><dl>");
        content.iter().for_each(|(kind, media)| item(out, kind, &form(&media["schema"]), ""));
        out.push_str("</dl>");
    }
    out.push_str("<h3>Answers</h3><dl>");
    for (status, answer) in each(&operation["responses"]) {
        let forms =
            each(&answer["content"]).map(|(kind, media)| format!("{kind} {}", form(&media["schema"])));
        item(out, status, &forms.collect::<Vec<_>>().join(", "), text(&answer["description"]));
    }
    out.push_str("</dl></section>");
}

fn type_of(out: &mut String, name: &str, schema: &Value) {
    let _ = write!(out, "<section id=\"type-{}\">", escaped(name));
    tag(out, "h3", name);
    paragraph(out, text(&schema["description"]));
    let variants = schema["oneOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    if schema["properties"].is_object() {
        properties(out, schema);
    }
    for variant in variants {
        if variant["properties"].is_object() {
            paragraph(out, text(&variant["description"]));
            properties(out, variant);
        } else {
            value(out, variant);
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        out.push_str("<dl>");
        words.iter().for_each(|word| word_of(out, text(word), ""));
        out.push_str("</dl>");
    }
    out.push_str("</section>");
}

fn properties(out: &mut String, schema: &Value) {
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    out.push_str("<dl>");
    for (name, property) in each(&schema["properties"]) {
        let optional = if required.iter().any(|it| it == name) { "" } else { "?" };
        item(out, &format!("{name}{optional}"), &form(property), text(&property["description"]));
    }
    out.push_str("</dl>");
}

/// One word of a closed list, with what it means.
fn value(out: &mut String, variant: &Value) {
    out.push_str("<dl>");
    for word in variant["enum"].as_array().into_iter().flatten() {
        word_of(out, text(word), text(&variant["description"]));
    }
    out.push_str("</dl>");
}

/// A word that links lead to: a refusal's `type`.
fn word_of(out: &mut String, word: &str, meaning: &str) {
    let (word, meaning) = (escaped(word), escaped(meaning));
    let _ = write!(out, "<dt id=\"{word}\"><code>{word}</code></dt><dd>{meaning}</dd>");
}

fn item(out: &mut String, name: &str, form: &str, meaning: &str) {
    let (name, form, meaning) = (escaped(name), escaped(form), escaped(meaning));
    let _ = write!(out, "<dt><code>{name}</code> <small>{form}</small></dt><dd>{meaning}</dd>");
}

/// Returns a description of a value, in a few words.
fn form(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return name.to_owned();
    }
    if schema["items"].is_object() {
        return format!("list of {}", form(&schema["items"]));
    }
    if let Some(forms) = schema["oneOf"].as_array() {
        return forms.iter().map(form).collect::<Vec<_>>().join(" or ");
    }
    match &schema["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds.iter().map(text).collect::<Vec<_>>().join(" or "),
        _ => at(schema, "/enum/0").as_str().map(|word| format!("\"{word}\"")).unwrap_or_default(),
    }
}

/// Returns the value at this place; null if there is no such place.
fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

fn each(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn tag(out: &mut String, name: &str, content: &str) {
    let _ = write!(out, "<{name}>{}</{name}>", escaped(content));
}

fn paragraph(out: &mut String, content: &str) {
    content.split("\n\n").filter(|part| !part.is_empty()).for_each(|part| tag(out, "p", part));
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_content_is_escaped_on_page() {
        let evil = "<script>alert('&')</script>\"";
        let document = serde_json::json!({
            "info": {"title": evil, "description": evil},
            "paths": {evil: {evil: {"summary": evil, "operationId": evil, "parameters":
                [{"name": evil, "in": evil, "description": evil, "schema": {"type": evil}}],
                "responses": {evil: {"description": evil, "content": {evil: {"schema": {"$ref": evil}}}}}}}},
            "components": {"schemas": {evil: {"description": evil, "enum": [evil], "properties": {evil: {}}}}},
        });
        let page = html(&document);
        assert!(!page.contains("<script"), "{page}");
        assert!(page.matches("&lt;script&gt;").count() >= 12, "{page}");
    }
}
