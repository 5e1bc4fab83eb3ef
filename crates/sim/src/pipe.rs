//! Pipe between a connection's task and the world: the transport, the time and the order that the server's loop is
//! given.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::iter;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use madang_protocol::{ClientFrame, CloseCode, UnixMs};
use madang_server::connection::scheduler::{Scheduler, Source, Timer};
use madang_server::connection::transport::{End, Incoming, Transport};
use madang_server::encoded::Encoded;
use madang_server::metrics::Carrier;

use crate::link::{CAPACITY, Down, Up};
use crate::rng::Rng;
use crate::scenario::Ms;

/// Without progress for so long, a connection ends.
const STALL: Ms = 10_000;

/// One thing that the loop did, for the world to check and to carry on.
pub(crate) enum Deed {
    Received(ClientFrame),
    Sent(Encoded),
    /// It left.
    Left(Down),
    Paused,
}

/// State of a pipe.
pub(crate) struct State {
    pub(crate) now: Ms,
    /// The server's clock.
    pub(crate) clock: UnixMs,
    pub(crate) chance: Rng,
    /// The loop may look for one event.
    pub(crate) may_look: bool,
    /// It would look for another one.
    pub(crate) looks_again: bool,
    /// It looked at all sources and found nothing, and no replay waits for the end of a pause.
    pub(crate) is_idle: bool,
    /// The network takes nothing more, since then.
    pub(crate) blocked: Option<Ms>,
    pub(crate) inbox: VecDeque<Up>,
    /// Bytes on their way down.
    pub(crate) in_flight: usize,
    unsent: VecDeque<Down>,
    timers: [Option<Ms>; 3],
    pub(crate) deeds: Vec<Deed>,
    /// When the loop is to go on by itself.
    pub(crate) wakes: Vec<Ms>,
}

#[derive(Clone)]
pub(crate) struct Pipe(Arc<Mutex<State>>);

const TIMERS: [Timer; 3] = [Timer::Heartbeat, Timer::Receive, Timer::Replay];

impl Pipe {
    pub(crate) fn new(now: Ms, chance: Rng) -> Self {
        Self(Arc::new(Mutex::new(State {
            now,
            clock: 0,
            chance,
            may_look: false,
            looks_again: false,
            is_idle: false,
            blocked: None,
            inbox: VecDeque::new(),
            in_flight: 0,
            unsent: VecDeque::new(),
            timers: [None; 3],
            deeds: Vec::new(),
            wakes: Vec::new(),
        })))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("one thread")
    }
}

impl State {
    fn flush(&mut self) -> Poll<Result<(), End>> {
        let mut wrote = false;
        while self.in_flight < CAPACITY
            && let Some(down) = self.unsent.pop_front()
        {
            self.leave(down);
            wrote = true;
        }
        if self.unsent.is_empty() {
            self.blocked = None;
            return Poll::Ready(Ok(()));
        }
        if matches!(self.inbox.back(), Some(Up::Close)) {
            return Poll::Ready(Err(End::Gone));
        }
        match self.blocked.filter(|_| !wrote) {
            Some(since) if self.now >= since + STALL => {
                return Poll::Ready(Err(End::Close(CloseCode::STALLED)));
            }
            Some(_) => {}
            None => {
                self.blocked = Some(self.now);
                self.wakes.push(self.now + STALL);
            }
        }
        Poll::Pending
    }

    fn leave(&mut self, down: Down) {
        self.in_flight += down.bytes();
        self.deeds.push(Deed::Left(down));
    }
}

impl Transport for Pipe {
    fn carrier(&self) -> Carrier {
        Carrier::WebSocket
    }

    async fn next(&mut self) -> Result<Incoming, End> {
        poll_fn(|_| {
            let mut state = self.state();
            let Some(up) = state.inbox.pop_front() else { return Poll::Pending };
            Poll::Ready(match up {
                Up::Frame(frame) => {
                    let text = serde_json::to_string(&frame).unwrap_or_default();
                    state.deeds.push(Deed::Received(frame));
                    Ok(Incoming::Text(text.into()))
                }
                Up::Pong => Ok(Incoming::Life),
                Up::Close => Err(End::Gone),
            })
        })
        .await
    }

    fn text(&mut self, frame: Encoded) {
        let mut state = self.state();
        state.deeds.push(Deed::Sent(frame.clone()));
        state.unsent.push_back(Down::Frame(frame));
    }

    fn ping(&mut self) {
        self.state().unsent.push_back(Down::Ping);
    }

    fn has_output(&self) -> bool {
        !self.state().unsent.is_empty()
    }

    fn output_bytes(&self) -> usize {
        self.state().unsent.iter().map(Down::bytes).sum()
    }

    async fn flush(&mut self) -> Result<(), End> {
        poll_fn(|_| self.state().flush()).await
    }

    /// Sends what is left, unless the peer has stalled: then it is lost.
    async fn close(&mut self, code: CloseCode, _: &'static str) {
        let mut state = self.state();
        let unsent = std::mem::take(&mut state.unsent);
        if state.blocked.is_none() {
            unsent.into_iter().for_each(|down| state.leave(down));
        }
        state.leave(Down::Close(code.0));
    }

    async fn acknowledge_close(&mut self) {}
}

impl Scheduler for Pipe {
    fn now(&self) -> UnixMs {
        self.state().clock
    }

    fn set(&mut self, timer: Timer, after: Duration) {
        let mut state = self.state();
        let at = state.now + after.as_millis() as Ms;
        for (_, set) in TIMERS.iter().zip(&mut state.timers).filter(|(other, _)| **other == timer) {
            *set = Some(at);
        }
        state.wakes.push(at);
        if timer != Timer::Heartbeat {
            state.deeds.push(Deed::Paused);
        }
    }

    fn delay(&mut self, timer: Timer, later: Duration) {
        let mut state = self.state();
        let later = later.as_millis() as Ms;
        let mut delayed = None;
        for (_, set) in TIMERS.iter().zip(&mut state.timers).filter(|(other, _)| **other == timer) {
            *set = set.map(|at| at + later);
            delayed = *set;
        }
        state.wakes.extend(delayed);
    }

    fn poll_timer(&mut self, _: &mut Context<'_>) -> Poll<Timer> {
        let mut state = self.state();
        let now = state.now;
        let due = TIMERS.iter().zip(&mut state.timers).find(|(_, at)| at.is_some_and(|at| at <= now));
        due.map_or(Poll::Pending, |(timer, at)| {
            *at = None;
            Poll::Ready(*timer)
        })
    }

    /// Any order, for one look at a time: between two others happen.
    fn order(&mut self) -> impl Iterator<Item = Source> + use<> {
        let mut state = self.state();
        let looks = std::mem::take(&mut state.may_look);
        state.looks_again = !looks;
        let mut sources = Source::ALL;
        for last in (1..sources.len()).rev() {
            let other = state.chance.pick(last + 1);
            sources.swap(last, other);
        }
        let pipe = self.clone();
        let nothing = iter::from_fn(move || {
            let mut state = pipe.state();
            let [.., replay_pause] = state.timers;
            state.is_idle = looks && replay_pause.is_none();
            None
        });
        sources.into_iter().filter(move |_| looks).chain(nothing)
    }
}
