//! Refusals of forms: a status, and a sentence on the page in the reader's language.

use crate::harness::{Answer, Browser, Client, Server, ask, fresh_cmid};

fn cmid() -> String {
    fresh_cmid().to_string()
}

/// In English and in Korean, each on a page of its own.
async fn both(server: &Server, path: &str, fields: &[(&str, &str)]) -> (Answer, Answer) {
    let english = Browser::new(server).submit(path, fields).await;
    let korean = Browser::new(server).korean().submit(path, fields).await;
    (english, korean)
}

#[tokio::test]
async fn refusal_is_shown_in_the_pages_language() {
    let server = Server::start();
    let long = "가".repeat(8_001);
    for (path, fields, status, english, korean) in [
        (
            "/r/lobby/post",
            [("body", " "), ("cmid", &*cmid())],
            422,
            "the text is empty",
            "보낼 내용이 없어요",
        ),
        ("/r/lobby/post", [("body", &*long), ("cmid", &cmid())], 422, "too long", "글이 너무 길어요"),
        (
            "/r/lobby/9/edit",
            [("body", "x"), ("cmid", &cmid())],
            404,
            "no such message",
            "그런 메시지가 없거나",
        ),
        ("/me", [("name", " "), ("back", "/r/lobby")], 422, "the text is empty", "보낼 내용이 없어요"),
        (
            "/rooms",
            [("title", "\u{200b}"), ("back", "/r/lobby")],
            422,
            "the text is empty",
            "보낼 내용이 없어요",
        ),
    ] {
        let (in_english, in_korean) = both(&server, path, &fields).await;
        assert_eq!((in_english.status, in_korean.status), (status, status), "{path}");
        assert!(in_english.body.contains(english), "{path}: {}", in_english.body);
        assert!(in_korean.body.contains(korean), "{path}: {}", in_korean.body);
        assert!(in_english.header("content-type").unwrap().starts_with("text/html"));
    }
}

#[tokio::test]
async fn a_script_is_refused_in_json() {
    let server = Server::start();
    let mut script = Browser::new(&server).korean().script();
    let refused = script.submit("/me", &[("name", &"n".repeat(41))]).await;
    assert_eq!((refused.status, refused.header("content-type")), (422, Some("application/json")));
    assert!(refused.body.contains(r#""code":"too_long""#), "{}", refused.body);
    assert!(refused.body.contains("글이 너무 길어요"), "{}", refused.body);
}

#[tokio::test]
async fn missing_room_or_message_gives_404_page() {
    let server = Server::start();
    for path in ["/r/nowhere", "/r/NOWHERE", "/r/nowhere/7", "/nowhere", "/r/%00", "/r/lobby/7/nothing"] {
        let english = Browser::new(&server).get(path).await;
        assert_eq!(english.status, 404, "{path}");
        assert!(english.body.contains("There is no such room."), "{path}: {}", english.body);
        let korean = Browser::new(&server).korean().get(path).await;
        assert!(korean.body.contains("그런 방이 없어요."), "{path}");
    }
    let answer = Browser::new(&server).submit("/r/nowhere/post", &[("body", "x"), ("cmid", &cmid())]).await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn empty_room_shows_any_linked_place() {
    let server = Server::start();
    for path in [
        "/r/lobby/1",
        "/r/lobby/99",
        "/r/lobby/18446744073709551615",
        "/r/lobby?before=0",
        "/r/lobby?after=9",
    ] {
        assert_eq!(Browser::new(&server).get(path).await.status, 200, "{path}");
    }
    for path in ["/r/lobby/x", "/r/lobby/-1", "/r/lobby?before=x", "/r/lobby/18446744073709551616"] {
        let status = Browser::new(&server).get(path).await.status;
        assert!((400..500).contains(&status), "{path}: {status}");
    }
}

#[tokio::test]
async fn a_form_that_lacks_something_is_refused() {
    let server = Server::start();
    for (path, fields) in [
        ("/r/lobby/post", &[("body", "no cmid")][..]),
        ("/r/lobby/post", &[("body", "bad cmid"), ("cmid", "xyz")]),
        ("/r/lobby/post", &[]),
        ("/r/lobby/x/edit", &[("body", "x")]),
        ("/me", &[]),
        ("/rooms", &[]),
    ] {
        let status = Browser::new(&server).submit(path, fields).await.status;
        assert!((400..500).contains(&status), "{path} {fields:?}: {status}");
    }
    let json = [("Content-Type", "application/json")];
    let answer = ask(server.addr, "POST", "/me", &json, r#"{"name":"ann"}"#).await;
    assert_eq!(answer.status, 415);
    let mut auditor = Client::join(&server, "auditor").await;
    assert_eq!(auditor.history("after", 0, 9).await.head, 1, "nothing was written");
}

#[tokio::test]
async fn a_form_over_256_kib_is_refused() {
    let server = Server::with(&["--max-body", "0"]);
    let huge = "x".repeat(256 * 1024);
    let answer = Browser::new(&server).submit("/r/lobby/post", &[("body", &huge), ("cmid", &cmid())]).await;
    assert_eq!(answer.status, 413);
    let most = "x".repeat(255 * 1024);
    let answer = Browser::new(&server).submit("/r/lobby/post", &[("body", &most), ("cmid", &cmid())]).await;
    assert_eq!(answer.status, 303);
    server.lives().await;
}

#[tokio::test]
async fn the_longest_korean_message_fits_into_a_form() {
    let server = Server::start();
    let longest = "가".repeat(8_000);
    let answer =
        Browser::new(&server).submit("/r/lobby/post", &[("body", &longest), ("cmid", &cmid())]).await;
    assert_eq!(answer.status, 303);
}
