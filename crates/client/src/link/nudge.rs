//! Reasons not to sit out a wait and not to believe an open socket: someone looks, the network changed, the
//! machine slept, the clock was set.

use madang_protocol::UnixMs;

use super::{ASK_EVERY_MS, Link, PROBE_MS, Phase, Transport};
use crate::{Effect, TabMessage};

/// An attempt this old may be one over a network that is gone.
const STALE_MS: i64 = 2_000;

/// Result of a nudge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nudged {
    /// All that was to be done.
    Done,
    /// The connection is to be asked for a sign of life.
    Probe,
    /// The connection was dead, and another is being opened.
    Cut,
}

impl Link {
    /// A reason to believe that the network is back, or that someone looks.
    pub(crate) fn nudge(&mut self, now: UnixMs, effects: &mut Vec<Effect>) -> Nudged {
        match self.phase {
            Phase::Waiting { .. } if self.not_before.is_none_or(|not_before| not_before <= now) => {
                self.open(self.next, now, effects);
            }
            Phase::Connecting if self.transport == Transport::Tab => self.ask(now, effects),
            Phase::Connecting | Phase::Greeting if self.since + STALE_MS <= now => self.renew(now, effects),
            Phase::Up if self.deadline().is_some_and(|deadline| deadline <= now) => {
                self.renew(now, effects);
                return Nudged::Cut;
            }
            Phase::Up if self.probe_until.is_none() && self.transport != Transport::Tab => {
                self.probe_until = Some(now + PROBE_MS);
                return Nudged::Probe;
            }
            _ => {}
        }
        Nudged::Done
    }

    /// A person wants it now, whatever the server asked for.
    pub(crate) fn reconnect(&mut self, now: UnixMs, effects: &mut Vec<Effect>) {
        match self.phase {
            Phase::Waiting { .. } => self.open(self.next, now, effects),
            Phase::Ended { .. } => self.open(self.top(), now, effects),
            _ => {}
        }
    }

    /// The session that this tab has through another is over, or about to be had: ask at once.
    pub(crate) fn follow(&mut self, now: UnixMs, effects: &mut Vec<Effect>) {
        self.leave_up(now);
        self.open(Transport::Tab, now, effects);
    }

    /// The browser reports whether there is a network. Failures on another one do not count.
    pub(crate) fn set_offline(&mut self, offline: bool) {
        self.offline = offline;
        self.ladder.forget();
        self.next = self.top();
    }

    /// The clock was set back by `-by` milliseconds: all that was measured by it moves along, so that nothing
    /// waits until the clock is there again. (Set forward, it looks like a sleep, and is treated as one.)
    pub(crate) fn shift(&mut self, by: i64) {
        self.since += by;
        self.heard_at += by;
        if let Phase::Waiting { retry_at } = &mut self.phase {
            *retry_at += by;
        }
        let marks = [&mut self.probe_until, &mut self.not_before, &mut self.trouble_since];
        marks.into_iter().flatten().for_each(|mark| *mark += by);
        self.trial.shift(by);
    }

    /// Returns when to ask again for the tab that leads.
    pub(super) fn ask_at(&self) -> Option<UnixMs> {
        (self.phase == Phase::Connecting && self.transport == Transport::Tab)
            .then_some(self.since + ASK_EVERY_MS)
    }

    pub(super) fn ask(&mut self, now: UnixMs, effects: &mut Vec<Effect>) {
        self.since = now;
        effects.push(Effect::SendToTabs { to: Vec::new(), message: TabMessage::Ask { conn: self.conn } });
    }

    /// Gives the present carrier up, and opens another at once.
    fn renew(&mut self, now: UnixMs, effects: &mut Vec<Effect>) {
        self.drop_carriers(effects);
        self.leave_up(now);
        self.open(self.top(), now, effects);
    }

    /// Returns the transport to begin with.
    fn top(&self) -> Transport {
        if self.transport == Transport::Tab { Transport::Tab } else { Transport::WebSocket }
    }
}
