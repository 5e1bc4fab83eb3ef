//! The tab that leads: it hands the one session on to the others.
//!
//! Nothing here must be exact about cursors. Whatever a tab gets twice it ignores, and whatever it misses it asks
//! for, by the same rules as on a connection of its own.

use madang_protocol::{ClientFrame, RoomId, RoomInfo, Seq, ServerFrame};

use crate::room::{Room, SyncState};
use crate::tab_clients::PendingAnswer;
use crate::update::Update;
use crate::{Conn, Role, TabId, TabMessage};

/// A tab that was silent for so many heartbeats is gone.
const SILENT_HEARTBEATS: i64 = 3;

impl Update<'_> {
    pub(crate) fn leads(&self) -> bool {
        self.model.role == Some(Role::Leader)
    }

    /// A tab wants to be taken in.
    pub(crate) fn asked(&mut self, from: TabId, conn: Conn) {
        if self.model.link.is_up() {
            self.leave(from);
            self.model.tab_clients.take_in(from, self.now);
            self.send_to_tabs(vec![from], TabMessage::Opened { conn });
        } else if let Some(code) = self.model.link.ended() {
            self.send_to_tabs(vec![from], TabMessage::Closed { code: code.0 });
        }
    }

    /// A tab is gone.
    pub(crate) fn leave(&mut self, id: TabId) {
        let rooms = self.model.tab_clients.rooms(id);
        self.model.tab_clients.drop_tab(id);
        rooms.iter().for_each(|room| self.unwatch(room));
    }

    /// A tab sent something; one that was dropped gets an answer.
    pub(crate) fn is_tab(&mut self, id: TabId) -> bool {
        let known = self.model.tab_clients.heard(id, self.now);
        if !known {
            self.send_to_tabs(vec![id], TabMessage::Closed { code: 1006 });
        }
        known
    }

    /// A tab sends something to the server.
    pub(crate) fn tab_says(&mut self, id: TabId, frame: ClientFrame) {
        match frame {
            ClientFrame::Hello { resume, epoch, .. } => {
                self.welcome_tab(id);
                let known = epoch.is_some() && epoch == self.model.epoch;
                for point in resume {
                    self.tab_watches(id, point.room, known.then_some(point.seq));
                }
            }
            ClientFrame::Watch { room, after } => self.tab_watches(id, room, after),
            ClientFrame::Unwatch { room } => {
                self.model.tab_clients.unfollow(id, &room);
                self.unwatch(&room);
            }
            ClientFrame::Present { room } => self.model.tab_clients.look(id, room),
            ClientFrame::History { req, room, before, after, around, limit } => {
                self.model.req += 1;
                self.model.tab_clients.asks(self.model.req, id, req);
                let req = self.model.req;
                self.send(ClientFrame::History { req, room, before, after, around, limit });
            }
            ClientFrame::Read { .. } | ClientFrame::Typing { .. } => self.send(frame),
            // Writes go through the outbox that all tabs share.
            _ => {}
        }
    }

    /// Sends what the server would send to a new tab.
    fn welcome_tab(&mut self, id: TabId) {
        let Some(you) = self.model.you.clone() else { return };
        let Some(epoch) = self.model.epoch.clone() else { return };
        let rooms = self.model.rooms.iter().filter_map(info).collect();
        let limits = self.model.limits.clone();
        let heartbeat_ms = self.model.link.heartbeat_ms();
        self.model.tab_clients.greeted(id);
        self.down(vec![id], ServerFrame::Welcome { you, epoch, rooms, limits, heartbeat_ms });
        let people = self.model.people.all();
        self.down(vec![id], ServerFrame::People { people });
        self.send_writes(vec![id]);
    }

    /// A tab follows a room. Entries that the leader itself has, or is on its way to, need not be asked for again.
    fn tab_watches(&mut self, id: TabId, room: RoomId, after: Option<Seq>) {
        let own = self.model.rooms.get(&room).map(|room| (room.stream, room.cursor));
        let enough = |cursor: Option<Seq>| after.is_some() && cursor.is_some() && after >= cursor;
        let asked = match own {
            Some((SyncState::Live, cursor @ Some(head))) if enough(cursor) => {
                self.down(vec![id], ServerFrame::Live { room: room.clone(), head });
                PendingAnswer::Nothing
            }
            Some((SyncState::CatchingUp { .. }, cursor)) if enough(cursor) => PendingAnswer::Nothing,
            _ => {
                self.send(ClientFrame::Watch { room: room.clone(), after });
                if after.is_some() { PendingAnswer::Replay } else { PendingAnswer::Snapshot }
            }
        };
        self.model.tab_clients.follow(id, room, asked);
    }

    /// Stops following a room that neither this tab nor another follows.
    fn unwatch(&mut self, room: &RoomId) {
        if self.model.rooms.get(room).is_none() && self.model.tab_clients.following(room).is_empty() {
            self.send(ClientFrame::Unwatch { room: room.clone() });
        }
    }

    /// Hands a frame of the session to the tabs that it concerns. Returns true if it concerns this one too.
    pub(crate) fn route(&mut self, frame: &ServerFrame) -> bool {
        let tab_clients = &self.model.tab_clients;
        let (to, own) = match frame {
            ServerFrame::Entry(entry) => (tab_clients.following(&entry.room), true),
            ServerFrame::Typing { room, .. } | ServerFrame::Presence { room, .. } => {
                (tab_clients.following(room), true)
            }
            ServerFrame::Snapshot(snapshot) => self.answer(&snapshot.room, PendingAnswer::Snapshot),
            ServerFrame::Live { room, .. } => {
                let to = tab_clients.following(room);
                self.model.tab_clients.settle(room, PendingAnswer::Replay);
                (to, true)
            }
            ServerFrame::Page { req, .. } | ServerFrame::Refused { req: Some(req), cmid: None, .. } => {
                return !self.answer_request(*req, frame);
            }
            ServerFrame::Refused { cmid: None, room: Some(room), .. } => {
                // The session follows the room no more, whichever tab has asked.
                let to = tab_clients.following(room);
                self.model.tab_clients.settle(room, PendingAnswer::Snapshot);
                self.model.tab_clients.settle(room, PendingAnswer::Replay);
                (to, true)
            }
            ServerFrame::Heads { .. } => {
                self.drop_silent();
                (self.model.tab_clients.all(), true)
            }
            ServerFrame::Welcome { .. } | ServerFrame::Bye { .. } | ServerFrame::Unknown => {
                (Vec::new(), true)
            }
            // Names, rooms, markers, and what became of writes concern all.
            _ => (tab_clients.all(), true),
        };
        self.down(to, frame.clone());
        own
    }

    /// Returns the tabs that asked for this. If nobody did, the server replaces what all had.
    fn answer(&mut self, room: &RoomId, answered: PendingAnswer) -> (Vec<TabId>, bool) {
        let waiting = self.model.tab_clients.waiting(room);
        let catching_up = |room: &Room| matches!(room.stream, SyncState::CatchingUp { .. });
        let own = self.model.rooms.get(room).is_some_and(catching_up);
        self.model.tab_clients.settle(room, answered);
        if waiting.is_empty() && !own {
            return (self.model.tab_clients.following(room), true);
        }
        (waiting, own)
    }

    /// Hands an answer to the tab that asked. Returns false if it was no answer to a tab.
    fn answer_request(&mut self, req: u32, frame: &ServerFrame) -> bool {
        let Some((id, theirs)) = self.model.tab_clients.answered(req) else { return false };
        let mut frame = frame.clone();
        match &mut frame {
            ServerFrame::Page { req, .. } => *req = theirs,
            ServerFrame::Refused { req, .. } => *req = Some(theirs),
            _ => {}
        }
        self.down(vec![id], frame);
        true
    }

    fn drop_silent(&mut self) {
        let patience = SILENT_HEARTBEATS * i64::from(self.model.link.heartbeat_ms());
        if patience > 0 {
            let silent = self.model.tab_clients.silent(self.now - patience);
            silent.into_iter().for_each(|id| self.leave(id));
        }
    }

    fn down(&mut self, to: Vec<TabId>, frame: ServerFrame) {
        if !to.is_empty() {
            self.send_to_tabs(to, TabMessage::Down { frame });
        }
    }
}

/// A room as a `welcome` lists it.
fn info(room: &Room) -> Option<RoomInfo> {
    // Each room that exists has an entry. Messages counted as unread may lie after the cursor.
    let head = room.cursor.unwrap_or(0).max(room.counted);
    let (id, title) = (room.id.clone(), room.title.to_string());
    (head > 0 && !room.gone).then_some(RoomInfo {
        room: id,
        title,
        head,
        read: room.read,
        unread: room.unread,
    })
}
