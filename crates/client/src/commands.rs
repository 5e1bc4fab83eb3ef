//! Commands of the person: rooms, writes, history.

use madang_protocol::{Cmid, Message, Operation, RefusalCode, RoomId, RoomInfo, Seq, UserId};

use crate::room::{Ask, Request, SyncState};
use crate::update::Update;
use crate::{Notice, Write};

impl Update<'_> {
    pub(crate) fn open_room(&mut self, id: RoomId, around: Option<Seq>) {
        let moved = self.model.current != id;
        if moved {
            if let Some(left) = self.model.rooms.get_mut(&self.model.current) {
                // Nobody looks any more: its window follows the newest messages, where it is attached.
                left.at_bottom = true;
            }
            self.model.current = id.clone();
        }
        let room = self.model.rooms.ensure(&id);
        if moved {
            room.at_bottom = around.is_none();
        }
        room.divide();
        room.fresh = 0;
        room.focus = around;
        if room.gone {
            room.stream = SyncState::Idle;
        }
        let held = |seq| room.window.as_ref().is_some_and(|window| window.get(seq).is_some());
        match around {
            Some(seq) if held(seq) => room.resets += 1,
            Some(seq) => {
                room.request = Some(Request::new(Ask::Around(seq)));
                // Without a cursor nothing live could join the window: the room's state first, then the page.
                if room.cursor.is_none() {
                    room.wants_snapshot = true;
                    room.stream = SyncState::Idle;
                }
            }
            None if room.window.is_none() || room.is_detached() => self.want_snapshot(&id),
            None => self.read(&id),
        }
    }

    pub(crate) fn room_made(&mut self, info: &RoomInfo) {
        self.model.rooms.ensure(&info.room).count_from(info);
    }

    pub(crate) fn post(&mut self, room: RoomId, cmid: Cmid, body: String, reply_to: Option<Seq>) {
        if let Err(code) = self.model.check_body(&body) {
            return self.refuse(code);
        }
        if let Some(room) = self.model.rooms.get_mut(&room) {
            room.typed_at = None;
        }
        // The author wants to see the post, and its neighbours.
        self.latest(&room);
        self.queue(room, cmid, Operation::post(body, reply_to));
    }

    pub(crate) fn edit(&mut self, room: RoomId, cmid: Cmid, seq: Seq, body: String) {
        if let Err(code) = self.model.check_body(&body) {
            return self.refuse(code);
        }
        self.discard_failed(&room, seq);
        self.queue(room, cmid, Operation::Edit { seq, body });
    }

    pub(crate) fn delete(&mut self, room: RoomId, cmid: Cmid, seq: Seq) {
        self.discard_failed(&room, seq);
        self.queue(room, cmid, Operation::Delete { seq });
    }

    /// A new change to a message takes the place of those that failed.
    fn discard_failed(&mut self, room: &RoomId, seq: Seq) {
        let failed = self.model.outbox.changes(room, seq).filter(|queued| queued.write.failure.is_some());
        let failed: Vec<Cmid> = failed.map(|queued| queued.write.cmid).collect();
        failed.into_iter().for_each(|cmid| self.discard(cmid));
    }

    pub(crate) fn queue(&mut self, room: RoomId, cmid: Cmid, mut what: Operation) {
        // A restore was heard of, and the old rows are still shown: what their seqs stand for now, nobody here knows.
        let rows = self.model.rooms.get(&room);
        if rows.is_some_and(|room| room.window.is_some() && room.cursor.is_none()) {
            if what.target().is_some() {
                return self.refuse(RefusalCode::UnknownMessage);
            }
            what.detach();
        }
        let epoch = self.model.epoch.clone();
        let write = Write { cmid, room, order: 0, at: self.now, what, epoch, failure: None };
        let write = self.model.outbox.push(write).cloned();
        self.keep(write);
    }

    pub(crate) fn refuse(&mut self, code: RefusalCode) {
        self.model.notice = Some(Notice { code, message: String::new() });
    }

    pub(crate) fn retry(&mut self, cmid: Cmid) {
        let write = self.model.outbox.retry(cmid).cloned();
        self.save(write);
    }

    pub(crate) fn discard(&mut self, cmid: Cmid) {
        if self.model.outbox.discard(cmid) {
            self.give_up(cmid);
        }
    }

    /// Takes the writes that an earlier page left unacknowledged; the log may have them meanwhile.
    pub(crate) fn restored(&mut self, user: &UserId, writes: Vec<Write>) {
        if !self.model.is_you(user) {
            return;
        }
        let (settled, open): (Vec<Write>, Vec<Write>) =
            writes.into_iter().partition(|write| self.is_in_the_log(write));
        settled.iter().for_each(|write| self.forget(write.cmid));
        self.model.outbox.restore(open);
        self.adopt_epoch();
        self.send_restored();
    }

    /// Returns true if the window shows the message that this write made.
    pub(crate) fn is_in_the_log(&self, write: &Write) -> bool {
        let window = self.model.rooms.get(&write.room).and_then(|room| room.window.as_ref());
        let made = |message: &Message| message.cmid == Some(write.cmid) && self.model.is_you(&message.by);
        window.is_some_and(|window| window.messages.iter().any(|held| made(held)))
    }

    /// Makes all writes of the present epoch.
    pub(crate) fn adopt_epoch(&mut self) {
        let Some(epoch) = self.model.epoch.clone() else { return };
        let (dropped, changed) = self.model.outbox.adopt(&epoch);
        if !dropped.is_empty() {
            self.refuse(RefusalCode::UnknownMessage);
        }
        dropped.into_iter().for_each(|cmid| self.forget(cmid));
        changed.into_iter().for_each(|write| self.save(Some(write)));
    }

    pub(crate) fn older(&mut self, room: &RoomId) {
        self.ask(room, |first, _, before, _| first.filter(|_| before).map(Ask::Before));
    }

    pub(crate) fn newer(&mut self, room: &RoomId) {
        self.ask(room, |_, last, _, after| last.filter(|_| after).map(Ask::After));
    }

    /// Asks for one page at a time; `which` chooses by the window's first and last message and by what exists
    /// beyond them.
    fn ask(&mut self, room: &RoomId, which: impl Fn(Option<Seq>, Option<Seq>, bool, bool) -> Option<Ask>) {
        let Some(room) = self.model.rooms.get_mut(room).filter(|room| room.request.is_none()) else { return };
        let Some(window) = &room.window else { return };
        room.request = which(window.first(), window.last(), window.before, window.after).map(Request::new);
    }

    pub(crate) fn latest(&mut self, room: &RoomId) {
        let Some(room) = self.model.rooms.get_mut(room) else { return };
        room.focus = None;
        room.fresh = 0;
        if room.window.is_none() || room.is_detached() || room.request.is_some() {
            let id = room.id.clone();
            self.want_snapshot(&id);
        }
    }
}
