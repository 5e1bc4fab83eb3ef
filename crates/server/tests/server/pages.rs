//! The page without scripts: to read, to write, to choose.

use madang_protocol::ServerFrame;

use crate::harness::{Answer, Browser, Client, Server, UNLIMITED, ask, body, fresh_cmid, hidden, lobby};

fn cmid() -> String {
    fresh_cmid().to_string()
}

async fn post(browser: &mut Browser, text: &str) -> Answer {
    browser.submit("/r/lobby/post", &[("body", text), ("cmid", &cmid())]).await
}

#[tokio::test]
async fn front_page_leads_to_the_lobby() {
    let server = Server::start();
    let answer = Browser::new(&server).get("/").await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/r/lobby")));
}

#[tokio::test]
async fn a_room_can_be_read_in_its_html() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    for n in 0..60 {
        ann.say(&format!("줄 {n} 번째")).await;
    }
    let answer = Browser::new(&server).get("/r/lobby").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").unwrap().starts_with("text/html"));
    assert_eq!(answer.header("cache-control"), Some("private, no-cache, no-transform"));
    for n in 10..60 {
        assert!(answer.body.contains(&format!("줄 {n} 번째")), "the last fifty are there: {n}");
    }
    assert!(!answer.body.contains("줄 9 번째"), "older ones are on older pages");
    let older = Browser::new(&server).get("/r/lobby?before=12").await;
    assert!(older.body.contains("줄 9 번째") && !older.body.contains("줄 30 번째"));
    let linked = Browser::new(&server).get("/r/lobby/11").await;
    assert!(linked.body.contains("줄 9 번째"), "a permanent link shows its message");
}

#[tokio::test]
async fn newcomer_gets_lasting_http_only_login() {
    let server = Server::start();
    let mut ann = Browser::new(&server);
    let answer = ann.get("/r/lobby").await;
    let cookie = answer.login().expect("a login").to_owned();
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age="] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "by plain http a Secure cookie would not come back");
    let token = ann.cookies();
    let signature = token.rsplit_once('.').unwrap().1;
    assert_eq!(signature.len(), 64, "256 bits: {token}");
    ann.get("/r/lobby").await;
    assert_eq!(ann.cookies(), token, "it stays the same");
    let other = Browser::new(&server).get("/r/lobby").await;
    assert!(!other.login().unwrap().starts_with(&token));
}

#[tokio::test]
async fn behind_https_the_login_is_secure() {
    let server = Server::with(&["--secure-cookies"]);
    let answer = Browser::new(&server).get("/r/lobby").await;
    assert!(answer.login().unwrap().contains("Secure"));
}

#[tokio::test]
async fn a_login_is_stored_as_a_hash_alone() {
    let mut server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    ann.say("now there is a row").await;
    let token = ann.cookie.rsplit_once('.').unwrap().1.to_owned();
    let raw: Vec<u8> =
        (0..32).map(|at| u8::from_str_radix(&token[at * 2..at * 2 + 2], 16).unwrap()).collect();
    let holds_token = |server: &Server| {
        // The socket for orders is no file.
        let files = std::fs::read_dir(server.data()).unwrap().map(|file| file.unwrap().path());
        let bytes: Vec<u8> =
            files.filter(|path| path.is_file()).flat_map(|path| std::fs::read(path).unwrap()).collect();
        assert!(bytes.len() > 4_096, "the database was looked at");
        let finds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        finds(token.as_bytes()) || finds(&raw)
    };
    assert!(!holds_token(&server), "while it runs");
    server.terminate();
    server.ended().await;
    assert!(!holds_token(&server), "after it ended");
    assert!(!server.log().contains(&token), "nor is it logged");
}

#[tokio::test]
async fn form_post_reaches_everyone() {
    let server = Server::start();
    let mut bob = Client::join(&server, "bob").await;
    bob.watch_now(&lobby()).await;
    let answer = post(&mut Browser::new(&server), "첫 줄\r\n둘째 줄 & 100%").await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/r/lobby")));
    assert_eq!(body(&bob.next_entry(&lobby()).await), "첫 줄\n둘째 줄 & 100%");
}

#[tokio::test]
async fn form_submitted_twice_posts_once() {
    let server = Server::start();
    let mut ann = Browser::new(&server);
    let page = ann.get("/r/lobby").await.body;
    let cmid = hidden(&page, "cmid").expect("the form has its own cmid");
    for _ in 0..2 {
        let answer = ann.submit("/r/lobby/post", &[("body", "once"), ("cmid", &cmid)]).await;
        assert_eq!(answer.status, 303);
    }
    let mut auditor = Client::join(&server, "auditor").await;
    assert_eq!(auditor.history("after", 0, 10).await.messages.len(), 1);
    let next = hidden(&ann.get("/r/lobby").await.body, "cmid");
    assert_ne!(next, Some(cmid), "the next page's form is another write");
}

