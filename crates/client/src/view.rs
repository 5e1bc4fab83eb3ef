//! Views of the page around the timeline.

use std::sync::Arc;

use madang_protocol::{RoomId, Seq, UserId};

use crate::Model;
use crate::room::Room;

/// One room in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomLine {
    /// The room; the line's key.
    pub room: RoomId,
    /// Its title; empty while it is not known.
    pub title: Arc<str>,
    /// Messages by others after the read marker; 1,000 stands for as many or more.
    pub unread: u32,
    /// True if it is the one on screen.
    pub current: bool,
}

/// The state of a room around its timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomView {
    /// Its title; empty while it is not known.
    pub title: Arc<str>,
    /// True if its messages are known (even if there are none). Until then, show that they are on their way.
    pub loaded: bool,
    /// There is no such room; if it is `loaded`, there is none any more.
    pub gone: bool,
    /// True if messages older than the rows exist: offer [`crate::Event::Older`].
    pub before: bool,
    /// True if messages newer than the rows exist: offer [`crate::Event::Newer`] and `Latest`.
    pub after: bool,
    /// Older messages are on their way.
    pub loading_before: bool,
    /// Newer messages, or those around a link, are on their way.
    pub loading_after: bool,
    /// Messages by others that came since the reader left the bottom: the count on "jump to latest".
    pub fresh: u32,
    /// The message that a permanent link named, and its row if it is there.
    pub focus: Option<Seq>,
    /// People who are here; possibly cut short.
    pub here: Vec<UserId>,
    /// Number of people here.
    pub here_count: u32,
    /// Others who are typing, the first to begin first.
    pub typing: Vec<UserId>,
    /// Counts up whenever the rows were replaced as a whole by the server's state (a first look, a jump, a
    /// cursor that could not be served): show the bottom then, or the focus.
    pub resets: u32,
}

impl Model {
    /// The list of rooms that there are, in the server's order, newly opened ones first.
    pub fn room_lines(&self) -> Vec<RoomLine> {
        self.rooms.iter().filter(|room| !room.gone).map(|room| self.line(room)).collect()
    }

    /// Returns the view around the timeline of `room`; `None` if no such room was ever received.
    pub fn room_view(&self, room: &RoomId) -> Option<RoomView> {
        let room = self.rooms.get(room)?;
        let (loading_before, loading_after) = room.loading();
        Some(RoomView {
            title: room.title.clone(),
            loaded: room.window.is_some(),
            gone: room.gone,
            before: room.window.as_ref().is_some_and(|window| window.before),
            after: room.window.as_ref().is_some_and(|window| window.after),
            loading_before,
            loading_after,
            fresh: room.fresh,
            focus: room.focus,
            here: room.here.clone(),
            here_count: room.here_count,
            typing: room.typing.iter().map(|(who, _)| who.clone()).collect(),
            resets: room.resets,
        })
    }

    /// Messages by others after the read markers, in all rooms: for the page's title and badge.
    pub fn unread(&self) -> u32 {
        self.rooms.iter().filter(|room| !room.gone).fold(0, |sum, room| sum.saturating_add(room.unread))
    }

    fn line(&self, room: &Room) -> RoomLine {
        RoomLine {
            room: room.id.clone(),
            title: room.title.clone(),
            unread: room.unread,
            current: room.id == self.current,
        }
    }
}
