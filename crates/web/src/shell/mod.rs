//! The browser's edge: runs the client core on a real socket, clock, storage and network.
//!
//! A [`Shell`] owns the [`Model`]. Everything that happens becomes an [`Event`] in a queue, and is worked off in order;
//! the effects that come back are carried out here. The view is updated once per animation frame, however many events
//! there were (at once while the page is hidden, where there are no frames), and reads the model then.
//!
//! All of it compiles everywhere and is inert until [`Shell::start`], which only an effect calls: the server
//! renders from a model of its own, and never starts a shell.

mod clock;
mod database;
mod lifecycle;
mod listen;
mod request;
mod storage;
mod tabs;
mod transport;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use madang_client::{Conn, Effect, Event, Model, update};
use madang_protocol::{RoomId, UserId};

use listen::{Later, Listener};
use storage::Storage;
use tabs::Tabs;
use transport::Carrier;

pub(crate) use clock::{local_day, new_cmid, now};
pub(crate) use request::{RequestError, choose_name, open_room, save_setting};

/// A handle to the running client; clones share it. Dropping the last one, or [`Shell::stop`], closes the
/// socket and removes every listener and timer.
#[derive(Clone)]
pub(crate) struct Shell {
    inner: Rc<Inner>,
}

struct Inner {
    model: RefCell<Model>,
    /// Bounded by what happens while one event is worked off.
    queue: RefCell<VecDeque<Event>>,
    /// The model is being changed or read: events wait in the queue.
    busy: Cell<bool>,
    stopped: Cell<bool>,
    changed: Rc<dyn Fn(&Model)>,
    carriers: RefCell<Vec<(Conn, Box<dyn Carrier>)>>,
    tabs: RefCell<Option<Tabs>>,
    storage: Storage,
    wake: RefCell<Option<Later>>,
    /// The view's next call.
    frame: RefCell<Option<Later>>,
    listeners: RefCell<Vec<Listener>>,
}

impl Shell {
    /// Starts the client: brings back the outbox, connects, and calls `changed` after changes.
    pub(crate) fn start(model: Model, changed: Rc<dyn Fn(&Model)>) -> Self {
        let inner = Rc::new(Inner {
            model: RefCell::new(model),
            queue: RefCell::default(),
            busy: Cell::new(false),
            stopped: Cell::new(false),
            changed,
            carriers: RefCell::default(),
            tabs: RefCell::default(),
            storage: Storage::default(),
            wake: RefCell::default(),
            frame: RefCell::default(),
            listeners: RefCell::default(),
        });
        inner.listeners.replace(lifecycle::listeners(&inner));
        inner.dispatch(Event::Started { visible: lifecycle::is_visible() });
        let tabs = Tabs::join(inner.reporter(), lifecycle::is_visible());
        inner.tabs.replace(Some(tabs));
        Self { inner }
    }

    /// Reports an event. It is worked off at once, or after the one that is being worked off.
    pub(crate) fn dispatch(&self, event: Event) {
        self.inner.dispatch(event);
    }

    /// Reads the model. Events that are reported meanwhile are worked off after.
    pub(crate) fn with<R>(&self, read: impl FnOnce(&Model) -> R) -> R {
        self.inner.with(read)
    }

    /// Returns the text that the person began to write in `room`, as far as this page knows.
    pub(crate) fn known_draft(&self, room: &RoomId) -> String {
        self.you().map(|you| self.inner.storage.known_draft(&you, room)).unwrap_or_default()
    }

    /// Gives what the person began to write in `room` to `then`, if anything is kept.
    pub(crate) fn draft(&self, room: &RoomId, then: impl Fn(String) + 'static) {
        if let Some(you) = self.you() {
            self.inner.storage.draft(&you, room, then);
        }
    }

    /// Keeps what the person began to write in `room`; an empty text is forgotten.
    pub(crate) fn save_draft(&self, room: &RoomId, text: &str) {
        if let Some(you) = self.you() {
            self.inner.storage.save_draft(&you, room, text);
        }
    }

    fn you(&self) -> Option<UserId> {
        self.with(|model| model.you().map(|you| you.id.clone()))
    }

