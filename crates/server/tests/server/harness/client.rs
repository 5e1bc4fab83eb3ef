//! A client of madang.v1: typed frames in and out over a real connection.

use std::collections::VecDeque;

use madang_protocol::{
    ClientFrame, Cmid, Entry, Epoch, RefusalCode, ResumePoint, RoomId, Seq, ServerFrame, Snapshot, UserId,
};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::heard::{Attached, Farewell, Page, Refused, Welcome};
use super::link::{Heard, Link};
use super::{fresh_cmid, lobby, within};

/// One person's connection. Frames that a story has not asked for yet are held, in their order.
pub(crate) struct Client {
    pub(super) name: &'static str,
    pub(crate) link: Link,
    /// The login, as `Cookie` carries it.
    pub(crate) cookie: String,
    pub(crate) welcome: Option<Welcome>,
    held: VecDeque<(Utf8Bytes, ServerFrame)>,
    closed: Option<Option<u16>>,
    requests: u32,
}

// --- Beginning.
impl Client {
    /// Over a connection that is there.
    pub(crate) fn new(name: &'static str, link: Link, cookie: String) -> Self {
        Self { name, link, cookie, welcome: None, held: VecDeque::new(), closed: None, requests: 0 }
    }

    /// Says hello and takes the welcome.
    pub(crate) async fn hello(
        &mut self,
        resume: Vec<ResumePoint>,
        epoch: Option<Epoch>,
        locale: Option<&str>,
    ) {
        let locale = locale.map(str::to_owned);
        self.send(&ClientFrame::Hello { resume, epoch, locale }).await;
        if let Some(cookie) = self.link.cookie() {
            self.cookie = cookie.to_owned();
        }
        let welcome = self
            .expect("welcome", |frame| match frame {
                ServerFrame::Welcome { you, epoch, rooms, limits, heartbeat_ms } => Some(Welcome {
                    you: you.clone(),
                    epoch: epoch.clone(),
                    rooms: rooms.clone(),
                    limits: limits.clone(),
                    heartbeat_ms: *heartbeat_ms,
                }),
                _ => None,
            })
            .await;
        self.welcome = Some(welcome);
    }

    pub(crate) fn welcome(&self) -> &Welcome {
        self.welcome.as_ref().expect("it was welcomed")
    }

    pub(crate) fn id(&self) -> UserId {
        self.welcome().you.id.clone()
    }
}

// --- Asking.
impl Client {
    pub(crate) async fn send(&mut self, frame: &ClientFrame) {
        self.send_text(&serde_json::to_string(frame).unwrap()).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.try_send(text).await.expect("the server takes a frame");
    }

    pub(crate) async fn send_binary(&mut self, bytes: &[u8]) {
        within("the server to read", self.link.binary(bytes)).await.expect("the server takes a frame");
    }

    async fn try_send(&mut self, text: &str) -> Option<()> {
        within("the server to read", self.link.text(text)).await
    }

    /// Posts without waiting for the answer. None if the connection is gone.
    pub(crate) async fn try_post(&mut self, room: &RoomId, cmid: Cmid, body: &str) -> Option<()> {
        let post = ClientFrame::Post { room: room.clone(), cmid, body: body.into(), reply_to: None };
        self.try_send(&serde_json::to_string(&post).unwrap()).await
    }

    /// Posts and waits until it is durable. None if the connection is gone before.
    pub(crate) async fn try_say(&mut self, cmid: Cmid, body: &str) -> Option<Seq> {
        self.try_post(&lobby(), cmid, body).await?;
        loop {
            match self.next().await?.1 {
                ServerFrame::Done { cmid: of, seq, .. } if of == cmid => return Some(seq),
                refused @ ServerFrame::Refused { .. } => panic!("{refused:?}"),
                _ => {}
            }
        }
    }

    /// Posts without waiting for the answer.
    pub(crate) async fn post(&mut self, room: &RoomId, body: &str) -> Cmid {
        let cmid = fresh_cmid();
        self.try_post(room, cmid, body).await.expect("the server takes a post");
        cmid
    }

