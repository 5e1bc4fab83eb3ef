//! The leader's list of the tabs that go through it, kept small by dropping silent ones.

use madang_protocol::{RoomId, UnixMs};

use crate::TabId;

/// Requests for history under way; the oldest gives way, and its tab asks again.
const REQUESTS: usize = 64;

#[derive(Clone, Debug, Default)]
pub(crate) struct TabClients {
    tabs: Vec<Tab>,
    /// Requests under way: the number on the one session, the tab, and its own number.
    requests: Vec<(u32, TabId, u32)>,
}

#[derive(Clone, Debug)]
struct Tab {
    id: TabId,
    heard_at: UnixMs,
    /// True if it was welcomed; before, it gets nothing.
    greeted: bool,
    follows: Vec<Follow>,
    /// The room that its person looks at.
    present: Option<RoomId>,
}

#[derive(Clone, Debug)]
struct Follow {
    room: RoomId,
    /// Requests to the server for this tab, not answered yet.
    asked: PendingAnswer,
}

/// Answer that a tab waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PendingAnswer {
    /// Nothing, or what the leader asked for itself.
    Nothing,
    /// Entries after its cursor; if that cannot be served, a snapshot.
    Replay,
    /// A snapshot.
    Snapshot,
}

impl TabClients {
    /// A tab joins; its earlier state is over.
    pub(crate) fn take_in(&mut self, id: TabId, now: UnixMs) {
        self.drop_tab(id);
        self.tabs.push(Tab { id, heard_at: now, greeted: false, follows: Vec::new(), present: None });
    }

    pub(crate) fn drop_tab(&mut self, id: TabId) {
        self.tabs.retain(|tab| tab.id != id);
        self.requests.retain(|(_, tab, _)| *tab != id);
    }

    /// The session is over, for all. Returns who they were.
    pub(crate) fn clear(&mut self) -> Vec<TabId> {
        self.requests.clear();
        self.tabs.drain(..).map(|tab| tab.id).collect()
    }

    /// A tab has shown that it is alive. Returns true if it is one of these.
    pub(crate) fn heard(&mut self, id: TabId, now: UnixMs) -> bool {
        self.tab(id).map(|tab| tab.heard_at = now).is_some()
    }

    pub(crate) fn greeted(&mut self, id: TabId) {
        self.tab(id).into_iter().for_each(|tab| tab.greeted = true);
    }

    /// Returns those that were silent since `then`.
    pub(crate) fn silent(&self, then: UnixMs) -> Vec<TabId> {
        self.ids(|tab| tab.heard_at < then)
    }

    pub(crate) fn all(&self) -> Vec<TabId> {
        self.ids(|tab| tab.greeted)
    }

    pub(crate) fn following(&self, room: &RoomId) -> Vec<TabId> {
        self.ids(|tab| tab.follows.iter().any(|follow| follow.room == *room))
    }

    /// Those that wait for an answer to a watch of `room`.
    pub(crate) fn waiting(&self, room: &RoomId) -> Vec<TabId> {
        let waits = |follow: &Follow| follow.room == *room && follow.asked != PendingAnswer::Nothing;
        self.ids(|tab| tab.follows.iter().any(waits))
    }

    /// Rooms that some tab follows.
    pub(crate) fn rooms(&self, id: TabId) -> Vec<RoomId> {
        let tab = self.tabs.iter().find(|tab| tab.id == id);
        tab.into_iter().flat_map(|tab| &tab.follows).map(|follow| follow.room.clone()).collect()
    }

    pub(crate) fn follow(&mut self, id: TabId, room: RoomId, asked: PendingAnswer) {
        self.unfollow(id, &room);
        self.tab(id).into_iter().for_each(|tab| tab.follows.push(Follow { room: room.clone(), asked }));
    }

    pub(crate) fn unfollow(&mut self, id: TabId, room: &RoomId) {
        self.tab(id).into_iter().for_each(|tab| tab.follows.retain(|follow| follow.room != *room));
    }

    /// The server sent the answer `answered` for all that waited for it in `room`.
    pub(crate) fn settle(&mut self, room: &RoomId, answered: PendingAnswer) {
        let follows = self.tabs.iter_mut().flat_map(|tab| &mut tab.follows);
        for follow in follows.filter(|follow| follow.room == *room && follow.asked == answered) {
            follow.asked = PendingAnswer::Nothing;
        }
    }

    pub(crate) fn look(&mut self, id: TabId, room: Option<RoomId>) {
        self.tab(id).into_iter().for_each(|tab| tab.present = room.clone());
    }

    /// The room that somebody looks at in one of the tabs. A session can look at one room only.
    pub(crate) fn present(&self) -> Option<RoomId> {
        self.tabs.iter().rev().find_map(|tab| tab.present.clone())
    }

    pub(crate) fn asks(&mut self, req: u32, id: TabId, theirs: u32) {
        if self.requests.len() >= REQUESTS {
            self.requests.remove(0);
        }
        self.requests.push((req, id, theirs));
    }

    /// Returns the tab that made this request, and its own number of it.
    pub(crate) fn answered(&mut self, req: u32) -> Option<(TabId, u32)> {
        let index = self.requests.iter().position(|(mine, ..)| *mine == req)?;
        let (_, id, theirs) = self.requests.remove(index);
        Some((id, theirs))
    }

    pub(crate) fn shift(&mut self, by: i64) {
        self.tabs.iter_mut().for_each(|tab| tab.heard_at += by);
    }

    fn tab(&mut self, id: TabId) -> Option<&mut Tab> {
        self.tabs.iter_mut().find(|tab| tab.id == id)
    }

    fn ids(&self, which: impl Fn(&Tab) -> bool) -> Vec<TabId> {
        self.tabs.iter().filter(|tab| which(tab)).map(|tab| tab.id).collect()
    }
}
