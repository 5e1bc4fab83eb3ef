//! The page under `cargo leptos watch`: it loads again at each build.

use crate::harness::{Browser, Server};

#[tokio::test]
async fn a_watched_page_listens_for_builds() {
    let server = Server::watched(4242);
    let page = Browser::new(&server).get("/r/lobby").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("/live_reload") && page.body.contains("(4242, 'ws://')"), "{}", page.body);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("connect-src 'self' ws://*:4242;"), "{policy}");
}

#[tokio::test]
async fn page_outside_watch_has_no_reload_script() {
    let server = Server::start();
    let page = Browser::new(&server).get("/r/lobby").await;
    assert!(!page.body.contains("live_reload"), "{}", page.body);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("connect-src 'self';"), "{policy}");
}