    /// Posts to a room, and waits until it is durable.
    pub(crate) async fn say_in(&mut self, room: &RoomId, body: &str) -> Seq {
        let cmid = self.post(room, body).await;
        self.done(cmid).await
    }

    /// Posts to the lobby, and waits until it is durable.
    pub(crate) async fn say(&mut self, body: &str) -> Seq {
        self.say_in(&lobby(), body).await
    }

    /// Sends a write that is made from a fresh cmid, and waits until it is durable.
    pub(crate) async fn write(&mut self, frame: impl FnOnce(Cmid) -> ClientFrame) -> Seq {
        let cmid = fresh_cmid();
        self.send(&frame(cmid)).await;
        self.done(cmid).await
    }

    /// Follows a room and waits until it is live.
    pub(crate) async fn watch(&mut self, room: &RoomId, after: Option<Seq>) -> Attached {
        self.send(&ClientFrame::Watch { room: room.clone(), after }).await;
        self.attached(room).await
    }

    /// Follows a room from its present state.
    pub(crate) async fn watch_now(&mut self, room: &RoomId) -> Snapshot {
        self.watch(room, None).await.snapshot.expect("a snapshot")
    }

    /// Asks for a page of messages.
    pub(crate) async fn history(&mut self, place: &str, seq: Seq, limit: u16) -> Page {
        self.requests += 1;
        let req = self.requests;
        let text = format!(r#"{{"t":"history","req":{req},"room":"lobby","{place}":{seq},"limit":{limit}}}"#);
        self.send_text(&text).await;
        self.expect("a page", |frame| match frame {
            ServerFrame::Page { req: of, head, messages, before, after, .. } if *of == req => {
                Some(Page { head: *head, messages: messages.clone(), before: *before, after: *after })
            }
            _ => None,
        })
        .await
    }

    /// Asks and waits for the answer until whatever was on its way before is held: an answer may overtake
    /// what waits in the queue, but not again and again.
    pub(crate) async fn round_trip(&mut self) {
        for _ in 0..10 {
            self.history("before", 1, 1).await;
        }
    }
}

// --- Hearing.
impl Client {
    /// Returns the next frame with its text, in order; `None` after the end of the connection.
    pub(crate) async fn next(&mut self) -> Option<(Utf8Bytes, ServerFrame)> {
        match self.held.pop_front() {
            Some(frame) => Some(frame),
            None => self.receive().await,
        }
    }

    async fn receive(&mut self) -> Option<(Utf8Bytes, ServerFrame)> {
        let what = format!("a frame to {}", self.name);
        loop {
            match within(&what, self.link.next()).await? {
                Heard::Text(text) => {
                    let frame = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
                    return Some((text, frame));
                }
                Heard::Close(code) => {
                    self.closed.get_or_insert(code);
                }
            }
        }
    }

    /// The first frame, held or yet to come, in which `pick` finds what it looks for. Others stay held.
    pub(crate) async fn expect<T>(
        &mut self,
        what: &str,
        mut pick: impl FnMut(&ServerFrame) -> Option<T>,
    ) -> T {
        let mut at = 0;
        loop {
            while at < self.held.len() {
                if let Some(found) = pick(&self.held[at].1) {
                    self.held.remove(at);
                    return found;
                }
                at += 1;
            }
            let arrived = tokio::time::timeout(super::PATIENCE, self.receive()).await;
            match arrived {
                Ok(Some(frame)) => self.held.push_back(frame),
                Ok(None) => {
                    panic!("{} lost the connection waiting for {what}; held: {:?}", self.name, self.held)
                }
                Err(_) => panic!("{} waits for {what}; held: {:?}", self.name, self.held),
            }
        }
    }

    /// Returns true if a frame that is held matches: for frames that must not have come.
    pub(crate) fn holds(&self, matches: impl Fn(&ServerFrame) -> bool) -> bool {
        self.held.iter().any(|(_, frame)| matches(frame))
    }

