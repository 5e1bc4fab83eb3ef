//! Handler of each frame from the server.

use madang_protocol::{
    Cmid, Entry, Epoch, Limits, Message, Person, RefusalCode, RoomId, RoomInfo, Seq, ServerFrame, Snapshot,
};

use crate::room::{Applied, Page, Room, SyncState};
use crate::update::Update;
use crate::{Effect, Failure, TabMessage, Transport};

/// After so many replays in a row that left a hole, only a snapshot can help.
const REPLAYS: u8 = 3;

impl Update<'_> {
    pub(crate) fn frame(&mut self, frame: ServerFrame) {
        match frame {
            ServerFrame::Welcome { you, epoch, rooms, limits, heartbeat_ms } => {
                self.model.link.welcomed(heartbeat_ms, self.now, &mut self.effects);
                self.welcome(you, epoch, &rooms, limits);
                if self.leads() {
                    self.send_to_tabs(Vec::new(), TabMessage::Leading);
                }
            }
            ServerFrame::Snapshot(snapshot) => self.snapshot(&snapshot),
            ServerFrame::People { people } => self.people(&people),
            ServerFrame::Rooms { rooms } => rooms.iter().for_each(|info| self.room_changed(info)),
            ServerFrame::Entry(entry) => self.entry(&entry),
            ServerFrame::Live { room, head } => self.live(&room, head),
            ServerFrame::Done { cmid, room, seq } => self.done(cmid, &room, seq),
            ServerFrame::Refused { cmid, req, room, code, message, retry_after_ms } => {
                let failure = Failure { code, message };
                let until = retry_after_ms.map(|ms| self.now + i64::from(ms.max(1)));
                match (cmid, req, room) {
                    (Some(cmid), ..) => self.write_refused(cmid, failure, until),
                    (_, Some(req), _) => self.request_refused(req, until),
                    (_, _, Some(room)) => self.watch_refused(&room, code, until),
                    _ => {}
                }
            }
            ServerFrame::Page { req, room, head, messages, before, after } => {
                self.page(req, &room, &Page { head, messages, before, after });
            }
            ServerFrame::Typing { room, by } => {
                if !self.model.is_you(&by)
                    && let Some(room) = self.model.rooms.get_mut(&room)
                {
                    room.types(&by, self.now);
                }
            }
            ServerFrame::Presence { room, here, here_count } => {
                if let Some(room) = self.model.rooms.get_mut(&room) {
                    (room.here, room.here_count) = (here, here_count);
                }
            }
            ServerFrame::RoomChanged { room, title } => self.room_renamed(&room, title.as_deref()),
            ServerFrame::Read { room, seq, unread, head } => self.read_elsewhere(&room, seq, unread, head),
            ServerFrame::Heads { heads } => {
                self.sign_of_life();
                if self.leads() {
                    // A server that speaks is the present one: what a tab wrote under another epoch is over.
                    self.adopt_epoch();
                }
                heads.iter().for_each(|(room, head)| self.head(room, *head));
            }
            ServerFrame::Bye { code, retry_after_ms } => {
                self.model.link.bye(code, retry_after_ms, self.now, &mut self.effects);
                self.cut();
            }
            ServerFrame::Unknown => {}
        }
    }

    fn welcome(&mut self, you: Person, epoch: Epoch, rooms: &[RoomInfo], limits: Limits) {
        let new_epoch = self.model.epoch.as_ref().is_some_and(|known| *known != epoch);
        let new_person = !self.model.is_you(&you.id);
        if new_epoch || new_person {
            self.model.rooms.iter_mut().for_each(|room| room.forget_marks(new_epoch));
        }
        self.model.epoch = Some(epoch);
        self.adopt_epoch();
        self.model.limits = limits;
        self.model.people.learn(std::slice::from_ref(&you));
        self.you(you, new_person);

        let (current, known) = (self.model.current.clone(), self.model.you_id());
        self.model.rooms.retain(|room| room.id == current || rooms.iter().any(|info| info.room == room.id));
        for info in rooms {
            let room = self.model.rooms.ensure(&info.room);
            if room.window.is_none() && room.id != current {
                room.count_anew(info);
                continue;
            }
            let ahead = room.counted > info.head;
            room.learn(info);
            if ahead {
                room.recount(known.as_ref());
            }
        }
        self.model.rooms.arrange(rooms.iter().map(|info| &info.room));
        if let Some(room) = self.model.rooms.get_mut(&current).filter(|room| room.window.is_none()) {
            room.wants_snapshot = true;
            room.divide();
        }
    }

    /// The server names this person. Writes belong to a person: those of another are not sent by themselves,
    /// because the ids that protect them from being doubled were theirs.
    fn you(&mut self, you: Person, new_person: bool) {
        let before = self.model.you.replace(you);
        if !new_person {
            return;
        }
        self.model.outbox.restored = false;
        let cmids: Vec<_> = self.model.outbox.writes().map(|write| write.cmid).collect();
        if let Some(before) = before {
            self.model.outbox.fail_all(&Failure { code: RefusalCode::Unknown, message: String::new() });
            let forget = |cmid: &Cmid| Effect::ForgetWrite { user: before.id.clone(), cmid: *cmid };
            self.effects.extend(cmids.iter().map(forget));
        }
        let writes: Vec<_> = self.model.outbox.writes().cloned().collect();
        writes.into_iter().for_each(|write| self.keep(Some(write)));
        if let Some(user) = self.model.you_id() {
            self.effects.push(Effect::Restore { user });
        }
    }

    fn people(&mut self, people: &[Person]) {
        self.model.people.learn(people);
        if let Some(you) = &mut self.model.you
            && let Some(known) = people.iter().find(|person| person.id == you.id)
        {
            you.clone_from(known);
        }
    }

    fn room_changed(&mut self, info: &RoomInfo) {
        match self.model.rooms.get_mut(&info.room).filter(|room| room.cursor.is_some()) {
            // The stream tells the rest; but a marker that moved elsewhere is told once, and may have been lost.
            Some(room) => {
                room.title = info.title.as_str().into();
                if info.read > room.read {
                    self.read_elsewhere(&info.room, info.read, info.unread, info.head);
                }
            }
            None => self.room_made(info),
        }
    }

    /// A room has another title, or none any more: it was closed.
    fn room_renamed(&mut self, id: &RoomId, title: Option<&str>) {
        let is_current = self.model.current == *id;
        if title.is_none() && !is_current {
            self.model.rooms.retain(|room| room.id != *id);
        }
        let Some(room) = self.model.rooms.get_mut(id) else { return };
        match title {
            Some(title) => room.title = title.into(),
            None => room.gone = true,
        }
    }

    fn snapshot(&mut self, snapshot: &Snapshot) {
        let you = self.model.you_id();
        let room = self.model.rooms.ensure(&snapshot.room);
        room.replace(snapshot, you.as_ref());
        self.settle(&snapshot.room, &snapshot.messages);
        self.read(&snapshot.room);
    }

    fn entry(&mut self, entry: &Entry) {
        let you = self.model.you_id();
        let looks = self.model.looks_at(&entry.room);
        let Some(room) = self.model.rooms.get_mut(&entry.room) else { return };
        let seen = looks && room.shows_newest();
        let applied = room.apply(entry, you.as_ref(), seen);
        if applied == Applied::Gap && room.stream == SyncState::Live {
            // Watching from the cursor brings what is missing.
            room.stream = SyncState::Idle;
        }
        let shown = room.cursor.is_some_and(|cursor| entry.seq <= cursor);
        if let Some(cmid) = entry.cmid.filter(|_| you.as_ref() == Some(&entry.by))
            && self.model.outbox.done(cmid, entry.seq, shown)
        {
            self.forget(cmid);
        }
        if applied == Applied::Next {
            self.model.outbox.reached(&entry.room, entry.seq);
            self.read(&entry.room);
        }
    }

    fn live(&mut self, id: &RoomId, head: Seq) {
        let Some(room) = self.model.rooms.get_mut(id) else { return };
        // A snapshot that was asked for comes before its `live`.
        if room.cursor.is_some_and(|cursor| cursor >= head) && !room.wants_snapshot {
            room.stream = SyncState::Live;
            return;
        }
        let tries = match room.stream {
            SyncState::CatchingUp { tries, .. } => tries,
            // Another tab's replay went past this one.
            SyncState::Live => 0,
            SyncState::Idle | SyncState::Refused { .. } => return,
        };
        room.wants_snapshot |= room.cursor.is_none() || tries >= REPLAYS;
        self.watch_again(id, tries.saturating_add(1));
    }

    /// The heartbeat is answered where the transport itself does not.
    fn sign_of_life(&mut self) {
        match (self.model.link.transport(), self.model.link.up(), self.model.link.leader()) {
            (Transport::EventSource, Some(conn), _) => self.effects.push(Effect::SignOfLife { conn }),
            (Transport::Tab, _, Some(leader)) => self.send_to_tabs(vec![leader], TabMessage::Alive),
            _ => {}
        }
    }

    /// A head that this client has not reached: if its entries are not already on their way, they were lost.
    fn head(&mut self, id: &RoomId, head: Seq) {
        let Some(room) = self.model.rooms.get_mut(id) else { return };
        if room.cursor.is_some_and(|cursor| cursor >= head) {
            return;
        }
        let cursor = room.cursor;
        match &mut room.stream {
            SyncState::Live => self.watch_again(id, 0),
            SyncState::CatchingUp { stuck_at, tries } if *stuck_at == Some(cursor) => {
                let tries = *tries;
                self.watch_again(id, tries);
            }
            SyncState::CatchingUp { stuck_at, .. } => *stuck_at = Some(cursor),
            SyncState::Idle | SyncState::Refused { .. } => {}
        }
    }

    fn watch_again(&mut self, id: &RoomId, tries: u8) {
        let Some(room) = self.model.rooms.get_mut(id) else { return };
        room.stream = SyncState::CatchingUp { tries, stuck_at: None };
        let frame = room.watch();
        self.send(frame);
    }

    fn done(&mut self, cmid: Cmid, id: &RoomId, seq: Seq) {
        let cursor = self.model.rooms.get(id).and_then(|room| room.cursor);
        let shown = cursor.is_some_and(|cursor| seq <= cursor);
        if self.model.outbox.done(cmid, seq, shown) {
            self.forget(cmid);
        }
    }

    /// Messages came by another way than as entries: what of them is one's own has arrived.
    fn settle(&mut self, id: &RoomId, messages: &[Message]) {
        for message in messages {
            if let Some(cmid) = message.cmid.filter(|_| self.model.is_you(&message.by))
                && self.model.outbox.settle(cmid)
            {
                self.forget(cmid);
            }
        }
        if let Some(cursor) = self.model.rooms.get(id).and_then(|room| room.cursor) {
            self.model.outbox.reached(id, cursor);
        }
    }

    fn write_refused(&mut self, cmid: Cmid, failure: Failure, until: Option<i64>) {
        if self.follows() {
            return self.told_of_refusal(cmid, failure);
        }
        if let Some(until) = until {
            self.model.outbox.refused_until(cmid, until);
        } else if self.is_hopeless(cmid, &failure) && self.model.outbox.drop(cmid) {
            // The message is gone, and may not even be on screen: there is nothing to retry or to discard.
            self.model.notice = Some(failure.into());
            self.forget(cmid);
        } else {
            let write = self.model.outbox.failed(cmid, failure).cloned();
            self.save(write);
        }
    }

    /// The tab that sends decides; it reports all but this.
    fn told_of_refusal(&mut self, cmid: Cmid, failure: Failure) {
        if self.model.visible && self.is_hopeless(cmid, &failure) {
            self.model.notice = Some(failure.into());
        }
    }

    fn request_refused(&mut self, req: u32, until: Option<i64>) {
        let asked = |room: &&mut Room| room.request.as_ref().is_some_and(|request| request.req == Some(req));
        let Some(room) = self.model.rooms.iter_mut().find(asked) else { return };
        match (&mut room.request, until) {
            (Some(request), Some(until)) => request.until = until,
            _ => {
                room.request = None;
                if room.window.is_none() {
                    room.wants_snapshot = true;
                    room.stream = SyncState::Idle;
                }
            }
        }
    }

    fn watch_refused(&mut self, id: &RoomId, code: RefusalCode, until: Option<i64>) {
        let Some(room) = self.model.rooms.get_mut(id) else { return };
        room.gone |= code == RefusalCode::UnknownRoom;
        if let Some(until) = until {
            room.stream = SyncState::Refused { until };
            // It may have been a read marker that was refused: it is sent again.
            room.read_sent = room.read_known;
        }
    }

    fn page(&mut self, req: u32, id: &RoomId, page: &Page) {
        let you = self.model.you_id();
        let Some(room) = self.model.rooms.get_mut(id) else { return };
        let asked = room.request.as_ref().is_some_and(|request| request.req == Some(req));
        if asked && !room.turn(page, you.as_ref()) {
            self.settle(id, &page.messages);
            self.read(id);
        }
    }

    /// `head`: what `unread` was counted up to; 0 from an older server, for what this client has.
    fn read_elsewhere(&mut self, id: &RoomId, seq: Seq, unread: u32, head: Seq) {
        let you = self.model.you_id();
        let Some(room) = self.model.rooms.get_mut(id) else { return };
        room.read_sent = room.read_sent.max(seq);
        room.read_known = room.read_known.max(seq);
        if seq >= room.read {
            room.read = seq;
            let head = if head == 0 { room.counted } else { head };
            room.count(unread, head);
            room.recount(you.as_ref());
        }
    }

    /// Returns true for a change that can never succeed, and for a reaction: neither waits for the person.
    fn is_hopeless(&self, cmid: Cmid, failure: &Failure) -> bool {
        let outbox = &self.model.outbox;
        let code = matches!(failure.code, RefusalCode::UnknownMessage | RefusalCode::NotYours);
        outbox.is_reaction(cmid) || (code && outbox.is_change(cmid))
    }
}
