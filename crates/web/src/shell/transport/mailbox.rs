//! The posts of a session over plain HTTP: one under way at a time, and what waits meanwhile goes as one.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use gloo_net::http::{Request, RequestBuilder, Response};
use js_sys::{JSON, Reflect};
use madang_client::{Conn, Event};
use madang_protocol::{ClientFrame, ServerFrame};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::AbortController;

use super::{closed, is_momentary};

/// Maximum bytes of one post: the server takes 64 KiB.
const MOST_BYTES: usize = 60 * 1024;
/// With so many frames waiting, what is only of the moment is left out.
const BUSY: usize = 16;
/// No connection, as a browser reports it.
pub(super) const LOST: u16 = 1006;

/// A session that is spoken to by posts; clones share it.
#[derive(Clone)]
pub(super) struct Mailbox {
    inner: Rc<Inner>,
}

type Begin = Box<dyn FnOnce(Mailbox)>;

struct Inner {
    conn: Conn,
    report: Rc<dyn Fn(Event)>,
    /// Once the server has opened the session: begins to listen.
    begin: RefCell<Option<Begin>>,
    session: RefCell<Option<String>>,
    /// Bounded by [`BUSY`], and by the core, which has one write under way for each room.
    waiting: RefCell<VecDeque<String>>,
    life_due: Cell<bool>,
    posting: Cell<bool>,
    /// The number of the last frame received.
    heard: Cell<u64>,
    ended: Cell<bool>,
    abort: Option<AbortController>,
}

impl Mailbox {
    /// A mailbox whose first frame opens the session; then `begin` is called.
    pub(super) fn open(conn: Conn, report: Rc<dyn Fn(Event)>, begin: impl FnOnce(Self) + 'static) -> Self {
        let inner = Inner {
            conn,
            report,
            begin: RefCell::new(Some(Box::new(begin))),
            session: RefCell::default(),
            waiting: RefCell::default(),
            life_due: Cell::new(false),
            posting: Cell::new(false),
            heard: Cell::new(0),
            ended: Cell::new(false),
            abort: AbortController::new().ok(),
        };
        let mailbox = Self { inner: Rc::new(inner) };
        // There is nothing to wait for; but not before `Connect` was carried out.
        let opened = mailbox.inner.clone();
        spawn_local(async move {
            if !opened.ended.get() {
                (opened.report)(Event::Opened { conn });
            }
        });
        mailbox
    }

    pub(super) fn send(&self, frame: &ClientFrame) {
        if is_momentary(frame) && self.inner.waiting.borrow().len() >= BUSY {
            return;
        }
        if let Ok(text) = serde_json::to_string(frame) {
            self.inner.waiting.borrow_mut().push_back(text);
            self.work();
        }
    }

    pub(super) fn show_life(&self) {
        self.inner.life_due.set(true);
        self.work();
    }

    /// Takes a frame, with its number.
    pub(super) fn deliver(&self, number: u64, frame: ServerFrame) {
        if !self.inner.ended.get() && number > self.inner.heard.get() {
            self.inner.heard.set(number);
            (self.inner.report)(Event::Frame { conn: self.inner.conn, frame });
        }
    }

    pub(super) fn heard(&self) -> u64 {
        self.inner.heard.get()
    }

    /// The address of the session's `part`.
    pub(super) fn path(&self, part: &str) -> String {
        format!("/rt/{}{part}", self.inner.session.borrow().as_deref().unwrap_or_default())
    }

    /// It cannot go on. Reported once, and nothing after.
    pub(super) fn fail(&self, code: u16) {
        if self.stop() {
            (self.inner.report)(closed(self.inner.conn, code));
        }
    }

    /// Ends the session. Nothing is reported any more.
    pub(super) fn end(&self) {
        if self.stop() && self.inner.session.borrow().is_some() {
            // If this is lost, the server notices by itself that nobody listens.
            let end = Request::delete(&self.path("")).send();
            spawn_local(async move { drop(end.await) });
        }
    }

    /// Calls off what is under way. Returns true if anything could be.
    fn stop(&self) -> bool {
        if let Some(abort) = &self.inner.abort {
            abort.abort();
        }
        !self.inner.ended.replace(true)
    }

    pub(super) fn is_ended(&self) -> bool {
        self.inner.ended.get()
    }

    /// Asks; gives the answer's text, or the close code of a failure.
    pub(super) async fn ask(&self, request: RequestBuilder, body: Option<String>) -> Result<String, u16> {
        let signal = self.inner.abort.as_ref().map(AbortController::signal);
        let request = request.abort_signal(signal.as_ref());
        let sent = match body {
            Some(body) => match request.header("content-type", "application/json").body(body) {
                Ok(request) => request.send().await,
                Err(error) => Err(error),
            },
            None => request.send().await,
        };
        let answer: Response = sent.map_err(|_| LOST)?;
        match answer.status() {
            200..=299 => answer.text().await.map_err(|_| LOST),
            // The session is gone: another one begins at once.
            410 => Err(4001),
            413 => Err(1009),
            _ => Err(LOST),
        }
    }

    fn work(&self) {
        if !self.inner.ended.get() && !self.inner.posting.replace(true) {
            spawn_local(self.clone().post_all());
        }
    }

    async fn post_all(self) {
        while let Some((path, body)) = self.next() {
            let answer = self.ask(Request::post(&path), Some(body)).await;
            if self.inner.ended.get() {
                break;
            }
            match answer {
                Ok(text) => self.begin(&text),
                Err(code) => self.fail(code),
            }
        }
        self.inner.posting.set(false);
    }

    /// Returns the next post, and its address.
    fn next(&self) -> Option<(String, String)> {
        let mut waiting = self.inner.waiting.borrow_mut();
        if self.inner.ended.get() {
            return None;
        }
        if self.inner.session.borrow().is_none() {
            return Some(("/rt".to_owned(), waiting.pop_front()?));
        }
        if !self.inner.life_due.take() && waiting.is_empty() {
            return None;
        }
        let mut body = String::from("[");
        while let Some(frame) = waiting.front()
            && (body.len() == 1 || body.len() + frame.len() < MOST_BYTES)
        {
            if body.len() > 1 {
                body.push(',');
            }
            body.push_str(frame);
            waiting.pop_front();
        }
        body.push(']');
        Some((self.path(&format!("?ack={}", self.heard())), body))
    }

    /// The first post was answered: the session has a name, and can be listened to.
    fn begin(&self, answer: &str) {
        let Some(begin) = self.inner.begin.take() else { return };
        let session = JSON::parse(answer).and_then(|answer| field(&answer, "session"));
        match session.ok().and_then(|session| session.as_string()) {
            Some(session) => {
                self.inner.session.replace(Some(session));
                begin(self.clone());
            }
            None => self.fail(LOST),
        }
    }
}

/// A field of an answer. The browser's own reader: a typed one would be larger than all the rest here.
pub(super) fn field(object: &JsValue, name: &str) -> Result<JsValue, JsValue> {
    Reflect::get(object, &JsValue::from_str(name))
}
