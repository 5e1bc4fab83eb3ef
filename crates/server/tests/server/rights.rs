//! The table of rights, held against every way in: what it allows works, and everything else gets the same refusal.

use madang_protocol::{ClientFrame, RefusalCode, RoomId, RoomInfo};
use madang_server::access::Kind;
use madang_server::access::rights::{Action, Reach, reach};
use madang_stomp::{ClientCommand, Frame, ServerCommand, Version};
use serde_json::Value;

use crate::harness::{
    Answer, Api, Browser, By, Client, Dial, Over, Server, Stomp, UNLIMITED, ask, fresh_cmid, lobby, order,
    revoke, to, token,
};

/// Somebody who tries everything.
struct Somebody {
    name: &'static str,
    kind: Kind,
    /// Rooms of a bot's token.
    scope: Option<Vec<RoomId>>,
    /// Refusal of each thing, whatever it is.
    nobody: Option<RefusalCode>,
    /// Sent with each request.
    header: (&'static str, String),
    socket: Option<Client>,
    /// In the lobby.
    own_message: u64,
}

impl Somebody {
    /// The refusal that the table asks for.
    fn expected(&self, action: Action, room: &RoomId, exists: bool) -> Option<RefusalCode> {
        let in_scope = self.scope.as_ref().is_none_or(|rooms| rooms.contains(room));
        match reach(self.kind, action) {
            _ if self.nobody.is_some() => self.nobody,
            Reach::Nowhere => Some(RefusalCode::NotAllowed),
            Reach::Scope if action == Action::OpenRoom => {
                self.scope.as_ref().map(|_| RefusalCode::NotAllowed)
            }
            Reach::Scope if action != Action::ListRooms && !in_scope => Some(RefusalCode::UnknownRoom),
            _ if exists => None,
            _ => Some(RefusalCode::UnknownRoom),
        }
    }

    /// A message of their own in the lobby; in any other room one that there is not.
    fn message(&self, room: &RoomId) -> u64 {
        if *room == lobby() { self.own_message } else { 1_000_000 }
    }

    async fn ask(&self, server: &Server, method: &str, path: &str, kind: &str, body: &str) -> Answer {
        let (name, value) = &self.header;
        let headers = [(*name, value.as_str()), ("Accept", "application/json"), ("Content-Type", kind)];
        ask(server.addr, method, path, &headers, body).await
    }

    async fn form(&self, server: &Server, path: &str, body: &str) -> Option<RefusalCode> {
        code(&self.ask(server, "POST", path, "application/x-www-form-urlencoded", body).await)
    }

