//! The read marker, the divider, typing: what the person sees, and what others see of them.

use madang_protocol::{ClientFrame, RoomId, UnixMs};

use crate::room::{Room, SyncState};
use crate::time::shift;
use crate::update::Update;

/// The read marker is sent at most so often for a room.
const READ_EVERY_MS: i64 = 1_000;

/// That this person types is sent at most so often.
const TYPED_EVERY_MS: i64 = 3_000;

impl Update<'_> {
    pub(crate) fn at_bottom(&mut self, id: &RoomId, at_bottom: bool) {
        if let Some(room) = self.model.rooms.get_mut(id) {
            room.at_bottom = at_bottom;
        }
        self.read(id);
    }

    /// Moves the read marker if the person has the room's newest message before their eyes.
    pub(crate) fn read(&mut self, id: &RoomId) {
        let looks = self.model.looks_at(id);
        if let Some(room) = self.model.rooms.get_mut(id).filter(|room| looks && room.shows_newest()) {
            room.fresh = 0;
            room.read_all();
        }
    }

    /// The person returns to a page that was out of sight: messages received meanwhile are new to them.
    pub(crate) fn look_again(&mut self) {
        let id = self.model.current.clone();
        if let Some(room) = self.model.rooms.get_mut(&id).filter(|room| room.unread > 0) {
            room.divider = Some(room.read);
        }
        self.read(&id);
    }

    pub(crate) fn send_reads(&mut self) {
        let now = self.now;
        let mut frames = Vec::new();
        for room in self.model.rooms.iter_mut().filter(|room| room.read > room.read_sent) {
            let just_sent = now - READ_EVERY_MS < room.read_sent_at && room.read_sent_at <= now;
            let refused = matches!(room.stream, SyncState::Refused { until } if until > now);
            if !just_sent && !refused {
                room.read_sent = room.read;
                room.read_sent_at = now;
                frames.push(ClientFrame::Read { room: room.id.clone(), seq: room.read });
            }
        }
        frames.into_iter().for_each(|frame| self.send(frame));
    }

    pub(crate) fn typed(&mut self, id: &RoomId) {
        let (now, up) = (self.now, self.model.link.is_up());
        let Some(room) = self.model.rooms.get_mut(id).filter(|_| up) else { return };
        if room.typed_at.is_none_or(|at| !(at..at + TYPED_EVERY_MS).contains(&now)) {
            room.typed_at = Some(now);
            self.send(ClientFrame::Typing { room: id.clone() });
        }
    }
}

impl Room {
    /// Returns true if the newest message is on screen, when the room is.
    pub(crate) fn shows_newest(&self) -> bool {
        self.at_bottom && !self.is_detached()
    }

    /// The clock was set back.
    pub(crate) fn shift(&mut self, by: i64) {
        shift(&mut self.read_sent_at, by);
        self.typing.iter_mut().for_each(|(_, until)| shift(until, by));
        self.typed_at.iter_mut().for_each(|at| shift(at, by));
        self.request.iter_mut().for_each(|request| shift(&mut request.until, by));
        if let SyncState::Refused { until } = &mut self.stream {
            shift(until, by);
        }
    }

    /// Returns when something is due in this room. `up`: there is a session.
    pub(crate) fn wake(&self, up: bool) -> Option<UnixMs> {
        let typing = self.typing.iter().map(|(_, until)| *until).min();
        let request = self.request.as_ref().filter(|request| up && request.req.is_some());
        let watch = match self.stream {
            SyncState::Refused { until } if up => Some(until),
            _ => None,
        };
        let read = (up && self.read > self.read_sent).then_some(self.read_sent_at + READ_EVERY_MS);
        let read = read.map(|at| at.max(watch.unwrap_or(at)));
        [typing, read, request.map(|request| request.until), watch].into_iter().flatten().min()
    }
}
