//! The one way in: an event changes the model, and says what is to be done.

use madang_protocol::{ClientFrame, CloseCode, Cmid, Person, ResumePoint, RoomId, UnixMs};

use crate::history::PATIENCE_MS;
use crate::room::Stream;
use crate::simulation::{Mutant, is};
use crate::{Effect, Event, Model, Role, Roll, Write};

/// Rooms that are asked for at once, and how long after the next ones are.
const WATCHES: usize = 50;
const WATCHES_EVERY_MS: i64 = 500;

/// Lets `event`, which happened at `now` by the local clock, change `model`; returns what is to be done, in
/// order.
pub fn update(model: &mut Model, event: Event, now: UnixMs) -> Vec<Effect> {
    let mut turn = Turn { model, now, effects: Vec::new() };
    turn.take(event);
    turn.send_what_is_due();
    turn.ask_to_be_woken();
    turn.effects
}

/// One event being worked off.
pub(crate) struct Turn<'a> {
    pub(crate) model: &'a mut Model,
    pub(crate) now: UnixMs,
    pub(crate) effects: Vec<Effect>,
}

impl Turn<'_> {
    fn take(&mut self, event: Event) {
        match event {
            Event::Started { visible } => self.started(visible),
            Event::Woke { roll } => self.woke(roll),
            Event::Online => self.network(true),
            Event::Offline => self.network(false),
            Event::Visible(visible) => self.visible(visible),
            Event::Reconnect => self.model.link.reconnect(self.now, &mut self.effects),
            Event::Stopped => self.stopped(),

            Event::Opened { conn } if self.model.link.is_current(conn) => self.hello(),
            Event::Frame { conn, frame } if self.model.link.is_current(conn) => {
                self.model.link.heard(self.now);
                self.frame(frame);
            }
            Event::Closed { conn, code, roll } if self.model.link.is_current(conn) => {
                self.model.link.lost(CloseCode(code), roll, self.now);
                self.cut();
            }
            // What an older socket still has to say was said again to the present one, or will be.
            Event::Opened { .. } | Event::Frame { .. } | Event::Closed { .. } => {}
            Event::Role(role) => self.role(role),
            Event::Tab { .. } => {}
            Event::Restored { user, writes } => self.restored(&user, writes),

            Event::OpenRoom { room, around } => self.open_room(room, around),
            Event::Post { room, cmid, body, reply_to } => self.post(room, cmid, body, reply_to),
            Event::Edit { room, cmid, seq, body } => self.edit(room, cmid, seq, body),
            Event::Delete { room, cmid, seq } => self.delete(room, cmid, seq),
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
        self.model.role = Some(role);
        self.begin();
    }

    /// Connects, once the page lives and its role is known.
    fn begin(&mut self) {
        if self.model.started && self.model.role.is_some() && self.model.link.is_idle() {
            self.model.link.connect(self.now, &mut self.effects);
        }
    }

    fn stopped(&mut self) {
        self.model.started = false;
        self.model.link.stop(self.now, &mut self.effects);
        self.cut();
    }

    fn woke(&mut self, roll: Roll) {
        self.model.wake = None;
        if self.model.link.woke(roll, self.now, &mut self.effects) {
            self.cut();
        }
        let now = self.now;
        for room in self.model.rooms.iter_mut() {
            room.forget_typing(now);
            if matches!(room.stream, Stream::Refused { until } if until <= now) {
                room.stream = Stream::Idle;
            }
            if let Some(request) = room.request.as_mut().filter(|request| request.until <= now) {
                request.req = None;
            }
        }
        if self.model.outbox.lose_patience(now) {
            self.nudge();
        }
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
    fn nudge(&mut self) {
        if self.model.link.nudge(self.now, &mut self.effects)
            && let Some(room) = self.model.rooms.get_mut(&self.model.current)
        {
            // Watching again from the cursor is harmless, and is answered with `live`.
            room.stream = Stream::Idle;
        }
    }

    fn hello(&mut self) {
        self.model.link.opened(self.now);
        let mut resume = Vec::new();
        if self.model.epoch.is_some() {
            for room in self.model.rooms.iter_mut() {
                if let (Some(seq), true, false) = (room.cursor, room.window.is_some(), room.wants_snapshot) {
                    resume.push(ResumePoint { room: room.id.clone(), seq });
                    room.stream = Stream::catching_up();
                }
            }
        }
        let locale = Some(self.model.locale.as_str().to_owned());
        // Sent before there is a session, so not through `send`.
        let conn = self.model.link.view().conn;
        let frame = ClientFrame::Hello { resume, epoch: self.model.epoch.clone(), locale };
        self.effects.push(Effect::Send { conn, frame });
    }

    /// The connection is gone, and with it everything that was under way on it.
    pub(crate) fn cut(&mut self) {
        self.model.outbox.cut();
        self.model.present = None;
        self.model.watched_at = None;
        for room in self.model.rooms.iter_mut() {
            room.stream = Stream::Idle;
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
        for frame in self.model.outbox.pump(self.now) {
            self.send(frame);
        }
    }

    /// Follows every room, the one on screen first, and the others a few at a time: many at once would be
    /// more frames than a session may send.
    fn watch(&mut self) {
        let (now, current) = (self.now, self.model.current.clone());
        let again = self.model.watched_at.is_none_or(|at| !(at..at + WATCHES_EVERY_MS).contains(&now));
        let mut frames = Vec::new();
        for room in self.model.rooms.iter_mut().filter(|room| room.stream == Stream::Idle) {
            if room.id == current {
                room.stream = Stream::catching_up();
                frames.insert(0, room.watch());
            } else if again && frames.len() < WATCHES {
                room.stream = Stream::catching_up();
                frames.push(room.watch());
                self.model.watched_at = Some(now);
            }
        }
        frames.into_iter().for_each(|frame| self.send(frame));
    }

    fn present(&mut self) {
        let room = self.model.visible.then(|| self.model.current.clone());
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

    fn ask_to_be_woken(&mut self) {
        let up = self.model.link.is_up();
        let idle = up && self.model.rooms.iter().any(|room| room.stream == Stream::Idle);
        let watch = self.model.watched_at.filter(|_| idle).map(|at| at + WATCHES_EVERY_MS);
        let rooms = self.model.rooms.iter().filter_map(|room| room.wake(up)).chain(watch);
        let wake =
            [self.model.link.wake(), self.model.outbox.wake(up)].into_iter().flatten().chain(rooms).min();
        // Each frame moves the watchdog on: a timer that rings too early is cheaper than one set anew each time.
        if let Some(at) = wake
            && self.model.wake.is_none_or(|asked| at < asked || asked <= self.now)
        {
            self.model.wake = wake;
            self.effects.push(Effect::WakeAt(at));
        }
    }

    /// Sends a frame if there is a session.
    pub(crate) fn send(&mut self, frame: ClientFrame) {
        if let Some(conn) = self.model.link.up() {
            self.effects.push(Effect::Send { conn, frame });
        }
    }

    pub(crate) fn save(&mut self, write: Option<Write>) {
        if is(Mutant::KeepsNothing) {
            return;
        }
        if let (Some(user), Some(write)) = (self.model.you_id(), write) {
            self.effects.push(Effect::SaveWrite { user, write });
        }
    }

    pub(crate) fn forget(&mut self, cmid: Cmid) {
        if let Some(user) = self.model.you_id() {
            self.effects.push(Effect::ForgetWrite { user, cmid });
        }
    }

    fn renamed(&mut self, you: Person) {
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
            room.stream = Stream::Idle;
        }
    }
}
