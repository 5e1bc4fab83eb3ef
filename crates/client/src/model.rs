//! The state.

use madang_protocol::{
    Epoch, Limits, Operation, Person, RefusalCode, RoomId, Seq, Snapshot, UnixMs, UserId, text,
};

use crate::link::{Link, LinkView};
use crate::outbox::Outbox;
use crate::people::People;
use crate::rooms::Rooms;
use crate::tab_clients::TabClients;
use crate::{Enter, Locale, Notice, PageData, Role, Theme};

/// Everything that the client knows. Views read it; only [`crate::update`] changes it.
#[derive(Clone, Debug)]
pub struct Model {
    pub(crate) you: Option<Person>,
    /// Epoch of all cursors.
    pub(crate) epoch: Option<Epoch>,
    pub(crate) limits: Limits,
    pub(crate) link: Link,
    /// True once the page lives; below, its role among its tabs, once known.
    pub(crate) started: bool,
    pub(crate) role: Option<Role>,
    /// The tabs that go through this one.
    pub(crate) tab_clients: TabClients,
    /// Time of the last event.
    pub(crate) clock: UnixMs,
    pub(crate) people: People,
    pub(crate) rooms: Rooms,
    /// The room on screen.
    pub(crate) current: RoomId,
    pub(crate) visible: bool,
    pub(crate) outbox: Outbox,
    pub(crate) locale: Locale,
    pub(crate) theme: Theme,
    pub(crate) enter: Enter,
    pub(crate) notice: Option<Notice>,
    /// Room that `present` last reported to the server on this connection.
    pub(crate) present: Option<Option<RoomId>>,
    /// Time at which rooms that are not on screen were last asked for, on this connection.
    pub(crate) watched_at: Option<UnixMs>,
    /// The last history request's number.
    pub(crate) req: u32,
    /// Time that `WakeAt` last asked for.
    pub(crate) wake: Option<UnixMs>,
}

impl Model {
    /// A page that knows nothing yet: what the client-only build begins with. Start it, and it asks.
    pub fn new(room: RoomId, locale: Locale, theme: Theme) -> Self {
        let mut rooms = Rooms::default();
        rooms.ensure(&room);
        Self {
            you: None,
            epoch: None,
            limits: Limits::default(),
            link: Link::default(),
            started: false,
            role: None,
            tab_clients: TabClients::default(),
            clock: 0,
            people: People::default(),
            rooms,
            current: room,
            visible: false,
            outbox: Outbox::default(),
            locale,
            theme,
            enter: Enter::default(),
            notice: None,
            present: None,
            watched_at: None,
            req: 0,
            wake: None,
        }
    }

    /// The state that a page was rendered from, on the server and in the browser alike.
    pub fn from_page(page: &PageData) -> Self {
        let Snapshot { room: current, .. } = &page.snapshot;
        let mut model = Self::new(current.clone(), page.locale, page.theme);
        model.enter = page.enter;
        model.you = page.you.clone();
        model.epoch = Some(page.epoch.clone());
        model.limits = page.limits.clone();
        model.link.heartbeat(page.heartbeat_ms);
        model.people.learn(&page.people);
        model.people.learn(page.you.as_slice());
        model.notice = page.notice.clone();
        for info in &page.rooms {
            model.rooms.ensure(&info.room).learn(info);
        }
        model.rooms.arrange(page.rooms.iter().map(|info| &info.room));
        let you = model.you.as_ref().map(|you| you.id.clone());
        let room = model.rooms.ensure(current);
        room.replace(&page.snapshot, you.as_ref());
        room.divide();
        room.focus = page.focus;
        if let Some(window) = &mut room.window {
            window.after = page.after;
        }
        model
    }

    /// Returns this person; `None` until the server named them.
    pub fn you(&self) -> Option<&Person> {
        self.you.as_ref()
    }

    /// Returns true if `user` is this person.
    pub fn is_you(&self, user: &UserId) -> bool {
        self.you.as_ref().is_some_and(|you| you.id == *user)
    }

    /// The room on screen.
    pub fn room(&self) -> &RoomId {
        &self.current
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The page's language.
    pub fn locale(&self) -> Locale {
        self.locale
    }

    /// The page's colours.
    pub fn theme(&self) -> Theme {
        self.theme
    }

    /// Returns a notice to show once, until [`crate::Event::NoticeDismissed`].
    pub fn notice(&self) -> Option<&Notice> {
        self.notice.as_ref()
    }

    /// Returns `user` as far as they are known: an empty name is shown as "guest" and the end of the id.
    pub fn person(&self, user: &UserId) -> Option<&Person> {
        self.people.get(user)
    }

    /// Returns the choice of what Enter does.
    pub fn enter(&self) -> Enter {
        self.enter
    }

    /// The same model where Enter does this.
    #[must_use]
    pub fn with_enter(self, enter: Enter) -> Self {
        Self { enter, ..self }
    }

    /// The connection, as people and tests see it.
    pub fn link(&self) -> LinkView {
        self.link.view()
    }

    /// Checks that `body` may be posted, as [`crate::Event::Post`] will. Ask it before clearing the composer.
    ///
    /// # Errors
    /// The reason for which the server would refuse it.
    pub fn check_body(&self, body: &str) -> Result<(), RefusalCode> {
        text::check_body(body, self.limits.body_chars)
    }

    /// The text of a message in the window, with one's own edit of it that is still under way: what an
    /// edit begins with, and what a copy takes.
    pub fn body(&self, room: &RoomId, seq: Seq) -> Option<String> {
        let window = self.rooms.get(room)?.window.as_ref()?;
        let message = window.get(seq)?;
        for write in self.outbox.on_message(room, seq) {
            match &write.what {
                Operation::Edit { body, .. } => return Some(body.clone()),
                Operation::Delete { .. } => return None,
                _ => {}
            }
        }
        message.body.as_deref().map(String::from)
    }

    /// This person's newest message in the window of `room` that is not deleted: ↑ edits it.
    pub fn last_own(&self, room: &RoomId) -> Option<Seq> {
        let window = self.rooms.get(room)?.window.as_ref()?;
        let own = window.messages.iter().rev().find(|message| {
            message.body.is_some() && self.is_you(&message.by) && self.body(room, message.seq).is_some()
        })?;
        Some(own.seq)
    }

    /// Returns how many writes are neither acknowledged nor failed: leaving the page now leaves them for its next
    /// visit.
    pub fn unsent(&self) -> usize {
        self.outbox.unsent()
    }

    /// The last entry of `room` that was applied, for a simulation that compares it with what was sent.
    #[cfg(feature = "simulation")]
    pub fn cursor(&self, room: &RoomId) -> Option<Seq> {
        self.rooms.get(room)?.cursor
    }

    /// The read marker of `room`, for the same.
    #[cfg(feature = "simulation")]
    pub fn read_marker(&self, room: &RoomId) -> Option<Seq> {
        Some(self.rooms.get(room)?.read)
    }

    /// The epoch of all cursors, for the same.
    #[cfg(feature = "simulation")]
    pub fn epoch(&self) -> Option<&Epoch> {
        self.epoch.as_ref()
    }

    pub(crate) fn you_id(&self) -> Option<UserId> {
        self.you.as_ref().map(|you| you.id.clone())
    }

    /// Returns true if the person has `room` before their eyes.
    pub(crate) fn looks_at(&self, room: &RoomId) -> bool {
        self.visible && self.current == *room
    }
}
