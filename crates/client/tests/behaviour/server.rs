//! A server of a few pages: logs, sessions, and frames on their way. It does what `docs/protocol.md` requires, as
//! simply as can be, so that the client is compared with the protocol and not with the real server.

use std::collections::{BTreeMap, VecDeque};

use madang_client::Conn;
use madang_protocol::{
    ClientFrame, Cmid, Entry, EntryKind, Epoch, Limits, Message, Operation, Person, RefusalCode, RoomId,
    RoomInfo, Seq, ServerFrame, Snapshot, UnixMs, UserId,
};

/// A carrier of a client.
pub(crate) type At = (usize, Conn);

pub(crate) struct Session {
    pub(crate) user: UserId,
    pub(crate) watched: Vec<RoomId>,
    pub(crate) down: VecDeque<ServerFrame>,
}

pub(crate) struct Server {
    pub(crate) epoch: u32,
    pub(crate) logs: BTreeMap<RoomId, Vec<Entry>>,
    pub(crate) done: BTreeMap<(UserId, Cmid), (RoomId, Seq)>,
    pub(crate) read: BTreeMap<(UserId, RoomId), Seq>,
    /// By client and carrier.
    pub(crate) sessions: BTreeMap<At, Session>,
    /// The writes that came, in order, repeats and all.
    pub(crate) received: Vec<Cmid>,
    /// So many writes are refused for a moment.
    pub(crate) refuse: u8,
    pub(crate) now: UnixMs,
    /// Messages in a snapshot and in a page: few, so that windows have edges.
    pub(crate) snapshot: usize,
    pub(crate) page: usize,
}

impl Server {
    pub(crate) fn new(rooms: &[RoomId]) -> Self {
        let mut server = Self {
            epoch: 1,
            logs: BTreeMap::new(),
            done: BTreeMap::new(),
            read: BTreeMap::new(),
            sessions: BTreeMap::new(),
            received: Vec::new(),
            refuse: 0,
            now: 1_700_000_000_000,
            snapshot: 6,
            page: 4,
        };
        for room in rooms {
            server.logs.insert(room.clone(), Vec::new());
            server.append(room, &UserId::system(), None, EntryKind::Opened { title: room.to_string() });
        }
        server
    }

    pub(crate) fn epoch(&self) -> Epoch {
        format!("e{}", self.epoch).parse().unwrap()
    }

    pub(crate) fn head(&self, room: &RoomId) -> Seq {
        self.logs[room].len() as Seq
    }

    /// The projection of a room's log.
    pub(crate) fn messages(&self, room: &RoomId) -> Vec<Message> {
        Message::fold(&self.logs[room])
    }

    pub(crate) fn unread(&self, user: &UserId, room: &RoomId, read: Seq) -> u32 {
        let unread = |message: &&Message| message.seq > read && message.by != *user && !message.is_deleted();
        self.messages(room).iter().filter(unread).count() as u32
    }

    pub(crate) fn append(&mut self, room: &RoomId, by: &UserId, cmid: Option<Cmid>, what: EntryKind) -> Seq {
        let seq = self.head(room) + 1;
        let entry = Entry { room: room.clone(), seq, at: self.now, by: by.clone(), cmid, what };
        self.logs.get_mut(room).unwrap().push(entry.clone());
        for session in self.sessions.values_mut().filter(|session| session.watched.contains(room)) {
            session.down.push_back(ServerFrame::Entry(entry.clone()));
        }
        seq
    }

    pub(crate) fn snapshot(&self, room: &RoomId) -> Snapshot {
        let messages = self.messages(room);
        let cut = messages.len().saturating_sub(self.snapshot);
        Snapshot {
            room: room.clone(),
            title: room.to_string(),
            head: self.head(room),
            messages: messages[cut..].to_vec(),
            before: cut > 0,
            here: Vec::new(),
            here_count: 0,
        }
    }

    pub(crate) fn rooms(&self, user: &UserId) -> Vec<RoomInfo> {
        let info = |room: &RoomId| {
            let read = self.read.get(&(user.clone(), room.clone())).copied().unwrap_or(0);
            let unread = self.unread(user, room, read);
            RoomInfo { room: room.clone(), title: room.to_string(), head: self.head(room), read, unread }
        };
        self.logs.keys().map(info).collect()
    }

    /// The database came back from a backup: the newest entries are gone, and with them their epoch.
    pub(crate) fn restore_backup(&mut self) {
        self.epoch += 1;
        for log in self.logs.values_mut() {
            let keep = log.len().div_ceil(2);
            log.truncate(keep);
        }
        let logs = &self.logs;
        self.done.retain(|_, (room, seq)| *seq <= logs[room].len() as Seq);
        self.read.iter_mut().for_each(|((_, room), read)| *read = (*read).min(logs[room].len() as Seq));
    }

    /// The heads of all rooms, as with a heartbeat.
    pub(crate) fn heads(&mut self) {
        let heads: Vec<_> = self.logs.iter().map(|(room, log)| (room.clone(), log.len() as Seq)).collect();
        for session in self.sessions.values_mut().filter(|session| !session.watched.is_empty()) {
            session.down.push_back(ServerFrame::Heads { heads: heads.clone() });
        }
    }

