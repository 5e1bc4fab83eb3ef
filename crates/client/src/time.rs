//! Time: what is due, when to be woken, and clocks that jump.

use madang_protocol::UnixMs;

use crate::room::SyncState;
use crate::update::{Update, WATCHES_EVERY_MS};
use crate::{Effect, Roll};

/// A clock that runs back by less is not minded.
const BACK_MS: i64 = 1_000;

/// A timer this late means that the machine slept, or the clock was set forward. Browsers themselves let the timers of a
/// page out of sight wait for a minute.
const LATE_MS: i64 = 5_000;
const LATE_HIDDEN_MS: i64 = 70_000;

impl Update<'_> {
    /// Notices that the clock was set back, and moves all marks along.
    pub(crate) fn look_at_the_clock(&mut self) {
        let by = self.now - self.model.clock;
        self.model.clock = self.now;
        if by >= -BACK_MS {
            return;
        }
        self.model.link.shift(by);
        self.model.outbox.shift(by);
        self.model.tab_clients.shift(by);
        let rooms = self.model.rooms.iter_mut();
        rooms.for_each(|room| room.shift(by));
        [&mut self.model.wake, &mut self.model.watched_at].into_iter().flatten().for_each(|at| *at += by);
    }

    pub(crate) fn woke(&mut self, roll: Roll) {
        let patience = if self.model.visible { LATE_MS } else { LATE_HIDDEN_MS };
        if self.model.wake.take().is_some_and(|at| at + patience < self.now) {
            self.nudge();
        }
        if self.model.link.woke(roll, self.now, &mut self.effects) {
            self.cut();
        }
        let now = self.now;
        for room in self.model.rooms.iter_mut() {
            room.forget_typing(now);
            if matches!(room.stream, SyncState::Refused { until } if until <= now) {
                room.stream = SyncState::Idle;
            }
            if let Some(request) = room.request.as_mut().filter(|request| request.until <= now) {
                request.req = None;
            }
        }
        if self.model.outbox.lose_patience(now) {
            self.nudge();
        }
    }

    pub(crate) fn ask_to_be_woken(&mut self) {
        let up = self.model.link.is_up();
        let idle = up && self.model.rooms.iter().any(|room| room.stream == SyncState::Idle);
        let watch = self.model.watched_at.filter(|_| idle).map(|at| at + WATCHES_EVERY_MS);
        let rooms = self.model.rooms.iter().filter_map(|room| room.wake(up)).chain(watch);
        let wake =
            [self.model.link.wake(), self.model.outbox.wake(up)].into_iter().flatten().chain(rooms).min();
        // Each frame moves the watchdog on: a timer that rings too early is cheaper than one set anew each time.
        if let Some(at) = wake
            && self.model.wake.is_none_or(|asked| at < asked || asked <= self.now)
        {
            self.model.wake = wake;
            self.effects.push(Effect::WakeAt(at));
        }
    }
}

/// Moves a mark, if it is one and not "never".
pub(crate) fn shift(mark: &mut UnixMs, by: i64) {
    if *mark != UnixMs::MAX && *mark != 0 {
        *mark += by;
    }
}
