//! A stream of server-sent events, read from the bytes.

use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::http::{read_chunk, read_head};
use super::{Answer, within};

/// One event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) id: u64,
    pub(crate) data: Utf8Bytes,
}

pub(crate) struct EventStream {
    tcp: TcpStream,
    pub(crate) head: Answer,
    unread: String,
}

impl EventStream {
    /// Asks for a stream; a status other than 200 is an error.
    pub(crate) async fn open(addr: SocketAddr, path: &str, headers: &[(&str, String)]) -> Result<Self, u16> {
        let mut tcp = TcpStream::connect(addr).await.map_err(|_| 0_u16)?;
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nAccept: text/event-stream\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        tcp.write_all(request.as_bytes()).await.map_err(|_| 0_u16)?;
        let head = within("the head of a stream", read_head(&mut tcp)).await.ok_or(0_u16)?;
        if head.status == 200 { Ok(Self { tcp, head, unread: String::new() }) } else { Err(head.status) }
    }

    /// Returns the next event that has data; `None` after the end.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = parse(&self.next_block().await?) {
                return Some(event);
            }
        }
    }

    /// Returns the lines up to the next empty one, whatever they are; `None` after the end.
    pub(crate) async fn next_block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.unread.split_once("\n\n") {
                let block = block.to_owned();
                self.unread = rest.to_owned();
                return Some(block);
            }
            let chunk = read_chunk(&mut self.tcp).await?;
            self.unread.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    }
}

fn parse(event: &str) -> Option<Event> {
    let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let data = field("data")?;
    let id = field("id").expect("a number").parse().expect("a number");
    Some(Event { id, data: data.into() })
}
