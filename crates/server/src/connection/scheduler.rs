//! The time and the order of a connection's loop. Both are given to the loop, so that a simulation can move the one
//! and choose the other.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use madang_protocol::UnixMs;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::state::App;

/// Timer of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Deadline of the handshake, then the next step of the heartbeat.
    Heartbeat,
    /// End of the pause in which nothing is received.
    Receive,
    /// End of the pause in which no replay goes on.
    Replay,
}

/// Source of a connection's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The queue that the hub fills.
    Queue,
    /// Answers of the store to writes.
    Answers,
    /// The timers.
    Timers,
    /// The transport.
    Transport,
    /// Rooms that are behind.
    Replay,
}

impl Source {
    /// All of them, each once.
    pub const ALL: [Self; 5] = [Self::Queue, Self::Answers, Self::Timers, Self::Transport, Self::Replay];
}

/// Time and order, as the program or a simulation has them.
pub trait Scheduler: Send {
    /// Returns the steady time.
    fn now(&self) -> UnixMs;

    /// Sets a timer, also if it is set already. It fires once.
    fn set(&mut self, timer: Timer, after: Duration);

    /// Lets a timer that is set fire so much later.
    fn delay(&mut self, timer: Timer, later: Duration);

    /// Returns a timer that fires. Each is waited for.
    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<Timer>;

    /// Returns the order in which sources are looked at, anew for each look. The first that has an event wins, so no
    /// source may always be the first.
    fn order(&mut self) -> impl Iterator<Item = Source> + use<Self>;
}

/// The time of the program; an order that moves on with each look.
pub(crate) struct TokioScheduler {
    app: App,
    /// In the order of [`TIMERS`]; `None` if not set.
    sleeps: [Option<Pin<Box<Sleep>>>; 3],
    order: [Source; 5],
}

/// Long waits for a heartbeat end at whole multiples of this, so that those of many connections end together: one wake-up
/// of the server serves them all, and so does one look for their answers.
const STEP: Duration = Duration::from_millis(250);

/// Shortest wait that ends with a step, up to one step early.
const ALIGNED: Duration = Duration::from_secs(5);

const TIMERS: [Timer; 3] = [Timer::Heartbeat, Timer::Receive, Timer::Replay];

impl TokioScheduler {
    /// No timer is set.
    pub(super) fn new(app: App) -> Self {
        Self { app, sleeps: [None, None, None], order: Source::ALL }
    }

    /// Returns the moment at which a timer fires that is set now.
    fn due(&self, timer: Timer, after: Duration) -> Instant {
        let due = Instant::now() + after;
        if timer != Timer::Heartbeat || after < ALIGNED {
            return due;
        }
        let since = due.saturating_duration_since(Instant::from_std(self.app.times.begun()));
        let beyond = since.as_nanos() % STEP.as_nanos();
        due - Duration::from_nanos(u64::try_from(beyond).unwrap_or_default())
    }

    fn timers(&mut self) -> impl Iterator<Item = (Timer, &mut Option<Pin<Box<Sleep>>>)> {
        TIMERS.into_iter().zip(&mut self.sleeps)
    }
}

impl Scheduler for TokioScheduler {
    fn now(&self) -> UnixMs {
        self.app.now()
    }

    fn set(&mut self, timer: Timer, after: Duration) {
        let due = self.due(timer, after);
        for (_, place) in self.timers().filter(|(other, _)| *other == timer) {
            match place {
                // A timer that is made anew costs as much as a delivery.
                Some(sleep) => sleep.as_mut().reset(due),
                None => *place = Some(Box::pin(sleep_until(due))),
            }
        }
    }

    fn delay(&mut self, timer: Timer, later: Duration) {
        for (_, place) in self.timers().filter(|(other, _)| *other == timer) {
            if let Some(sleep) = place {
                let due = sleep.deadline() + later;
                sleep.as_mut().reset(due);
            }
        }
    }

    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<Timer> {
        for (timer, place) in self.timers() {
            if let Some(sleep) = place
                && sleep.as_mut().poll(context).is_ready()
            {
                *place = None;
                return Poll::Ready(timer);
            }
        }
        Poll::Pending
    }

    fn order(&mut self) -> impl Iterator<Item = Source> + use<> {
        self.order.rotate_left(1);
        self.order.into_iter()
    }
}
