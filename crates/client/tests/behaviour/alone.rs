//! The connection, with the time in hand and no server at all.

use madang_client::{Effect, Event, LinkView, Locale, Model, ReadyState, Role, Theme, update};
use madang_protocol::{ClientFrame, CloseCode, Limits, Person, RoomId, RoomInfo, ServerFrame, UnixMs};

pub(crate) const START: UnixMs = 1_700_000_000_000;

pub(crate) struct Alone {
    pub(crate) model: Model,
    pub(crate) now: UnixMs,
}

impl Alone {
    pub(crate) fn new() -> Self {
        Self { model: Model::new(RoomId::lobby(), Locale::En, Theme::Auto), now: START }
    }

    pub(crate) fn started() -> Self {
        let mut alone = Self::new();
        alone.start();
        alone
    }

    pub(crate) fn start(&mut self) -> Vec<Effect> {
        let effects = self.event(Event::Started { visible: true });
        assert!(!connects(&effects), "nothing connects before the role is known");
        self.event(Event::Role(Role::Alone))
    }

    pub(crate) fn connected() -> Self {
        let mut alone = Self::started();
        alone.open();
        alone
    }

    pub(crate) fn event(&mut self, event: Event) -> Vec<Effect> {
        update(&mut self.model, event, self.now)
    }

    pub(crate) fn link(&self) -> LinkView {
        self.model.link()
    }

    pub(crate) fn frame(&mut self, frame: ServerFrame) -> Vec<Effect> {
        self.event(Event::Frame { conn: self.link().conn, frame })
    }

    pub(crate) fn open(&mut self) {
        self.event(Event::Opened { conn: self.link().conn });
        self.frame(welcome(1));
    }

    pub(crate) fn close(&mut self, code: u16, roll: u32) -> Vec<Effect> {
        self.event(Event::Closed { conn: self.link().conn, code, roll })
    }

    /// The WebSocket cannot be opened, and neither can what comes after it.
    pub(crate) fn fail(&mut self, roll: u32) {
        self.close(1006, roll);
        self.close(1006, roll);
    }

    pub(crate) fn pass(&mut self, ms: i64) -> Vec<Effect> {
        self.now += ms;
        self.event(Event::Woke { roll: 0 })
    }

    pub(crate) fn wait(&self) -> i64 {
        self.link().retry_at.expect("an attempt is planned") - self.now
    }
}

pub(crate) fn welcome(rooms: usize) -> ServerFrame {
    let info = |n: usize| RoomInfo {
        room: if n == 0 { RoomId::lobby() } else { format!("room{n}").parse().unwrap() },
        title: String::new(),
        head: 1,
        read: 0,
        unread: 0,
    };
    ServerFrame::Welcome {
        you: Person::new("alice".parse().unwrap(), ""),
        epoch: "e1".parse().unwrap(),
        rooms: (0..rooms).map(info).collect(),
        limits: Limits::default(),
        heartbeat_ms: 25_000,
    }
}

pub(crate) fn connects(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Connect { .. }))
}

pub(crate) fn watches(effects: &[Effect]) -> usize {
    let watch = |effect: &&Effect| matches!(effect, Effect::Send { frame: ClientFrame::Watch { .. }, .. });
    effects.iter().filter(watch).count()
}

#[test]
fn the_ready_state_is_the_sockets() {
    let mut alone = Alone::new();
    assert_eq!(alone.link().ready_state, ReadyState::Closed);
    assert!(connects(&alone.start()));
    assert_eq!(alone.link().ready_state, ReadyState::Connecting);
    alone.event(Event::Opened { conn: 1 });
    assert_eq!(alone.link().ready_state, ReadyState::Open);
    assert!(!alone.link().connected, "not before welcome");
    alone.frame(welcome(1));
    assert!(alone.link().connected);
    alone.frame(ServerFrame::Bye { code: CloseCode::MOVING, retry_after_ms: 0 });
    assert_eq!(alone.link().ready_state, ReadyState::Closing);
    alone.close(4001, 0);
    assert_eq!(alone.link().ready_state, ReadyState::Closed);
}

