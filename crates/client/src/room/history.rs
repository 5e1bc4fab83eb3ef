//! Pages of history: what is asked for, and what of the answer can be used.

use madang_protocol::{ClientFrame, Message, RoomId, Seq, UnixMs, UserId};

use super::Room;
use crate::window::Window;

/// Messages in one page.
const PAGE: u16 = 60;

/// A page that was not received by then is requested again.
pub(crate) const PATIENCE_MS: i64 = 15_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Messages older than the window's first one.
    Before(Seq),
    /// Messages newer than the window's last one.
    After(Seq),
    /// A new window around a message.
    Around(Seq),
}

/// A page that is under way, or waits for a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) ask: Ask,
    /// Its number; `None` until it is sent.
    pub(crate) req: Option<u32>,
    /// Time to ask again.
    pub(crate) until: UnixMs,
}

impl Request {
    pub(crate) fn new(ask: Ask) -> Self {
        Self { ask, req: None, until: UnixMs::MAX }
    }

    pub(crate) fn frame(&self, req: u32, room: RoomId, limit: u16) -> ClientFrame {
        let (before, after, around) = match self.ask {
            Ask::Before(seq) => (Some(seq), None, None),
            Ask::After(seq) => (None, Some(seq), None),
            Ask::Around(seq) => (None, None, Some(seq)),
        };
        let limit = if limit == 0 { PAGE } else { PAGE.min(limit) };
        ClientFrame::History { req, room, before, after, around, limit }
    }
}

/// A `page`, as it came.
pub(crate) struct Page {
    pub(crate) head: Seq,
    pub(crate) messages: Vec<Message>,
    pub(crate) before: bool,
    pub(crate) after: bool,
}

impl Room {
    /// Returns whether older and newer messages are on their way.
    pub(crate) fn loading(&self) -> (bool, bool) {
        match self.request.as_ref().map(|request| request.ask) {
            Some(Ask::Before(_)) => (true, false),
            Some(Ask::After(_) | Ask::Around(_)) => (false, true),
            None => (false, self.wants_snapshot && self.window.is_some()),
        }
    }

    /// Takes a page in. Returns whether it must be asked for again: a change received meanwhile is not in it.
    pub(crate) fn turn(&mut self, page: &Page, you: Option<&UserId>) -> bool {
        let Some(request) = self.request.take() else { return false };
        if page.head < self.last_change {
            self.request = Some(Request::new(request.ask));
            return true;
        }
        // A message posted since the page was read is newer than the page.
        let after = page.after || page.head < self.last_post;
        match (request.ask, &mut self.window) {
            (Ask::Before(seq), Some(window)) if window.first() == Some(seq) => {
                window.prepend(&page.messages, page.head, page.before);
            }
            (Ask::After(seq), Some(window)) if window.last() == Some(seq) => {
                window.append(&page.messages, page.head, after);
                self.reached = self.reached.max(page.head);
            }
            (Ask::Around(_), window) => {
                *window = Some(Window::new(&page.messages, page.head, page.before, after));
                self.reached = self.reached.max(page.head);
                self.resets += 1;
            }
            // The window moved meanwhile: the page does not touch it any more.
            _ => {}
        }
        self.recount(you);
        false
    }
}
