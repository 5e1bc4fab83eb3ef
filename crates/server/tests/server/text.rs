//! Rules for text, by every protocol: nothing without a mark, no control characters, no name of the server's own.

use madang_protocol::{Cmid, EntryKind, RefusalCode};

use crate::harness::{Api, Browser, By, Client, PlainSocket, Server, Stomp, fresh_cmid, lobby, stomp_server};

/// Texts that leave no mark, each of another kind.
const UNSEEN: [&str; 6] =
    ["\u{2800}", "\u{3164}", "\u{301}\u{302}", "\u{fe0f}", "\u{e0067}", "\u{180e}\u{34f}"];

async fn last_body(client: &mut Client) -> String {
    match client.next_entry(&lobby()).await.what {
        EntryKind::Posted { body, .. } => body,
        what => panic!("{what:?}"),
    }
}

#[tokio::test]
async fn a_text_without_a_mark_is_refused() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let api = Api::new(&server, "Bell", &[]).await;
    for text in UNSEEN {
        let cmid = ann.post(&lobby(), text).await;
        assert_eq!(ann.outcome(cmid).await.map_err(|(code, _)| code), Err(RefusalCode::Empty), "{text:?}");
        assert_eq!(api.post("lobby", text, &[]).await.status, 422, "{text:?}");
        let cmid: Cmid = fresh_cmid();
        let fields = [("body", text), ("cmid", &*cmid.to_string())];
        assert_eq!(Browser::new(&server).submit("/r/lobby/post", &fields).await.status, 422, "{text:?}");
        let mut script = Browser::new(&server).script();
        assert_eq!(script.submit("/me", &[("name", text)]).await.status, 422, "{text:?}");
        assert_eq!(script.submit("/rooms", &[("title", text)]).await.status, 422, "{text:?}");
    }
}

#[tokio::test]
async fn control_characters_enter_by_no_protocol() {
    let server = stomp_server(&[]);
    let mut ann = Client::join(&server, "ann").await;
    ann.watch_now(&lobby()).await;
    let typed = "one\r\ntwo\rthree\u{b}four\u{1b}[0m\u{7f}\tfive";
    let kept = "one\ntwo\nthree\nfour[0m\tfive";
    ann.say(typed).await;
    assert_eq!(last_body(&mut ann).await, kept, "madang.v1");
    Api::new(&server, "Bell", &[]).await.say(typed).await;
    assert_eq!(last_body(&mut ann).await, kept, "API");
    let mut plain = PlainSocket::open(&server, "/plain").await;
    plain.send(&serde_json::json!({ "message": typed }).to_string()).await;
    assert_eq!(last_body(&mut ann).await, kept, "plain");
    let fields = [("body", typed), ("cmid", &*fresh_cmid().to_string())];
    Browser::new(&server).submit("/r/lobby/post", &fields).await;
    assert_eq!(last_body(&mut ann).await, kept, "form");
    let mut stomp = Stomp::join(&server, By::Tcp, madang_stomp::Version::V12).await;
    stomp.say(typed).await;
    assert_eq!(last_body(&mut ann).await, kept, "STOMP");
}

#[tokio::test]
async fn the_servers_names_are_refused() {
    let server = Server::start();
    for name in ["Madang", "ѕystem", "guest-ab12", "마당", "시스템", "손님 x3k9"] {
        let mut script = Browser::new(&server).script();
        let refused = script.submit("/me", &[("name", name)]).await;
        assert_eq!(refused.status, 422, "{name}");
        assert!(refused.body.contains(r#""code":"name_reserved""#), "{name}: {}", refused.body);
        let mut page = Browser::new(&server).korean();
        let refused = page.submit("/me", &[("name", name), ("back", "/r/lobby")]).await;
        assert!(refused.body.contains("서버나 손님만 쓰는 이름이에요"), "{name}");
    }
}
