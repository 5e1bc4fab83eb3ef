//! Reactions: emoji on anybody's message, by every way in and out.

use madang_protocol::{ClientFrame, EntryKind, Message, Reactions, RefusalCode, Seq, ServerFrame};
use madang_stomp::Version::V12;

use crate::harness::{
    Answer, Api, Browser, By, Client, Receiver, Server, Stomp, UNLIMITED, ask, fresh_cmid, lobby, refused,
    stomp_server, text,
};
use crate::webhooks::{HERE, webhook};

const PARTY: &str = "🎉";
/// The same in a path.
const PARTY_PATH: &str = "%F0%9F%8E%89";

async fn react(client: &mut Client, seq: Seq, emoji: &str) -> Result<Seq, (RefusalCode, Option<u32>)> {
    let cmid = fresh_cmid();
    client.send(&ClientFrame::React { room: lobby(), cmid, seq, emoji: emoji.into() }).await;
    client.outcome(cmid).await
}

async fn unreact(client: &mut Client, seq: Seq, emoji: &str) -> Result<Seq, (RefusalCode, Option<u32>)> {
    let cmid = fresh_cmid();
    client.send(&ClientFrame::Unreact { room: lobby(), cmid, seq, emoji: emoji.into() }).await;
    client.outcome(cmid).await
}

/// Emoji and how many people, as a reader finds them.
fn counts(message: &Message) -> Vec<(&str, usize)> {
    message.reactions.iter().map(|reaction| (reaction.emoji.as_str(), reaction.by.len())).collect()
}

#[tokio::test]
async fn reaction_reaches_everyone_and_stays() {
    let mut server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    let seq = ann.say("hello").await;
    ann.watch_now(&lobby()).await;
    let made = react(&mut bob, seq, PARTY).await.unwrap();
    let entry = ann.next_entry(&lobby()).await;
    assert_eq!((entry.seq, entry.by), (made, bob.id()));
    assert_eq!(entry.what, EntryKind::Reacted { seq, emoji: PARTY.into() });
    react(&mut ann, seq, PARTY).await.unwrap();
    react(&mut ann, seq, "❤").await.unwrap();
    let cookie = ann.cookie.clone();
    for again in [false, true] {
        if again {
            server.kill();
            server.start_again();
        }
        let mut eve = Client::join_as(&server, "ann again", &cookie).await;
        let snapshot = eve.watch_now(&lobby()).await;
        assert_eq!(counts(&snapshot.messages[0]), [(PARTY, 2), ("❤️", 1)], "again: {again}");
        let page = eve.history("after", 0, 10).await;
        assert_eq!(page.messages[0].reactions, snapshot.messages[0].reactions);
        let named = |frame: &ServerFrame| match frame {
            ServerFrame::People { people } => people.iter().any(|person| person.id == bob.id()).then_some(()),
            _ => None,
        };
        eve.expect("the name of who reacted", named).await;
    }
}

#[tokio::test]
async fn same_reaction_twice_makes_no_entry() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    let seq = ann.say("hello").await;
    let first = react(&mut ann, seq, PARTY).await.unwrap();
    assert_eq!(react(&mut ann, seq, PARTY).await, Ok(seq), "the message's own number");
    assert_eq!(unreact(&mut ann, seq, "👍").await, Ok(seq));
    let gone = unreact(&mut ann, seq, PARTY).await.unwrap();
    assert_eq!((first, gone), (seq + 1, seq + 2));
    assert_eq!(unreact(&mut ann, seq, PARTY).await, Ok(seq));
    assert_eq!(counts(&ann.history("after", 0, 10).await.messages[0]), []);
    let cmid = fresh_cmid();
    let frame = ClientFrame::React { room: lobby(), cmid, seq, emoji: PARTY.into() };
    for _ in 0..2 {
        ann.send(&frame).await;
        assert_eq!(ann.outcome(cmid).await, Ok(seq + 3), "a repeat is the same write");
    }
}

#[tokio::test]
async fn wrong_reactions_get_typed_refusals() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    let seq = ann.say("hello").await;
    for emoji in ["", "a", "👍👍", "<b>", "1"] {
        assert_eq!(react(&mut ann, seq, emoji).await, Err((RefusalCode::BadEmoji, None)), "{emoji:?}");
    }
    assert_eq!(react(&mut ann, seq + 9, PARTY).await, Err((RefusalCode::UnknownMessage, None)));
    let many = (0x1f400..).filter_map(char::from_u32).take(Reactions::EMOJI + 1);
    let results: Vec<_> = {
        let mut results = Vec::new();
        for emoji in many {
            results.push(react(&mut ann, seq, &emoji.to_string()).await);
        }
        results
    };
    assert!(results[..Reactions::EMOJI].iter().all(Result::is_ok), "{results:?}");
    assert_eq!(results[Reactions::EMOJI], Err((RefusalCode::TooManyReactions, None)));
    let mut bob = Client::join(&server, "bob").await;
    assert!(react(&mut bob, seq, "\u{1f400}").await.is_ok(), "one that is there already");
    ann.write(|cmid| ClientFrame::Delete { room: lobby(), cmid, seq }).await;
    assert_eq!(react(&mut bob, seq, PARTY).await, Err((RefusalCode::UnknownMessage, None)));
    let page = bob.history("after", 0, 10).await;
    assert!(page.messages[0].is_deleted() && page.messages[0].reactions.is_empty());
}

