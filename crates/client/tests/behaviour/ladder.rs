//! WebSocket, event stream, polls: what is opened when, and what is given up.

use madang_client::{Conn, Effect, Event, Transport};
use madang_protocol::{ClientFrame, CloseCode, Cmid, RoomId, ServerFrame};

use crate::alone::{Alone, connects, welcome};

use Transport::{EventSource, Poll, WebSocket};

/// Returns the transports opened by these effects, in order.
fn opened(effects: &[Effect]) -> Vec<Transport> {
    let connect = |effect: &Effect| match effect {
        Effect::Connect { transport, .. } => Some(*transport),
        _ => None,
    };
    effects.iter().filter_map(connect).collect()
}

/// A client that a blocked upgrade sent to the event stream, and that holds there; its first trial has failed.
fn below() -> Alone {
    let mut alone = Alone::started();
    assert_eq!(opened(&alone.close(1006, 0)), [EventSource]);
    alone.event(Event::Opened { conn: alone.link().conn });
    let trial = trial(&alone.frame(welcome(1))).expect("a trial at once");
    alone.event(Event::Closed { conn: trial, code: 1006, roll: 0 });
    alone
}

/// A client on polls, because its event stream brings nothing.
fn polling() -> Alone {
    let mut alone = Alone::started();
    alone.close(1006, 0);
    alone.event(Event::Opened { conn: alone.link().conn });
    assert_eq!(opened(&alone.pass(4_000)), [Poll]);
    alone.event(Event::Opened { conn: alone.link().conn });
    let trial = trial(&alone.frame(welcome(1))).expect("a trial at once");
    alone.event(Event::Closed { conn: trial, code: 1006, roll: 0 });
    alone
}

fn trial(effects: &[Effect]) -> Option<Conn> {
    effects.iter().find_map(|effect| match effect {
        Effect::Connect { conn, transport: WebSocket } => Some(*conn),
        _ => None,
    })
}

fn heads() -> ServerFrame {
    ServerFrame::Heads { heads: Vec::new() }
}

/// Time passes with a sign of life each 20 s. All effects.
fn live(alone: &mut Alone, ms: i64) -> Vec<Effect> {
    let mut effects = Vec::new();
    for _ in 0..ms / 1_000 {
        effects.extend(alone.pass(1_000));
        if alone.now % 20_000 == 0 {
            effects.extend(alone.frame(heads()));
        }
    }
    effects
}

#[test]
fn unopenable_websocket_falls_back_to_event_stream() {
    assert_eq!(opened(&Alone::started().close(1006, u32::MAX)), [EventSource]);
    // Nor one that never answers.
    assert_eq!(opened(&Alone::started().pass(10_000)), [EventSource]);
}

#[test]
fn three_websockets_dying_before_first_frame_fall_back() {
    let mut alone = Alone::started();
    for socket in 1..=3 {
        alone.event(Event::Opened { conn: alone.link().conn });
        let effects = alone.close(1006, u32::MAX);
        if socket < 3 {
            assert_eq!(opened(&effects), []);
            assert_eq!(opened(&alone.pass(alone.wait())), [WebSocket]);
        } else {
            assert_eq!(opened(&effects), [EventSource]);
        }
    }
}

#[test]
fn first_frame_resets_the_failure_count() {
    let mut alone = Alone::started();
    for speaks in [false, false, true, false, false] {
        alone.event(Event::Opened { conn: alone.link().conn });
        if speaks {
            alone.frame(welcome(1));
        }
        assert_eq!(opened(&alone.close(1006, u32::MAX)), []);
        assert_eq!(opened(&alone.pass(alone.wait())), [WebSocket]);
    }
}

#[test]
fn silent_event_stream_falls_back_to_polls() {
    let mut alone = Alone::started();
    alone.close(1006, 0);
    alone.event(Event::Opened { conn: 2 });
    assert_eq!(opened(&alone.pass(3_999)), []);
    let effects = alone.pass(1);
    assert!(effects.contains(&Effect::Close { conn: 2 }));
    assert_eq!(opened(&effects), [Poll]);
}

#[test]
fn unopenable_lower_rung_returns_to_top_later() {
    for reach in [
        |alone: &mut Alone| drop(alone.close(1006, 0)),
        |alone: &mut Alone| {
            alone.close(1006, 0);
            alone.event(Event::Opened { conn: alone.link().conn });
            alone.pass(4_000);
        },
    ] {
        let mut alone = Alone::started();
        reach(&mut alone);
        alone.event(Event::Opened { conn: alone.link().conn });
        assert_eq!(opened(&alone.close(1006, u32::MAX)), []);
        assert!(alone.wait() > 0, "with a wait, and a random one");
        assert_eq!(opened(&alone.pass(alone.wait())), [WebSocket]);
    }
}

#[test]
fn lower_rung_that_held_is_reopened_later() {
    for (mut alone, rung) in [(below(), EventSource), (polling(), Poll)] {
        live(&mut alone, 15_000);
        assert_eq!(opened(&alone.close(1006, u32::MAX)), []);
        assert_eq!(alone.wait(), 499);
        assert_eq!(opened(&alone.pass(499)), [rung]);
    }
}

#[test]
fn gone_session_is_replaced_immediately() {
    for (mut alone, rung) in [(below(), EventSource), (polling(), Poll)] {
        live(&mut alone, 15_000);
        assert_eq!(opened(&alone.close(4001, u32::MAX)), [rung]);
        // A server that forgets each session as soon as it has welcomed it is not hammered.
        alone.event(Event::Opened { conn: alone.link().conn });
        alone.frame(welcome(1));
        assert_eq!(opened(&alone.close(4001, u32::MAX)), []);
        assert_eq!(alone.wait(), 499);
    }
}