#[tokio::test]
async fn a_kept_pages_form_posts_another_text() {
    let server = Server::start();
    let mut ann = Browser::new(&server);
    let cmid = cmid();
    for body in ["sparrow", "magpie", "sparrow"] {
        let answer = ann.submit("/r/lobby/post", &[("body", body), ("cmid", &cmid)]).await;
        assert_eq!(answer.status, 303);
    }
    for body in ["swallow", "heron"] {
        let answer = ann.submit("/r/lobby/2/edit", &[("body", body), ("cmid", &cmid)]).await;
        assert_eq!(answer.status, 303);
    }
    let page = ann.get("/r/lobby").await.body;
    assert!(page.contains("heron") && page.contains("magpie") && !page.contains("swallow"), "{page}");
    assert!(!page.contains("sparrow"), "the same text was posted once");
}

#[tokio::test]
async fn by_form_one_edits_and_deletes_ones_own() {
    let server = Server::start();
    let mut ann = Browser::new(&server);
    post(&mut ann, "helo").await;
    let form = ann.get("/r/lobby/2/edit").await;
    assert_eq!(form.status, 200);
    assert!(form.body.contains("helo"));
    let edited = ann.submit("/r/lobby/2/edit", &[("body", "hello"), ("cmid", &cmid())]).await;
    assert_eq!(edited.status, 303);
    let mut reader = Client::join(&server, "reader").await;
    assert_eq!(reader.history("after", 0, 9).await.messages[0].body.as_deref(), Some("hello"));

    let mut eve = Browser::new(&server);
    for (path, text) in [("/r/lobby/2/edit", "eve's"), ("/r/lobby/2/delete", "")] {
        let refused = eve.submit(path, &[("body", text), ("cmid", &cmid())]).await;
        assert_eq!(refused.status, 403, "{path}");
    }
    let deleted = ann.submit("/r/lobby/2/delete", &[("cmid", &cmid())]).await;
    assert_eq!(deleted.status, 303);
    assert!(reader.history("after", 0, 9).await.messages[0].is_deleted());
}

#[tokio::test]
async fn an_answer_by_form_names_its_message() {
    let server = Server::start();
    let mut ann = Browser::new(&server);
    post(&mut ann, "question").await;
    let answer = [("body", "answer"), ("cmid", &*cmid()), ("reply_to", "2")];
    assert_eq!(ann.submit("/r/lobby/post", &answer).await.status, 303);
    let blank = [("body", "no answer"), ("cmid", &*cmid()), ("reply_to", "")];
    assert_eq!(ann.submit("/r/lobby/post", &blank).await.status, 303);
    let mut reader = Client::join(&server, "reader").await;
    let messages = reader.history("after", 0, 9).await.messages;
    let replies: Vec<_> = messages.iter().map(|message| message.reply_to).collect();
    assert_eq!(replies, [None, Some(2), None]);
}

#[tokio::test]
async fn a_text_never_becomes_markup() {
    let server = Server::start();
    let mut ann = Browser::new(&server);
    let attack = "</textarea></script><script>alert(1)</script><img src=x onerror=alert(2)>\"'";
    assert_eq!(post(&mut ann, attack).await.status, 303);
    assert_eq!(ann.submit("/me", &[("name", "<b>ann</b>")]).await.status, 303);
    assert_eq!(ann.submit("/rooms", &[("title", "<i>room</i>")]).await.status, 303);
    for path in ["/r/lobby", "/r/lobby/2", "/r/lobby?before=3"] {
        let page = ann.get(path).await.body;
        assert!(page.contains("alert(1)"), "the text itself is there: {path}");
        for markup in ["<script>alert", "</textarea></script>", "<img src=x", "<b>ann", "<i>room"] {
            assert!(!page.contains(markup), "{markup} in {path}");
        }
    }
}

#[tokio::test]
async fn text_in_edit_form_is_escaped() {
    let server = Server::start();
    let mut ann = Browser::new(&server);
    post(&mut ann, "</textarea><script>alert(1)</script>&lt;").await;
    let page = ann.get("/r/lobby/2/edit").await.body;
    assert!(page.contains("&lt;/textarea"), "the text itself is there");
    assert!(page.contains("&amp;lt;"), "what looks like an entity is text, too");
    assert!(!page.contains("</textarea><script>"), "{page}");
}

