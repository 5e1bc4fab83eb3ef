//! Fetching frames over plain HTTP: whatever happens to a request, each frame comes once, in order.

use madang_protocol::{Problem, ProblemCode};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{Client, Event, Over, Server, UNLIMITED, ask, body, fresh_cmid, lobby, until, within};

fn problem(body: &str) -> ProblemCode {
    serde_json::from_str::<Problem>(body).unwrap().code
}

#[tokio::test]
async fn cut_stream_resumes_where_it_was() {
    let server = Server::with(&UNLIMITED);
    let mut writer = Client::join(&server, "writer").await;
    let mut ann = Client::join_over(&server, "ann", Over::Events).await;
    ann.watch(&lobby(), Some(1)).await;
    // The client checks the numbers of frames; the entries must follow each other.
    for seq in 2..=101 {
        assert_eq!(writer.say("in spite of the proxy").await, seq);
        if seq % 3 == 0 {
            ann.link.http().cut();
        }
        if seq % 2 == 1 {
            assert_eq!(ann.next_entry(&lobby()).await.seq, seq - 1);
            assert_eq!(ann.next_entry(&lobby()).await.seq, seq);
        }
    }
}

#[tokio::test]
async fn stream_begins_after_named_frame_header_wins() {
    let server = Server::start();
    let mut ann = Client::join_over(&server, "ann", Over::Poll).await;
    ann.watch_now(&lobby()).await;
    let rt = ann.link.http();
    assert_eq!(rt.last, 3, "welcome, snapshot, live");
    let ids = async |below: &str, header: &str| {
        let path = format!("{}/events{below}", rt.path);
        let headers = [("Cookie", rt.cookie.clone()), (header, "2".to_owned())];
        let mut stream = crate::harness::EventStream::open(rt.addr, &path, &headers).await.unwrap();
        stream.next().await.unwrap().id
    };
    // `watch` was answered to a poll that acknowledged the welcome.
    assert_eq!(ids("?after=1", "X-Nothing").await, 2);
    assert_eq!(ids("?after=1", "Last-Event-ID").await, 3);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_given_again() {
    let server = Server::start();
    let mut ann = Client::join_over(&server, "ann", Over::Poll).await;
    ann.watch_now(&lobby()).await;
    let last = ann.link.http().last;
    let cmid = ann.post(&lobby(), "once").await;
    ann.done(cmid).await;
    ann.next_entry(&lobby()).await;
    let rt = ann.link.http();
    let again = rt.get(&format!("/poll?ack={last}")).await;
    assert_eq!(again.status, 200);
    assert_eq!(
        rt.get(&format!("/poll?ack={last}")).await.body,
        again.body,
        "the same under the same numbers"
    );
    assert!(again.body.contains("once"), "{}", again.body);
    assert_eq!(ann.say("and then").await, 3, "what was got twice was done once");
}

#[tokio::test]
async fn unavailable_frame_numbers_end_the_session() {
    let server = Server::start();
    for wrong in ["/poll?ack=0", "/poll?ack=99", "/events?after=0", "/events?after=18446744073709551615"] {
        let mut ann = Client::join_over(&server, "ann", Over::Poll).await;
        ann.watch_now(&lobby()).await;
        let rt = ann.link.http();
        let gone = rt.get(wrong).await;
        assert_eq!((gone.status, problem(&gone.body)), (410, ProblemCode::SessionGone), "{wrong}");
        assert_eq!(rt.get(&format!("/poll?ack={}", rt.last)).await.status, 410, "it cannot go on: {wrong}");
    }
    until("all to be forgotten", async || server.metric("madang_sessions").await == 0).await;
}

#[tokio::test]
async fn a_newer_request_takes_over() {
    let server = Server::start();
    let mut ann = Client::join_over(&server, "ann", Over::Poll).await;
    ann.watch_now(&lobby()).await;
    let rt = ann.link.http();
    let mut older = rt.stream(rt.last).await.unwrap();
    let mut newer = rt.stream(rt.last).await.unwrap();
    assert_eq!(within("the older stream's end", older.next()).await, None);

    let poll = format!("/poll?ack={}", rt.last);
    let waiting = rt.get(&poll);
    let takes_over = async {
        assert_eq!(within("the newer stream's end", newer.next()).await, None, "the poll took over");
        rt.stream(rt.last).await.unwrap()
    };
    let (refused, mut stream) = tokio::join!(waiting, takes_over);
    assert_eq!((refused.status, problem(&refused.body)), (409, ProblemCode::Replaced));

    let number = rt.last;
    rt.post(r#"{"t":"typing"}"#).await;
    let Event { id, data } = stream.next().await.unwrap();
    assert_eq!((id, data.contains("bad_frame")), (number + 1, true), "the newest one hears");
}

#[tokio::test]
async fn session_belongs_to_its_login_alone() {
    let server = Server::start();
    let mut ann = Client::join_over(&server, "ann", Over::Poll).await;
    let mallory = Client::join_over(&server, "mallory", Over::Poll).await;
    let rt = ann.link.http();
    let path = rt.path.clone();
    let unknown = "/rt/00000000000000000000000000000000".to_owned();
    let odd = "/rt/..%2f".to_owned();
    for cookie in [mallory.cookie.as_str(), "", "madang_login=0", "madang_login="] {
        for (method, path) in [
            ("GET", format!("{path}/poll?ack=1")),
            ("GET", format!("{path}/events?after=1")),
            ("POST", path.clone()),
            ("DELETE", path.clone()),
            ("POST", unknown.clone()),
            ("GET", format!("{unknown}/poll")),
            ("POST", odd.clone()),
        ] {
            let answer = ask(rt.addr, method, &path, &[("Cookie", cookie)], "[]").await;
            assert_eq!(
                (answer.status, problem(&answer.body)),
                (410, ProblemCode::SessionGone),
                "{method} {path}"
            );
        }
    }
    server.has_rejected("another_login", 16).await;
    ann.say("and ann noticed nothing").await;
}

#[tokio::test]
async fn answers_forbid_caching_and_transformation() {
    let server = Server::start();
    let mut ann = Client::join_over(&server, "ann", Over::Poll).await;
    let rt = ann.link.http();
    let accept = [
        ("Cookie", rt.cookie.as_str()),
        ("Accept-Encoding", "gzip, br"),
        ("Origin", &format!("http://{}", rt.addr)),
    ];
    rt.post(r#"{"t":"watch","room":"lobby"}"#).await;
    let poll = ask(rt.addr, "GET", &format!("{}/poll?ack=1", rt.path), &accept, "").await;
    let opened = ask(rt.addr, "POST", "/rt", &accept, r#"{"t":"hello"}"#).await;
    let gone = ask(rt.addr, "GET", "/rt/0/poll", &accept, "").await;
    let stream = rt.stream(1).await.unwrap().head;
    assert_eq!(stream.header("content-type"), Some("text/event-stream"));
    assert_eq!(poll.header("content-type"), Some("application/json"));
    for answer in [poll, opened, gone, stream] {
        assert_eq!(answer.header("cache-control"), Some("no-store, no-transform"), "{answer:?}");
        assert_eq!(answer.header("x-accel-buffering"), Some("no"));
        assert_eq!(answer.header("content-encoding"), None);
        assert_eq!(answer.header("access-control-allow-origin"), None, "for no foreign page");
    }
}

#[tokio::test]
async fn repeated_posts_with_lost_answers_double_nothing() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join_over(&server, "ann", Over::Events).await;
    ann.watch(&lobby(), Some(1)).await;
    let cmid = fresh_cmid();
    let post = format!(r#"{{"t":"post","room":"lobby","cmid":"{cmid}","body":"again"}}"#);
    for _ in 0..3 {
        assert_eq!(ann.link.http().post(&post).await.status, 204);
        assert_eq!(ann.done(cmid).await, 2);
        ann.link.http().cut();
    }
    assert_eq!(ann.say("the next one").await, 3);
}

#[tokio::test]
async fn held_back_stream_is_polled_without_loss() {
    let server = Server::start();
    let mut ann = Client::join_over(&server, "ann", Over::Poll).await;
    ann.watch_now(&lobby()).await;
    let rt = ann.link.http();
    // A proxy that buffers takes the stream, and passes nothing on: to the server it looks read.
    let mut held_back = rt.stream(rt.last).await.unwrap();
    rt.post(r#"{"t":"history","req":1,"room":"lobby","before":9,"limit":9}"#).await;
    assert_eq!(held_back.next().await.unwrap().id, rt.last + 1);
    let polled = rt.get(&format!("/poll?ack={}", rt.last)).await;
    assert!(polled.body.contains(r#""t":"page","req":1"#), "{}", polled.body);
}

#[tokio::test]
async fn pipelined_requests_keep_their_order() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join_over(&server, "ann", Over::Poll).await;
    ann.watch(&lobby(), Some(1)).await;
    let (path, cookie) = (ann.link.http().path.clone(), ann.cookie.clone());
    let mut tcp = TcpStream::connect(server.addr).await.unwrap();
    for n in 0..20 {
        let frame = format!(r#"{{"t":"post","room":"lobby","cmid":"{}","body":"{n}"}}"#, fresh_cmid());
        let length = frame.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\nContent-Length: {length}\r\n\r\n{frame}"
        );
        tcp.write_all(request.as_bytes()).await.unwrap();
    }
    let entries = ann.entries_up_to(&lobby(), 21).await;
    let said: Vec<String> = entries.iter().map(|entry| body(entry).to_owned()).collect();
    assert_eq!(said, (0..20).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn foreign_pages_get_no_leave_to_ask() {
    let server = Server::start();
    let ask_for_leave = [("Origin", "https://evil.example"), ("Access-Control-Request-Method", "POST")];
    for path in ["/rt", "/rt/0", "/rt/0/poll", "/rt/0/events"] {
        let answer = ask(server.addr, "OPTIONS", path, &ask_for_leave, "").await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.headers.iter().all(|(name, _)| !name.starts_with("access-control")), "{answer:?}");
    }
}