#[test]
fn backoff_doubles_to_thirty_seconds_with_full_jitter() {
    for (roll, share) in [(0u32, 0.0), (1 << 31, 0.5), (u32::MAX, 1.0)] {
        let mut alone = Alone::started();
        for ceiling in [500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0, 16_000.0, 30_000.0, 30_000.0] {
            alone.fail(roll);
            let expected: f64 = ceiling * share;
            assert!((alone.wait() as f64 - expected).abs() <= 1.0, "{} of {ceiling}", alone.wait());
            assert!(connects(&alone.pass(alone.wait())));
        }
    }
}

#[test]
fn socket_that_dies_after_opening_backs_off() {
    let mut alone = Alone::started();
    let mut waits = Vec::new();
    for _ in 0..4 {
        alone.open();
        alone.close(1006, u32::MAX);
        waits.push(alone.wait());
        alone.pass(alone.wait());
    }
    assert_eq!(waits, [499, 999, 1_999, 3_999]);
}

#[test]
fn steady_connection_resets_the_backoff() {
    let mut alone = Alone::started();
    for _ in 0..5 {
        alone.fail(u32::MAX);
        alone.pass(alone.wait());
    }
    alone.open();
    alone.now += 10_000;
    alone.close(1006, u32::MAX);
    assert_eq!(alone.wait(), 499);
}

#[test]
fn online_and_visible_events_connect_immediately() {
    for event in [Event::Online, Event::Visible(true), Event::Reconnect] {
        let mut alone = Alone::connected();
        alone.event(Event::Visible(false));
        alone.close(1006, u32::MAX);
        assert!(connects(&alone.event(event.clone())), "{event:?}");
    }
}

#[test]
fn trouble_shows_after_five_seconds_until_welcome() {
    let mut alone = Alone::connected();
    alone.close(1006, u32::MAX);
    alone.pass(4_999);
    assert!(!alone.link().trouble, "a short break bothers nobody");
    alone.pass(1);
    assert!(alone.link().trouble);
    assert!(connects(&alone.event(Event::Reconnect)) || alone.link().ready_state == ReadyState::Connecting);
    alone.event(Event::Opened { conn: alone.link().conn });
    assert!(alone.link().trouble, "an open socket alone is no session");
    alone.frame(welcome(1));
    assert!(!alone.link().trouble);
}

#[test]
fn connection_silent_for_two_heartbeats_is_dropped() {
    let mut alone = Alone::connected();
    alone.pass(49_999);
    assert!(alone.link().connected);
    alone.frame(ServerFrame::Heads { heads: Vec::new() });
    alone.pass(49_999);
    assert!(alone.link().connected, "any frame is a sign of life");
    let effects = alone.pass(1);
    assert!(effects.contains(&Effect::Close { conn: 1 }));
    assert!(!alone.link().connected);
}

#[test]
fn open_socket_is_probed_when_page_returns() {
    let mut alone = Alone::connected();
    alone.event(Event::Visible(false));
    alone.now += 20_000;
    assert_eq!(watches(&alone.event(Event::Visible(true))), 1, "watching again is answered");
    alone.pass(5_000);
    assert!(!alone.link().connected);

    let mut alone = Alone::connected();
    alone.event(Event::Online);
    alone.frame(ServerFrame::Live { room: RoomId::lobby(), head: 0 });
    alone.pass(5_000);
    assert!(alone.link().connected, "an answer came");
}

#[test]
fn unopened_or_unwelcomed_socket_is_dropped() {
    let mut alone = Alone::started();
    assert!(alone.pass(15_000).contains(&Effect::Close { conn: 1 }));
    let mut alone = Alone::started();
    alone.event(Event::Opened { conn: 1 });
    assert!(alone.pass(15_000).contains(&Effect::Close { conn: 1 }));
}

#[test]
fn events_of_older_socket_are_ignored() {
    let mut alone = Alone::connected();
    alone.close(1006, 0);
    alone.pass(0);
    alone.open();
    assert_eq!(alone.link().conn, 2);
    let before = alone.link();
    let late = ServerFrame::Bye { code: CloseCode::BANNED, retry_after_ms: 0 };
    assert_eq!(alone.event(Event::Frame { conn: 1, frame: late }), []);
    assert_eq!(alone.event(Event::Closed { conn: 1, code: 1006, roll: 0 }), []);
    assert_eq!(alone.event(Event::Opened { conn: 1 }), []);
    assert_eq!(alone.link(), before);
}

