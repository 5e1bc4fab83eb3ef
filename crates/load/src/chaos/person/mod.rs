//! One client: a native shell around the real core. It does what the page's shell does in a browser: carriers,
//! timers, the outbox over a reload; and what a person does in front of it.

mod carrier;
mod channel;
mod habits;
mod restricted_network;
mod rungs;
mod unauthorized;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fastrand::Rng;
use madang_client::{Conn, Effect, Event, Locale, Model, Role, Theme, Transport, Write, update};
use madang_protocol::{Cmid, RoomId, Seq, ServerFrame, UnixMs, UserId};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

pub use restricted_network::narrow;
pub use unauthorized::intruder;

use carrier::Carrier;
use channel::{Mailbox, News, WAITING};

use super::Counts;
use super::checker::wire::Wire;
use super::checker::{Checker, screen};
use super::route::Route;

/// Parts that all clients share.
#[derive(Clone, Debug)]
pub struct World {
    /// The proxy.
    pub address: SocketAddr,
    /// The rooms there are.
    pub rooms: Rc<Vec<RoomId>>,
    /// Checker of all that is seen.
    pub checker: Rc<RefCell<Checker>>,
    /// Sessions that were opened, by their transport.
    pub welcomes: Rc<RefCell<Counts>>,
    /// Tokens of recent sessions over plain HTTP: what an intruder may have got hold of.
    pub sessions: Rc<RefCell<VecDeque<String>>>,
    /// Present phase of the run.
    pub phase: watch::Receiver<Phase>,
    /// Between two deeds of a client, on average.
    pub pause: Duration,
}

/// Tokens that are remembered.
const SESSIONS: usize = 50;

/// Phases of a run: what clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// They connect, and wait.
    Arrive,
    /// They live.
    Live,
    /// They wake up, do nothing of their own any more, and let everything arrive.
    Settle,
}

/// Parts of a client that others may look at.
#[derive(Debug)]
pub struct Screen {
    /// The state.
    pub model: RefCell<Model>,
    /// Since when the room on screen is live, while it is.
    pub live_since: Cell<Option<Instant>>,
    /// The newest place in it that came as an entry.
    pub newest: Cell<Seq>,
}

/// See the module.
struct Person {
    number: usize,
    world: World,
    rng: Rng,
    screen: Rc<Screen>,
    /// State that a browser keeps over a reload.
    login: Option<String>,
    you: Option<UserId>,
    kept: BTreeMap<Cmid, Write>,
    /// State that a reload throws away.
    carriers: HashMap<Conn, Carrier>,
    wires: HashMap<Conn, Wire>,
    transports: HashMap<Conn, Transport>,
    mailbox: Mailbox,
    news: mpsc::Receiver<(Conn, News)>,
    wake: Option<Instant>,
    /// Time of the next deed.
    next: Instant,
}

/// A new model, as the client-only page begins.
fn blank(room: &RoomId) -> Model {
    Model::new(room.clone(), Locale::En, Theme::default())
}

/// Makes client `number`: what of it can be seen, and its life, which never ends.
pub fn person(number: usize, world: World, rng: Rng) -> (Rc<Screen>, impl Future<Output = ()>) {
    let lobby = RoomId::lobby();
    let room = world.rooms.first().unwrap_or(&lobby);
    let screen = Rc::new(Screen {
        model: RefCell::new(blank(room)),
        live_since: Cell::default(),
        newest: Cell::default(),
    });
    let (mailbox, news) = mpsc::channel(WAITING);
    let person = Person {
        number,
        world,
        rng,
        screen: Rc::clone(&screen),
        login: None,
        you: None,
        kept: BTreeMap::new(),
        carriers: HashMap::new(),
        wires: HashMap::new(),
        transports: HashMap::new(),
        mailbox,
        news,
        wake: None,
        next: Instant::now(),
    };
    (screen, person.live())
}

impl Person {
    async fn live(mut self) {
        self.start();
        self.next = self.after_pause();
        loop {
            let wake = self.wake;
            tokio::select! {
                Some((conn, news)) = self.news.recv() => self.hear(conn, news),
                () = until(wake) => {
                    self.wake = None;
                    let roll = self.rng.u32(..);
                    self.dispatch(Event::Woke { roll });
                }
                () = sleep_until(self.next) => {
                    self.next = self.after_pause();
                    let phase = *self.world.phase.borrow();
                    match phase {
                        Phase::Arrive => {}
                        Phase::Live => self.act().await,
                        Phase::Settle => self.return_to_newest(),
                    }
                }
            }
        }
    }

    fn after_pause(&mut self) -> Instant {
        Instant::now() + self.world.pause.mul_f64(0.2 + 1.6 * self.rng.f64())
    }

