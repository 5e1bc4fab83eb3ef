//! Sleeps, and clocks that are set: at once on wake, and no wait that outlives its reason.

use madang_client::{Effect, Event, Role};
use madang_protocol::{CloseCode, ServerFrame};
use proptest::prelude::*;

use crate::alone::{Alone, connects};

const HOUR: i64 = 3_600_000;

/// A page whose timers run by real time while the clock on the wall is set about.
struct Page {
    alone: Alone,
    /// Time until the timer rings, in real time from now.
    timer: Option<i64>,
}

impl Page {
    fn new(alone: Alone) -> Self {
        // An event that changes nothing, so that the timer in force is known.
        let mut page = Self { alone, timer: Some(0) };
        page.pass(0);
        page
    }

    fn take(&mut self, event: Event) -> Vec<Effect> {
        let effects = self.alone.event(event);
        self.asked(&effects);
        effects
    }

    fn asked(&mut self, effects: &[Effect]) {
        let now = self.alone.now;
        let at = |effect: &Effect| if let Effect::WakeAt(at) = effect { Some(*at) } else { None };
        if let Some(at) = effects.iter().rev().find_map(at) {
            self.timer = Some((at - now).max(0));
        }
    }

    /// Lets real time pass. Returns true if an attempt to connect was made.
    fn pass(&mut self, mut ms: i64) -> bool {
        let mut connected = false;
        while let Some(timer) = self.timer.filter(|timer| *timer <= ms) {
            ms -= timer;
            self.alone.now += timer;
            self.timer = None;
            let effects = self.take(Event::Woke { roll: 1 << 31 });
            connected |= connects(&effects);
        }
        self.timer = self.timer.map(|timer| timer - ms);
        self.alone.now += ms;
        connected
    }

    /// The clock is set; no real time passes.
    fn set(&mut self, by: i64) {
        self.alone.now += by;
    }

    /// The machine sleeps: its clock goes on, its timers do not.
    fn sleep(&mut self, ms: i64) {
        self.alone.now += ms;
    }
}

#[test]
fn slept_laptop_connects_immediately_from_any_state() {
    let up = Page::new(Alone::connected());
    let waiting = {
        let mut alone = Alone::connected();
        alone.close(1006, u32::MAX);
        (0..9).for_each(|_| {
            alone.pass(alone.wait());
            alone.fail(u32::MAX);
        });
        assert!(alone.wait() > 20_000);
        Page::new(alone)
    };
    let connecting = Page::new(Alone::started());
    for (what, mut page) in [("up", up), ("waiting", waiting), ("connecting", connecting)] {
        let before = page.alone.link().conn;
        page.sleep(8 * HOUR);
        // The first timer that rings, soon after the lid is opened.
        page.timer = Some(0);
        assert!(page.pass(0), "{what}: without any wait");
        assert!(page.alone.link().conn > before);
    }
}

#[test]
fn page_after_sleep_skips_probing_dead_socket() {
    let mut alone = Alone::connected();
    alone.event(Event::Visible(false));
    alone.now += HOUR;
    let effects = alone.event(Event::Visible(true));
    assert!(connects(&effects) && effects.contains(&Effect::Close { conn: 1 }), "{effects:?}");
}

#[test]
fn bye_delay_holds_even_after_sleep() {
    let mut alone = Alone::connected();
    alone.frame(ServerFrame::Bye { code: CloseCode::RESTART, retry_after_ms: 60_000 });
    alone.close(1012, 0);
    alone.now += 30_000;
    assert!(!connects(&alone.event(Event::Woke { roll: 0 })));
    assert!(connects(&alone.pass(30_000)));
}

#[test]
fn clock_set_back_by_hours_delays_nothing() {
    let mut page = Page::new(Alone::connected());
    page.set(-5 * HOUR);
    // How much time passed since the clock was last looked at cannot be known: it counts as none.
    assert!(page.pass(101_000), "a server that says nothing is found dead all the same");
    assert!(page.alone.link().conn > 1);
}

#[test]
fn throttled_hidden_page_is_not_a_sleeper() {
    let mut alone = Alone::connected();
    alone.event(Event::Visible(false));
    alone.now += 45_000;
    alone.frame(ServerFrame::Heads { heads: Vec::new() });
    alone.now += 45_000;
    alone.frame(ServerFrame::Heads { heads: Vec::new() });
    let effects = alone.event(Event::Woke { roll: 0 });
    let sent = effects.iter().any(|effect| matches!(effect, Effect::Send { .. }));
    assert!(alone.link().connected && !sent, "{effects:?}");
}

#[derive(Clone, Debug)]
enum Act {
    Pass(i64),
    Set(i64),
    Sleep(i64),
    Close,
    Open,
    Heads,
    Online,
    Visible(bool),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0i64..90_000).prop_map(Act::Pass),
        (-5 * HOUR..5 * HOUR).prop_map(Act::Set),
        (0i64..5 * HOUR).prop_map(Act::Sleep),
        Just(Act::Close),
        Just(Act::Open),
        Just(Act::Heads),
        Just(Act::Online),
        any::<bool>().prop_map(Act::Visible),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever was set and slept: with a silent server, the next attempt comes within two
    /// silences and the longest wait of real time.
    #[test]
    fn no_clock_stops_the_client_from_trying(acts in prop::collection::vec(act(), 0..40)) {
        let mut page = Page::new(Alone::connected());
        for act in acts {
            let conn = page.alone.link().conn;
            match act {
                Act::Pass(ms) => { page.pass(ms); }
                Act::Set(by) => page.set(by),
                Act::Sleep(ms) => page.sleep(ms),
                Act::Close => { page.take(Event::Closed { conn, code: 1006, roll: u32::MAX }); }
                Act::Open => {
                    page.take(Event::Opened { conn });
                    page.take(Event::Frame { conn, frame: crate::alone::welcome(1) });
                }
                Act::Heads => {
                    page.take(Event::Frame { conn, frame: ServerFrame::Heads { heads: Vec::new() } });
                }
                Act::Online => { page.take(Event::Online); }
                Act::Visible(visible) => { page.take(Event::Visible(visible)); }
            }
        }
        prop_assert!(page.pass(130_001), "{:?}", page.alone.link());
    }
}

#[test]
fn follower_asks_each_second_until_welcomed() {
    let mut alone = Alone::new();
    alone.event(Event::Started { visible: true });
    let asks =
        |effects: Vec<Effect>| effects.iter().any(|effect| matches!(effect, Effect::SendToTabs { .. }));
    assert!(asks(alone.event(Event::Role(Role::Follower))));
    for _ in 0..5 {
        assert!(!asks(alone.pass(999)));
        assert!(asks(alone.pass(1)));
    }
}