#[test]
fn websocket_trials_run_every_minute_beside_stream() {
    let mut alone = below();
    let before = alone.link();
    for _ in 0..3 {
        assert_eq!(opened(&live(&mut alone, 59_000)), []);
        let effects = live(&mut alone, 1_000);
        let trial = trial(&effects).expect("a trial each minute");
        assert_eq!(alone.event(Event::Closed { conn: trial, code: 1006, roll: 0 }), []);
        assert_eq!(alone.link(), before);
    }
}

#[test]
fn unanswered_trial_is_dropped() {
    let mut alone = below();
    let conn = trial(&live(&mut alone, 60_000)).expect("a trial");
    alone.event(Event::Opened { conn });
    assert!(live(&mut alone, 10_000).contains(&Effect::Close { conn }));
    assert!(alone.link().connected);
    assert_eq!(trial(&live(&mut alone, 60_000)), Some(conn + 1));
}

#[test]
fn trial_ended_by_bye_is_dropped() {
    let mut alone = below();
    let conn = trial(&live(&mut alone, 60_000)).expect("a trial");
    alone.event(Event::Opened { conn });
    let bye = ServerFrame::Bye { code: CloseCode::BANNED, retry_after_ms: 0 };
    assert_eq!(alone.event(Event::Frame { conn, frame: bye }), [Effect::Close { conn }]);
    assert!(alone.link().connected && alone.link().ended.is_none());
}

#[test]
fn welcomed_trial_becomes_the_connection() {
    let mut alone = below();
    let stream = alone.link().conn;
    let conn = trial(&live(&mut alone, 60_000)).expect("a trial");
    let cmid = Cmid(7);
    alone.event(Event::Restored { user: "alice".parse().unwrap(), writes: Vec::new() });
    alone.event(Event::Post { room: RoomId::lobby(), cmid, body: "hello".into(), reply_to: None });
    let effects = alone.event(Event::Opened { conn });
    assert!(
        matches!(&effects[0], Effect::Send { conn: on, frame: ClientFrame::Hello { .. } } if on == &conn),
        "{effects:?}"
    );
    assert_eq!(alone.link().conn, stream, "not before it is welcomed");
    let effects = alone.event(Event::Frame { conn, frame: welcome(1) });
    assert_eq!(effects[0], Effect::Close { conn: stream });
    assert_eq!((alone.link().conn, alone.link().transport), (conn, WebSocket));
    let post = |effect: &&Effect| matches!(effect, Effect::Send { conn: on, frame: ClientFrame::Post { cmid: Cmid(7), .. } } if *on == conn);
    assert_eq!(effects.iter().filter(post).count(), 1, "what was in flight goes again, as the same write");
    // Later events of the stream are over.
    assert_eq!(alone.event(Event::Closed { conn: stream, code: 1006, roll: 0 }), []);
    assert_eq!(trial(&live(&mut alone, 120_000)), None, "and there is nothing more to try");
}

#[test]
fn trial_ends_with_its_connection() {
    let mut alone = below();
    let conn = trial(&live(&mut alone, 60_000)).expect("a trial");
    assert!(alone.close(1006, 0).contains(&Effect::Close { conn }));
    let late = alone.event(Event::Opened { conn });
    assert!(!late.iter().any(|effect| matches!(effect, Effect::Send { .. })), "{late:?}");
}

#[test]
fn heads_are_answered_on_transports_without_pongs() {
    let sign = |alone: &mut Alone| {
        let effects = alone.frame(heads());
        effects.iter().any(|effect| matches!(effect, Effect::SignOfLife { .. }))
    };
    assert!(sign(&mut below()));
    assert!(!sign(&mut polling()));
    assert!(!sign(&mut Alone::connected()));
}

#[test]
fn bye_on_lower_rung_delays_reconnecting() {
    let mut alone = below();
    alone.frame(ServerFrame::Bye { code: CloseCode::RESTART, retry_after_ms: 3_000 });
    // The carrier finds its session gone, which by itself would mean at once.
    assert!(!connects(&alone.close(4001, u32::MAX)));
    assert!((3_000..3_500).contains(&alone.wait()), "{}", alone.wait());
}

#[test]
fn another_network_is_met_from_the_top() {
    let mut alone = polling();
    alone.close(1006, u32::MAX);
    alone.event(Event::Offline);
    assert_eq!(opened(&alone.event(Event::Online)), [WebSocket]);
}

#[test]
fn attempt_on_lost_network_delays_nothing() {
    let mut alone = Alone::started();
    alone.now += 2_000;
    let effects = alone.event(Event::Online);
    assert!(effects.contains(&Effect::Close { conn: 1 }));
    assert_eq!(opened(&effects), [WebSocket]);
}

#[test]
fn websocket_falls_to_polls_after_silent_stream() {
    let mut alone = polling();
    live(&mut alone, 60_000);
    let conn = alone.link().conn + 2;
    alone.event(Event::Opened { conn });
    alone.event(Event::Frame { conn, frame: welcome(1) });
    assert_eq!(alone.link().transport, WebSocket);
    live(&mut alone, 15_000);
    alone.close(1006, 0);
    assert_eq!(opened(&alone.pass(alone.wait())), [WebSocket]);
    assert_eq!(opened(&alone.close(1006, 0)), [Poll]);
}
