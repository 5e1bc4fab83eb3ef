//! The API's description: whole, true, and there to be read.

use serde_json::Value;

use crate::harness::{Server, ask};

async fn document(server: &Server) -> Value {
    let answer = ask(server.addr, "GET", "/api/openapi.json", &[], "").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    serde_json::from_str(&answer.body).unwrap()
}

#[tokio::test]
async fn every_api_route_is_documented_and_served() {
    let server = Server::start();
    let document = document(&server).await;
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            operations.push(format!("{} {path}", method.to_uppercase()));
            let path = path.replace("{room}", "lobby").replace("{secret}", "mdh_0");
            let path = path.replace("{seq}", "1").replace("{emoji}", "x");
            let answer = ask(server.addr, &method.to_uppercase(), &path, &[], "").await;
            let expected = if path.starts_with("/hooks") { 404 } else { 401 };
            assert_eq!(answer.status, expected, "{method} {path}: it is there, and nobody may use it so");
        }
    }
    operations.sort();
    assert_eq!(
        operations,
        [
            "DELETE /api/rooms/{room}/messages/{seq}/reactions/{emoji}",
            "GET /api/rooms",
            "GET /api/rooms/{room}/entries",
            "GET /api/rooms/{room}/stream",
            "POST /api/rooms/{room}/messages",
            "POST /hooks/{secret}",
            "PUT /api/rooms/{room}/messages/{seq}/reactions/{emoji}",
        ]
    );
}

#[tokio::test]
async fn every_reference_of_the_document_resolves() {
    let server = Server::start();
    let document = document(&server).await;
    let mut references = 0;
    let mut open = vec![&document];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                    references += 1;
                    let found = document.pointer(reference.trim_start_matches('#'));
                    assert!(found.is_some(), "{reference}");
                }
                open.extend(fields.values());
            }
            Value::Array(values) => open.extend(values),
            _ => {}
        }
    }
    assert!(references > 20, "{references}");
}

#[tokio::test]
async fn page_for_people_matches_the_document() {
    let server = Server::start();
    let document = document(&server).await;
    let page = ask(server.addr, "GET", "/api", &[], "").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none';"));
    assert!(!page.body.contains("<script"));
    for (path, methods) in document["paths"].as_object().unwrap() {
        assert!(page.body.contains(path), "{path}");
        for operation in methods.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(page.body.contains(&format!("<section id=\"{id}\">")), "{id}");
        }
    }
    for code in ["unknown_room", "login_required", "storage_unavailable"] {
        assert!(
            page.body.contains(&format!("<dt id=\"{code}\">")),
            "the `type` of a problem leads there: {code}"
        );
    }
}
