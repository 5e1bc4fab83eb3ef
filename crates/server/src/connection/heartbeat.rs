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
pub(crate) struct Heartbeat {
    ping: Option<Ping>,
    word: Option<Due>,
    promise: Option<Promise>,
    /// Time that the timer was last set to.
    waited: Duration,
}

/// Something that is to be done again and again.
struct Due {
    every: Duration,
    within: Duration,
}

struct Ping {
    heartbeat: Duration,
    within: Duration,
    waiting: bool,
    /// Anything was received from the peer since the last ping.
    heard: bool,
}

/// The peer sends something at least this often.
struct Promise {
    look: Due,
    /// Looks since it last did.
    silent: u32,
}

/// Action that is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// A sign of life, and the question for one.
    Ping,
    /// A word, as the protocol has promised.
    Word,
    /// Nothing: the peer gave a sign of life.
    Alive,
    /// The end: it did not.
    Dead,
}

impl Heartbeat {
    /// A ping each `heartbeat`; `None` if the transport has no pings.
    pub(crate) fn new(heartbeat: Option<Duration>) -> Self {
        let ping =
            heartbeat.map(|heartbeat| Ping { heartbeat, within: heartbeat, waiting: false, heard: true });
        let mut pulse = Self { ping, word: None, promise: None, waited: Duration::ZERO };
        pulse.waited = pulse.next();
        pulse
    }

    /// Says a word at least this often.
    pub(crate) fn promising(mut self, every: Option<Duration>) -> Self {
        // A little early: what leaves in time must also arrive in time.
        self.word = every.map(|every| Due { every: every * 3 / 4, within: every * 3 / 4 });
        self.waited = self.next();
        self
    }

    /// Ends when the peer sends nothing for twice this time.
    pub(crate) fn promised(mut self, every: Option<Duration>) -> Self {
        let look = every.map(|every| Due { every: every / LOOKS, within: every / LOOKS });
        self.promise = look.map(|look| Promise { look, silent: 0 });
        self.waited = self.next();
        self
    }

    /// Something was received from the peer: it `spoke`, or it is merely there.
    pub(super) fn hears(&mut self, spoke: bool) {
        if let Some(ping) = &mut self.ping {
            ping.heard = true;
        }
        if let Some(promise) = self.promise.as_mut().filter(|_| spoke) {
            promise.silent = 0;
        }
    }

    /// Returns the time until something is due for the first time.
    pub(super) fn first(&self) -> Duration {
        self.waited
    }

    /// Returns the action due now, and how long until the next.
    pub(super) fn beat(&mut self) -> (Beat, Duration) {
        let waited = self.waited;
        self.dues().for_each(|within| *within = within.saturating_sub(waited));
        let beat = self.due().unwrap_or(Beat::Alive);
        self.waited = self.next();
        (beat, self.waited)
    }

    /// One of the things that are due now; what else is due is so at once.
    fn due(&mut self) -> Option<Beat> {
        if let Some(ping) = self.ping.as_mut().filter(|ping| ping.within.is_zero()) {
            return Some(ping.beat());
        }
        if let Some(promise) = self.promise.as_mut().filter(|promise| promise.look.within.is_zero()) {
            promise.look.within = promise.look.every;
            promise.silent += 1;
            return Some(if promise.silent > SILENT { Beat::Dead } else { Beat::Alive });
        }
        let word = self.word.as_mut().filter(|word| word.within.is_zero())?;
        word.within = word.every;
        Some(Beat::Word)
    }

    fn dues(&mut self) -> impl Iterator<Item = &mut Duration> {
        let ping = self.ping.as_mut().map(|ping| &mut ping.within);
        let word = self.word.as_mut().map(|word| &mut word.within);
        let look = self.promise.as_mut().map(|promise| &mut promise.look.within);
        [ping, word, look].into_iter().flatten()
    }

    /// With nothing to be done, the timer still has to be set to something.
    fn next(&mut self) -> Duration {
        const IDLE: Duration = Duration::from_secs(3_600);
        self.dues().map(|within| *within).min().unwrap_or(IDLE)
    }
}

impl Ping {
    fn beat(&mut self) -> Beat {
        let wait = PONG.min(self.heartbeat);
        if !self.waiting {
            self.waiting = true;
            self.heard = false;
            self.within = wait;
            return Beat::Ping;
        }
        self.waiting = false;
        self.within = self.heartbeat - wait;
        if self.heard { Beat::Alive } else { Beat::Dead }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEARTBEAT: Duration = Duration::from_secs(25);

    #[test]
    fn silent_peer_is_dead_after_one_ping() {
        let mut pulse = Heartbeat::new(Some(HEARTBEAT));
        assert_eq!(pulse.beat(), (Beat::Ping, PONG));
        assert_eq!(pulse.beat().0, Beat::Dead);
    }

    #[test]
    fn dead_peer_is_found_within_two_heartbeats() {
        let mut pulse = Heartbeat::new(Some(HEARTBEAT));
        for _ in 0..3 {
            assert_eq!(pulse.beat(), (Beat::Ping, PONG));
            pulse.hears(false);
            assert_eq!(pulse.beat(), (Beat::Alive, HEARTBEAT - PONG));
        }
        let mut silence = HEARTBEAT;
        silence += pulse.beat().1;
        assert_eq!(pulse.beat().0, Beat::Dead);
        assert!(silence < 2 * HEARTBEAT);
    }

    #[test]
    fn promised_heartbeat_is_sent_in_time() {
        let every = Duration::from_secs(1);
        let mut pulse = Heartbeat::new(Some(HEARTBEAT)).promising(Some(every));
        let (mut silence, mut next, mut pings) = (Duration::ZERO, pulse.first(), 0);
        for _ in 0..200 {
            silence += next;
            assert!(silence < every, "{silence:?}");
            let (beat, then) = pulse.beat();
            if beat == Beat::Word {
                silence = Duration::ZERO;
            }
            if beat == Beat::Ping {
                pings += 1;
            }
            pulse.hears(false);
            next = then;
        }
        assert!(pings > 3);
    }

    #[test]
    fn promising_peer_is_dead_after_twice_its_interval() {
        let every = Duration::from_secs(10);
        let mut pulse = Heartbeat::new(None).promised(Some(every));
        let mut silence = Duration::ZERO;
        for _ in 0..7 {
            silence += pulse.waited;
            assert_eq!(pulse.beat().0, Beat::Alive);
            pulse.hears(true);
        }
        silence = Duration::ZERO;
        loop {
            silence += pulse.waited;
            // Being there is not speaking.
            pulse.hears(false);
            if pulse.beat().0 == Beat::Dead {
                break;
            }
        }
        assert!(silence > 2 * every && silence <= 3 * every, "{silence:?}");
    }
}
