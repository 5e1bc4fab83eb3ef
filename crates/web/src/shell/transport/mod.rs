//! Transports of frames to the server and back: a WebSocket, or, where a network lets none through, an event stream or
//! polls with posts beside them.

mod event_source;
mod mailbox;
mod poll;
mod websocket;

use std::rc::Rc;

use madang_client::{Conn, Event, Transport};
use madang_protocol::{ClientFrame, ServerFrame, json};

use super::clock;

/// A connection. Dropping it ends it, and it reports nothing more.
pub(super) trait Carrier {
    /// Sends a frame, if frames can be sent. One that is lost here is sent again on the next connection.
    fn send(&self, frame: &ClientFrame);

    /// Shows the server that what it sends is still read.
    fn show_life(&self) {}
}

/// Opens a connection to this page's own server, which reports its life as `conn`; `None` if the browser refuses
/// to try, or if it is none of its kind.
pub(super) fn open(conn: Conn, transport: Transport, report: Rc<dyn Fn(Event)>) -> Option<Box<dyn Carrier>> {
    Some(match transport {
        Transport::WebSocket => Box::new(websocket::Socket::open(conn, report)?),
        Transport::EventSource => Box::new(event_source::Stream::open(conn, report)),
        Transport::Poll => Box::new(poll::Polls::open(conn, report)),
        Transport::Tab => return None,
    })
}

/// Returns true if a frame is only of the moment: with much unsent it would be late, and in the way of what is not.
fn is_momentary(frame: &ClientFrame) -> bool {
    matches!(frame, ClientFrame::Typing { .. } | ClientFrame::Present { .. })
}

/// Returns the frame in a message. One that cannot be read still shows that the server lives.
fn read(text: &str) -> ServerFrame {
    json::read(text).unwrap_or_else(|_| {
        web_sys::console::warn_1(&"a frame that this page cannot read".into());
        ServerFrame::Unknown
    })
}

fn closed(conn: Conn, code: u16) -> Event {
    Event::Closed { conn, code, roll: clock::roll() }
}
