//! One connection, as its frames crossed it: what was asked for, and what came.

use std::collections::{HashMap, HashSet, VecDeque};

use madang_protocol::{ClientFrame, Entry, RoomId, Seq, ServerFrame, UserId};

use super::{Broken, Checker, Verdict};
use crate::history::{Order, Reader};

/// See the module. Made when a connection is opened; gone with it.
#[derive(Debug)]
pub struct Wire {
    client: usize,
    /// Owner of the login, once known.
    you: Option<UserId>,
    rooms: HashMap<RoomId, Followed>,
    /// Pages that were asked for.
    pages: HashSet<(u32, RoomId)>,
    /// Rooms that it reported as on screen.
    present: HashSet<RoomId>,
}

/// A room that was asked for on this connection.
#[derive(Debug, Default)]
struct Followed {
    /// None until the first frame of the room.
    reader: Option<Reader>,
    /// Cursors that were sent and not yet answered by `live`; what comes may still belong to an earlier one.
    asked: VecDeque<Option<Seq>>,
}

impl Wire {
    /// A connection of `client`, whom the server knew as `you`.
    pub fn new(client: usize, you: Option<UserId>) -> Self {
        Self { client, you, rooms: HashMap::new(), pages: HashSet::new(), present: HashSet::new() }
    }

    /// The client sends `frame`.
    pub fn sends(&mut self, frame: &ClientFrame) {
        match frame {
            ClientFrame::Hello { resume, .. } => {
                for point in resume {
                    self.rooms.entry(point.room.clone()).or_default().asked.push_back(Some(point.seq));
                }
            }
            ClientFrame::Watch { room, after } => {
                self.rooms.entry(room.clone()).or_default().asked.push_back(*after);
            }
            ClientFrame::History { req, room, .. } => _ = self.pages.insert((*req, room.clone())),
            ClientFrame::Present { room: Some(room) } => _ = self.present.insert(room.clone()),
            _ => {}
        }
    }

    /// The server sent `frame`.
    pub fn brings(&mut self, frame: &ServerFrame, checker: &mut Checker) {
        let client = self.client;
        match frame {
            ServerFrame::Welcome { you, .. } => {
                let known = self.you.get_or_insert_with(|| you.id.clone());
                if *known != you.id {
                    checker.verdict.broke(Broken::Outsider, || {
                        format!("{client} is {known}, and is welcomed as {you:?}")
                    });
                }
            }
            ServerFrame::Entry(entry) => {
                checker.saw(entry);
                self.entry(entry, &mut checker.verdict);
            }
            ServerFrame::Snapshot(snapshot) => match self.rooms.get_mut(&snapshot.room) {
                Some(room) => room.reader = Some(Reader::after(snapshot.head)),
                None => self.outsider(&snapshot.room, "snapshot", &mut checker.verdict),
            },
            ServerFrame::Live { room, head } => self.live(room, *head, &mut checker.verdict),
            ServerFrame::Done { cmid, room, seq } => {
                checker.ledger.done(client, *cmid, room, *seq, &mut checker.verdict);
            }
            ServerFrame::Refused { cmid: Some(cmid), code, .. } => {
                checker.ledger.refused(client, *cmid, *code, &mut checker.verdict);
            }
            ServerFrame::Page { req, room, .. } if !self.pages.remove(&(*req, room.clone())) => {
                checker
                    .verdict
                    .broke(Broken::Outsider, || format!("{client} was given page {req} of {room} unasked"));
            }
            ServerFrame::Typing { room, .. } | ServerFrame::Presence { room, .. }
                if !self.rooms.contains_key(room) && !self.present.contains(room) =>
            {
                self.outsider(room, "presence", &mut checker.verdict);
            }
            ServerFrame::Heads { heads } => {
                for (room, _) in heads.iter().filter(|(room, _)| !self.rooms.contains_key(room)) {
                    self.outsider(room, "head", &mut checker.verdict);
                }
            }
            _ => {}
        }
    }

    fn entry(&mut self, entry: &Entry, verdict: &mut Verdict) {
        let (client, seq, id) = (self.client, entry.seq, &entry.room);
        let Some(room) = self.rooms.get_mut(id) else { return self.outsider(id, "entry", verdict) };
        let expected = room.reader.as_ref().map(Reader::next);
        if expected != Some(seq) {
            // The answer to a later question than what came so far, if it begins where one asked for.
            let answers = room.asked.iter().position(|after| after.is_some_and(|after| after + 1 == seq));
            if let Some(at) = answers {
                room.asked.drain(..at);
                room.reader = Some(Reader::after(seq - 1));
            }
        }
        let reader = room.reader.get_or_insert_with(|| Reader::after(0));
        let next = reader.next();
        if seq > next {
            verdict.broke(Broken::Hole, || format!("{client} was sent {seq} of {id} after {}", next - 1));
        }
        match reader.read(seq) {
            Order::Next => {}
            Order::Late => {
                verdict.broke(Broken::Reordered, || format!("{client} was sent {seq} of {id} late"))
            }
            Order::Again => {
                verdict.broke(Broken::Doubled, || format!("{client} was sent {seq} of {id} again"))
            }
        }
    }

    fn live(&mut self, id: &RoomId, head: Seq, verdict: &mut Verdict) {
        let client = self.client;
        let Some(room) = self.rooms.get_mut(id) else { return self.outsider(id, "live", verdict) };
        let asked = room.asked.pop_front().flatten();
        let has = room.reader.as_ref().map(|reader| reader.next() - 1);
        if has != Some(head) && asked != Some(head) {
            verdict.broke(Broken::Hole, || {
                format!("{client} was told that {head} of {id} is all, having {has:?}, asked for {asked:?}")
            });
        }
        room.reader = Some(Reader::after(head));
    }

    fn outsider(&self, room: &RoomId, what: &str, verdict: &mut Verdict) {
        let client = self.client;
        verdict.broke(Broken::Outsider, || {
            format!("{client} was sent a {what} of {room}, which it does not follow")
        });
    }
}
