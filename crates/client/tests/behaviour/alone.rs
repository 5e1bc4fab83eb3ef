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
fn waits_double_from_half_a_second_to_thirty_with_full_jitter() {
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
fn a_socket_that_opens_and_dies_at_once_waits_longer_each_time() {
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
fn after_a_steady_connection_the_waits_are_short_again() {
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
fn the_network_coming_back_and_the_page_coming_into_sight_connect_at_once() {
    for event in [Event::Online, Event::Visible(true), Event::Reconnect] {
        let mut alone = Alone::connected();
        alone.event(Event::Visible(false));
        alone.close(1006, u32::MAX);
        assert!(connects(&alone.event(event.clone())), "{event:?}");
    }
}

#[test]
fn trouble_is_shown_after_five_seconds_and_ends_with_welcome() {
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
fn a_connection_silent_for_two_heartbeats_is_given_up() {
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
fn an_open_socket_is_asked_when_the_page_comes_back_and_given_up_without_an_answer() {
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
fn a_socket_that_does_not_open_or_is_not_welcomed_is_given_up() {
    let mut alone = Alone::started();
    assert!(alone.pass(15_000).contains(&Effect::Close { conn: 1 }));
    let mut alone = Alone::started();
    alone.event(Event::Opened { conn: 1 });
    assert!(alone.pass(15_000).contains(&Effect::Close { conn: 1 }));
}

#[test]
fn what_an_older_socket_says_is_ignored() {
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
fn a_server_that_does_not_want_the_client_back_is_left_alone_until_a_person_asks() {
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
fn who_slept_through_the_time_for_hello_comes_back() {
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
fn bye_says_when_to_come_back_and_even_a_look_at_the_page_waits_for_that() {
    let mut alone = Alone::connected();
    alone.frame(ServerFrame::Bye { code: CloseCode::MOVING, retry_after_ms: 7_000 });
    alone.close(4001, u32::MAX);
    assert!((7_000..7_500).contains(&alone.wait()), "{}", alone.wait());
    assert!(!connects(&alone.event(Event::Online)));
    alone.now += 7_000;
    assert!(connects(&alone.event(Event::Online)));
}

#[test]
fn a_bye_whose_close_never_comes_is_not_waited_for() {
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
fn offline_cuts_nothing_but_asks_whether_the_server_is_there() {
    let mut alone = Alone::connected();
    assert_eq!(watches(&alone.event(Event::Offline)), 1);
    assert!(alone.link().offline && alone.link().connected);
}

#[test]
fn a_clock_set_back_does_not_stretch_a_wait() {
    let mut alone = Alone::connected();
    alone.close(1006, u32::MAX);
    alone.now -= 3_600_000;
    alone.pass(0);
    assert!(alone.wait() < 500, "{}", alone.wait());
    assert!(connects(&alone.pass(alone.wait())));
}

#[test]
fn many_rooms_are_followed_a_few_at_a_time_the_one_on_screen_first() {
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
fn the_first_frame_says_hello_in_the_pages_language() {
    let mut alone = Alone::new();
    alone.event(Event::LocaleChosen(Locale::Ko));
    alone.start();
    let effects = alone.event(Event::Opened { conn: 1 });
    let hello = ClientFrame::Hello { resume: Vec::new(), epoch: None, locale: Some("ko".into()) };
    assert_eq!(effects[0], Effect::Send { conn: 1, frame: hello });
}
