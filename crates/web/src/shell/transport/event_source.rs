//! Server-sent events down, posts up.

use std::cell::RefCell;
use std::rc::Rc;

use madang_client::{Conn, Event};
use madang_protocol::ClientFrame;
use wasm_bindgen::JsCast;
use web_sys::{EventSource, MessageEvent};

use super::super::listen::Listener;
use super::mailbox::{LOST, Mailbox};
use super::{Carrier, read};

/// An event stream and its mailbox.
pub(super) struct Stream {
    mailbox: Mailbox,
    source: Rc<RefCell<Option<Source>>>,
}

/// The browser's stream; dropping it closes it. It resumes by itself, from the number of the last event.
struct Source {
    source: EventSource,
    _listeners: [Listener; 2],
}

impl Stream {
    pub(super) fn open(conn: Conn, report: Rc<dyn Fn(Event)>) -> Self {
        let source = Rc::new(RefCell::new(None));
        let place = Rc::downgrade(&source);
        let mailbox = Mailbox::open(conn, report, move |mailbox| {
            let Some(place) = place.upgrade() else { return };
            match Source::open(&mailbox) {
                Some(source) => drop(place.replace(Some(source))),
                None => mailbox.fail(LOST),
            }
        });
        Self { mailbox, source }
    }
}

impl Source {
    fn open(mailbox: &Mailbox) -> Option<Self> {
        let source = EventSource::new(&mailbox.path("/events")).ok()?;
        let hearing = mailbox.clone();
        let message = Listener::new(&source, "message", move |heard| {
            let Some(heard) = heard.dyn_ref::<MessageEvent>() else { return };
            if let (Ok(number), Some(text)) = (heard.last_event_id().parse(), heard.data().as_string()) {
                hearing.deliver(number, read(&text));
            }
        });
        let (losing, watched) = (mailbox.clone(), source.clone());
        let error = Listener::new(&source, "error", move |_| {
            if watched.ready_state() == EventSource::CLOSED {
                losing.fail(LOST);
            } else {
                // The browser tries again by itself, in a few seconds. A post tells now whether that can succeed.
                losing.show_life();
            }
        });
        Some(Self { source, _listeners: [message, error] })
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.source.close();
    }
}

impl Carrier for Stream {
    fn send(&self, frame: &ClientFrame) {
        self.mailbox.send(frame);
    }

    fn show_life(&self) {
        self.mailbox.show_life();
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.mailbox.end();
        self.source.take();
    }
}
