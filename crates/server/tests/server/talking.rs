//! People in a room: what one posts, the others receive.

use madang_protocol::{ClientFrame, EntryKind, Limits, Message, RefusalCode, ServerFrame};

use crate::harness::{Client, Server, UNLIMITED, bodies, body, fresh_cmid, lobby};

#[tokio::test]
async fn hello_returns_person_and_rooms() {
    let server = Server::start();
    let ann = Client::join(&server, "ann").await;
    let welcome = ann.welcome();
    assert_eq!(welcome.you.id.as_str().len(), 12);
    assert_eq!(welcome.you.name, "", "a newcomer has no name yet");
    assert_eq!(welcome.limits, Limits::default());
    assert_eq!(welcome.heartbeat_ms, 25_000);
    let [room] = welcome.rooms.as_slice() else { panic!("one room: {:?}", welcome.rooms) };
    assert_eq!((&room.room, room.head, room.read, room.unread), (&lobby(), 1, 1, 0));
}

#[tokio::test]
async fn login_is_same_person_on_every_connection() {
    let server = Server::start();
    let first = Client::join(&server, "ann").await;
    let second = Client::join_as(&server, "ann too", &first.cookie).await;
    let other = Client::join(&server, "bob").await;
    assert_eq!(first.id(), second.id());
    assert_ne!(first.id(), other.id());
    assert_eq!(first.welcome().epoch, other.welcome().epoch);
}

#[tokio::test]
async fn message_reaches_everyone_and_done_names_seq() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    ann.watch_now(&lobby()).await;
    bob.watch_now(&lobby()).await;
    let cmid = ann.post(&lobby(), "안녕하세요").await;
    let seq = ann.done(cmid).await;
    for client in [&mut bob, &mut ann] {
        let entry = client.next_entry(&lobby()).await;
        assert_eq!((entry.seq, entry.cmid, body(&entry)), (seq, Some(cmid), "안녕하세요"));
        assert!(entry.at > 0);
    }
}

#[tokio::test]
async fn stranger_is_introduced_once_before_first_entry() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    bob.watch(&lobby(), Some(1)).await;
    ann.say("one").await;
    ann.say("two").await;
    let mut heard = Vec::new();
    while heard.len() < 3 {
        heard.push(bob.next().await.unwrap().1);
    }
    let ServerFrame::People { people } = &heard[0] else { panic!("first the name: {heard:?}") };
    assert_eq!(people, &[ann.welcome().you.clone()]);
    assert!(matches!(&heard[1..], [ServerFrame::Entry(_), ServerFrame::Entry(_)]), "{heard:?}");
}

#[tokio::test]
async fn every_receiver_gets_the_same_bytes() {
    let server = Server::start();
    let mut people = Vec::new();
    for name in ["ann", "bob", "eve"] {
        let mut client = Client::join(&server, name).await;
        client.watch_now(&lobby()).await;
        people.push(client);
    }
    people[0].say("the same \"for\" all <of> you").await;
    let mut texts = Vec::new();
    for client in &mut people {
        texts.push(loop {
            let (text, frame) = client.next().await.unwrap();
            if matches!(frame, ServerFrame::Entry(_)) {
                break text;
            }
        });
    }
    assert_eq!(texts[0], texts[1]);
    assert_eq!(texts[0], texts[2]);
}

#[tokio::test]
async fn ones_own_message_can_be_edited_and_deleted() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    bob.watch_now(&lobby()).await;
    let seq = ann.say("helo").await;
    bob.next_entry(&lobby()).await;

    ann.write(|cmid| ClientFrame::Edit { room: lobby(), cmid, seq, body: "hello".into() }).await;
    assert_eq!(bob.next_entry(&lobby()).await.what, EntryKind::Edited { seq, body: "hello".into() });
    let page = bob.history("after", 0, 10).await;
    assert_eq!(bodies(&page.messages), ["hello"]);
    assert!(page.messages[0].edited_at.is_some());

    ann.write(|cmid| ClientFrame::Delete { room: lobby(), cmid, seq }).await;
    assert_eq!(bob.next_entry(&lobby()).await.what, EntryKind::Deleted { seq });
    assert!(bob.history("after", 0, 10).await.messages[0].is_deleted());
}