    fn hear(&mut self, conn: Conn, news: News) {
        match news {
            News::Login(login) => self.login = Some(login),
            News::Opened => self.dispatch(Event::Opened { conn }),
            News::Frame(text) => self.frame(conn, &text),
            News::Session(session) => {
                let mut sessions = self.world.sessions.borrow_mut();
                sessions.push_back(session);
                // The recent ones are those that live.
                let old = sessions.len().saturating_sub(SESSIONS);
                sessions.drain(..old);
            }
            News::Wrong(what, how) => {
                let number = self.number;
                self.world.checker.borrow_mut().verdict.broke(what, || format!("{number}: {how}"));
            }
            News::Closed(code) => {
                self.carriers.remove(&conn);
                self.wires.remove(&conn);
                self.transports.remove(&conn);
                let roll = self.rng.u32(..);
                self.dispatch(Event::Closed { conn, code, roll });
                // A carrier may end after another took its place.
                if !self.screen.model.borrow().link().connected {
                    self.screen.live_since.set(None);
                }
            }
        }
    }

    fn frame(&mut self, conn: Conn, text: &str) {
        let frame: ServerFrame = match serde_json::from_str(text) {
            Ok(frame) => frame,
            Err(error) => {
                let number = self.number;
                let mut checker = self.world.checker.borrow_mut();
                return checker.verdict.broke(super::checker::Broken::Lost, || {
                    format!("{number} was sent what it cannot read: {error}: {text}")
                });
            }
        };
        if let ServerFrame::Welcome { you, .. } = &frame {
            self.you.get_or_insert_with(|| you.id.clone());
            if let Some(transport) = self.transports.get(&conn) {
                *self.world.welcomes.borrow_mut().entry(transport.as_str()).or_default() += 1;
            }
        }
        match &frame {
            ServerFrame::Live { room, .. } if room == self.screen.model.borrow().room() => {
                self.screen.live_since.set(Some(Instant::now()));
            }
            ServerFrame::Entry(entry) => self.screen.newest.set(entry.seq),
            _ => {}
        }
        if let Some(wire) = self.wires.get_mut(&conn) {
            wire.brings(&frame, &mut self.world.checker.borrow_mut());
        }
        self.dispatch(Event::Frame { conn, frame });
    }

    /// Lets the core take in what happened, and does what it wants done.
    fn dispatch(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let effects = update(&mut self.screen.model.borrow_mut(), event, now());
            for effect in effects {
                events.extend(self.perform(effect));
            }
        }
    }

    /// Carries out an effect; what follows from it at once.
    fn perform(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Connect { conn, transport } => {
                let route =
                    Route { client: self.number, address: self.world.address, login: self.login.clone() };
                self.wires.insert(conn, Wire::new(self.number, self.you.clone()));
                let carrier = Carrier::open(conn, transport, route, self.mailbox.clone());
                self.carriers.insert(conn, carrier);
                self.transports.insert(conn, transport);
            }
            Effect::Close { conn } => {
                if let Some(carrier) = self.carriers.get(&conn) {
                    carrier.close();
                }
            }
            Effect::Send { conn, frame } => {
                if let (Some(wire), Some(carrier)) = (self.wires.get_mut(&conn), self.carriers.get(&conn)) {
                    wire.sends(&frame);
                    carrier.send(frame);
                }
            }
            Effect::WakeAt(at) => {
                let wait = u64::try_from(at - now()).unwrap_or(0);
                self.wake = Some(Instant::now() + Duration::from_millis(wait));
            }
            Effect::Restore { user } => {
                return Some(Event::Restored { user, writes: self.kept.values().cloned().collect() });
            }
            Effect::SaveWrite { write, .. } => _ = self.kept.insert(write.cmid, write),
            Effect::ForgetWrite { cmid, .. } => _ = self.kept.remove(&cmid),
            Effect::SignOfLife { conn } => {
                if let Some(carrier) = self.carriers.get(&conn) {
                    carrier.sign_of_life();
                }
            }
            // Nobody else is in this browser.
            Effect::SendToTabs { .. } => {}
        }
        None
    }

    /// The page is loaded anew, or the browser crashed: what is left is what a browser keeps.
    fn reload(&mut self) {
        let room = self.screen.model.borrow().room().clone();
        self.carriers.clear();
        self.wires.clear();
        self.transports.clear();
        (self.mailbox, self.news) = mpsc::channel(WAITING);
        self.wake = None;
        *self.screen.model.borrow_mut() = blank(&room);
        self.start();
    }

    fn start(&mut self) {
        self.dispatch(Event::Started { visible: true });
        self.dispatch(Event::Role(Role::Alone));
    }

    /// Takes a client that reads old messages at the end back to the newest; others are left as they are.
    fn return_to_newest(&mut self) {
        let view = {
            let model = self.screen.model.borrow();
            model.room_view(model.room()).filter(|view| view.after).map(|_| model.room().clone())
        };
        if let Some(room) = view {
            self.dispatch(Event::Latest { room });
        }
    }

    /// The rows on screen must be right at any moment.
    fn look(&self) {
        let model = self.screen.model.borrow();
        screen::check(self.number, &model, model.room(), &mut self.world.checker.borrow_mut().verdict);
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs::try_from(since.as_millis()).unwrap_or(UnixMs::MAX)
}