#[test]
fn final_close_waits_for_the_person() {
    let mut alone = Alone::connected();
    alone.frame(ServerFrame::Bye { code: CloseCode::OVER_LIMIT, retry_after_ms: 0 });
    alone.close(4504, 0);
    assert_eq!(alone.link().ended, Some(CloseCode::OVER_LIMIT));
    assert!(alone.link().trouble, "told at once");
    for event in [Event::Online, Event::Visible(false), Event::Visible(true)] {
        assert!(!connects(&alone.event(event)));
    }
    assert!(!connects(&alone.pass(3_600_000)));
    assert!(connects(&alone.event(Event::Reconnect)));
}

#[test]
fn client_that_slept_through_hello_reconnects() {
    let mut alone = Alone::connected();
    alone.close(1006, 0);
    alone.pass(0);
    assert_eq!(alone.link().conn, 2);
    alone.pass(10_000);
    alone.close(4502, 0);
    assert_eq!(alone.link().ended, None);
    assert!(connects(&alone.pass(0)));
}

#[test]
fn bye_delays_even_visible_pages() {
    let mut alone = Alone::connected();
    alone.frame(ServerFrame::Bye { code: CloseCode::MOVING, retry_after_ms: 7_000 });
    alone.close(4001, u32::MAX);
    assert!((7_000..7_500).contains(&alone.wait()), "{}", alone.wait());
    assert!(!connects(&alone.event(Event::Online)));
    alone.now += 7_000;
    assert!(connects(&alone.event(Event::Online)));
}

#[test]
fn bye_without_close_is_not_awaited() {
    let mut alone = Alone::connected();
    alone.frame(ServerFrame::Bye { code: CloseCode::RESTART, retry_after_ms: 0 });
    alone.pass(3_000);
    assert_eq!(alone.link().ready_state, ReadyState::Closed);
    assert!(connects(&alone.pass(0)));
}

#[test]
fn nothing_happens_after_teardown() {
    let mut alone = Alone::connected();
    let effects = alone.event(Event::Stopped);
    assert_eq!(effects, [Effect::Close { conn: 1 }]);
    assert_eq!(alone.frame(welcome(1)), []);
    assert_eq!(alone.close(1006, 0), []);
    assert!(alone.pass(3_600_000).is_empty());
    assert!(!connects(&alone.event(Event::Online)));
}

#[test]
fn offline_event_probes_and_keeps_the_connection() {
    let mut alone = Alone::connected();
    assert_eq!(watches(&alone.event(Event::Offline)), 1);
    assert!(alone.link().offline && alone.link().connected);
}

#[test]
fn backward_clock_does_not_stretch_a_wait() {
    let mut alone = Alone::connected();
    alone.close(1006, u32::MAX);
    alone.now -= 3_600_000;
    alone.pass(0);
    assert!(alone.wait() < 500, "{}", alone.wait());
    assert!(connects(&alone.pass(alone.wait())));
}

#[test]
fn rooms_are_followed_in_batches_current_first() {
    let mut alone = Alone::started();
    alone.event(Event::Opened { conn: 1 });
    let effects = alone.frame(welcome(200));
    let first = effects.iter().find_map(|effect| match effect {
        Effect::Send { frame: ClientFrame::Watch { room, .. }, .. } => Some(room.clone()),
        _ => None,
    });
    assert_eq!(first, Some(RoomId::lobby()));
    let mut sent = watches(&effects);
    assert!(sent <= 51, "{sent} at once");
    for _ in 0..3 {
        assert_eq!(watches(&alone.pass(100)), 0);
        sent += watches(&alone.pass(400));
    }
    assert_eq!(sent, 200);
}

#[test]
fn hello_is_first_and_in_the_pages_language() {
    let mut alone = Alone::new();
    alone.event(Event::LocaleChosen(Locale::Ko));
    alone.start();
    let effects = alone.event(Event::Opened { conn: 1 });
    let hello = ClientFrame::Hello { resume: Vec::new(), epoch: None, locale: Some("ko".into()) };
    assert_eq!(effects[0], Effect::Send { conn: 1, frame: hello });
}
