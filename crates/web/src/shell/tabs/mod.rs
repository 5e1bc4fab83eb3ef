//! The tabs of one browser: which of them leads, and what they send each other.
//!
//! A lock elects the leader: whoever holds it leads, and when that tab closes the browser hands it on. A leader that
//! does not run, although it holds the lock, does not answer the pings of a tab that is looked at, which then
//! steals it. Each tab holds a lock of its own too, so that the leader notices when one vanishes.

mod locks;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Function, Promise};
use madang_client::{Event, Role, TabId, TabMessage};
use madang_protocol::UnixMs;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, BroadcastChannel, MessageEvent};

use super::clock;
use super::listen::{Later, Listener};
use locks::{Want, hold};

const CHANNEL: &str = "madang";
const LEADER: &str = "madang.leader";

/// A tab that is looked at asks so often whether the leader runs,
const PING_MS: i64 = 250;
/// and leads itself when so many questions in a row had no answer. They are counted, and not the time: a tab that
/// did not run itself has not asked.
const PATIENCE: u32 = 3;
/// Lateness above which our pings are ignored: the whole machine is busy, and the leader no slower than this tab.
const LATE_MS: i64 = 150;
/// A tab that was robbed of the lead although it runs is on a slow machine, and gives others twice as long, up to this.
const MOST_PATIENCE: u32 = 24;

const PING: &str = "ping";
const PONG: &str = "pong";

/// This tab among the others. Dropping it leaves them.
pub(super) struct Tabs {
    inner: Rc<Inner>,
}

struct Inner {
    me: TabId,
    report: Rc<dyn Fn(Event)>,
    channel: RefCell<Option<(BroadcastChannel, Listener)>>,
    role: Cell<Option<Role>>,
    visible: Cell<bool>,
    /// Counts the bids for the lead; results of an older one are ignored.
    bid: Cell<u32>,
    /// Calls the present bid off.
    waiting: RefCell<Option<AbortController>>,
    /// Gives back what is held.
    leading: RefCell<Option<Function>>,
    present: RefCell<Option<Function>>,
    /// The tabs whose end is waited for.
    watched: RefCell<Vec<TabId>>,
    ticker: RefCell<Option<Later>>,
    unanswered: Cell<u32>,
    /// Time at which the last question was due to be followed by another.
    due: Cell<UnixMs>,
    patience: Cell<u32>,
}

impl Tabs {
    /// Joins the tabs of this browser. Reports the role: soon, or now if the browser cannot tell tabs of each other.
    pub(super) fn join(report: Rc<dyn Fn(Event)>, visible: bool) -> Self {
        let inner = Rc::new(Inner {
            me: clock::random_id(),
            report,
            channel: RefCell::default(),
            role: Cell::new(None),
            visible: Cell::new(visible),
            bid: Cell::new(0),
            waiting: RefCell::default(),
            leading: RefCell::default(),
            present: RefCell::default(),
            watched: RefCell::default(),
            ticker: RefCell::default(),
            unanswered: Cell::new(0),
            due: Cell::new(0),
            patience: Cell::new(PATIENCE),
        });
        inner.join();
        Self { inner }
    }

    /// Tells other tabs something; with nobody named, all of them.
    pub(super) fn tell(&self, to: &[TabId], message: &TabMessage) {
        if let Some(text) = message.to_text() {
            self.inner.say(to, &text);
        }
    }

    /// The page came on screen, or left it.
    pub(super) fn set_visible(&self, visible: bool) {
        self.inner.visible.set(visible);
        self.inner.watch_leader();
    }

    /// The page goes away, or to sleep: whoever else is there leads. Returns true if this tab was one of several, or
    /// could have been.
    pub(super) fn leave(&self) -> bool {
        let alone = self.inner.role.get() == Some(Role::Alone);
        if !alone {
            self.inner.leave();
        }
        !alone
    }

    /// The page is back.
    pub(super) fn rejoin(&self) {
        if self.inner.channel.borrow().is_none() && self.inner.role.get() != Some(Role::Alone) {
            self.inner.join();
        }
    }
}

impl Drop for Tabs {
    fn drop(&mut self) {
        self.inner.leave();
    }
}

impl Inner {
    fn join(self: &Rc<Self>) {
        let Ok(channel) = BroadcastChannel::new(CHANNEL) else { return self.take_role(Role::Alone) };
        let tab = Rc::downgrade(self);
        let listener = Listener::new(&channel, "message", move |heard| {
            let text = heard.dyn_ref::<MessageEvent>().and_then(|heard| heard.data().as_string());
            if let (Some(tab), Some(text)) = (tab.upgrade(), text) {
                let _ = tab.hear(&text);
            }
        });
        self.channel.replace(Some((channel, listener)));
        // Granted before the bid is, as asked for before: whoever leads can wait for the end of this tab.
        let (held, release) = pending();
        self.present.replace(release);
        let name = lock_of(self.me);
        spawn_local(async move { drop(hold(&name, Want::Wait(None), Box::new(|_| Some(held))).await) });
        self.bid(Want::IfFree);
    }