    pub(crate) async fn done(&mut self, cmid: Cmid) -> Seq {
        let name = self.name;
        self.expect("done", |frame| match frame {
            ServerFrame::Done { cmid: of, seq, .. } if *of == cmid => Some(*seq),
            ServerFrame::Refused { cmid: Some(of), .. } if *of == cmid => panic!("{name}: {frame:?}"),
            _ => None,
        })
        .await
    }

    /// The next refusal.
    pub(crate) async fn refused(&mut self) -> Refused {
        self.expect("a refusal", |frame| match frame.clone() {
            ServerFrame::Refused { cmid, req, room, code, message, retry_after_ms } => {
                Some(Refused { cmid, req, room, code, message, retry_after_ms })
            }
            _ => None,
        })
        .await
    }

    /// Returns the seq of a write, or its refusal.
    pub(crate) async fn outcome(&mut self, cmid: Cmid) -> Result<Seq, (RefusalCode, Option<u32>)> {
        self.expect("an answer to a write", |frame| match frame {
            ServerFrame::Done { cmid: of, seq, .. } if *of == cmid => Some(Ok(*seq)),
            ServerFrame::Refused { cmid: Some(of), code, retry_after_ms, .. } if *of == cmid => {
                Some(Err((*code, *retry_after_ms)))
            }
            _ => None,
        })
        .await
    }

    pub(crate) async fn next_entry(&mut self, room: &RoomId) -> Entry {
        self.expect("an entry", |frame| match frame {
            ServerFrame::Entry(entry) if entry.room == *room => Some(entry.clone()),
            _ => None,
        })
        .await
    }

    /// Entries of a room up to `last`; each must follow the one before.
    pub(crate) async fn entries_up_to(&mut self, room: &RoomId, last: Seq) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        while entries.last().is_none_or(|entry| entry.seq < last) {
            let entry = self.next_entry(room).await;
            if let Some(before) = entries.last() {
                assert_eq!(entry.seq, before.seq + 1, "{}: entries follow each other", self.name);
            }
            entries.push(entry);
        }
        entries
    }

    /// Returns all frames of a room until it is live, and all that was committed before the greeting: an
    /// acknowledgement may be quicker than the delivery, so that a room may be live before its newest entry was
    /// delivered.
    pub(crate) async fn attached(&mut self, room: &RoomId) -> Attached {
        let mut attached = Attached { snapshot: None, entries: Vec::new(), head: 0 };
        loop {
            let live = self
                .expect("live", |frame| match frame {
                    ServerFrame::Snapshot(snapshot) if snapshot.room == *room => {
                        attached.snapshot = Some(snapshot.clone());
                        Some(None)
                    }
                    ServerFrame::Entry(entry) if entry.room == *room => {
                        attached.entries.push(entry.clone());
                        Some(None)
                    }
                    ServerFrame::Live { room: of, head } if of == room => Some(Some(*head)),
                    ServerFrame::Refused { .. } => panic!("{frame:?}"),
                    _ => None,
                })
                .await;
            if let Some(head) = live {
                attached.head = head;
                break;
            }
        }
        let rooms = self.welcome.iter().flat_map(|welcome| &welcome.rooms);
        let committed = rooms.filter(|info| info.room == *room).map(|info| info.head).max().unwrap_or(0);
        while attached.head < committed {
            let entry = self.next_entry(room).await;
            attached.head = entry.seq;
            attached.entries.push(entry);
        }
        attached
    }

    /// Reads to the end of the connection.
    pub(crate) async fn farewell(&mut self) -> Farewell {
        within("the farewell", self.farewell_at_last()).await
    }

    async fn farewell_at_last(&mut self) -> Farewell {
        let mut farewell = Farewell::default();
        while let Some((_, frame)) = self.next().await {
            if let ServerFrame::Bye { code, retry_after_ms } = frame {
                farewell.bye = Some(code.0);
                farewell.retry_after_ms = retry_after_ms;
            }
        }
        farewell.close = self.closed.flatten();
        farewell
    }
}
