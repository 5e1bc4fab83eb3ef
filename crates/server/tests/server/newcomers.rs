//! Newcomers: a look costs the database nothing, and the one who then acts is the one who looked.

use madang_protocol::{ClientFrame, RefusalCode, ServerFrame};
use rusqlite::{Connection, OpenFlags};

use crate::harness::{Browser, Client, Dial, Server, ask, hidden, lobby};

/// Rows that people and their read markers take.
fn rows(server: &Server) -> i64 {
    let file = server.data().join("madang.db");
    let sql = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let count = "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM logins)
                     + (SELECT count(*) FROM read_markers)";
    sql.query_row(count, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn looks_of_every_kind_write_no_row() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    ann.say("I was here").await;
    let before = rows(&server);
    for (method, path) in [
        ("GET", "/r/lobby"),
        ("GET", "/"),
        ("HEAD", "/r/lobby"),
        ("HEAD", "/r/nowhere"),
        ("GET", "/r/nowhere"),
        ("GET", "/wp-login.php"),
        ("GET", "/r/lobby/2"),
        ("GET", "/healthz"),
        ("POST", "/r/lobby/post"),
        ("POST", "/me"),
    ] {
        ask(&server, method, path, &[], "").await;
    }
    for _ in 0..5 {
        let mut passer_by = Client::join(&server, "a passer-by").await;
        passer_by.watch_now(&lobby()).await;
        passer_by.send(&ClientFrame::Present { room: Some(lobby()) }).await;
        passer_by.send(&ClientFrame::Read { room: lobby(), seq: 2 }).await;
        passer_by.round_trip().await;
    }
    // Whatever was asked of the store before is written before this.
    ann.say("I still am").await;
    assert_eq!(rows(&server), before);
}

#[tokio::test]
async fn a_newcomer_who_writes_stays_the_same() {
    let mut server = Server::start();
    let mut browser = Browser::new(&server);
    let page = browser.get("/r/lobby").await.body;
    let cookie = browser.cookies();
    let mut tab = Client::join_as(&server, "a tab", &cookie).await;
    let mut other = Client::join_as(&server, "another tab", &cookie).await;
    assert_eq!(tab.id(), other.id());
    assert!(page.contains(tab.id().as_str()), "the page knows who they are");
    let (first, second) = tokio::join!(tab.say("one"), other.say("two"));
    let cmid = hidden(&page, "cmid").unwrap();
    browser.submit("/r/lobby/post", &[("body", "three"), ("cmid", &cmid)]).await;
    let mut bob = Client::join(&server, "bob").await;
    let messages = bob.watch_now(&lobby()).await.messages;
    assert_eq!(messages.len(), 3);
    assert!(messages.iter().all(|message| message.by == tab.id()), "{messages:?}");
    assert!(first != second);
    server.kill();
    server.start_again();
    assert_eq!(Client::join_as(&server, "later", &cookie).await.id(), tab.id());
}

#[tokio::test]
async fn a_newcomer_keeps_what_was_read_before() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    ann.say("before").await;
    let newcomer = Client::join(&server, "a newcomer").await;
    let unread = |client: &Client| (client.welcome().rooms[0].read, client.welcome().rooms[0].unread);
    assert_eq!(unread(&newcomer), (2, 0));
    ann.say("after").await;
    let mut back = Client::join_as(&server, "the same", &newcomer.cookie).await;
    assert_eq!(back.id(), newcomer.id());
    assert_eq!(unread(&back), (2, 1));
    back.say("I act").await;
    let again = Client::join_as(&server, "the same again", &newcomer.cookie).await;
    assert_eq!(unread(&again), (2, 1), "their own does not count");
    assert_eq!(unread(&Client::join_as(&server, "ann", &ann.cookie).await).1, 1);
}

#[tokio::test]
async fn a_newcomers_reading_is_kept_once_it_moves() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let mut newcomer = Client::join(&server, "a newcomer").await;
    ann.say("hello").await;
    newcomer.send(&ClientFrame::Read { room: lobby(), seq: 2 }).await;
    // The marker is told when it is stored; a round trip would not wait for it.
    let stored = |frame: &ServerFrame| matches!(frame, ServerFrame::Read { seq: 2, .. }).then_some(());
    newcomer.expect("read", stored).await;
    let again = Client::join_as(&server, "again", &newcomer.cookie).await;
    assert_eq!((again.id(), again.welcome().rooms[0].unread), (newcomer.id(), 0));
}