#[tokio::test]
async fn page_allows_only_own_scripts_and_no_framing() {
    let server = Server::start();
    let answer = Browser::new(&server).get("/r/lobby").await;
    let policy = answer.header("content-security-policy").expect("a policy");
    for rule in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"] {
        assert!(policy.contains(rule), "{policy}");
    }
    let scripts = policy.split(';').find(|rule| rule.trim().starts_with("script-src")).unwrap();
    assert!(!scripts.contains("'unsafe-inline'") && !scripts.contains("'unsafe-eval'"), "{scripts}");
    let nonce = |answer: &Answer| {
        let policy = answer.header("content-security-policy").unwrap().to_owned();
        policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned()
    };
    assert!(nonce(&answer).len() >= 16);
    assert_ne!(nonce(&answer), nonce(&Browser::new(&server).get("/r/lobby").await), "a nonce is used once");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
}

#[tokio::test]
async fn settings_are_remembered_and_forgotten() {
    let server = Server::start();
    let mut ann = Browser::new(&server);
    assert!(ann.get("/r/lobby").await.body.contains("lang=\"en\""));
    assert!(Browser::new(&server).korean().get("/r/lobby").await.body.contains("lang=\"ko\""));
    let form = [("locale", "ko"), ("theme", "dark"), ("enter", "never"), ("back", "/r/lobby/1")];
    let answer = ann.submit("/settings", &form).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/r/lobby/1")));
    for (name, value) in [("madang_locale", "ko"), ("madang_theme", "dark"), ("madang_enter", "never")] {
        let cookie = answer.cookie(name).expect(name);
        assert!(cookie.starts_with(&format!("{name}={value};")) && cookie.contains("Max-Age=31536000"));
    }
    assert!(ann.get("/r/lobby").await.body.contains("lang=\"ko\""), "a choice beats the browser's language");
    let answer = ann.submit("/settings", &[("locale", "auto"), ("theme", "auto"), ("enter", "auto")]).await;
    for name in ["madang_locale", "madang_theme", "madang_enter"] {
        assert!(answer.cookie(name).expect(name).contains("Max-Age=0"), "{answer:?}");
    }
    let answer = ann.submit("/settings", &[("locale", "<script>"), ("theme", "\r\nX: 1")]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("x"), None);
}

#[tokio::test]
async fn no_form_leads_away_from_this_server() {
    let server = Server::start();
    let mut ann = Browser::new(&server);
    for back in
        ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "", "/a\r\nX: 1"]
    {
        for (path, field) in [("/settings", ("theme", "dark")), ("/me", ("name", "ann"))] {
            let answer = ann.submit(path, &[field, ("back", back)]).await;
            assert_eq!(
                (answer.status, answer.header("location")),
                (303, Some("/r/lobby")),
                "{path} {back:?}"
            );
        }
    }
}

#[tokio::test]
async fn metrics_count_what_happens() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    ann.watch_now(&lobby()).await;
    ann.say("counted").await;
    ann.next_entry(&lobby()).await;
    ann.send_text("{").await;
    ann.refused().await;
    for (name, value) in [
        (r#"madang_connections{transport="websocket"}"#, 1),
        ("madang_sessions", 1),
        ("madang_writes_total", 1),
        ("madang_frames_in_total", 4),
        (r#"madang_refused_total{code="bad_frame"}"#, 1),
    ] {
        assert_eq!(server.metric(name).await, value, "{name}");
    }
    assert!(server.metric("madang_frames_out_total").await >= 5);
    let text = ask(server.addr, "GET", "/metrics", &[], "").await;
    assert!(text.header("content-type").unwrap().contains("openmetrics-text"));
    assert!(text.body.ends_with("# EOF\n"));
}

#[tokio::test]
async fn a_name_by_form_is_everyones_to_see() {
    let server = Server::start();
    let mut ann = Browser::new(&server);
    post(&mut ann, "who am I?").await;
    let mut bob = Client::join(&server, "bob").await;
    bob.watch_now(&lobby()).await;
    let answer = ann.submit("/me", &[("name", "  김  철수 "), ("back", "/r/lobby")]).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/r/lobby")));
    bob.expect("the name", |frame| match frame {
        ServerFrame::People { people } => people.iter().any(|p| p.name == "김 철수").then_some(()),
        _ => None,
    })
    .await;
    assert!(Browser::new(&server).get("/r/lobby").await.body.contains("김 철수"));
}
