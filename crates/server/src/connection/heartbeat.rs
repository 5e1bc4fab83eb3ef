//! The heartbeat: a ping, then within 10 s a sign of life; beside it what a protocol has promised, and been promised.
//! One timer serves all.

use std::time::Duration;

/// Time for the answer to a ping, unless the heartbeat is shorter.
const PONG: Duration = Duration::from_secs(10);

/// In a promised time, so often is it looked whether the peer kept its promise.
const LOOKS: u32 = 2;

/// A peer that has sent nothing at so many looks was silent for twice its time.
const SILENT: u32 = 2 * LOOKS;

/// One connection's heartbeat. Its owner reports when its timer fires.
pub struct Heartbeat {
    ping: Option<Ping>,
    keepalive: Option<Interval>,
    promise: Option<Promise>,
    /// Time that the timer was last set to.
    waited: Duration,
}

/// Something that is to be done again and again.
struct Interval {
    every: Duration,
    within: Duration,
}

struct Ping {
    heartbeat: Duration,
    within: Duration,
    waiting: bool,
    /// Anything was received since the last ping.
    received: bool,
}

/// The peer sends something at least this often.
struct Promise {
    look: Interval,
    /// Looks since it last did.
    silent: u32,
}

/// Action that is due when the timer fires.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// A sign of life, and the question for one.
    Ping,
    /// A frame without content, as the protocol has promised.
    Keepalive,
    /// Nothing: the peer gave a sign of life.
    Nothing,
    /// The end: it did not.
    Dead,
}

impl Heartbeat {
    /// Makes one with a ping each `heartbeat`, or without pings.
    pub fn new(heartbeat: Option<Duration>) -> Self {
        let ping =
            heartbeat.map(|heartbeat| Ping { heartbeat, within: heartbeat, waiting: false, received: true });
        let mut made = Self { ping, keepalive: None, promise: None, waited: Duration::ZERO };
        made.waited = made.next();
        made
    }

    /// Sends something at least this often.
    pub fn sending(mut self, every: Option<Duration>) -> Self {
        // A little early: what leaves in time must also arrive in time.
        self.keepalive = every.map(|every| Interval { every: every * 3 / 4, within: every * 3 / 4 });
        self.waited = self.next();
        self
    }

    /// Ends when the peer sends nothing for twice this time.
    pub fn expecting(mut self, every: Option<Duration>) -> Self {
        let look = every.map(|every| Interval { every: every / LOOKS, within: every / LOOKS });
        self.promise = look.map(|look| Promise { look, silent: 0 });
        self.waited = self.next();
        self
    }

    /// Notes that something was received: `data`, or a mere sign of life.
    pub(super) fn received(&mut self, data: bool) {
        if let Some(ping) = &mut self.ping {
            ping.received = true;
        }
        if let Some(promise) = self.promise.as_mut().filter(|_| data) {
            promise.silent = 0;
        }
    }

    /// Ends the wait for an answer to a ping, if it has come. Returns how much later the timer is to fire: at the next
    /// ping, without a look between that would find nothing.
    pub(super) fn answered(&mut self) -> Option<Duration> {
        if self.keepalive.is_some() || self.promise.is_some() {
            return None;
        }
        let ping = self.ping.as_mut().filter(|ping| ping.waiting && ping.received)?;
        ping.waiting = false;
        let later = ping.heartbeat - ping.wait();
        ping.within += later;
        self.waited += later;
        (!later.is_zero()).then_some(later)
    }

    /// Returns how long it is until something is due for the first time.
    pub(super) fn first(&self) -> Duration {
        self.waited
    }

    /// Returns what is due now, and how long it is until the next.
    pub(super) fn beat(&mut self) -> (Due, Duration) {
        let waited = self.waited;
        self.dues().for_each(|within| *within = within.saturating_sub(waited));
        let due = self.due().unwrap_or(Due::Nothing);
        self.waited = self.next();
        (due, self.waited)
    }

    /// Returns one of the things that are due now; what else is due is so at once.
    fn due(&mut self) -> Option<Due> {
        if let Some(ping) = self.ping.as_mut().filter(|ping| ping.within.is_zero()) {
            return Some(ping.beat());
        }
        if let Some(promise) = self.promise.as_mut().filter(|promise| promise.look.within.is_zero()) {
            promise.look.within = promise.look.every;
            promise.silent += 1;
            return Some(if promise.silent > SILENT { Due::Dead } else { Due::Nothing });
        }
        let keepalive = self.keepalive.as_mut().filter(|keepalive| keepalive.within.is_zero())?;
        keepalive.within = keepalive.every;
        Some(Due::Keepalive)
    }

