//! Answers are bounded by bytes, whatever stands in a room, and who reads none of them holds next to nothing.

use madang_protocol::{Message, Seq, ServerFrame};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;

use crate::harness::{Browser, Client, Opcode, RawSocket, Server, UNLIMITED, ask, lobby, until};

/// Most bytes of an answer.
const ANSWER: usize = 256 * 1024;

/// Texts that are as long as they may be, and grow on their way: three bytes a character, quoted, escaped, linked.
fn heavy() -> [String; 5] {
    let link = "https://example.com/a ".repeat(8_000 / 22);
    ["가".repeat(8_000), "\"".repeat(8_000), "<".repeat(8_000), "&\n".repeat(4_000), link]
}

async fn fill(server: &Server, count: usize) -> (Client, Seq) {
    let mut ann = Client::join(server, "ann").await;
    let mut last = 0;
    for n in 0..count {
        last = ann.say(&heavy()[n % 5]).await;
    }
    (ann, last)
}

fn json(messages: &[Message]) -> usize {
    serde_json::to_string(messages).unwrap().len()
}

#[tokio::test]
async fn history_page_is_bounded_in_bytes_without_gaps() {
    let server = Server::with(&UNLIMITED);
    let (mut ann, last) = fill(&server, 100).await;
    let (mut back, mut before) = (Vec::new(), last + 1);
    loop {
        let page = ann.history("before", before, 200).await;
        assert!(!page.messages.is_empty() && json(&page.messages) <= ANSWER, "{}", json(&page.messages));
        back.extend(page.messages.iter().rev().map(|message| message.seq));
        before = *back.last().unwrap();
        if !page.before {
            break;
        }
    }
    assert_eq!(back, (2..=last).rev().collect::<Vec<_>>());
    let (mut forth, mut more) = (vec![1], true);
    while more {
        let page = ann.history("after", *forth.last().unwrap(), 200).await;
        assert!(json(&page.messages) <= ANSWER);
        forth.extend(page.messages.iter().map(|message| message.seq));
        more = page.after;
    }
    assert_eq!(forth, (1..=last).collect::<Vec<_>>());
    let middle = ann.history("around", 50, 200).await;
    assert!(json(&middle.messages) <= ANSWER && middle.before && middle.after);
    assert!(middle.messages.iter().any(|message| message.seq == 50), "itself among them");
}

#[tokio::test]
async fn snapshot_is_bounded_in_bytes_and_marks_more() {
    let server = Server::with(&UNLIMITED);
    let (mut ann, last) = fill(&server, 60).await;
    let snapshot = ann.watch_now(&lobby()).await;
    assert!(json(&snapshot.messages) <= ANSWER, "{}", json(&snapshot.messages));
    assert!(snapshot.before, "there are older ones");
    assert_eq!(snapshot.messages.last().unwrap().seq, last, "the newest are there");
}

#[tokio::test]
async fn room_html_is_bounded_in_bytes() {
    for text in heavy() {
        let server = Server::with(&UNLIMITED);
        let mut ann = Client::join(&server, "ann").await;
        for _ in 0..60 {
            ann.say(&text).await;
        }
        let mut browser = Browser::of(&server, &ann.cookie);
        for path in ["/r/lobby", "/r/lobby?before=50", "/r/lobby/30", "/r/lobby/30/edit"] {
            let page = browser.get(path).await.body;
            assert!(page.len() <= ANSWER, "{path}: {} of {:.9}", page.len(), text);
            assert!(page.contains("before="), "{path}: a way to the older ones");
        }
        assert!(browser.get("/r/lobby/30").await.body.contains("data-seq=\"30\""), "the one that was meant");
    }
}

#[tokio::test]
async fn short_messages_still_fill_room_html() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    for n in 0..60 {
        ann.say(&format!("{n} {}", "가나다라".repeat(60))).await;
    }
    let page = Browser::of(&server, &ann.cookie).get("/r/lobby").await.body;
    assert!(page.len() <= ANSWER, "{}", page.len());
    assert_eq!(page.matches("data-seq=").count(), 50, "all fifty");
}

#[tokio::test]
async fn entries_of_the_api_are_bounded_by_bytes() {
    let server = Server::with(&UNLIMITED);
    let (ann, last) = fill(&server, 100).await;
    let (mut seqs, mut after) = (Vec::new(), "0".to_owned());
    loop {
        let path = format!("/api/rooms/lobby/entries?limit=200&after={after}");
        let answer = ask(server.addr, "GET", &path, &[("Cookie", &ann.cookie)], "").await;
        assert!(answer.body.len() <= ANSWER, "{}", answer.body.len());
        let read: Value = serde_json::from_str(&answer.body).unwrap();
        seqs.extend(read["entries"].as_array().unwrap().iter().map(|entry| entry["seq"].as_u64().unwrap()));
        after = read["cursor"].as_str().unwrap().to_owned();
        if read["more"] == false {
            break;
        }
    }
    assert_eq!(seqs, (1..=last).collect::<Vec<_>>());
}

