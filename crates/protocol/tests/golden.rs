//! The golden files pin the wire: each variant of each frame, byte for byte, in both directions.
//!
//! A file that has to change means that clients in the field read something else than before: add a field
//! with a default, or a new variant, instead. `MADANG_BLESS=1 cargo test -p madang-protocol` writes the files
//! of new variants; it never touches one that exists.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::PathBuf;

use madang_protocol::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

const AT: UnixMs = 1_795_296_748_463;

fn folder(side: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(side)
}

fn lobby() -> RoomId {
    RoomId::lobby()
}

fn cmid() -> Cmid {
    Cmid(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef)
}

fn user(id: &str) -> UserId {
    id.parse().unwrap()
}

fn client_frames() -> Vec<(&'static str, ClientFrame)> {
    let resume = vec![ResumePoint { room: lobby(), seq: 7 }];
    vec![
        (
            "hello",
            ClientFrame::Hello { resume, epoch: Some("e1".parse().unwrap()), locale: Some("ko-KR".into()) },
        ),
        ("hello_first", ClientFrame::Hello { resume: vec![], epoch: None, locale: None }),
        ("watch", ClientFrame::Watch { room: lobby(), after: Some(7) }),
        ("watch_fresh", ClientFrame::Watch { room: lobby(), after: None }),
        ("unwatch", ClientFrame::Unwatch { room: lobby() }),
        ("present", ClientFrame::Present { room: Some(lobby()) }),
        ("present_nowhere", ClientFrame::Present { room: None }),
        (
            "post",
            ClientFrame::Post {
                room: lobby(),
                cmid: cmid(),
                body: "안녕 \"마당\"\n👋".into(),
                reply_to: None,
            },
        ),
        (
            "post_reply",
            ClientFrame::Post { room: lobby(), cmid: cmid(), body: "yes".into(), reply_to: Some(3) },
        ),
        ("edit", ClientFrame::Edit { room: lobby(), cmid: cmid(), seq: 3, body: "better".into() }),
        ("delete", ClientFrame::Delete { room: lobby(), cmid: cmid(), seq: 3 }),
        ("react", ClientFrame::React { room: lobby(), cmid: cmid(), seq: 3, emoji: "🎉".into() }),
        ("unreact", ClientFrame::Unreact { room: lobby(), cmid: cmid(), seq: 3, emoji: "🎉".into() }),
        ("read", ClientFrame::Read { room: lobby(), seq: 9 }),
        ("typing", ClientFrame::Typing { room: lobby() }),
        ("history_before", history(Some(9), None, None)),
        ("history_after", history(None, Some(9), None)),
        ("history_around", history(None, None, Some(9))),
    ]
}

fn history(before: Option<Seq>, after: Option<Seq>, around: Option<Seq>) -> ClientFrame {
    ClientFrame::History { req: 1, room: lobby(), before, after, around, limit: 50 }
}

fn entry(what: EntryKind) -> ServerFrame {
    let by_server =
        matches!(what, EntryKind::Opened { .. } | EntryKind::Renamed { .. } | EntryKind::Closed {});
    let cmid = (!by_server).then(cmid);
    ServerFrame::Entry(Entry { room: lobby(), seq: 8, at: AT, by: user("u1"), cmid, what })
}

fn messages() -> Vec<Message> {
    let plain = Message {
        seq: 3,
        at: AT,
        by: user("u1"),
        cmid: Some(cmid()),
        body: Some("hi".into()),
        reply_to: None,
        edited_at: None,
        reactions: Reactions::default(),
        headers: Headers::default(),
    };
    let edited = Message { seq: 4, reply_to: Some(3), edited_at: Some(AT + 1), ..plain.clone() };
    let deleted = Message { seq: 5, body: None, cmid: None, ..plain.clone() };
    vec![plain, edited, deleted]
}

fn headers() -> Headers {
    [("x-priority", "9"), ("content-type", "application/json"), ("note", "two\n\"lines\"")]
        .into_iter()
        .collect()
}

fn reactions() -> Reactions {
    let mut reactions = Reactions::default();
    for (emoji, by) in [("🎉", "u1"), ("❤️", "u2"), ("🎉", "u2")] {
        reactions.add(emoji, &user(by));
    }
    reactions
}