    /// Closes the socket and removes every listener and timer. The view is not called any more.
    pub(crate) fn stop(&self) {
        self.inner.stopped.set(true);
        self.inner.listeners.take();
        self.inner.dispatch(Event::Stopped);
        self.inner.carriers.take();
        self.inner.tabs.take();
        self.inner.wake.take();
    }
}

impl Inner {
    fn dispatch(self: &Rc<Self>, event: Event) {
        self.queue.borrow_mut().push_back(event);
        self.work();
    }

    fn with<R>(self: &Rc<Self>, read: impl FnOnce(&Model) -> R) -> R {
        let was_busy = self.busy.replace(true);
        let result = read(&self.model.borrow());
        self.busy.set(was_busy);
        self.work();
        result
    }

    /// Works the queue off.
    fn work(self: &Rc<Self>) {
        if self.busy.get() || self.queue.borrow().is_empty() {
            return;
        }
        self.busy.set(true);
        loop {
            let next = self.queue.borrow_mut().pop_front();
            let Some(event) = next else { break };
            if let Event::Closed { conn, .. } = &event {
                self.drop_carrier(*conn);
            }
            let effects = update(&mut self.model.borrow_mut(), event, clock::now());
            effects.into_iter().for_each(|effect| self.run(effect));
        }
        self.busy.set(false);
        self.notify();
    }

    fn run(self: &Rc<Self>, effect: Effect) {
        match effect {
            Effect::Connect { conn, transport } => match transport::open(conn, transport, self.reporter()) {
                Some(carrier) => self.carriers.borrow_mut().push((conn, carrier)),
                None => self.closed(conn),
            },
            Effect::Close { conn } => {
                self.drop_carrier(conn);
                self.closed(conn);
            }
            Effect::SignOfLife { conn } => self.with_carrier(conn, |carrier| carrier.show_life()),
            Effect::Send { conn, frame } => self.with_carrier(conn, |carrier| carrier.send(&frame)),
            Effect::SendToTabs { to, message } => {
                if let Some(tabs) = &*self.tabs.borrow() {
                    tabs.tell(&to, &message);
                }
            }
            Effect::WakeAt(at) => {
                let report = self.reporter();
                let woke = move || report(Event::Woke { roll: clock::roll() });
                self.wake.replace(Later::timeout(at - clock::now(), woke));
            }
            Effect::Restore { user } => {
                let (report, whose) = (self.reporter(), user.clone());
                self.storage.writes(&user, move |writes| {
                    report(Event::Restored { user: whose.clone(), writes });
                });
            }
            Effect::SaveWrite { user, write } => self.storage.save(&user, &write),
            Effect::ForgetWrite { user, cmid } => self.storage.forget(&user, cmid),
        }
    }

    fn with_carrier(&self, conn: Conn, act: impl FnOnce(&dyn Carrier)) {
        let carriers = self.carriers.borrow();
        if let Some((_, carrier)) = carriers.iter().find(|(number, _)| *number == conn) {
            act(carrier.as_ref());
        }
    }

    fn drop_carrier(&self, conn: Conn) {
        self.carriers.borrow_mut().retain(|(number, _)| *number != conn);
    }

    /// A carrier that this side ended, or that the browser refused.
    fn closed(&self, conn: Conn) {
        let roll = clock::roll();
        self.queue.borrow_mut().push_back(Event::Closed { conn, code: 1006, roll });
    }

    /// Reports events for as long as this shell lives.
    fn reporter(self: &Rc<Self>) -> Rc<dyn Fn(Event)> {
        let shell = Rc::downgrade(self);
        Rc::new(move |event| report(&shell, event))
    }

    /// Lets the view see what changed: before the next frame is painted, whatever else happens until then.
    fn notify(self: &Rc<Self>) {
        if self.stopped.get() {
            self.frame.take();
            return;
        }
        if !lifecycle::is_visible() {
            self.frame.take();
            return self.show();
        }
        if self.frame.borrow().is_some() {
            return;
        }
        let shell = Rc::downgrade(self);
        let frame = Later::frame(move || {
            if let Some(shell) = shell.upgrade() {
                shell.frame.take();
                shell.show();
            }
        });
        self.frame.replace(frame);
    }

    fn show(self: &Rc<Self>) {
        self.with(|model| (self.changed)(model));
    }
}

fn report(shell: &Weak<Inner>, event: Event) {
    if let Some(shell) = shell.upgrade() {
        shell.dispatch(event);
    }
}
