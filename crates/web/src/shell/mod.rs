//! The browser's edge: runs the client core on a real socket, clock, storage and network.
//!
//! A [`Shell`] owns the [`Model`]. What happens becomes an [`Event`] in a queue, and is worked off in order;
//! the effects that come back are carried out here. The view is told once per animation frame, however many
//! events there were (at once while the page is hidden, where there are no frames), and reads the model then.
//!
//! All of it compiles everywhere and is inert until [`Shell::start`], which only an effect calls: the server
//! renders from a model of its own, and never starts a shell.

mod clock;
mod listen;
mod request;
mod socket;
mod storage;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use madang_client::{Effect, Event, Model, Role, update};
use wasm_bindgen::JsCast;
use web_sys::{PageTransitionEvent, VisibilityState, Window};

use listen::{Later, Listener};
use socket::Socket;

pub(crate) use clock::{local_day, new_cmid, now};
pub(crate) use request::{RequestError, choose_name, open_room, save_settings};

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
    socket: RefCell<Option<Socket>>,
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
            socket: RefCell::default(),
            wake: RefCell::default(),
            frame: RefCell::default(),
            listeners: RefCell::default(),
        });
        if let Some(window) = web_sys::window() {
            inner.listeners.replace(listeners(&window, &Rc::downgrade(&inner)));
        }
        inner.dispatch(Event::Started { visible: is_visible() });
        inner.dispatch(Event::Role(Role::Alone));
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

    /// Closes the socket and removes every listener and timer. The view is not called any more.
    pub(crate) fn stop(&self) {
        self.inner.stopped.set(true);
        self.inner.listeners.take();
        self.inner.dispatch(Event::Stopped);
        self.inner.socket.take();
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
            let effects = update(&mut self.model.borrow_mut(), event, clock::now());
            effects.into_iter().for_each(|effect| self.run(effect));
        }
        self.busy.set(false);
        self.notify();
    }

    fn run(self: &Rc<Self>, effect: Effect) {
        match effect {
            Effect::Connect { conn, .. } => {
                let socket = Socket::open(conn, self.reporter());
                if socket.is_none() {
                    self.queue.borrow_mut().push_back(Event::Closed {
                        conn,
                        code: 1006,
                        roll: clock::roll(),
                    });
                }
                self.socket.replace(socket);
            }
            Effect::Close { conn } => self.with_socket(conn, Socket::close),
            Effect::Send { conn, frame } => self.with_socket(conn, |socket| socket.send(&frame)),
            Effect::WakeAt(at) => {
                let report = self.reporter();
                let woke = move || report(Event::Woke { roll: clock::roll() });
                self.wake.replace(Later::timeout(at - clock::now(), woke));
            }
            Effect::Restore { user } => {
                let writes = storage::load(&user);
                self.queue.borrow_mut().push_back(Event::Restored { user, writes });
            }
            Effect::SaveWrite { user, write } => storage::save(&user, &write),
            Effect::ForgetWrite { user, cmid } => storage::forget(&user, cmid),
            // Only other transports and other tabs ask for these.
            Effect::SignOfLife { .. } | Effect::Tell { .. } => {}
        }
    }

    fn with_socket(&self, conn: madang_client::Conn, act: impl FnOnce(&Socket)) {
        if let Some(socket) = &*self.socket.borrow()
            && socket.conn == conn
        {
            act(socket);
        }
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
        if !is_visible() {
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

fn listeners(window: &Window, shell: &Weak<Inner>) -> Vec<Listener> {
    let on = |target: &web_sys::EventTarget, name, event: fn(&web_sys::Event) -> Option<Event>| {
        let shell = shell.clone();
        Listener::new(target, name, move |heard| {
            event(&heard).into_iter().for_each(|event| report(&shell, event));
        })
    };
    let mut listeners = vec![
        on(window, "online", |_| Some(Event::Online)),
        on(window, "offline", |_| Some(Event::Offline)),
        // Back from the browser's cache of whole pages, where sockets die in silence.
        on(window, "pageshow", |heard| {
            heard.dyn_ref::<PageTransitionEvent>().filter(|shown| shown.persisted()).map(|_| network())
        }),
    ];
    if let Some(document) = window.document() {
        listeners.push(on(&document, "visibilitychange", |_| Some(Event::Visible(is_visible()))));
    }
    listeners
}

fn network() -> Event {
    let online = web_sys::window().is_none_or(|window| window.navigator().on_line());
    if online { Event::Online } else { Event::Offline }
}

fn is_visible() -> bool {
    web_sys::window()
        .and_then(|window| window.document())
        .is_some_and(|document| document.visibility_state() == VisibilityState::Visible)
}