fn page(messages: Vec<Message>) -> ServerFrame {
    ServerFrame::Page { req: 1, room: lobby(), head: 8, messages, before: true, after: false }
}

fn room() -> RoomInfo {
    RoomInfo { room: lobby(), title: "Lobby".into(), head: 8, read: 5, unread: 2 }
}

fn server_frames() -> Vec<(&'static str, ServerFrame)> {
    let you = Person::new(user("u1"), "철수");
    let initial = "👨‍👩‍👧".to_owned();
    let marked =
        Person { initial, bot: true, alike: true, ..Person::new(user("u3"), "👨‍👩‍👧 Kim") };
    let snapshot = Snapshot {
        room: lobby(),
        title: "Lobby".into(),
        head: 8,
        messages: messages(),
        before: true,
        here: vec![user("u1")],
        here_count: 1,
    };
    let refused = |cmid, req, retry_after_ms| ServerFrame::Refused {
        cmid,
        req,
        room: Some(lobby()),
        code: RefusalCode::TooFast,
        message: "Too many messages at once.".into(),
        retry_after_ms,
    };
    vec![
        (
            "welcome",
            ServerFrame::Welcome {
                you: you.clone(),
                epoch: "e1".parse().unwrap(),
                rooms: vec![room()],
                limits: Limits::default(),
                heartbeat_ms: 25_000,
            },
        ),
        ("snapshot", ServerFrame::Snapshot(snapshot)),
        ("people", ServerFrame::People { people: vec![you, Person::new(user("u2"), "")] }),
        ("people_marked", ServerFrame::People { people: vec![marked] }),
        ("rooms", ServerFrame::Rooms { rooms: vec![room()] }),
        ("entry_opened", entry(EntryKind::Opened { title: "Lobby".into() })),
        ("entry_posted", entry(EntryKind::posted("hi", None))),
        ("entry_reply", entry(EntryKind::posted("yes", Some(3)))),
        (
            "entry_headers",
            entry(EntryKind::Posted { body: "{}".into(), reply_to: Some(3), headers: headers() }),
        ),
        ("entry_edited", entry(EntryKind::Edited { seq: 3, body: "better".into() })),
        ("entry_deleted", entry(EntryKind::Deleted { seq: 3 })),
        ("entry_reacted", entry(EntryKind::Reacted { seq: 3, emoji: "🎉".into() })),
        ("entry_unreacted", entry(EntryKind::Unreacted { seq: 3, emoji: "🎉".into() })),
        ("entry_renamed", entry(EntryKind::Renamed { title: "Yard".into() })),
        ("entry_closed", entry(EntryKind::Closed {})),
        ("room_renamed", ServerFrame::RoomChanged { room: lobby(), title: Some("Yard".into()) }),
        ("room_closed", ServerFrame::RoomChanged { room: lobby(), title: None }),
        ("live", ServerFrame::Live { room: lobby(), head: 8 }),
        ("done", ServerFrame::Done { cmid: cmid(), room: lobby(), seq: 8 }),
        ("refused_write", refused(Some(cmid()), None, Some(100))),
        ("refused_request", refused(None, Some(1), None)),
        ("page", page(messages())),
        ("page_headers", page(vec![Message { headers: headers(), ..messages().remove(0) }])),
        ("page_reactions", page(vec![Message { reactions: reactions(), ..messages().remove(0) }])),
        ("typing", ServerFrame::Typing { room: lobby(), by: user("u2") }),
        ("presence", ServerFrame::Presence { room: lobby(), here: vec![user("u1")], here_count: 1 }),
        ("read", ServerFrame::Read { room: lobby(), seq: 8, unread: 0, head: 0 }),
        ("read_counted", ServerFrame::Read { room: lobby(), seq: 8, unread: 1, head: 9 }),
        ("heads", ServerFrame::Heads { heads: vec![(lobby(), 8)] }),
        ("bye", ServerFrame::Bye { code: CloseCode::RESTART, retry_after_ms: 1_500 }),
    ]
}