    fn dues(&mut self) -> impl Iterator<Item = &mut Duration> {
        let ping = self.ping.as_mut().map(|ping| &mut ping.within);
        let keepalive = self.keepalive.as_mut().map(|keepalive| &mut keepalive.within);
        let look = self.promise.as_mut().map(|promise| &mut promise.look.within);
        [ping, keepalive, look].into_iter().flatten()
    }

    /// With nothing to be done, the timer still has to be set to something.
    fn next(&mut self) -> Duration {
        const IDLE: Duration = Duration::from_secs(3_600);
        self.dues().map(|within| *within).min().unwrap_or(IDLE)
    }
}

impl Ping {
    /// Returns the time for an answer.
    fn wait(&self) -> Duration {
        PONG.min(self.heartbeat)
    }

    fn beat(&mut self) -> Due {
        let wait = self.wait();
        if !self.waiting {
            self.waiting = true;
            self.received = false;
            self.within = wait;
            return Due::Ping;
        }
        self.waiting = false;
        self.within = self.heartbeat - wait;
        if self.received { Due::Nothing } else { Due::Dead }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEARTBEAT: Duration = Duration::from_secs(25);

    #[test]
    fn silent_peer_is_dead_after_one_ping() {
        let mut heartbeat = Heartbeat::new(Some(HEARTBEAT));
        assert_eq!(heartbeat.beat(), (Due::Ping, PONG));
        assert_eq!(heartbeat.beat().0, Due::Dead);
    }

    #[test]
    fn dead_peer_is_found_within_two_heartbeats() {
        let mut heartbeat = Heartbeat::new(Some(HEARTBEAT));
        for _ in 0..3 {
            assert_eq!(heartbeat.beat(), (Due::Ping, PONG));
            heartbeat.received(false);
            assert_eq!(heartbeat.beat(), (Due::Nothing, HEARTBEAT - PONG));
        }
        let mut silence = HEARTBEAT;
        silence += heartbeat.beat().1;
        assert_eq!(heartbeat.beat().0, Due::Dead);
        assert!(silence < 2 * HEARTBEAT);
    }

    #[test]
    fn answered_ping_is_followed_by_next_in_time() {
        let mut heartbeat = Heartbeat::new(Some(HEARTBEAT));
        assert_eq!(heartbeat.answered(), None, "nothing was asked");
        for _ in 0..3 {
            let (due, next) = heartbeat.beat();
            assert_eq!((due, heartbeat.answered()), (Due::Ping, None));
            heartbeat.received(false);
            assert_eq!(heartbeat.answered().map(|later| next + later), Some(HEARTBEAT));
            heartbeat.received(true);
            assert_eq!(heartbeat.answered(), None, "once");
        }
        assert_eq!(heartbeat.beat().0, Due::Ping);
        assert_eq!(heartbeat.beat().0, Due::Dead);
        let mut promised = Heartbeat::new(Some(HEARTBEAT)).expecting(Some(HEARTBEAT));
        while promised.beat().0 != Due::Ping {}
        promised.received(false);
        assert_eq!(promised.answered(), None, "its promise is looked at");
    }

    #[test]
    fn promised_heartbeat_is_sent_in_time() {
        let every = Duration::from_secs(1);
        let mut heartbeat = Heartbeat::new(Some(HEARTBEAT)).sending(Some(every));
        let (mut silence, mut next, mut pings) = (Duration::ZERO, heartbeat.first(), 0);
        for _ in 0..200 {
            silence += next;
            assert!(silence < every, "{silence:?}");
            let (due, then) = heartbeat.beat();
            if due == Due::Keepalive {
                silence = Duration::ZERO;
            }
            if due == Due::Ping {
                pings += 1;
            }
            heartbeat.received(false);
            next = then;
        }
        assert!(pings > 3);
    }

    #[test]
    fn promising_peer_is_dead_after_twice_its_interval() {
        let every = Duration::from_secs(10);
        let mut heartbeat = Heartbeat::new(None).expecting(Some(every));
        let mut silence = Duration::ZERO;
        for _ in 0..7 {
            silence += heartbeat.waited;
            assert_eq!(heartbeat.beat().0, Due::Nothing);
            heartbeat.received(true);
        }
        silence = Duration::ZERO;
        loop {
            silence += heartbeat.waited;
            // Being there is not speaking.
            heartbeat.received(false);
            if heartbeat.beat().0 == Due::Dead {
                break;
            }
        }
        assert!(silence > 2 * every && silence <= 3 * every, "{silence:?}");
    }
}