    async fn api(&self, server: &Server, method: &str, path: &str, body: &str) -> Option<RefusalCode> {
        code(&self.ask(server, method, path, "application/json", body).await)
    }
}

/// The refusal in an answer.
fn code(answer: &Answer) -> Option<RefusalCode> {
    if answer.status < 400 {
        return None;
    }
    let problem: Value = serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{answer:?}"));
    Some(serde_json::from_value(problem["code"].clone()).unwrap())
}

/// One try of an action, and what came of it.
async fn by_form(
    who: &Somebody,
    server: &Server,
    action: Action,
    room: &RoomId,
) -> Option<Option<RefusalCode>> {
    let (seq, cmid) = (who.message(room), fresh_cmid());
    Some(match action {
        Action::Post => {
            who.form(server, &format!("/r/{room}/post"), &format!("body=hello&cmid={cmid}")).await
        }
        Action::EditOwn => {
            who.form(server, &format!("/r/{room}/{seq}/edit"), &format!("body=new&cmid={cmid}")).await
        }
        Action::React => who.form(server, &format!("/r/{room}/{seq}/react"), "react=%F0%9F%8E%89").await,
        Action::SetName => who.form(server, "/me", "name=Nobody").await,
        Action::OpenRoom => who.form(server, "/rooms", "title=Another").await,
        // Last: nothing may follow on a message that is gone.
        Action::DeleteOwn => {
            who.form(server, &format!("/r/{room}/{seq}/delete"), &format!("cmid={cmid}")).await
        }
        // A page that is refused is the lobby's, with a status; MarkRead and BeSeen have no form.
        Action::Read | Action::ListRooms | Action::MarkRead | Action::BeSeen => return None,
    })
}

async fn by_api(
    who: &Somebody,
    server: &Server,
    action: Action,
    room: &RoomId,
) -> Option<Option<RefusalCode>> {
    let base = format!("/api/rooms/{room}");
    Some(match action {
        Action::Read => who.api(server, "GET", &format!("{base}/entries"), "").await,
        Action::Post => who.api(server, "POST", &format!("{base}/messages"), r#"{"body":"hello"}"#).await,
        Action::React => {
            let path = format!("{base}/messages/{}/reactions/%F0%9F%8E%89", who.message(room));
            who.api(server, "PUT", &path, "").await
        }
        Action::ListRooms => who.api(server, "GET", "/api/rooms", "").await,
        Action::EditOwn | Action::DeleteOwn | Action::MarkRead => return None,
        Action::BeSeen | Action::OpenRoom | Action::SetName => return None,
    })
}

/// A connection of its own for each, because STOMP ends it with the refusal.
async fn by_stomp(
    who: &Somebody,
    server: &Server,
    action: Action,
    room: &RoomId,
) -> Option<Option<RefusalCode>> {
    let frame = match action {
        _ if who.nobody.is_some() => return None,
        Action::Read => {
            Frame::new(ClientCommand::Subscribe).with("id", "0").with("destination", format!("/topic/{room}"))
        }
        Action::Post => to(room.as_str(), "hello"),
        Action::EditOwn | Action::DeleteOwn | Action::React | Action::MarkRead => return None,
        Action::BeSeen | Action::ListRooms | Action::OpenRoom | Action::SetName => return None,
    };
    let (name, value) = &who.header;
    let mut client = Stomp::open_at(server, "/stomp", By::Text, &[(name, value)]).await;
    client.connect(Version::V12, &[]).await;
    client.send(&frame.with("receipt", "r")).await;
    loop {
        let answer = client.next().await.expect("a receipt, or an error");
        match answer.command {
            ServerCommand::Receipt => return Some(None),
            ServerCommand::Error => {
                let code = Value::from(answer.header("code").expect("a code"));
                return Some(Some(serde_json::from_value(code).unwrap()));
            }
            _ => {}
        }
    }
}

async fn by_frame(who: &mut Somebody, action: Action, room: &RoomId) -> Option<Option<RefusalCode>> {
    let (seq, room, cmid) = (who.message(room), room.clone(), fresh_cmid());
    let socket = who.socket.as_mut()?;
    let frame = match action {
        Action::Read => ClientFrame::Watch { room, after: None },
        Action::Post => ClientFrame::Post { room, cmid, body: "hello".into(), reply_to: None },
        Action::EditOwn => ClientFrame::Edit { room, cmid, seq, body: "newer".into() },
        Action::DeleteOwn => ClientFrame::Delete { room, cmid, seq },
        Action::React => ClientFrame::React { room, cmid, seq, emoji: "🎈".into() },
        Action::MarkRead => ClientFrame::Read { room, seq: 1 },
        Action::BeSeen => ClientFrame::Present { room: Some(room) },
        Action::ListRooms | Action::OpenRoom | Action::SetName => return None,
    };
    socket.send(&frame).await;
    socket
        .send(&ClientFrame::Post { room: lobby(), cmid: fresh_cmid(), body: String::new(), reply_to: None })
        .await;
    // An empty post is always refused: what came before it is the answer.
    let mut refusal = None;
    loop {
        let refused = socket.refused().await;
        if refused.code == RefusalCode::Empty {
            return Some(refusal);
        }
        refusal = Some(refused.code);
    }
}

#[tokio::test]
async fn every_way_in_keeps_to_the_table() {
    let server =
        Server::with(&[&UNLIMITED[..], &["--rooms-per-address", "0", "--rooms-per-person", "0"]].concat());
    let opener = Client::join(&server, "the opener").await;
    let opened = Browser::of(&server, &opener.cookie).script().submit("/rooms", &[("title", "Yard")]).await;
    let yard = serde_json::from_str::<RoomInfo>(&opened.body).unwrap().room;
    let nowhere: RoomId = "nowhere".parse().unwrap();
    let mut tried = 0;
    for over in Over::ALL {
        for who in ["guest", "bot", "bot of a room", "bot that was revoked", "guest who was banned"] {
            // A bot has its token in a header, which the harness sends with WebSockets.
            if over != Over::WebSocket && who.starts_with("bot") {
                continue;
            }
            let mut who = somebody(&server, who, over).await;
            for action in Action::ALL {
                // In the lobby last: deleting takes the message away that is reacted to.
                for (room, exists) in [(&nowhere, false), (&yard, true), (&lobby(), true)] {
                    let is_of_message = matches!(action, Action::EditOwn | Action::DeleteOwn | Action::React);
                    let mut expected = who.expected(action, room, exists);
                    if is_of_message && expected.is_none() && *room != lobby() {
                        expected = Some(RefusalCode::UnknownMessage);
                    }
                    let on_server = matches!(action, Action::ListRooms | Action::OpenRoom | Action::SetName);
                    if on_server && *room != lobby() {
                        continue;
                    }
                    let is_last = action == Action::DeleteOwn && *room == lobby();
                    let found = [
                        ("frame", if is_last { None } else { by_frame(&mut who, action, room).await }),
                        ("API", by_api(&who, &server, action, room).await),
                        ("form", by_form(&who, &server, action, room).await),
                        ("STOMP", by_stomp(&who, &server, action, room).await),
                    ];
                    for (way, found) in found {
                        let Some(found) = found else { continue };
                        tried += 1;
                        assert_eq!(
                            found, expected,
                            "{} by {way} over {over:?}: {action:?} in {room}",
                            who.name
                        );
                    }
                    if is_last && expected.is_none() {
                        who.own_message = say(&who, &server).await;
                        let found = by_frame(&mut who, action, room).await;
                        assert!(matches!(found, None | Some(None)), "{} by frame: {action:?}", who.name);
                        who.own_message = say(&who, &server).await;
                    }
                }
            }
        }
    }
    assert!(tried > 150, "{tried} tries");
}

/// Posts to the lobby by the API; answers the number.
async fn say(who: &Somebody, server: &Server) -> u64 {
    let answer =
        who.ask(server, "POST", "/api/rooms/lobby/messages", "application/json", r#"{"body":"mine"}"#).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    crate::harness::seq(&answer)
}

async fn somebody(server: &Server, name: &'static str, over: Over) -> Somebody {
    let mut who = Somebody {
        name,
        kind: if name.starts_with("bot") { Kind::Bot } else { Kind::Guest },
        scope: (name == "bot of a room").then(|| vec![lobby()]),
        nobody: None,
        header: ("Cookie", String::new()),
        socket: None,
        own_message: 0,
    };
    if who.kind == Kind::Bot {
        let rooms: &[&str] = if who.scope.is_some() { &["lobby"] } else { &[] };
        let secret = token(&server.data(), name, rooms).await;
        who.header = ("Authorization", Api::with(server, &secret).bearer().to_owned());
        let mut socket = Dial::new(server).token(&secret).open(name).await.unwrap();
        socket.hello(vec![], None, None).await;
        who.socket = Some(socket);
    } else {
        let socket = Client::join_over(server, name, over).await;
        who.header = ("Cookie", socket.cookie.clone());
        who.socket = Some(socket);
    }
    who.own_message = say(&who, server).await;
    if name.ends_with("revoked") {
        revoke(&server.data(), name).await;
        (who.socket, who.nobody) = (None, Some(RefusalCode::UnknownLogin));
    }
    if name.ends_with("banned") {
        let id = who.socket.as_ref().unwrap().id();
        assert!(order(&server.data(), &["ban", id.as_str()]).await.done);
        (who.socket, who.nobody) = (None, Some(RefusalCode::Banned));
    }
    who
}
