//! Messages between tabs, and the outbox that they share: each shows all writes, one sends them.

use madang_protocol::{CloseCode, Cmid, UserId};

use crate::update::Update;
use crate::{Effect, Role, Roll, TabId, TabMessage, Write};

impl Update<'_> {
    pub(crate) fn follows(&self) -> bool {
        self.model.role == Some(Role::Follower)
    }

    /// Handles a message of another tab.
    pub(crate) fn tab(&mut self, from: TabId, message: TabMessage, roll: Roll) {
        if !self.model.started {
            return;
        }
        // A page out of sight has late timers; the tab on screen, whose connection this is, has not.
        if self.model.wake.is_some_and(|at| at <= self.now) {
            self.woke(roll);
        }
        match message {
            TabMessage::Ask { conn } if self.leads() => self.asked(from, conn),
            TabMessage::Up { frame } if self.leads() && self.is_tab(from) => self.tab_says(from, frame),
            TabMessage::Alive if self.leads() => {
                self.is_tab(from);
            }
            TabMessage::Left if self.leads() => self.leave(from),
            TabMessage::Nudge { by_person } if self.leads() => self.nudged(by_person),
            message if self.follows() => self.leader_says(from, message, roll),
            message if self.leads() => self.shared(message),
            _ => {}
        }
    }

    fn leader_says(&mut self, from: TabId, message: TabMessage, roll: Roll) {
        let link = &mut self.model.link;
        match message {
            TabMessage::Leading => {
                link.follow(self.now, &mut self.effects);
                self.cut();
            }
            TabMessage::Opened { conn } if link.is_current(conn) && link.is_connecting() => {
                link.led_by(from);
                self.hello();
            }
            TabMessage::Down { frame } if link.leader() == Some(from) => {
                link.heard(self.now);
                self.frame(frame);
            }
            TabMessage::Closed { code } => {
                let code = CloseCode(code);
                // One that leads nobody, and was only asked, says why if it is for good.
                let refused = link.is_connecting() && !code.comes_back();
                if link.leader() == Some(from) || refused {
                    link.lost(code, roll, self.now, &mut self.effects);
                    self.cut();
                }
            }
            message => self.shared(message),
        }
    }

    fn nudged(&mut self, by_person: bool) {
        if by_person {
            self.model.link.reconnect(self.now, &mut self.effects);
        } else {
            self.nudge();
        }
    }

    /// Another tab has, changed or settled a write.
    fn shared(&mut self, message: TabMessage) {
        match message {
            TabMessage::Wrote { user, write } | TabMessage::Changed { user, write }
                if self.model.is_you(&user)
                    && (self.is_in_the_log(&write) || self.model.outbox.has_forgotten(write.cmid)) =>
            {
                // It comes too late, or from a page that found it in the store.
                self.forget(write.cmid);
            }
            TabMessage::Wrote { user, write } if self.model.is_you(&user) => {
                let leads = self.leads();
                self.model.outbox.learn(write, leads);
            }
            TabMessage::Changed { user, write } if self.model.is_you(&user) => {
                let leads = self.leads();
                self.model.outbox.change(write, leads);
            }
            TabMessage::Forgot { user, cmid } if self.model.is_you(&user) => {
                self.model.outbox.forgotten(cmid);
            }
            _ => {}
        }
    }

    /// Tells other tabs, if there can be any.
    pub(crate) fn send_to_tabs(&mut self, to: Vec<TabId>, message: TabMessage) {
        if self.leads() || self.follows() {
            self.effects.push(Effect::SendToTabs { to, message });
        }
    }

    /// Tells what waits to be sent.
    pub(crate) fn send_writes(&mut self, to: Vec<TabId>) {
        let Some(user) = self.model.you_id() else { return };
        let writes: Vec<Write> = self.model.outbox.writes().cloned().collect();
        for write in writes {
            self.send_to_tabs(to.clone(), TabMessage::Wrote { user: user.clone(), write });
        }
    }

    /// Keeps a new write, and shows it to the other tabs.
    pub(crate) fn keep(&mut self, write: Option<Write>) {
        let (Some(user), Some(write)) = (self.model.you_id(), write) else { return };
        self.store(&user, &write);
        self.send_unshared();
    }

    /// Shows the other tabs what was found in the store, with what comes before it: another tab's word of that may
    /// not have reached all.
    pub(crate) fn send_restored(&mut self) {
        if (self.leads() || self.follows()) && !self.model.outbox.unshared().is_empty() {
            self.send_writes(Vec::new());
        }
    }

    /// Shows the other tabs what they do not have. (With a session, a follower hands over the same.)
    fn send_unshared(&mut self) {
        if !self.leads() && !self.follows() {
            return;
        }
        let Some(user) = self.model.you_id() else { return };
        for write in self.model.outbox.unshared() {
            self.send_to_tabs(Vec::new(), TabMessage::Wrote { user: user.clone(), write });
        }
    }

    /// Keeps a write as it is now, and shows that to the other tabs.
    pub(crate) fn save(&mut self, write: Option<Write>) {
        let (Some(user), Some(write)) = (self.model.you_id(), write) else { return };
        self.store(&user, &write);
        self.send_to_tabs(Vec::new(), TabMessage::Changed { user, write });
    }

    /// A write is settled. The tab that sends writes reports it, for all.
    pub(crate) fn forget(&mut self, cmid: Cmid) {
        if !self.follows() {
            self.give_up(cmid);
        }
    }

    /// A write is not kept any longer, in no tab.
    pub(crate) fn give_up(&mut self, cmid: Cmid) {
        self.model.outbox.forgotten(cmid);
        if let Some(user) = self.model.you_id() {
            self.effects.push(Effect::ForgetWrite { user: user.clone(), cmid });
            self.send_to_tabs(Vec::new(), TabMessage::Forgot { user, cmid });
        }
    }

    fn store(&mut self, user: &UserId, write: &Write) {
        self.effects.push(Effect::SaveWrite { user: user.clone(), write: write.clone() });
    }
}