async fn api(robo: &Api, method: &str, seq: Seq, emoji: &str) -> Answer {
    let path = format!("/api/rooms/lobby/messages/{seq}/reactions/{emoji}");
    ask(robo.addr, method, &path, &[("Authorization", robo.bearer())], "").await
}

#[tokio::test]
async fn program_reacts_by_the_api() {
    let server = Server::with(&UNLIMITED);
    let mut ann = Client::join(&server, "ann").await;
    let seq = ann.say("hello").await;
    let robo = Api::new(&server, "robo", &["lobby"]).await;
    for (method, status, made) in
        [("PUT", 201, seq + 1), ("PUT", 200, seq), ("DELETE", 201, seq + 2), ("DELETE", 200, seq)]
    {
        let answer = api(&robo, method, seq, PARTY_PATH).await;
        assert_eq!(answer.status, status, "{method} {answer:?}");
        assert!(answer.body.contains(&format!(r#""seq":{made},"#)), "{answer:?}");
    }
    let entries = robo.read("/api/rooms/lobby/entries?after=0").await;
    let kinds: Vec<_> =
        entries["entries"].as_array().unwrap().iter().map(|it| it["what"]["t"].clone()).collect();
    assert_eq!(kinds, ["opened", "posted", "reacted", "unreacted"]);
    assert_eq!(entries["entries"][2]["what"]["emoji"], PARTY);
    assert_eq!(refused(&api(&robo, "PUT", seq, "x").await, 422), "bad_emoji");
    assert_eq!(refused(&api(&robo, "PUT", 99, PARTY_PATH).await, 404), "unknown_message");
}

#[tokio::test]
async fn repeated_key_hides_no_impossible_number() {
    let server = Server::with(&UNLIMITED);
    let seq = Client::join(&server, "ann").await.say("hello").await;
    let robo = Api::new(&server, "robo", &["lobby"]).await;
    let with_key = async |seq: String| {
        let path = format!("/api/rooms/lobby/messages/{seq}/reactions/{PARTY_PATH}");
        let headers = [("Authorization", robo.bearer()), ("Idempotency-Key", "once")];
        ask(robo.addr, "PUT", &path, &headers, "").await
    };
    assert_eq!(with_key(seq.to_string()).await.status, 201);
    assert_eq!(with_key(seq.to_string()).await.status, 200, "a repeat");
    for impossible in ["0", "9223372036854775808", "18446744073709551615", "18446744073709551616"] {
        assert_eq!(refused(&with_key(impossible.to_owned()).await, 404), "unknown_message");
    }
}

#[tokio::test]
async fn form_toggles_reaction_without_script() {
    let server = Server::start();
    let mut ann = Client::join(&server, "ann").await;
    let seq = ann.say("hello").await;
    let mut browser = Browser::new(&server);
    let path = format!("/r/lobby/{seq}/react");
    for _ in 0..2 {
        assert_eq!(browser.submit(&path, &[("react", PARTY)]).await.status, 303);
    }
    assert_eq!(counts(&ann.history("after", 0, 10).await.messages[0]), [(PARTY, 1)]);
    assert_eq!(browser.submit(&path, &[("unreact", PARTY)]).await.status, 303);
    assert_eq!(counts(&ann.history("after", 0, 10).await.messages[0]), []);
    assert_eq!(browser.submit(&path, &[("react", "no")]).await.status, 422);
    assert_eq!(browser.submit(&path, &[]).await.status, 422);
}

#[tokio::test]
async fn stomp_brings_reactions_with_entries_all() {
    let server = stomp_server(&[]);
    let mut ann = Client::join(&server, "ann").await;
    let seq = ann.say("first").await;
    react(&mut ann, seq, PARTY).await.unwrap();
    unreact(&mut ann, seq, PARTY).await.unwrap();
    ann.say("last").await;
    let mut all = Stomp::join(&server, By::Tcp, V12).await;
    all.subscribe("0", &[("after", "1"), ("entries", "all")]).await;
    let mut told = Vec::new();
    for _ in 0..4 {
        let message = all.message().await;
        let about = message.header("about").unwrap_or_default().to_owned();
        told.push((message.header("type").unwrap().to_owned(), about, text(&message)));
    }
    let told: Vec<_> =
        told.iter().map(|(kind, about, text)| (kind.as_str(), about.as_str(), text.as_str())).collect();
    let about = seq.to_string();
    assert_eq!(
        told,
        [
            ("posted", "", "first"),
            ("reacted", about.as_str(), PARTY),
            ("unreacted", about.as_str(), PARTY),
            ("posted", "", "last")
        ]
    );
    let mut plain = Stomp::join(&server, By::Tcp, V12).await;
    plain.subscribe("0", &[("after", "1")]).await;
    assert_eq!(plain.texts(2).await, ["first", "last"]);
}

#[tokio::test]
async fn webhook_delivers_reaction() {
    let server = Server::with(&HERE);
    let mut receiver = Receiver::willing().await;
    let mut ann = Client::join(&server, "ann").await;
    let seq = ann.say("hello").await;
    webhook(&server, "Mirror", &receiver.url()).await;
    react(&mut ann, seq, PARTY).await.unwrap();
    let delivered = receiver.next().await;
    assert_eq!(delivered.json()["what"], serde_json::json!({"t": "reacted", "seq": seq, "emoji": PARTY}));
}