    fn leave(&self) {
        self.channel.take();
        self.bid.set(self.bid.get() + 1);
        self.role.set(None);
        self.ticker.take();
        if let Some(waiting) = self.waiting.take() {
            waiting.abort();
        }
        for held in [self.leading.take(), self.present.take()].into_iter().flatten() {
            let _ = held.call0(&JsValue::NULL);
        }
    }

    /// Wants to lead.
    fn bid(self: &Rc<Self>, want: Want) {
        let number = self.bid.get() + 1;
        self.bid.set(number);
        if let Some(waiting) = self.waiting.take() {
            waiting.abort();
        }
        let (tab, led) = (self.clone(), Rc::new(Cell::new(false)));
        let leads = led.clone();
        let granted = move |there: bool| {
            if !there || tab.bid.get() != number {
                return None;
            }
            leads.set(true);
            let (held, release) = pending();
            tab.leading.replace(release);
            tab.take_role(Role::Leader);
            Some(held)
        };
        let tab = self.clone();
        let taken = matches!(want, Want::IfFree);
        spawn_local(async move {
            let outcome = hold(LEADER, want, Box::new(granted)).await;
            if tab.bid.get() != number {
                return;
            }
            match outcome {
                Err(_) if !led.get() => {
                    // A channel without locks would have tabs hear each other, and none of them lead.
                    tab.channel.take();
                    return tab.take_role(Role::Alone);
                }
                // Stolen, or there was a leader already: the next turn is waited for.
                _ if led.get() || taken => {
                    if led.get() {
                        tab.patience.set((tab.patience.get() * 2).min(MOST_PATIENCE));
                    }
                    tab.take_role(Role::Follower);
                }
                _ => {}
            }
            let waiting = AbortController::new().ok();
            let signal = waiting.as_ref().map(AbortController::signal);
            tab.bid(Want::Wait(signal));
            tab.waiting.replace(waiting);
        });
    }

    fn take_role(self: &Rc<Self>, role: Role) {
        if self.role.replace(Some(role)) != Some(role) {
            self.watch_leader();
            (self.report)(Event::Role(role));
        }
    }

    fn say(&self, to: &[TabId], text: &str) {
        if let Some((channel, _)) = &*self.channel.borrow() {
            let to: Vec<String> = to.iter().map(|tab| format!("{tab:x}")).collect();
            let line = format!("{:x} {} {text}", self.me, to.join(","));
            let _ = channel.post_message(&line.into());
        }
    }

    /// `from to,to text`; to nobody: to all.
    fn hear(self: &Rc<Self>, line: &str) -> Option<()> {
        let (from, rest) = line.split_once(' ')?;
        let (to, text) = rest.split_once(' ')?;
        let number = |hex: &str| TabId::from_str_radix(hex, 16).ok();
        if !to.is_empty() && !to.split(',').any(|to| number(to) == Some(self.me)) {
            return None;
        }
        let from = number(from)?;
        let leads = self.role.get() == Some(Role::Leader);
        match text {
            PING if leads => self.say(&[from], PONG),
            PING => {}
            PONG => self.unanswered.set(0),
            _ => {
                let message = TabMessage::from_text(text)?;
                if leads {
                    self.watch_tab(from);
                }
                (self.report)(Event::Tab { from, message, roll: clock::roll() });
            }
        }
        Some(())
    }

    /// Waits for the end of a tab, and reports it as if that tab had sent it.
    fn watch_tab(self: &Rc<Self>, from: TabId) {
        if self.watched.borrow().contains(&from) {
            return;
        }
        self.watched.borrow_mut().push(from);
        let tab = Rc::downgrade(self);
        spawn_local(async move {
            let gone = hold(&lock_of(from), Want::Wait(None), Box::new(|_| None)).await;
            if let (Ok(()), Some(tab)) = (gone, tab.upgrade()) {
                tab.watched.borrow_mut().retain(|watched| *watched != from);
                let message = TabMessage::Left;
                (tab.report)(Event::Tab { from, message, roll: clock::roll() });
            }
        });
    }

    /// While people look at this tab, and another one leads: asks whether that one runs.
    fn watch_leader(self: &Rc<Self>) {
        self.unanswered.set(0);
        self.due.set(clock::now());
        self.ticker.take();
        self.tick();
    }

    fn tick(self: &Rc<Self>) {
        if self.role.get() != Some(Role::Follower) || !self.visible.get() {
            return;
        }
        let now = clock::now();
        let late = now > self.due.replace(now + PING_MS) + LATE_MS;
        if late || self.unanswered.get() < self.patience.get() {
            self.unanswered.set(self.unanswered.get() + u32::from(!late));
            self.say(&[], PING);
        } else {
            self.unanswered.set(0);
            self.bid(Want::Steal);
        }
        let tab = Rc::downgrade(self);
        self.ticker.replace(Later::timeout(PING_MS, move || {
            if let Some(tab) = tab.upgrade() {
                tab.tick();
            }
        }));
    }
}

fn lock_of(tab: TabId) -> String {
    format!("madang.tab.{tab:x}")
}

/// A promise, and what fulfils it.
fn pending() -> (Promise, Option<Function>) {
    let mut fulfil = None;
    let promise = Promise::new(&mut |resolve, _| fulfil = Some(resolve));
    (promise, fulfil)
}
