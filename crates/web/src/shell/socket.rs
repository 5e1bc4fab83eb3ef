//! One WebSocket: its four events become [`Event`]s, typed frames go out.

use std::rc::Rc;

use madang_client::{Conn, Event};
use madang_protocol::{ClientFrame, SUBPROTOCOL, ServerFrame};
use wasm_bindgen::JsCast;
use web_sys::{CloseEvent, MessageEvent, WebSocket};

use super::clock;
use super::listen::Listener;

/// With this much unsent, what is only of the moment (typing, presence) is left out: it would be late, and
/// in the way of what is not.
const BUSY_BYTES: u32 = 16 * 1024;

/// A socket. Dropping it takes its listeners off and closes it: it is not heard of again.
pub(super) struct Socket {
    pub(super) conn: Conn,
    socket: WebSocket,
    _listeners: [Listener; 4],
}

impl Socket {
    /// Opens a socket to this page's own server; `None` if the browser refuses to try.
    pub(super) fn open(conn: Conn, report: Rc<dyn Fn(Event)>) -> Option<Self> {
        let socket = WebSocket::new_with_str(&url()?, SUBPROTOCOL).ok()?;
        let on = |name, event: Box<dyn Fn(web_sys::Event) -> Option<Event>>| {
            let report = report.clone();
            Listener::new(&socket, name, move |heard| {
                event(heard).into_iter().for_each(|event| report(event))
            })
        };
        let listeners = [
            on("open", Box::new(move |_| Some(Event::Opened { conn }))),
            on("message", Box::new(move |heard| Some(Event::Frame { conn, frame: read(&heard)? }))),
            // It tells nothing, on purpose of the standard; `close` follows, and tells the code.
            on("error", Box::new(|_| None)),
            on(
                "close",
                Box::new(move |heard| {
                    let code = heard.dyn_ref::<CloseEvent>().map_or(1006, CloseEvent::code);
                    Some(Event::Closed { conn, code, roll: clock::roll() })
                }),
            ),
        ];
        Some(Self { conn, socket, _listeners: listeners })
    }

    /// Sends a frame, if the socket is open. One that is lost here is sent again on the next connection.
    pub(super) fn send(&self, frame: &ClientFrame) {
        let momentary = matches!(frame, ClientFrame::Typing { .. } | ClientFrame::Present { .. });
        let busy = self.socket.buffered_amount() > BUSY_BYTES;
        if self.socket.ready_state() != WebSocket::OPEN || (momentary && busy) {
            return;
        }
        if let Ok(text) = serde_json::to_string(frame) {
            let _ = self.socket.send_with_str(&text);
        }
    }

    pub(super) fn close(&self) {
        let _ = self.socket.close_with_code(1000);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.close();
    }
}

/// The frame in a message. What cannot be read still shows that the server lives.
fn read(heard: &web_sys::Event) -> Option<ServerFrame> {
    let text = heard.dyn_ref::<MessageEvent>()?.data().as_string()?;
    Some(serde_json::from_str(&text).unwrap_or_else(|error| {
        web_sys::console::warn_1(&format!("a frame that this page cannot read: {error}").into());
        ServerFrame::Unknown
    }))
}

fn url() -> Option<String> {
    let location = web_sys::window()?.location();
    let scheme = if location.protocol().ok()? == "https:" { "wss" } else { "ws" };
    Some(format!("{scheme}://{}/ws", location.host().ok()?))
}