fn check<F: Serialize + DeserializeOwned + PartialEq + Debug>(side: &str, frames: Vec<(&'static str, F)>) {
    let folder = folder(side);
    let mut expected = BTreeSet::new();
    for (name, frame) in frames {
        let path = folder.join(format!("{name}.json"));
        let json = serde_json::to_string(&frame).unwrap();
        if std::env::var_os("MADANG_BLESS").is_some() && !path.exists() {
            std::fs::write(&path, format!("{json}\n")).unwrap();
        }
        let golden =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(json, golden.trim_end(), "{side}/{name} is written otherwise than before");
        assert_eq!(serde_json::from_str::<F>(&golden).unwrap(), frame, "{side}/{name} is read otherwise");
        expected.insert(format!("{name}.json"));
    }
    let found =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(found.collect::<BTreeSet<_>>(), expected, "each golden file is a frame that is checked");
}

#[test]
fn client_frames_are_as_they_always_were() {
    check("client", client_frames());
}

#[test]
fn server_frames_are_as_they_always_were() {
    check("server", server_frames());
}

#[test]
fn http_transport_answers_match_golden_files() {
    check("rt_opened", vec![("opened", Opened { session: "00000000000000000000000000000007".into() })]);
    let frames = vec![ServerFrame::Heads { heads: vec![(lobby(), 8)] }];
    check(
        "rt_polled",
        vec![("polled", Polled { ack: 7, frames }), ("nothing", Polled { ack: 7, frames: vec![] })],
    );
    let problem = |code| Problem { code, message: "why".into(), retry_after_ms: None };
    check(
        "rt_problem",
        vec![
            ("bad_frame", problem(ProblemCode::BadFrame)),
            ("origin", problem(ProblemCode::Origin)),
            ("timeout", problem(ProblemCode::Timeout)),
            ("replaced", problem(ProblemCode::Replaced)),
            ("session_gone", problem(ProblemCode::SessionGone)),
            ("too_big", problem(ProblemCode::TooBig)),
            ("too_fast", problem(ProblemCode::TooFast)),
            ("too_fast_wait", Problem { retry_after_ms: Some(1_000), ..problem(ProblemCode::TooFast) }),
            ("over_limit", problem(ProblemCode::OverLimit)),
            ("unavailable", problem(ProblemCode::Unavailable)),
        ],
    );
    assert_eq!(serde_json::from_str::<ProblemCode>("\"from_the_future\"").unwrap(), ProblemCode::Unknown);
}

/// The tags in use, from the golden files; a variant without one would be missing here.
#[test]
fn every_variant_has_a_golden_file() {
    let tags = |frames: Vec<serde_json::Value>| -> BTreeSet<String> {
        frames.iter().map(|frame| frame["t"].as_str().unwrap().to_owned()).collect()
    };
    // Adding a variant makes these matches fail to compile, and so leads here.
    let client = client_frames()
        .iter()
        .map(|(_, frame)| match frame {
            ClientFrame::Hello { .. } | ClientFrame::Watch { .. } | ClientFrame::Unwatch { .. } => frame,
            ClientFrame::Present { .. } | ClientFrame::Post { .. } | ClientFrame::Edit { .. } => frame,
            ClientFrame::Delete { .. } | ClientFrame::Read { .. } | ClientFrame::Typing { .. } => frame,
            ClientFrame::History { .. } | ClientFrame::Unknown => frame,
            ClientFrame::React { .. } | ClientFrame::Unreact { .. } => frame,
        })
        .map(|frame| serde_json::to_value(frame).unwrap())
        .collect();
    assert_eq!(tags(client).len(), 12);
    let server = server_frames()
        .iter()
        .map(|(_, frame)| match frame {
            ServerFrame::Welcome { .. } | ServerFrame::Snapshot(_) | ServerFrame::People { .. } => frame,
            ServerFrame::Rooms { .. } | ServerFrame::Entry(_) | ServerFrame::Live { .. } => frame,
            ServerFrame::Done { .. } | ServerFrame::Refused { .. } | ServerFrame::Page { .. } => frame,
            ServerFrame::Typing { .. } | ServerFrame::Presence { .. } | ServerFrame::Read { .. } => frame,
            ServerFrame::Heads { .. } | ServerFrame::Bye { .. } | ServerFrame::Unknown => frame,
            ServerFrame::RoomChanged { .. } => frame,
        })
        .map(|frame| serde_json::to_value(frame).unwrap())
        .collect();
    assert_eq!(tags(server).len(), 15);
    let kinds: BTreeSet<_> = server_frames()
        .iter()
        .filter_map(|(_, frame)| if let ServerFrame::Entry(entry) = frame { Some(&entry.what) } else { None })
        .map(|kind| match kind {
            EntryKind::Opened { .. } | EntryKind::Posted { .. } | EntryKind::Edited { .. } => kind.name(),
            EntryKind::Deleted { .. } | EntryKind::Renamed { .. } | EntryKind::Closed {} => kind.name(),
            EntryKind::Reacted { .. } | EntryKind::Unreacted { .. } | EntryKind::Unknown => kind.name(),
        })
        .collect();
    assert_eq!(kinds.len(), 8, "{kinds:?}");
}

#[test]
fn every_refusal_code_is_spelled_as_documented() {
    let codes = [
        (RefusalCode::BadFrame, "bad_frame"),
        (RefusalCode::UnknownType, "unknown_type"),
        (RefusalCode::UnknownRoom, "unknown_room"),
        (RefusalCode::UnknownMessage, "unknown_message"),
        (RefusalCode::NotYours, "not_yours"),
        (RefusalCode::Empty, "empty"),
        (RefusalCode::TooLong, "too_long"),
        (RefusalCode::NameReserved, "name_reserved"),
        (RefusalCode::TooFast, "too_fast"),
        (RefusalCode::TooManyRooms, "too_many_rooms"),
        (RefusalCode::StorageUnavailable, "storage_unavailable"),
        (RefusalCode::UnknownLogin, "unknown_login"),
        (RefusalCode::NotAllowed, "not_allowed"),
        (RefusalCode::RoomsTooFast, "rooms_too_fast"),
        (RefusalCode::Banned, "banned"),
        (RefusalCode::BadHeaders, "bad_headers"),
        (RefusalCode::UnusableCursor, "unusable_cursor"),
        (RefusalCode::BadEmoji, "bad_emoji"),
        (RefusalCode::TooManyReactions, "too_many_reactions"),
    ];
    for (code, spelled) in codes {
        assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{spelled}\""));
    }
    assert_eq!(serde_json::from_str::<RefusalCode>("\"from_the_future\"").unwrap(), RefusalCode::Unknown);
}

