use tokio::time::Instant;

use super::*;
use crate::metrics::Metrics;

fn opened() -> (Arc<HttpSession>, HttpTransport) {
    let counted = Metrics::default().connection(Carrier::Poll);
    let unsent = crate::unsent::Unsent::new(0, Default::default());
    let account = unsent.account(std::net::Ipv4Addr::LOCALHOST.into(), None);
    HttpSession::open(LoginKey([7; 32]), counted, "hello".into(), account)
}

#[tokio::test]
async fn posted_frames_keep_order_empty_shows_life() {
    let (http_session, mut transport) = opened();
    http_session.post(PostedFrames::Frames(vec!["a".into(), "b".into()]), None).await.unwrap();
    http_session.post(PostedFrames::Frames(vec![]), None).await.unwrap();
    http_session.post(PostedFrames::TooBig, None).await.unwrap();
    for expected in ["hello", "a", "b"] {
        let Ok(Incoming::Text(frame)) = transport.next().await else { panic!("{expected}") };
        assert_eq!(frame.as_str(), expected);
    }
    assert!(matches!(transport.next().await, Ok(Incoming::Life)));
    assert!(matches!(transport.next().await, Err(End::Close(CloseCode::TOO_BIG))));
}

#[tokio::test]
async fn frames_and_newer_readers_wake_a_reader() {
    let (http_session, mut transport) = opened();
    let mut older = http_session.read(0, Carrier::Events).unwrap();
    let waiting = tokio::spawn(async move { (older.next(100).await, older.next(100).await) });
    transport.text("a".into());
    transport.flush().await.unwrap();
    while !http_session.state().outbox.is_fetched() {
        tokio::task::yield_now().await;
    }
    let mut newer = http_session.read(1, Carrier::Poll).unwrap();
    assert_eq!(waiting.await.unwrap(), (Received::Frames(vec!["a".into()], 1), Received::Replaced));
    transport.text("b".into());
    transport.flush().await.unwrap();
    assert_eq!(newer.next(100).await, Received::Frames(vec!["b".into()], 2));
}

#[tokio::test(start_paused = true)]
async fn crowded_unfetched_session_stalls_after_ten_seconds() {
    let (http_session, mut transport) = opened();
    let begin = Instant::now();
    for _ in 0..100 {
        transport.text("x".repeat(1_000).into());
    }
    let mut reader = http_session.read(0, Carrier::Events).unwrap();
    let slow = tokio::spawn(async move {
        // Each fetch is progress, however little it is.
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(9)).await;
            reader.next(1_000).await;
        }
    });
    assert_eq!(transport.flush().await, Err(End::Close(CloseCode::STALLED)));
    slow.await.unwrap();
    assert_eq!(begin.elapsed().as_secs(), 3 * 9 + 10);
}

#[tokio::test]
async fn ended_session_yields_only_its_last_frames() {
    let (http_session, mut transport) = opened();
    transport.text("bye".into());
    let closing = tokio::spawn(async move { transport.close(CloseCode::RESTART, "").await });
    while !http_session.state().ended {
        tokio::task::yield_now().await;
    }
    assert_eq!(http_session.post(PostedFrames::Frames(vec![]), None).await, Err(Gone));
    let mut reader = http_session.read(0, Carrier::Poll).unwrap();
    assert_eq!(reader.next(100).await, Received::Frames(vec!["bye".into()], 1));
    assert_eq!(reader.next(100).await, Received::Over);
    closing.await.unwrap();
    assert_eq!(http_session.read(1, Carrier::Poll).err(), Some(Gone));
}

#[tokio::test]
async fn leaving_reader_ends_waiting_flush() {
    let (http_session, mut transport) = opened();
    transport.text("x".repeat(100_000).into());
    let waiting = tokio::spawn(async move { transport.flush().await });
    http_session.leave();
    assert_eq!(waiting.await.unwrap(), Err(End::Gone));
}
