//! One WebSocket: its four events become [`Event`]s, typed frames go out.

use std::rc::Rc;

use madang_client::{Conn, Event};
use madang_protocol::{ClientFrame, SUBPROTOCOL};
use wasm_bindgen::JsCast;
use web_sys::{CloseEvent, MessageEvent, WebSocket};

use super::super::listen::Listener;
use super::{Carrier, closed, is_momentary, read};

/// With this much unsent, what is only of the moment is left out.
const BUSY_BYTES: u32 = 16 * 1024;

/// A socket. Dropping it takes its listeners off and closes it.
pub(super) struct Socket {
    socket: WebSocket,
    _listeners: [Listener; 4],
}

impl Socket {
    pub(super) fn open(conn: Conn, report: Rc<dyn Fn(Event)>) -> Option<Self> {
        let socket = WebSocket::new_with_str(&url()?, SUBPROTOCOL).ok()?;
        let on = |name, event: Box<dyn Fn(web_sys::Event) -> Option<Event>>| {
            let report = report.clone();
            Listener::new(&socket, name, move |heard| {
                event(heard).into_iter().for_each(|event| report(event))
            })
        };
        let frame = move |heard: web_sys::Event| {
            let text = heard.dyn_ref::<MessageEvent>()?.data().as_string()?;
            Some(Event::Frame { conn, frame: read(&text) })
        };
        let listeners = [
            on("open", Box::new(move |_| Some(Event::Opened { conn }))),
            on("message", Box::new(frame)),
            // It tells nothing, on purpose of the standard; `close` follows, and tells the code.
            on("error", Box::new(|_| None)),
            on(
                "close",
                Box::new(move |heard| {
                    Some(closed(conn, heard.dyn_ref::<CloseEvent>().map_or(1006, CloseEvent::code)))
                }),
            ),
        ];
        Some(Self { socket, _listeners: listeners })
    }
}

impl Carrier for Socket {
    fn send(&self, frame: &ClientFrame) {
        let busy = self.socket.buffered_amount() > BUSY_BYTES;
        if self.socket.ready_state() != WebSocket::OPEN || (busy && is_momentary(frame)) {
            return;
        }
        if let Ok(text) = serde_json::to_string(frame) {
            let _ = self.socket.send_with_str(&text);
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = self.socket.close_with_code(1000);
    }
}

fn url() -> Option<String> {
    let location = web_sys::window()?.location();
    let scheme = if location.protocol().ok()? == "https:" { "wss" } else { "ws" };
    Some(format!("{scheme}://{}/ws", location.host().ok()?))
}