#[tokio::test]
async fn a_forged_or_foreign_cookie_makes_a_newcomer() {
    let (server, other) = (Server::start(), Server::start());
    let foreign = Client::join(&other, "from elsewhere").await;
    let token = |cookie: &str| cookie.split_once('=').unwrap().1.to_owned();
    let known = Client::join(&server, "known").await;
    let (name, own) = known.cookie.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let other_id = own.replacen(known.id().as_str(), "zzzzzzzzzzzz", 1);
    let cut = own[..own.len() - 1].to_owned();
    for forged in [token(&foreign.cookie), other_id, cut, own.clone() + "0", "0".repeat(64), String::new()] {
        let opened = Dial::new(&server).cookie(&format!("{name}={forged}")).open("forger").await;
        let mut forger = opened.expect("no error");
        forger.hello(vec![], None, None).await;
        assert_ne!(forger.id(), known.id(), "{forged}");
        assert_ne!(forger.id(), foreign.id(), "{forged}");
        assert_ne!(forger.id().as_str(), "zzzzzzzzzzzz");
    }
}

#[tokio::test]
async fn failed_and_embedded_requests_set_no_cookie() {
    let server = Server::start();
    for (method, path) in [
        ("GET", "/nowhere"),
        ("GET", "/r/nowhere"),
        ("HEAD", "/r/lobby"),
        ("POST", "/nowhere"),
        ("POST", "/r/lobby/post"),
        ("GET", "/r/NOT A ROOM"),
    ] {
        let answer = ask(&server, method, &path.replace(' ', "%20"), &[], "").await;
        assert!(answer.all("set-cookie").is_empty(), "{method} {path}: {answer:?}");
    }
    let embedded = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors")];
    assert!(ask(&server, "GET", "/r/lobby", &embedded, "").await.all("set-cookie").is_empty());
    let followed = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")];
    assert_eq!(ask(&server, "GET", "/r/lobby", &followed, "").await.all("set-cookie").len(), 1);
}

#[tokio::test]
async fn pipelined_first_writes_cost_one_newcomer() {
    let server = Server::with(&["--newcomers-per-address", "2"]);
    for name in ["ann", "bob"] {
        let mut person = Client::join(&server, name).await;
        let mut cmids = Vec::new();
        for n in 0..5 {
            cmids.push(person.post(&lobby(), &n.to_string()).await);
        }
        for cmid in cmids {
            assert!(person.outcome(cmid).await.is_ok(), "{name}");
        }
    }
    let mut cem = Client::join(&server, "cem").await;
    let cmid = cem.post(&lobby(), "one too many").await;
    assert!(matches!(cem.outcome(cmid).await, Err((RefusalCode::TooFast, Some(_)))));
}

#[tokio::test]
async fn newcomers_share_one_rendered_page() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let rendered = async || server.metric("madang_pages_rendered_total").await;
    for (text, path) in
        [("one", "/r/lobby"), ("two", "/r/lobby"), ("three", "/r/lobby/2"), ("four", "/r/nowhere")]
    {
        ann.say(text).await;
        let before = rendered().await;
        for _ in 0..5 {
            let mut newcomer = Browser::new(&server);
            let page = newcomer.get(path).await;
            let login = newcomer.cookies();
            let id = login.split('.').nth(1).unwrap_or_default();
            assert_eq!(id.is_empty(), page.status == 404, "only what failed makes nobody anybody");
            assert!(page.body.contains(id), "the page is this newcomer's: {id}");
        }
        assert_eq!(rendered().await - before, 1, "{path} after {text}");
    }
    let mut named = Browser::new(&server);
    named.submit("/me", &[("name", "bob")]).await;
    let before = rendered().await;
    assert!(named.get("/r/lobby").await.body.contains("bob"));
    assert_eq!(rendered().await - before, 1, "who has a name has a page of their own");
}
