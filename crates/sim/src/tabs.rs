//! The tabs of one browser: what they keep, what they send each other, and who of them leads.

use madang_client::{Event, Role, TabId, TabMessage, Write};
use madang_protocol::{ServerFrame, UserId};

use crate::browser::{Browser, Page};
use crate::world::{Ev, World};
use crate::{Check, DEVICES};

impl World {
    pub(crate) fn browser(&mut self, device: usize) -> &mut Browser {
        &mut self.browsers[DEVICES[device].2]
    }

    /// The tabs of the same browser, this one among them.
    pub(crate) fn tabs(device: usize) -> impl Iterator<Item = usize> {
        (0..DEVICES.len()).filter(move |other| DEVICES[*other].2 == DEVICES[device].2)
    }

    fn is_page(&self, (device, page): Page) -> bool {
        self.devices[device].page == page && self.devices[device].model.is_some()
    }

    // --- The lock.

    /// A page wants the lock, and knows what it is until then.
    pub(crate) fn seek_role(&mut self, device: usize) -> Check {
        let page = (device, self.devices[device].page);
        let browser = self.browser(device);
        if browser.lonely {
            return self.event(device, Event::Role(Role::Alone));
        }
        browser.waiting.push_back(page);
        if browser.leader.is_some() {
            self.event(device, Event::Role(Role::Follower))?;
        }
        self.grant(device);
        Ok(())
    }

    /// The page is gone, and with it its lock.
    pub(crate) fn let_go(&mut self, device: usize) {
        let page = (device, self.devices[device].page);
        let browser = self.browser(device);
        browser.waiting.retain(|waiting| *waiting != page);
        if browser.leader == Some(page) {
            browser.leader = None;
            self.grant(device);
        }
    }

    /// Gives a free lock to the page that has waited longest.
    fn grant(&mut self, device: usize) {
        let browser = self.browser(device);
        if browser.leader.is_none()
            && let Some(next) = browser.waiting.pop_front()
        {
            browser.leader = Some(next);
            let delay = self.devices[device].chance.between(0, 30);
            self.devices[next.0].roles.push_back(Role::Leader);
            self.after(delay, Ev::Role(next));
        }
    }

    /// A tab that sees the leader frozen takes the lock from it.
    pub(crate) fn steal(&mut self, device: usize) -> Check {
        let Some(frozen) = self.browser(device).leader else { return Ok(()) };
        let awake = |tab: &usize| self.devices[*tab].asleep <= self.now && *tab != frozen.0;
        let thief = Self::tabs(device).find(|tab| awake(tab) && self.devices[*tab].model.is_some());
        let (Some(thief), true) = (thief, self.devices[frozen.0].asleep > self.now) else { return Ok(()) };
        let page = (thief, self.devices[thief].page);
        self.tally.steals += 1;
        let browser = self.browser(device);
        browser.leader = Some(page);
        browser.waiting.retain(|waiting| *waiting != page);
        browser.waiting.push_back(frozen);
        for (page, role) in [(frozen, Role::Follower), (page, Role::Leader)] {
            self.devices[page.0].roles.push_back(role);
            self.after(0, Ev::Role(page));
        }
        Ok(())
    }

    /// The next role of a page reaches it, in the order in which they were given.
    pub(crate) fn role(&mut self, page: Page) -> Check {
        if !self.is_page(page) {
            return Ok(());
        }
        if self.devices[page.0].asleep > self.now {
            self.at(self.devices[page.0].asleep, Ev::Role(page));
            return Ok(());
        }
        let Some(role) = self.devices[page.0].roles.pop_front() else { return Ok(()) };
        self.note(|| format!("{} is {role:?} now", DEVICES[page.0].1), &[10]);
        self.event(page.0, Event::Role(role))
    }

    // --- The channel.

    /// A tab sends others something: all, or those named.
    pub(crate) fn tell_tabs(&mut self, device: usize, to: &[TabId], message: &TabMessage) {
        let from = self.tab_id(device);
        let conn = self.devices[device].model.as_ref().map(|model| model.link().conn);
        let link = conn.and_then(|conn| self.open_link(device, conn));
        let log = link.map_or(self.logs.len() - 1, |link| self.links[link].log);
        // As it goes over the channel.
        let Some(text) = message.to_text() else { return };
        let Some(message) = TabMessage::from_text(&text) else { return };
        for other in Self::tabs(device).filter(|other| *other != device).collect::<Vec<_>>() {
            let wanted = to.is_empty() || to.contains(&self.tab_id(other));
            if wanted && self.devices[other].model.is_some() {
                self.note(|| format!("{} tells {}: {text}", DEVICES[device].1, DEVICES[other].1), &[11]);
                self.tally.told += 1;
                self.devices[other].told.push_back((from, message.clone(), log));
                let delay = self.devices[other].chance.between(0, 8);
                self.after(delay, Ev::Told(other, self.devices[other].page));
            }
        }
    }

    fn tab_id(&self, device: usize) -> TabId {
        device as TabId * 1_000_000 + TabId::from(self.devices[device].page)
    }

    /// The next message to a tab reaches it.
    pub(crate) fn told(&mut self, device: usize, page: u32) -> Check {
        if !self.is_page((device, page)) {
            return Ok(());
        }
        let body = &mut self.devices[device];
        if body.asleep > self.now {
            let at = body.asleep;
            self.at(at, Ev::Told(device, page));
            return Ok(());
        }
        let Some((from, message, log)) = body.told.pop_front() else { return Ok(()) };
        let roll = body.chance.roll();
        let down =
            if let TabMessage::Down { frame } = &message { frame.clone() } else { ServerFrame::Unknown };
        self.hear(device, &down, log, Event::Tab { from, message, roll })
    }

    // --- What is kept.

    /// Reads what is kept of a person's writes, which takes a moment.
    pub(crate) fn read_storage(&mut self, device: usize, user: UserId) {
        let writes = self.browser(device).storage.values().cloned().collect();
        let delay = self.devices[device].chance.between(0, 20);
        let page = (device, self.devices[device].page);
        self.after(delay, Ev::Restored(page, user, writes));
    }

    pub(crate) fn restored(&mut self, page: Page, user: UserId, writes: Vec<Write>) -> Check {
        if !self.is_page(page) {
            return Ok(());
        }
        if self.devices[page.0].asleep > self.now {
            self.at(self.devices[page.0].asleep, Ev::Restored(page, user, writes));
            return Ok(());
        }
        self.event(page.0, Event::Restored { user, writes })
    }

    /// Returns the number of connections once all is at rest: one for each browser, or for each tab.
    pub(crate) fn connections_at_rest(&self) -> usize {
        let of = |(index, browser): (usize, &Browser)| {
            let tabs = DEVICES.iter().filter(|device| device.2 == index).count();
            if browser.lonely { tabs } else { 1 }
        };
        self.browsers.iter().enumerate().map(of).sum()
    }
}
