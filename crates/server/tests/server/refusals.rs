//! Refusals: a code and a sentence, and the connection goes on.

use madang_protocol::{ClientFrame, RefusalCode};

use crate::harness::{Client, Dial, Refused, Server, fresh_cmid, lobby};

async fn korean(server: &Server) -> Client {
    let mut client = Dial::new(server).open("ann").await.unwrap();
    client.hello(vec![], None, Some("ko-KR")).await;
    client
}

/// Sends `text` and answers the refusal; afterwards the connection must work.
async fn refusal(client: &mut Client, text: &str) -> Refused {
    client.send_text(text).await;
    let refused = client.refused().await;
    client.say("the connection goes on").await;
    refused
}

#[tokio::test]
async fn malformed_frame_is_refused_as_bad() {
    let server = Server::with(&["--post-rate", "0"]);
    let mut ann = Client::join(&server, "ann").await;
    for text in [
        "",
        "hello",
        "{",
        "null",
        "[]",
        "42",
        r#""post""#,
        "{}",
        r#"{"t":null}"#,
        r#"{"t":7}"#,
        r#"{"t":"post"}"#,
        r#"{"t":"watch","room":7}"#,
        r#"{"t":"watch","room":["lobby"]}"#,
        r#"{"t":"watch","room":"lobby","after":-1}"#,
        r#"{"t":"watch","room":"lobby","after":1.5}"#,
        r#"{"t":"watch","room":"lobby","after":1e999}"#,
        r#"{"t":"watch","room":"lobby","after":18446744073709551616}"#,
        r#"{"t":"watch","room":"Lobby"}"#,
        r#"{"t":"watch","room":""}"#,
        r#"{"t":"watch","room":"../lobby"}"#,
        r#"{"t":"watch","room":"lobby\u0000"}"#,
        r#"{"t":"watch","room":"lobby","room":"lobby"}"#,
        r#"{"t":"watch","room":"lobby"} {"t":"watch","room":"lobby"}"#,
        "{\"t\":\"watch\",\"room\":\"lobby\"}\u{0}",
        r#"{"t":"read","room":"lobby","seq":"1"}"#,
    ] {
        let refused = refusal(&mut ann, text).await;
        assert_eq!(refused.code, RefusalCode::BadFrame, "{text}");
        assert!(refused.message.starts_with("This frame is not one of madang.v1."), "{}", refused.message);
        assert_eq!(refused.retry_after_ms, None, "{text}");
    }
}

#[tokio::test]
async fn bad_frame_is_answered_by_its_id() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let cmid = fresh_cmid();
    let post = format!(r#"{{"t":"post","room":"lobby","cmid":"{cmid}","body":7}}"#);
    let refused = refusal(&mut ann, &post).await;
    assert_eq!((refused.cmid, refused.room), (Some(cmid), Some(lobby())));
    let refused = refusal(&mut ann, r#"{"t":"history","req":9,"room":"lobby","limit":"all"}"#).await;
    assert_eq!(refused.req, Some(9));
    let post = r#"{"t":"post","room":"lobby","cmid":"not hex","body":"hi"}"#;
    let refused = refusal(&mut ann, post).await;
    assert_eq!((refused.code, refused.cmid), (RefusalCode::BadFrame, None));
}

#[tokio::test]
async fn unknown_kind_of_frame_is_refused_by_name() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let cmid = fresh_cmid();
    let pin = format!(r#"{{"t":"pin","room":"lobby","cmid":"{cmid}","seq":1}}"#);
    let refused = refusal(&mut ann, &pin).await;
    assert_eq!((refused.code, refused.cmid), (RefusalCode::UnknownType, Some(cmid)));
    for text in [r#"{"t":"welcome"}"#, r#"{"t":"unknown"}"#, r#"{"t":""}"#, r#"{"t":"POST"}"#] {
        assert_eq!(refusal(&mut ann, text).await.code, RefusalCode::UnknownType, "{text}");
    }
}

#[tokio::test]
async fn invisible_text_is_refused() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    for blank in ["", " \n\t ", "\u{200b}\u{feff}", "\u{3164}", "\0"] {
        let cmid = ann.post(&lobby(), blank).await;
        assert_eq!(ann.outcome(cmid).await, Err((RefusalCode::Empty, None)), "{blank:?}");
    }
    let seq = ann.say("text").await;
    let cmid = fresh_cmid();
    ann.send(&ClientFrame::Edit { room: lobby(), cmid, seq, body: " ".into() }).await;
    assert_eq!(ann.outcome(cmid).await, Err((RefusalCode::Empty, None)));
}

#[tokio::test]
async fn a_text_is_measured_in_characters() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    ann.watch_now(&lobby()).await;
    let longest = "가".repeat(8_000);
    ann.say(&longest).await;
    assert_eq!(crate::harness::body(&ann.next_entry(&lobby()).await), longest);
    for too_long in ["a".repeat(8_001), "가".repeat(8_001)] {
        let cmid = ann.post(&lobby(), &too_long).await;
        let refused = ann.refused().await;
        assert_eq!((refused.cmid, refused.code), (Some(cmid), RefusalCode::TooLong));
        assert!(refused.message.contains("8000"), "{}", refused.message);
    }
}

