//! The transport on a real socket.

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tungstenite::Message;
use tungstenite::protocol::Role;
use tungstenite::protocol::frame::Frame;

use super::*;

async fn pair(max: u32) -> (WebSocketTransport, WebSocketStream<TcpStream>) {
    let (server, client) = sockets().await;
    let client = WebSocketStream::from_raw_socket(client, Role::Client, None).await;
    (WebSocketTransport::new(Io::Plain(server), &[], max, None, account()), client)
}

async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (listener.accept().await.unwrap().0, client)
}

fn account() -> Account {
    let unsent = crate::unsent::Unsent::new(0, Default::default());
    unsent.account(std::net::Ipv4Addr::LOCALHOST.into(), None)
}

#[tokio::test]
async fn texts_of_every_length_arrive_in_order() {
    let (mut server, mut client) = pair(0).await;
    let lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 300_000];
    let writer = async {
        for length in lengths {
            server.text("가".repeat(length)[..length - length % 3].into());
        }
        server.write().await.unwrap();
        server
    };
    let reader = async {
        for length in lengths {
            let Some(Ok(Message::Text(text))) = client.next().await else { panic!("a text") };
            assert_eq!(text.len(), length - length % 3);
        }
    };
    let (server, ()) = tokio::join!(writer, reader);
    assert!(!server.has_output());
    assert_eq!(server.stream.out.capacity(), 0, "an idle connection keeps no buffer");
}

#[tokio::test]
async fn ping_is_answered_between_frames() {
    let (mut server, mut client) = pair(0).await;
    client.send(Message::Ping(vec![1, 2].into())).await.unwrap();
    server.joined("be", &"fore".into());
    assert!(matches!(server.next().await, Ok(Incoming::Life)));
    server.text("after".into());
    server.write().await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 3 {
        seen.push(client.next().await.unwrap().unwrap());
    }
    assert!(seen.contains(&Message::Pong(vec![1, 2].into())));
    assert!(seen.contains(&Message::text("before")) && seen.contains(&Message::text("after")));
}

#[tokio::test]
async fn a_message_over_the_limit_is_an_error() {
    let (mut server, mut client) = pair(10).await;
    client.send(Message::text("0123456789a")).await.unwrap();
    assert!(matches!(server.next().await, Err(End::Close(CloseCode::TOO_BIG))));
}

#[tokio::test]
async fn reader_is_kept_only_within_messages() {
    let (mut server, mut client) = pair(0).await;
    let fragment =
        |opcode, is_final| Message::Frame(Frame::message(vec![b'a'], OpCode::Data(opcode), is_final));
    let parts = [fragment(Data::Text, false), Message::Ping(Bytes::new()), fragment(Data::Continue, true)];
    let mut texts = 0;
    for (part, is_kept) in parts.into_iter().zip([true, true, false]) {
        client.send(part).await.unwrap();
        let mut waits = timeout(Duration::from_millis(50), server.next()).await;
        while let Ok(incoming) = waits {
            texts += usize::from(matches!(incoming, Ok(Incoming::Text(text)) if text.as_str() == "aa"));
            server.write().await.unwrap();
            waits = timeout(Duration::from_millis(50), server.next()).await;
        }
        assert_eq!(!server.reader.is_empty(), is_kept);
    }
    assert_eq!(texts, 1, "what was read of it was not forgotten");
}

#[tokio::test]
async fn close_is_awaited_behind_whatever_comes() {
    let (mut server, client) = pair(10).await;
    let (mut reading, mut writing) = tokio::io::split(client.into_inner());
    // Too long by its head; its payload comes after the server's Close, and then the client's own.
    writing.write_all(&[0x81, 0xfe, 0x40, 0, 0, 0, 0, 0]).await.unwrap();
    assert!(matches!(server.next().await, Err(End::Close(CloseCode::TOO_BIG))));
    let client = async {
        let mut close = [0; 4];
        reading.read_exact(&mut close).await.unwrap();
        writing.write_all(&[vec![0; 0x4000], vec![0x88, 0x80, 0, 0, 0, 0]].concat()).await.unwrap();
        close
    };
    let closing = timeout(Duration::from_secs(5), server.close(CloseCode::TOO_BIG, ""));
    let (closed, close) = tokio::join!(closing, client);
    closed.unwrap();
    assert_eq!(close, [0x88, 2, 0x03, 0xf1]);
    drop(server);
    assert_eq!(reading.read(&mut [0]).await.unwrap(), 0, "an end, and no reset");
}

#[tokio::test]
async fn compressed_and_plain_receivers_get_one_text() {
    let shared = Encoded::from("네, 그럼 내일 회의는 오후 세 시에 합니다. ".repeat(20));
    let counted = prometheus_client::metrics::counter::Counter::default();
    for n in 0..3 {
        let (server, mut client) = sockets().await;
        let agreed = (n > 0).then(|| Deflate::new(15, counted.clone()));
        let mut server = WebSocketTransport::new(Io::Plain(server), &[], 0, agreed, account());
        server.joined("own ", &shared);
        let bytes = server.output_bytes();
        server.write().await.unwrap();
        drop(server);
        let mut wire = Vec::new();
        client.read_to_end(&mut wire).await.unwrap();
        assert_eq!(wire.len(), bytes);
        let text = format!("own {}", &*shared);
        if n == 0 {
            assert_eq!((wire[0], &wire[4..]), (0x81, text.as_bytes()));
        } else {
            assert_eq!(wire[0], 0xc1, "the first reserved bit");
            assert!(wire.len() < text.len() / 3);
            assert_eq!(crate::deflate::inflate(&wire[2..], None).unwrap(), text.as_bytes());
        }
    }
    assert_eq!(counted.get(), 1, "compressed once for two");
}