#[tokio::test]
async fn foreign_message_cannot_be_edited_or_deleted() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let mut eve = Client::join(&server, "eve").await;
    let seq = ann.say("mine").await;
    let (edit, delete) = (fresh_cmid(), fresh_cmid());
    eve.send(&ClientFrame::Edit { room: lobby(), cmid: edit, seq, body: "eve's".into() }).await;
    assert_eq!(eve.outcome(edit).await, Err((RefusalCode::NotYours, None)));
    eve.send(&ClientFrame::Delete { room: lobby(), cmid: delete, seq }).await;
    assert_eq!(eve.outcome(delete).await, Err((RefusalCode::NotYours, None)));
    let page = ann.history("after", 0, 10).await;
    assert_eq!((bodies(&page.messages), page.head), (vec!["mine"], seq));
}

#[tokio::test]
async fn deleted_text_is_gone_from_every_read() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let seq = ann.say("the first secret").await;
    ann.write(|cmid| ClientFrame::Edit { room: lobby(), cmid, seq, body: "the second secret".into() }).await;
    ann.write(|cmid| ClientFrame::Delete { room: lobby(), cmid, seq }).await;

    let mut bob = Client::join(&server, "bob").await;
    bob.send(&ClientFrame::Watch { room: lobby(), after: Some(0) }).await;
    bob.send(&ClientFrame::Watch { room: lobby(), after: None }).await;
    bob.send_text(r#"{"t":"history","req":1,"room":"lobby","after":0,"limit":200}"#).await;
    bob.send_text(r#"{"t":"history","req":2,"room":"lobby","around":2,"limit":200}"#).await;
    let mut snapshots = 0;
    let mut lives = 0;
    while lives == 0 || snapshots == 0 {
        let (text, frame) = bob.next().await.unwrap();
        assert!(!text.contains("secret"), "{text}");
        snapshots += usize::from(matches!(frame, ServerFrame::Snapshot(_)));
        lives += usize::from(matches!(frame, ServerFrame::Live { .. }));
    }
    let replay = Client::join(&server, "eve").await.watch(&lobby(), Some(0)).await.entries;
    let whats: Vec<_> = replay.into_iter().map(|entry| entry.what).skip(1).collect();
    let gone = EntryKind::Edited { seq, body: String::new() };
    assert_eq!(whats, [EntryKind::posted(String::new(), None), gone, EntryKind::Deleted { seq }]);
}

#[tokio::test]
async fn an_answer_names_the_message_that_it_answers() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    ann.watch_now(&lobby()).await;
    let question = ann.say("who?").await;
    let answer =
        |cmid| ClientFrame::Post { room: lobby(), cmid, body: "me".into(), reply_to: Some(question) };
    ann.write(answer).await;
    let entries = ann.entries_up_to(&lobby(), question + 1).await;
    assert_eq!(entries[1].what, EntryKind::posted("me", Some(question)));
    let last: Message = ann.history("after", 0, 10).await.messages.pop().unwrap();
    assert_eq!(last.reply_to, Some(question));
}

#[tokio::test]
async fn history_leads_back_forth_and_around() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    for n in 2..=30 {
        assert_eq!(ann.say(&n.to_string()).await, n);
    }
    let page = ann.history("before", 12, 3).await;
    assert_eq!((bodies(&page.messages), page.head), (vec!["9", "10", "11"], 30));
    assert!(page.before && page.after, "there is more on both sides: {page:?}");
    let page = ann.history("after", 27, 10).await;
    assert_eq!((bodies(&page.messages), page.before, page.after), (vec!["28", "29", "30"], true, false));
    let page = ann.history("around", 15, 3).await;
    assert_eq!(bodies(&page.messages), ["14", "15", "16"]);
    let page = ann.history("before", 4, 10).await;
    assert_eq!((bodies(&page.messages), page.before, page.after), (vec!["2", "3"], false, true));
}

#[tokio::test]
async fn page_holds_one_to_two_hundred() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    let mut cmids = Vec::new();
    for n in 0..205 {
        cmids.push(ann.post(&lobby(), &n.to_string()).await);
    }
    for cmid in cmids {
        ann.done(cmid).await;
    }
    assert_eq!(ann.history("after", 0, 0).await.messages.len(), 1);
    let page = ann.history("after", 0, u16::MAX).await;
    assert_eq!((page.messages.len(), page.after), (200, true));
}

#[tokio::test]
async fn unknown_fields_are_ignored() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let cmid = fresh_cmid();
    let future = r#""mood":{"deep":[1,null]},"t2":"x""#;
    ann.send_text(&format!(r#"{{"t":"post","room":"lobby","cmid":"{cmid}","body":"hi",{future}}}"#)).await;
    assert_eq!(ann.done(cmid).await, 2);
}
