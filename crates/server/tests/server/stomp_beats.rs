//! STOMP: heart-beats.

use std::time::{Duration, Instant};

use madang_stomp::{ClientCommand, Frame, Version};

use crate::harness::{By, Stomp, stomp_server};

#[tokio::test]
async fn server_sends_heart_beats_as_agreed() {
    let server = stomp_server(&[]);
    for by in [By::Tcp, By::Text] {
        let mut client = Stomp::open(&server, by).await;
        let connected = client.connect(Version::V11, &[("heart-beat", "0,500")]).await;
        assert_eq!(connected.header("heart-beat"), Some("1000,25000"), "it can do so each second");
        let begin = Instant::now();
        client.hears_beats(3).await;
        // Three of them, each within a second: their own time and the machine's may make it more, never less
        // than what they are apart.
        assert!(begin.elapsed() > Duration::from_millis(1_500), "{:?}", begin.elapsed());
    }
}

#[tokio::test]
async fn silent_client_that_promised_heart_beats_is_dropped() {
    let server = stomp_server(&["--heartbeat", "1"]);
    let mut silent = Stomp::open(&server, By::Tcp).await;
    let mut speaking = Stomp::open(&server, By::Tcp).await;
    let mut free = Stomp::open(&server, By::Tcp).await;
    for client in [&mut silent, &mut speaking] {
        client.connect(Version::V12, &[("heart-beat", "1000,0")]).await;
    }
    free.connect(Version::V12, &[("heart-beat", "0,0")]).await;
    let begin = Instant::now();
    let wrong = silent.wrong();
    tokio::pin!(wrong);
    let code = loop {
        tokio::select! {
            code = &mut wrong => break code,
            () = tokio::time::sleep(Duration::from_millis(200)) => speaking.send_bytes(b"\n").await,
        }
    };
    assert_eq!(code, "silent");
    assert!(begin.elapsed() >= Duration::from_secs(2), "twice its time: {:?}", begin.elapsed());
    speaking.say("still here").await;
    free.say("promised nothing").await;
}

#[tokio::test]
async fn malformed_heart_beat_header_is_an_error() {
    let server = stomp_server(&[]);
    for bad in ["", "1", "a,b", "-1,0", "1,2,3"] {
        let mut client = Stomp::open(&server, By::Tcp).await;
        let connect =
            Frame::new(ClientCommand::Connect).with("accept-version", "1.1").with("heart-beat", bad);
        client.send(&connect).await;
        assert_eq!(client.wrong().await, "header", "{bad}");
    }
    let mut client = Stomp::open(&server, By::Tcp).await;
    client.connect(Version::V10, &[("heart-beat", "a,b")]).await;
    client.say("hello").await;
}
