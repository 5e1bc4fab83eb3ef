//! Ends of sessions that are sent away, and of rooms that are closed.

use std::sync::PoisonError;

use madang_protocol::{CloseCode, Entry, EntryKind, RoomId, UserId};

use super::{Hub, QueuedFrame, SessionId, lock};
use crate::network::Network;

impl Hub {
    /// Ends every session of this person.
    pub fn close_of(&self, user: &UserId, code: CloseCode) {
        let sessions = lock(&self.sessions);
        for id in sessions.of_user.get(user).into_iter().flatten() {
            if let Some(session) = sessions.joined.get(id) {
                session.queue.close(code);
            }
        }
    }

    /// Ends every session from there. Returns their number.
    pub fn close_from(&self, from: Network, code: CloseCode) -> usize {
        let sessions = lock(&self.sessions);
        let joined = sessions.joined.values().filter(|session| session.from == from);
        joined.map(|session| session.queue.close(code)).count()
    }

    /// Returns users that have a session, each once, in no order.
    pub fn users(&self) -> Vec<UserId> {
        lock(&self.sessions).of_user.keys().cloned().collect()
    }

    /// Returns the networks that this person is connected from, each once.
    pub fn networks_of(&self, user: &UserId) -> Vec<Network> {
        let sessions = lock(&self.sessions);
        let ids = sessions.of_user.get(user).into_iter().flatten();
        let mut networks: Vec<_> =
            ids.filter_map(|id| sessions.joined.get(id)).map(|session| session.from).collect();
        networks.sort_unstable();
        networks.dedup();
        networks
    }

    /// Ends every session, and each that still joins, for a restart.
    pub fn close_all(&self) {
        self.close_some(usize::MAX);
    }

    /// As [`Hub::close_all`], but at most so many of those who are there, the longest there first. Returns the number
    /// still to be ended.
    pub fn close_some(&self, most: usize) -> usize {
        let mut sessions = lock(&self.sessions);
        sessions.closing = true;
        let mut open: Vec<SessionId> =
            sessions.joined.keys().copied().filter(|id| *id > sessions.closed_up_to).collect();
        open.sort_unstable();
        let left = open.len().saturating_sub(most);
        for id in open.into_iter().take(most) {
            sessions.closed_up_to = id;
            if let Some(session) = sessions.joined.get(&id) {
                session.queue.close(CloseCode::RESTART);
            }
        }
        left
    }

    /// Lets go of a room: its followers are notified, behind all its entries.
    pub(super) fn close_room(&self, id: &RoomId) {
        let Some(room) = self.rooms.write().unwrap_or_else(PoisonError::into_inner).remove(id) else {
            return;
        };
        for (_, queue) in lock(&room).followers.drain() {
            queue.push(QueuedFrame::Closed(id.clone()));
        }
    }
}

/// Returns the room whose title an entry changes, and the title; `None` for that: the room is closed. It concerns all,
/// whether they follow the room or not.
pub(super) fn changed(entry: &Entry) -> Option<(RoomId, Option<String>)> {
    let title = match &entry.what {
        EntryKind::Renamed { title } => Some(title.clone()),
        EntryKind::Closed {} => None,
        _ => return None,
    };
    Some((entry.room.clone(), title))
}