#[test]
fn an_old_client_survives_a_newer_server() {
    let frame: ServerFrame = serde_json::from_str(r#"{"t":"fireworks","colour":"red"}"#).unwrap();
    assert_eq!(frame, ServerFrame::Unknown);
    let entry = r#"{"t":"entry","room":"lobby","seq":8,"at":1,"by":"u1","what":{"t":"pinned","emoji":"👍"}}"#;
    let ServerFrame::Entry(entry) = serde_json::from_str(entry).unwrap() else { panic!("an entry") };
    assert_eq!((entry.seq, entry.what), (8, EntryKind::Unknown), "it takes its seq, so no hole is seen");
    let live: ServerFrame =
        serde_json::from_str(r#"{"t":"live","room":"lobby","head":8,"mood":"good"}"#).unwrap();
    assert_eq!(live, ServerFrame::Live { room: lobby(), head: 8 });
}

#[test]
fn old_server_distinguishes_unknown_and_broken_frames() {
    assert_eq!(serde_json::from_str::<ClientFrame>(r#"{"t":"sing"}"#).unwrap(), ClientFrame::Unknown);
    for broken in [
        "",
        "{}",
        "[]",
        "\"post\"",
        r#"{"t":7}"#,
        r#"{"t":"watch"}"#,
        r#"{"t":"watch","room":7}"#,
        r#"{"t":"watch","room":"../etc"}"#,
        r#"{"t":"watch","room":""}"#,
        r#"{"t":"watch","room":"lobby","after":-1}"#,
        r#"{"t":"read","room":"lobby","seq":1.5}"#,
        r#"{"t":"delete","room":"lobby","seq":1,"cmid":"12"}"#,
        r#"{"t":"delete","room":"lobby","seq":1,"cmid":"+123456789abcdef0123456789abcdef"}"#,
        r#"{"t":"history","req":1,"room":"lobby","limit":70000}"#,
    ] {
        assert!(serde_json::from_str::<ClientFrame>(broken).is_err(), "{broken}");
    }
}
