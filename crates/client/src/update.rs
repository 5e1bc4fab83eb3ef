//! The one way in: an event changes the model, and returns what is to be done.

use madang_protocol::{ClientFrame, CloseCode, Operation, Person, ResumePoint, RoomId, ServerFrame, UnixMs};

use crate::link::Nudged;
use crate::room::{PATIENCE_MS, Room, SyncState};
use crate::{Conn, Effect, Event, Model, Role, TabMessage};

/// Rooms that are asked for at once, and how long after the next ones are.
const WATCHES: usize = 50;
pub(crate) const WATCHES_EVERY_MS: i64 = 500;

/// Lets `event`, which happened at `now` by the local clock, change `model`; returns what is to be done, in
/// order.
pub fn update(model: &mut Model, event: Event, now: UnixMs) -> Vec<Effect> {
    let mut turn = Update { model, now, effects: Vec::new() };
    turn.look_at_the_clock();
    turn.take(event);
    turn.send_what_is_due();
    turn.ask_to_be_woken();
    turn.effects
}

/// One event being worked off.
pub(crate) struct Update<'a> {
    pub(crate) model: &'a mut Model,
    pub(crate) now: UnixMs,
    pub(crate) effects: Vec<Effect>,
}

impl Update<'_> {
    fn take(&mut self, event: Event) {
        match event {
            Event::Started { visible } => self.started(visible),
            Event::Woke { roll } => self.woke(roll),
            Event::Online => self.network(true),
            Event::Offline => self.network(false),
            Event::Visible(visible) => self.visible(visible),
            Event::Reconnect => self.reconnect(),
            Event::Stopped => self.stopped(),
            Event::Role(role) => self.role(role),
            Event::Tab { from, message, roll } => self.tab(from, message, roll),

            Event::Opened { conn } if self.model.link.is_current(conn) => self.hello(),
            Event::Opened { conn } if self.model.link.is_trial(conn) => self.hello_on_trial(conn),
            Event::Frame { conn, frame } if self.model.link.is_current(conn) => {
                self.model.link.heard(self.now);
                if !self.leads() || self.route(&frame) {
                    self.frame(frame);
                }
            }
            Event::Frame { conn, frame } if self.model.link.is_trial(conn) => self.trial(conn, frame),
            Event::Closed { conn, code, roll } if self.model.link.is_current(conn) => {
                self.model.link.lost(CloseCode(code), roll, self.now, &mut self.effects);
                self.cut();
            }
            Event::Closed { conn, roll, .. } if self.model.link.is_trial(conn) => {
                self.model.link.trial_failed(roll, self.now);
            }
            // Frames of an older carrier were sent again on the present one, or will be.
            Event::Opened { .. } | Event::Frame { .. } | Event::Closed { .. } => {}
            Event::Restored { user, writes } => self.restored(&user, writes),

            Event::OpenRoom { room, around } => self.open_room(room, around),
            Event::Post { room, cmid, body, reply_to } => self.post(room, cmid, body, reply_to),
            Event::Edit { room, cmid, seq, body } => self.edit(room, cmid, seq, body),
            Event::Delete { room, cmid, seq } => self.delete(room, cmid, seq),
            Event::React { room, cmid, seq, emoji, on } => {
                let what =
                    if on { Operation::React { seq, emoji } } else { Operation::Unreact { seq, emoji } };
                self.queue(room, cmid, what);
            }
            Event::Retry { cmid } => self.retry(cmid),
            Event::Discard { cmid } => self.discard(cmid),
            Event::Typed { room } => self.typed(&room),
            Event::AtBottom { room, at_bottom } => self.at_bottom(&room, at_bottom),
            Event::Older { room } => self.older(&room),
            Event::Newer { room } => self.newer(&room),
            Event::Latest { room } => self.latest(&room),

            Event::Renamed { you } => self.renamed(you),
            Event::RoomMade { info } => self.room_made(&info),
            Event::LocaleChosen(locale) => self.model.locale = locale,
            Event::ThemeChosen(theme) => self.model.theme = theme,
            Event::NoticeDismissed => self.model.notice = None,
        }
    }

    fn started(&mut self, visible: bool) {
        if self.model.started {
            return;
        }
        self.model.started = true;
        self.model.visible = visible;
        if let Some(user) = self.model.you_id() {
            self.effects.push(Effect::Restore { user });
        }
        self.begin();
    }

    fn role(&mut self, role: Role) {
        if self.model.role == Some(role) {
            return;
        }
        self.model.role = Some(role);
        if let (true, Role::Leader, Some(user)) = (self.model.started, role, self.model.you_id()) {
            // Writes that another tab kept and could not send to this one.
            self.effects.push(Effect::Restore { user });
        }
        self.begin();
    }

    /// Connects, once the page lives and its role is known; anew when the role changes.
    fn begin(&mut self) {
        if let (true, Some(role)) = (self.model.started, self.model.role) {
            self.model.link.start(role == Role::Follower, self.now, &mut self.effects);
            self.cut();
        }
    }

    fn stopped(&mut self) {
        self.model.started = false;
        if let Some(leader) = self.model.link.leader() {
            self.send_to_tabs(vec![leader], TabMessage::Left);
        }
        self.model.link.stop(self.now, &mut self.effects);
        self.cut();
    }

    fn reconnect(&mut self) {
        if self.follows() {
            self.send_to_tabs(Vec::new(), TabMessage::Nudge { by_person: true });
        }
        self.model.link.reconnect(self.now, &mut self.effects);
    }

    fn network(&mut self, there: bool) {
        self.model.link.set_offline(!there);
        // A page can be "offline" and reach its server, on the same machine: an open socket is asked, not cut.
        if there || self.model.link.is_up() {
            self.nudge();
        }
    }

    fn visible(&mut self, visible: bool) {
        if self.model.visible == visible {
            return;
        }
        self.model.visible = visible;
        if visible {
            self.look_again();
            self.nudge();
        }
    }

    /// Tries the connection: opens one at once, or asks the open one for a sign of life.
    pub(crate) fn nudge(&mut self) {
        if self.follows() {
            self.send_to_tabs(Vec::new(), TabMessage::Nudge { by_person: false });
        }
        match self.model.link.nudge(self.now, &mut self.effects) {
            Nudged::Probe => {
                if let Some(room) = self.model.rooms.get_mut(&self.model.current) {
                    // Watching again from the cursor is harmless, and is answered with `live`.
                    room.stream = SyncState::Idle;
                }
            }
            Nudged::Cut => self.cut(),
            Nudged::Done => {}
        }
    }

    pub(crate) fn hello(&mut self) {
        self.model.link.opened(self.now);
        let resume = self.cursors();
        self.resumed(resume.iter().map(|point| &point.room));
        let frame = self.hello_with(resume);
        self.send_on(self.model.link.view().conn, frame);
    }

    /// The WebSocket under trial sends hello too, while the present connection goes on.
    fn hello_on_trial(&mut self, conn: Conn) {
        let resume = self.cursors();
        self.model.link.trial_greets(resume.iter().map(|point| point.room.clone()).collect());
        let frame = self.hello_with(resume);
        self.effects.push(Effect::Send { conn, frame });
    }

    /// The WebSocket under trial brought a frame.
    fn trial(&mut self, conn: Conn, frame: ServerFrame) {
        if let ServerFrame::Welcome { .. } = frame {
            let resumed = self.model.link.trial_won(self.now, &mut self.effects);
            self.cut();
            self.resumed(resumed.iter());
            self.model.link.heard(self.now);
            self.frame(frame);
        } else {
            self.effects.push(Effect::Close { conn });
            self.model.link.trial_failed(0, self.now);
        }
    }

    /// Returns the cursors to resume from.
    fn cursors(&self) -> Vec<ResumePoint> {
        let held = |room: &&Room| room.window.is_some() && !room.wants_snapshot;
        let point = |room: &Room| Some(ResumePoint { room: room.id.clone(), seq: room.cursor? });
        let rooms = self.model.rooms.iter().filter(|_| self.model.epoch.is_some());
        rooms.filter(held).filter_map(point).collect()
    }

    fn resumed<'a>(&mut self, rooms: impl Iterator<Item = &'a RoomId>) {
        for id in rooms {
            if let Some(room) = self.model.rooms.get_mut(id).filter(|room| !room.wants_snapshot) {
                room.stream = SyncState::catching_up();
            }
        }
    }

    fn hello_with(&self, resume: Vec<ResumePoint>) -> ClientFrame {
        let locale = Some(self.model.locale.as_str().to_owned());
        ClientFrame::Hello { resume, epoch: self.model.epoch.clone(), locale }
    }

    /// The connection is gone, and with it everything that was under way on it.
    pub(crate) fn cut(&mut self) {
        let tabs = self.model.tab_clients.clear();
        if !tabs.is_empty() {
            let code = self.model.link.ended().map_or(1006, |code| code.0);
            self.effects.push(Effect::SendToTabs { to: tabs, message: TabMessage::Closed { code } });
        }
        self.model.outbox.cut();
        self.model.present = None;
        self.model.watched_at = None;
        for room in self.model.rooms.iter_mut() {
            room.stream = SyncState::Idle;
            room.typing.clear();
            room.typed_at = None;
            if let Some(request) = &mut room.request {
                request.req = None;
                request.until = UnixMs::MAX;
            }
        }
    }

    /// Brings the server up to what the model wants, if there is a session. Written as a comparison of two
    /// states, so that it does not matter what happened, nor how often a connection was lost in between.
    fn send_what_is_due(&mut self) {
        if !self.model.link.is_up() {
            return;
        }
        self.watch();
        self.present();
        self.send_reads();
        self.send_requests();
        self.pump();
    }

    /// Sends what is due of the outbox; a follower hands it to the tab that does.
    fn pump(&mut self) {
        if !self.follows() {
            let frames = self.model.outbox.pump(self.model.epoch.as_ref(), self.now);
            return frames.into_iter().for_each(|frame| self.send(frame));
        }
        let writes = self.model.outbox.hand_over();
        let Some(user) = self.model.you_id() else { return };
        for write in writes {
            self.send_to_tabs(Vec::new(), TabMessage::Wrote { user: user.clone(), write });
        }
    }

    /// Follows every room, the one on screen first, and the others a few at a time: many at once would be
    /// more frames than a session may send.
    fn watch(&mut self) {
        let (now, current) = (self.now, self.model.current.clone());
        let again = self.model.watched_at.is_none_or(|at| !(at..at + WATCHES_EVERY_MS).contains(&now));
        let mut frames = Vec::new();
        for room in self.model.rooms.iter_mut().filter(|room| room.stream == SyncState::Idle) {
            if room.id == current {
                room.stream = SyncState::catching_up();
                frames.insert(0, room.watch());
            } else if again && frames.len() < WATCHES {
                room.stream = SyncState::catching_up();
                frames.push(room.watch());
                self.model.watched_at = Some(now);
            }
        }
        frames.into_iter().for_each(|frame| self.send(frame));
    }

    fn present(&mut self) {
        let own = self.model.visible.then(|| self.model.current.clone());
        let room = own.or_else(|| self.model.tab_clients.present());
        if self.model.present.as_ref() != Some(&room) {
            self.model.present = Some(room.clone());
            self.send(ClientFrame::Present { room });
        }
    }

    fn send_requests(&mut self) {
        let (limit, until) = (self.model.limits.history, self.now + PATIENCE_MS);
        let mut frames = Vec::new();
        for room in self.model.rooms.iter_mut() {
            let Some(request) = room.request.as_mut().filter(|request| request.req.is_none()) else {
                continue;
            };
            self.model.req += 1;
            request.req = Some(self.model.req);
            request.until = until;
            frames.push(request.frame(self.model.req, room.id.clone(), limit));
        }
        frames.into_iter().for_each(|frame| self.send(frame));
    }

    /// Sends a frame if there is a session.
    pub(crate) fn send(&mut self, frame: ClientFrame) {
        if let Some(conn) = self.model.link.up() {
            self.send_on(conn, frame);
        }
    }

    fn send_on(&mut self, conn: Conn, frame: ClientFrame) {
        match self.model.link.leader() {
            Some(leader) => self.send_to_tabs(vec![leader], TabMessage::Up { frame }),
            None => self.effects.push(Effect::Send { conn, frame }),
        }
    }

    fn renamed(&mut self, you: Person) {
        // While there is a session the server tells it by a frame: as it keeps the name, and with what belongs to it.
        if self.model.link.is_up() {
            return;
        }
        self.model.people.learn(std::slice::from_ref(&you));
        if self.model.is_you(&you.id) {
            self.model.you = Some(you);
        }
    }

    /// Asks for the room's present state, in place of what is held.
    pub(crate) fn want_snapshot(&mut self, room: &RoomId) {
        if let Some(room) = self.model.rooms.get_mut(room) {
            room.request = None;
            room.wants_snapshot = true;
            room.stream = SyncState::Idle;
        }
    }
}
