//! The tabs of one browser: a lock that one of them has, a channel between them, and a store for all.

use madang_client::{Event, Role, TabId};

use crate::world::World;

pub(crate) struct Browser {
    pub(crate) world: World,
    /// The tabs that have the lock, or wait for it; the first has it.
    pub(crate) lock: Vec<usize>,
    /// Roles of tabs that were not reported to them yet.
    pub(crate) roles: Vec<(usize, Role)>,
    tabs: TabId,
}

impl Browser {
    /// One person opens so many tabs.
    pub(crate) fn new(rooms: &[&str], user: &str, tabs: usize) -> Self {
        let mut browser =
            Self { world: World::new(rooms, &[]), lock: Vec::new(), roles: Vec::new(), tabs: 0 };
        for _ in 0..tabs {
            let id = browser.world.page_of(user);
            browser.open(id);
        }
        browser
    }

    /// All of them, connected.
    pub(crate) fn settled(rooms: &[&str], tabs: usize) -> Self {
        let mut browser = Self::new(rooms, "alice", tabs);
        browser.world.deliver();
        browser
    }

    pub(crate) fn is_open(&self, id: usize) -> bool {
        self.lock.contains(&id)
    }

    /// A tab is opened.
    pub(crate) fn open(&mut self, id: usize) {
        if self.is_open(id) {
            return;
        }
        self.tabs += 1;
        self.world.clients[id].tab = Some(self.tabs);
        self.world.start(id);
        self.lock.push(id);
        let role = if self.lock.len() == 1 { Role::Leader } else { Role::Follower };
        self.roles.push((id, role));
        self.elect();
    }

    /// A tab is closed, or crashes; whoever waits for the lock gets it.
    pub(crate) fn close(&mut self, id: usize, crashes: bool) {
        if !self.is_open(id) {
            return;
        }
        if !crashes {
            self.world.event(id, Event::Stopped);
        }
        self.world.crash(id);
        self.world.clients[id].tab = None;
        self.roles.retain(|(tab, _)| *tab != id);
        let led = self.lock.first() == Some(&id);
        self.lock.retain(|tab| *tab != id);
        if let (true, Some(next)) = (led, self.lock.first()) {
            self.roles.push((*next, Role::Leader));
        }
    }

    /// A tab takes the lock from one that does not move. That one notices later.
    pub(crate) fn steal(&mut self, id: usize) {
        if self.is_open(id) && self.lock.first() != Some(&id) {
            let old = self.lock[0];
            self.lock.retain(|tab| *tab != id);
            self.lock.insert(0, id);
            self.roles.retain(|(tab, _)| *tab != id);
            self.roles.push((old, Role::Follower));
            self.world.event(id, Event::Role(Role::Leader));
        }
    }

    /// Reports their roles to tabs.
    pub(crate) fn elect(&mut self) {
        for (id, role) in std::mem::take(&mut self.roles) {
            self.world.event(id, Event::Role(role));
        }
    }

    /// Delivers the first waiting message of some other tab to this one.
    pub(crate) fn hear(&mut self, id: usize, which: usize) {
        let told = &self.world.clients[id].told;
        let waiting: Vec<TabId> =
            told.iter().filter(|(_, told)| !told.is_empty()).map(|(from, _)| *from).collect();
        if !waiting.is_empty() {
            self.world.hear(id, waiting[which % waiting.len()]);
        }
    }

    /// All tabs live, and everything that was under way comes to its end.
    pub(crate) fn settle(&mut self) {
        self.elect();
        (0..self.world.clients.len()).for_each(|id| self.open(id));
        self.world.settle();
    }
}