    /// Works off a frame that came on `id`.
    pub(crate) fn frame(&mut self, id: At, frame: ClientFrame) {
        let user = self.sessions[&id].user.clone();
        match frame {
            ClientFrame::Hello { resume, epoch, .. } => {
                let you = Person::new(user.clone(), user.to_string());
                let (rooms, limits) = (self.rooms(&user), Limits::default());
                let welcome =
                    ServerFrame::Welcome { you, epoch: self.epoch(), rooms, limits, heartbeat_ms: 25_000 };
                self.tell(id, welcome);
                let known = epoch == Some(self.epoch());
                for point in resume {
                    // A cursor of another epoch means nothing here.
                    self.attach(id, &point.room, known.then_some(point.seq));
                }
            }
            ClientFrame::Watch { room, after } => self.attach(id, &room, after),
            ClientFrame::Read { room, seq } => {
                let head = self.head(&room);
                let mark = self.read.entry((user.clone(), room.clone())).or_default();
                *mark = (*mark).max(seq.min(head));
                let seq = *mark;
                let unread = self.unread(&user, &room, seq);
                let frame = ServerFrame::Read { room, seq, unread, head };
                let all = self.sessions.values_mut().filter(|session| session.user == user);
                all.for_each(|s| s.down.push_back(frame.clone()));
            }
            ClientFrame::History { req, room, before, after, around, .. } => {
                let page = self.page(req, &room, before, after, around);
                self.tell(id, page);
            }
            frame => {
                if let Ok((room, cmid, operation)) = Operation::from_frame(frame) {
                    self.write(id, &user, &room, cmid, operation.into_kind());
                }
            }
        }
    }

    fn tell(&mut self, id: At, frame: ServerFrame) {
        self.sessions.get_mut(&id).unwrap().down.push_back(frame);
    }

    fn attach(&mut self, id: At, room: &RoomId, after: Option<Seq>) {
        let head = self.head(room);
        match after.filter(|after| *after <= head) {
            Some(after) => {
                let missed = self.logs[room][after as usize..].to_vec();
                for entry in missed {
                    self.tell(id, ServerFrame::Entry(entry));
                }
            }
            None => self.tell(id, ServerFrame::Snapshot(self.snapshot(room))),
        }
        self.tell(id, ServerFrame::Live { room: room.clone(), head });
        let watched = &mut self.sessions.get_mut(&id).unwrap().watched;
        if !watched.contains(room) {
            watched.push(room.clone());
        }
    }

    fn write(&mut self, id: At, user: &UserId, room: &RoomId, cmid: Cmid, what: EntryKind) {
        self.received.push(cmid);
        let key = (user.clone(), cmid);
        if let Some((room, seq)) = self.done.get(&key).cloned() {
            return self.tell(id, ServerFrame::Done { cmid, room, seq });
        }
        let retry_after_ms = (self.refuse > 0).then_some(700);
        self.refuse = self.refuse.saturating_sub(1);
        if let Some(seq) = what.target() {
            let stands =
                self.messages(room).iter().any(|message| message.seq == seq && !message.is_deleted());
            if !stands {
                return self.refuse(id, cmid, RefusalCode::UnknownMessage, None);
            }
        }
        if retry_after_ms.is_some() {
            return self.refuse(id, cmid, RefusalCode::TooFast, retry_after_ms);
        }
        // The acknowledgement and the entry may come in either order.
        let seq = self.head(room) + 1;
        let done = ServerFrame::Done { cmid, room: room.clone(), seq };
        self.done.insert(key, (room.clone(), seq));
        if cmid.0.is_multiple_of(2) {
            self.tell(id, done.clone());
        }
        self.append(room, user, Some(cmid), what);
        if !cmid.0.is_multiple_of(2) {
            self.tell(id, done);
        }
    }

    fn refuse(&mut self, id: At, cmid: Cmid, code: RefusalCode, retry_after_ms: Option<u32>) {
        let message = String::new();
        self.tell(
            id,
            ServerFrame::Refused { cmid: Some(cmid), req: None, room: None, code, message, retry_after_ms },
        );
    }

    fn page(
        &self,
        req: u32,
        room: &RoomId,
        before: Option<Seq>,
        after: Option<Seq>,
        around: Option<Seq>,
    ) -> ServerFrame {
        let all = self.messages(room);
        let (from, to) = match (before, after, around) {
            (Some(before), ..) => {
                let to = all.iter().filter(|message| message.seq < before).count();
                (to.saturating_sub(self.page), to)
            }
            (_, Some(after), _) => {
                let from = all.iter().filter(|message| message.seq <= after).count();
                (from, (from + self.page).min(all.len()))
            }
            (_, _, around) => {
                let middle = all.iter().filter(|message| message.seq < around.unwrap()).count();
                (middle.saturating_sub(self.page / 2), (middle + self.page / 2).min(all.len()))
            }
        };
        ServerFrame::Page {
            req,
            room: room.clone(),
            head: self.head(room),
            messages: all[from..to].to_vec(),
            before: from > 0,
            after: to < all.len(),
        }
    }
}
