//! The engine against servers that are small enough to be wrong on purpose.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use madang_load::engine::{Outcome, Pace, Plan, run};
use madang_load::socket::{Protocol, Target};
use madang_protocol::{
    ClientFrame, Entry, EntryKind, Epoch, Limits, Person, RoomId, RoomInfo, SUBPROTOCOL, ServerFrame, UserId,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// Fault that the server puts into its third message on the way to its first receiver.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    Lose,
    Double,
    /// Delivers it after the fourth.
    Delay,
}

/// A server's receivers, and how many messages there were.
#[derive(Default)]
struct Hall {
    receivers: Vec<UnboundedSender<String>>,
    messages: u64,
    delayed: Option<String>,
}

impl Hall {
    fn broadcast(&mut self, fault: Fault, frame: &str) {
        self.messages += 1;
        let delayed = self.delayed.take();
        for (number, receiver) in self.receivers.iter().enumerate() {
            let send = |frame: &str| drop(receiver.send(frame.to_owned()));
            match fault {
                Fault::Lose if number == 0 && self.messages == 3 => {}
                Fault::Delay if number == 0 && self.messages == 3 => self.delayed = Some(frame.to_owned()),
                Fault::Double if number == 0 && self.messages == 3 => {
                    send(frame);
                    send(frame);
                }
                _ => send(frame),
            }
            if number == 0 {
                delayed.iter().for_each(|late| send(late));
            }
        }
    }
}

async fn start(speaks: Protocol, fault: Fault) -> Target {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let hall = Arc::new(Mutex::new(Hall::default()));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, speaks, fault, Arc::clone(&hall)));
        }
    });
    Target { address, speaks }
}

async fn serve(stream: TcpStream, speaks: Protocol, fault: Fault, hall: Arc<Mutex<Hall>>) {
    let mut path = String::new();
    #[allow(clippy::result_large_err, reason = "tungstenite's signature")]
    let answer = |request: &Request, mut response: Response| {
        path = request.uri().path().to_owned();
        if speaks == Protocol::Madang {
            response.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(SUBPROTOCOL));
        }
        Ok(response)
    };
    let socket = tokio_tungstenite::accept_hdr_async(stream, answer).await.unwrap();
    let (mut sink, mut frames) = socket.split();
    let (send, mut queue) = unbounded_channel::<String>();
    tokio::spawn(async move {
        while let Some(frame) = queue.recv().await {
            if sink.send(Message::Text(Utf8Bytes::from(frame))).await.is_err() {
                break;
            }
        }
    });
    if speaks == Protocol::Raw && path != "/send" {
        hall.lock().unwrap().receivers.push(send.clone());
    }
    while let Some(Ok(Message::Text(frame))) = frames.next().await {
        match speaks {
            Protocol::Madang => answer_frame(serde_json::from_str(&frame).unwrap(), &send, fault, &hall),
            _ => hall.lock().unwrap().broadcast(fault, &frame),
        }
    }
}

/// The least that looks like `madang.v1`.
fn answer_frame(frame: ClientFrame, send: &UnboundedSender<String>, fault: Fault, hall: &Mutex<Hall>) {
    let mut hall = hall.lock().unwrap();
    let tell = |frame: &ServerFrame| drop(send.send(serde_json::to_string(frame).unwrap()));
    let head = hall.messages;
    match frame {
        ClientFrame::Hello { .. } => {
            let you = Person::new(UserId::system(), "");
            let room = RoomId::lobby();
            let lobby = RoomInfo { room, title: "Lobby".to_owned(), head, read: 0, unread: 0 };
            let epoch: Epoch = "first".parse().unwrap();
            let limits = Limits::default();
            tell(&ServerFrame::Welcome { you, epoch, rooms: vec![lobby], limits, heartbeat_ms: 25_000 });
        }
        ClientFrame::Watch { room, .. } => {
            hall.receivers.push(send.clone());
            tell(&ServerFrame::Live { room, head });
        }
        ClientFrame::Post { room, cmid, body, .. } => {
            let what = EntryKind::posted(body, None);
            let seq = head + 1;
            let (by, at) = ("abcdefghijkl".parse().unwrap(), 1_700_000_000_000);
            let entry = Entry { room: room.clone(), seq, at, by, cmid: Some(cmid), what };
            hall.broadcast(fault, &serde_json::to_string(&ServerFrame::Entry(entry)).unwrap());
            tell(&ServerFrame::Done { cmid, room, seq });
        }
        other => panic!("the generator sent {other:?}"),
    }
}

async fn outcome(speaks: Protocol, fault: Fault, pace: Pace) -> Outcome {
    let target = start(speaks, fault).await;
    let plan = Plan {
        target,
        server_pid: Some(std::process::id()),
        rooms: 1,
        receivers: 5,
        writers: 2,
        follow: false,
        pace,
        frame_bytes: 200,
        warm_up: Duration::from_millis(100),
        length: Duration::from_millis(300),
        patience: Duration::from_secs(1),
    };
    run(plan).await.unwrap()
}

#[tokio::test]
async fn correct_server_is_clean_at_every_pace() {
    for speaks in [Protocol::Madang, Protocol::Raw] {
        for pace in [Pace::Rate(100), Pace::Saturated(4)] {
            let outcome = outcome(speaks, Fault::None, pace).await;
            assert!(outcome.is_clean(), "{speaks:?} {pace:?}: {outcome:?}");
            assert!(
                outcome.deliveries > 0 && outcome.delivery.p50_us > 0,
                "{speaks:?} {pace:?}: {outcome:?}"
            );
            assert_eq!(outcome.verdict.receivers, 5);
        }
    }
    let posts = outcome(Protocol::Madang, Fault::None, Pace::OneByOne).await;
    assert!(posts.is_clean() && posts.acknowledged > 0, "{posts:?}");
}

#[tokio::test]
async fn frames_have_requested_size_in_both_languages() {
    for speaks in [Protocol::Madang, Protocol::Raw] {
        let bytes = outcome(speaks, Fault::None, Pace::Rate(100)).await.bytes_per_frame;
        assert!((190.0..=210.0).contains(&bytes), "{speaks:?}: {bytes}");
    }
}

#[tokio::test]
async fn a_lost_message_is_found() {
    for speaks in [Protocol::Madang, Protocol::Raw] {
        let outcome = outcome(speaks, Fault::Lose, Pace::Rate(100)).await;
        assert_eq!(outcome.verdict.lost, 1, "{speaks:?}: {outcome:?}");
        assert!(!outcome.settled && !outcome.is_clean());
    }
}

#[tokio::test]
async fn a_doubled_message_is_found() {
    for speaks in [Protocol::Madang, Protocol::Raw] {
        let outcome = outcome(speaks, Fault::Double, Pace::Rate(100)).await;
        assert_eq!(outcome.verdict.doubled, 1, "{speaks:?}: {outcome:?}");
        assert!(!outcome.is_clean());
    }
}

#[tokio::test]
async fn a_late_message_is_found() {
    let outcome = outcome(Protocol::Madang, Fault::Delay, Pace::Rate(100)).await;
    assert_eq!((outcome.verdict.reordered, outcome.verdict.lost), (1, 0), "{outcome:?}");
    assert!(!outcome.is_clean());
}