#[tokio::test]
async fn history_beyond_rate_limit_is_briefly_refused() {
    let server = Server::with(&["--post-rate", "0"]);
    let (mut ann, last) = fill(&server, 60).await;
    for req in 0..40 {
        let text = format!(r#"{{"t":"history","req":{req},"room":"lobby","before":{last},"limit":200}}"#);
        ann.send_text(&text).await;
    }
    let (mut pages, mut refused) = (0, 0);
    while pages + refused < 40 {
        match ann.next().await.expect("it is not closed").1 {
            ServerFrame::Page { .. } => pages += 1,
            ServerFrame::Refused { req: Some(_), code, retry_after_ms, .. } => {
                assert_eq!(code, madang_protocol::RefusalCode::TooFast);
                assert!(retry_after_ms.is_some_and(|ms| ms > 0));
                refused += 1;
            }
            _ => {}
        }
    }
    assert!(pages >= 4 && refused > 0, "{pages} pages, {refused} refused");
    assert!(ann.say("and posts go on").await > last);
}

/// Returns how much more memory a server holds than `before`. KiB.
fn grown(server: &Server, before: u64) -> u64 {
    server.resident_kib().saturating_sub(before)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unread_history_of_many_holds_bounded_memory() {
    let server = Server::with(&UNLIMITED);
    let (mut ann, last) = fill(&server, 60).await;
    ann.history("before", last, 200).await;
    let before = server.resident_kib();
    let mut deaf = Vec::new();
    for _ in 0..30 {
        let mut socket = RawSocket::narrow(&server).await;
        for req in 0..30 {
            let text = format!(r#"{{"t":"history","req":{req},"room":"lobby","before":{last},"limit":200}}"#);
            socket.send(Opcode::Text, text.as_bytes()).await;
        }
        deaf.push(socket);
    }
    let mut most = 0;
    until("all of them to be let go", async || {
        most = most.max(grown(&server, before));
        server.metric(r#"madang_closed_total{code="4008"}"#).await == 30
    })
    .await;
    assert!(most < 64 * 1024, "30 that read nothing held {most} KiB");
    server.lives().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unread_pages_of_many_hold_bounded_memory() {
    let server = Server::with(&UNLIMITED);
    let (ann, _) = fill(&server, 60).await;
    let cookie = ann.cookie.split(';').next().unwrap().to_owned();
    let before = server.resident_kib();
    let request = format!("GET /r/lobby HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\n\r\n", server.addr);
    let mut deaf = Vec::new();
    for _ in 0..100 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4 * 1024).unwrap();
        let mut socket = socket.connect(server.addr).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        deaf.push(socket);
    }
    // Each waits with its answer now, or has ended.
    Browser::of(&server, &ann.cookie).get("/r/lobby").await;
    let most = grown(&server, before);
    assert!(most < 100 * 1024, "100 that read nothing held {most} KiB");
    server.lives().await;
}

#[tokio::test]
async fn slow_form_is_answered_408() {
    let server = Server::with(&["--hello-timeout", "1"]);
    for path in ["/r/lobby/post", "/me", "/rooms", "/settings"] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nContent-Length: 100\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\nbody=",
            server.addr
        );
        let begin = tokio::time::Instant::now();
        let answer = crate::harness::exchange(&server, head.as_bytes()).await;
        assert_eq!(answer.status, 408, "{path}: {answer:?}");
        assert!(begin.elapsed().as_secs() < 20, "before the limit on a request's whole time");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_unread_bytes_drop_only_the_worst() {
    let server = Server::with(&["--post-rate", "0", "--frame-rate", "0", "--max-unsent", "1"]);
    let (mut ann, last) = fill(&server, 60).await;
    ann.watch_now(&lobby()).await;
    let begin = tokio::time::Instant::now();
    let mut deaf = Vec::new();
    for _ in 0..20 {
        let mut socket = RawSocket::narrow(&server).await;
        for req in 0..40 {
            let text = format!(r#"{{"t":"history","req":{req},"room":"lobby","before":{last},"limit":200}}"#);
            socket.send(Opcode::Text, text.as_bytes()).await;
        }
        deaf.push(socket);
    }
    until("some to be let go", async || {
        assert!(server.metric("madang_unsent_bytes").await <= 1024 * 1024, "never more than that");
        server.metric(r#"madang_closed_total{code="4008"}"#).await >= 10
    })
    .await;
    assert!(begin.elapsed().as_secs() < 10 || server.told("closed code=4008") > 0);
    assert!(ann.say("who reads does not notice").await > last);
}