#[tokio::test]
async fn the_longest_text_is_an_option() {
    let server = Server::with(&["--max-body", "3"]);
    let mut ann = Client::join(&server, "ann").await;
    assert_eq!(ann.welcome().limits.body_chars, 3);
    ann.say("세글자").await;
    let cmid = ann.post(&lobby(), "네 글자").await;
    assert_eq!(ann.outcome(cmid).await, Err((RefusalCode::TooLong, None)));
}

#[tokio::test]
async fn a_text_keeps_every_character_but_controls() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    ann.watch_now(&lobby()).await;
    for text in ["줄\n\t바꿈", "\u{202e}abc", "👨‍👩‍👧‍👦", "e\u{301}", "\u{ffff}x", "\"\\/"]
    {
        ann.say(text).await;
        assert_eq!(crate::harness::body(&ann.next_entry(&lobby()).await), text);
    }
    for (text, kept) in [("a\0b", "ab"), ("x\u{1}\u{7f}", "x"), ("줄\r\n바꿈", "줄\n바꿈")] {
        ann.say(text).await;
        assert_eq!(crate::harness::body(&ann.next_entry(&lobby()).await), kept);
    }
}

#[tokio::test]
async fn missing_rooms_and_messages_are_refused() {
    let server = Server::with(&["--post-rate", "0"]);
    let mut ann = Client::join(&server, "ann").await;
    for frame in [
        r#"{"t":"watch","room":"nowhere"}"#,
        r#"{"t":"watch","room":"nowhere","after":0}"#,
        r#"{"t":"present","room":"nowhere"}"#,
        r#"{"t":"read","room":"nowhere","seq":1}"#,
        r#"{"t":"history","req":1,"room":"nowhere","before":9,"limit":5}"#,
        r#"{"t":"post","room":"nowhere","cmid":"000102030405060708090a0b0c0d0e0f","body":"hi"}"#,
    ] {
        let refused = refusal(&mut ann, frame).await;
        assert_eq!((refused.code, refused.room.unwrap().as_str()), (RefusalCode::UnknownRoom, "nowhere"));
    }
    let gone = ann.say("soon gone").await;
    ann.write(|cmid| ClientFrame::Delete { room: lobby(), cmid, seq: gone }).await;
    for seq in [0, 1, gone, 1 << 40, u64::MAX] {
        let (edit, delete) = (fresh_cmid(), fresh_cmid());
        ann.send(&ClientFrame::Edit { room: lobby(), cmid: edit, seq, body: "x".into() }).await;
        assert_eq!(ann.outcome(edit).await, Err((RefusalCode::UnknownMessage, None)), "edit of {seq}");
        ann.send(&ClientFrame::Delete { room: lobby(), cmid: delete, seq }).await;
        assert_eq!(ann.outcome(delete).await, Err((RefusalCode::UnknownMessage, None)), "delete of {seq}");
    }
    let cmid = fresh_cmid();
    ann.send(&ClientFrame::Post { room: lobby(), cmid, body: "to whom?".into(), reply_to: Some(99) }).await;
    assert_eq!(ann.outcome(cmid).await, Err((RefusalCode::UnknownMessage, None)));
}

#[tokio::test]
async fn history_wants_exactly_one_place() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    for place in
        ["", r#""before":3,"after":1,"#, r#""after":1,"around":1,"#, r#""before":3,"after":1,"around":2,"#]
    {
        let frame = format!(r#"{{"t":"history","req":4,"room":"lobby",{place}"limit":5}}"#);
        let refused = refusal(&mut ann, &frame).await;
        assert_eq!((refused.code, refused.req), (RefusalCode::BadFrame, Some(4)), "{place}");
    }
}

#[tokio::test]
async fn history_takes_any_number() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    ann.say("only").await;
    for place in ["before", "after", "around"] {
        for seq in [0, 1, 2, 3, 1 << 40, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX] {
            let page = ann.history(place, seq, 5).await;
            assert!(page.messages.len() <= 1, "{place} {seq}: {page:?}");
            assert_eq!(page.head, 2);
        }
    }
}

#[tokio::test]
async fn refusal_is_in_the_language_of_hello() {
    let server = Server::start();
    let mut english = Client::join(&server, "ann").await;
    let mut korean = korean(&server).await;
    for (frame, in_english, in_korean) in [
        ("{", "This frame is not one of madang.v1.", "madang.v1 형식이 아닌"),
        (r#"{"t":"new"}"#, "does not know that kind", "모르는 종류"),
        (r#"{"t":"watch","room":"nowhere"}"#, "There is no such room.", "그런 방이 없어요."),
    ] {
        let message = refusal(&mut english, frame).await.message;
        assert!(message.contains(in_english), "{message}");
        let message = refusal(&mut korean, frame).await.message;
        assert!(message.contains(in_korean), "{message}");
    }
}

#[tokio::test]
async fn deepest_nesting_is_only_a_bad_frame() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let deep = "[".repeat(60_000);
    assert_eq!(refusal(&mut ann, &deep).await.code, RefusalCode::BadFrame);
    let inside =
        format!(r#"{{"t":"watch","room":"lobby","x":{}{}}}"#, "[".repeat(30_000), "]".repeat(30_000));
    assert_eq!(refusal(&mut ann, &inside).await.code, RefusalCode::BadFrame);
    let objects = format!(r#"{{"t":"watch","room":{}1{}}}"#, r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    assert_eq!(refusal(&mut ann, &objects).await.code, RefusalCode::BadFrame);
}
