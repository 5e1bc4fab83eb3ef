//! Protocols of the generator besides `madang.v1`: how a receiver signs in, how a writer sends a message, and how a
//! message is found in what a receiver is sent. None of these numbers a write for its writer, so each writer is a log
//! of its own, as with a server that has none.

mod mqtt;
mod nats;
mod stomp;

use anyhow::{Result, bail};
use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::history::WriteId;
use crate::mark::Mark;
use crate::socket::{self, Protocol, Socket, Target};

/// The topic of brokers and the room of Madang.
const LOBBY: &str = "lobby";

/// Comes in as connection `number`, and is sent every message of the room from then on. Only a server without a
/// protocol of its own has other rooms here than the lobby.
pub(crate) async fn subscribe(target: Target, number: usize, room: u32) -> Result<Socket> {
    let mut socket = come_in(target, number, &format!("/?room={room}")).await?;
    match target.speaks {
        Protocol::Madang => bail!("madang.v1 has its own way in"),
        Protocol::Raw | Protocol::Plain => {}
        Protocol::Stomp => {
            exchange(&mut socket, stomp::subscribe(), stomp::is_receipt).await?;
        }
        Protocol::Queue => exchange(&mut socket, stomp::subscribe_queue(), stomp::is_receipt).await?,
        Protocol::Mqtt => exchange(&mut socket, mqtt::subscribe(), mqtt::is_suback).await?,
        Protocol::Nats => nats::subscribe(&mut socket).await?,
    }
    Ok(socket)
}

/// Comes in as connection `number` to a server without a protocol of its own, and waits for a first frame of so many
/// bytes. Returns its length.
pub(crate) async fn join(target: Target, number: usize, bytes: usize) -> Result<(Socket, usize)> {
    let mut socket = come_in(target, number, &format!("/?snapshot={bytes}")).await?;
    let mut got = 0;
    hear_until(&mut socket, |frame| {
        got = frame.len();
        true
    })
    .await?;
    Ok((socket, got))
}

/// Comes in as connection `number`, to post into the room as this writer.
pub(crate) async fn introduce(target: Target, number: usize, room: u32, sender: u32) -> Result<Socket> {
    let mut socket = come_in(target, number, &format!("/send?room={room}")).await?;
    if target.speaks == Protocol::Nats {
        nats::listen(&mut socket, sender).await?;
    }
    Ok(socket)
}

/// `raw` is the path on a server without a protocol of its own.
async fn come_in(target: Target, number: usize, raw: &str) -> Result<Socket> {
    let path = match target.speaks {
        Protocol::Madang => "/ws",
        Protocol::Raw => raw,
        Protocol::Plain => "/plain",
        Protocol::Stomp | Protocol::Queue => "/stomp",
        Protocol::Mqtt => "/mqtt",
        Protocol::Nats => "/",
    };
    let mut socket = socket::connect(target, path, number).await?;
    match target.speaks {
        Protocol::Madang | Protocol::Raw => {}
        Protocol::Plain => hear_until(&mut socket, |frame| frame.starts_with(br#"{"type":"userId""#)).await?,
        Protocol::Stomp | Protocol::Queue => {
            exchange(&mut socket, stomp::connect(), stomp::is_connected).await?;
        }
        Protocol::Mqtt => exchange(&mut socket, mqtt::connect(number), mqtt::is_connack).await?,
        Protocol::Nats => nats::connect(&mut socket).await?,
    }
    Ok(socket)
}

async fn exchange(socket: &mut Socket, frame: Message, is_answer: impl Fn(&[u8]) -> bool) -> Result<()> {
    socket.send(frame).await?;
    hear_until(socket, is_answer).await
}

async fn hear_until(socket: &mut Socket, mut is_answer: impl FnMut(&[u8]) -> bool) -> Result<()> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                let frame = message.into_data();
                if is_answer(&frame) {
                    return Ok(());
                }
                if !frame.iter().all(|byte| matches!(byte, b'\n' | b'\r')) {
                    bail!("an unexpected answer: {}", String::from_utf8_lossy(&frame));
                }
            }
            other => bail!("the server ended the connection: {other:?}"),
        }
    }
}

/// A write with `body` to the lobby.
pub(crate) fn message(speaks: Protocol, write: WriteId, body: String) -> Message {
    match speaks {
        Protocol::Madang | Protocol::Raw => Message::text(body),
        // The body is the generator's own: nothing in it needs an escape.
        Protocol::Plain => Message::text(format!(r#"{{"message":"{body}"}}"#)),
        Protocol::Stomp => stomp::send(&body),
        Protocol::Queue => stomp::send_to_queue(write, &body),
        Protocol::Mqtt => mqtt::publish(&body),
        Protocol::Nats => nats::publish(write, &body),
    }
}

/// News in what a connection is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A message of the generator, and its bytes on the wire.
    Message(Mark, usize),
    /// An acknowledgement of a write.
    Acknowledged(WriteId),
}

/// Reads `sender.n`, by which acknowledgements name a write.
fn write_id(text: &str) -> Option<WriteId> {
    let (sender, n) = text.split_once('.')?;
    Some(WriteId { sender: sender.parse().ok()?, n: n.parse().ok()? })
}

/// Finds the messages in what a connection is sent.
pub(crate) struct Ear {
    speaks: Protocol,
    /// The beginning of a packet whose rest is still to come: MQTT's packets know nothing of frames.
    held: Vec<u8>,
}

impl Ear {
    pub(crate) fn new(speaks: Protocol) -> Self {
        Self { speaks, held: Vec::new() }
    }

    /// Calls `each` with all that is news in a frame.
    ///
    /// # Errors
    /// Complaints of the server, or frames that cannot be read.
    pub(crate) fn hear(&mut self, frame: Bytes, mut each: impl FnMut(Heard)) -> Result<()> {
        let mut found = |text: &[u8], bytes: usize| {
            if let Some(mark) = Mark::find(text) {
                each(Heard::Message(mark, bytes));
            }
        };
        match self.speaks {
            Protocol::Madang | Protocol::Raw => found(&frame, frame.len()),
            Protocol::Plain if frame.starts_with(br#"{"type":"error""#) => {
                bail!("refused: {}", String::from_utf8_lossy(&frame));
            }
            Protocol::Plain => found(&frame, frame.len()),
            Protocol::Stomp | Protocol::Queue => {
                if let Some(body) = stomp::body(&frame)? {
                    found(body, frame.len());
                } else if let Some(write) = stomp::acknowledged(&frame) {
                    each(Heard::Acknowledged(write));
                }
            }
            Protocol::Mqtt => mqtt::each(&mut self.held, &frame, found)?,
            Protocol::Nats => nats::each(&mut self.held, &frame, each)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::WriteId;

    const MARK: Mark = Mark { write: WriteId { sender: 64, n: 64 }, sent_ns: 64 };

    fn heard(speaks: Protocol, frames: &[&[u8]]) -> Vec<(Mark, usize)> {
        let (mut ear, mut all) = (Ear::new(speaks), Vec::new());
        for frame in frames {
            let frame = Bytes::copy_from_slice(frame);
            ear.hear(frame, |heard| match heard {
                Heard::Message(mark, bytes) => all.push((mark, bytes)),
                Heard::Acknowledged(write) => panic!("{write:?}"),
            })
            .unwrap();
        }
        all
    }

    #[test]
    fn message_is_found_among_signs_like_marks() {
        let body = MARK.body(64);
        let plain = format!(r#"{{"message":"{body}","userId":"u","nickname":"n","seq":1,"at":2}}"#);
        assert_eq!(heard(Protocol::Plain, &[plain.as_bytes()]), [(MARK, plain.len())]);
        let stomp = format!(
            "MESSAGE\nsubscription:0\nmessage-id:T_0@@session-1.2.3;@@1\ncontent-length:64\n\n{body}\0"
        );
        let frames = [stomp.as_bytes(), b"\n", b"RECEIPT\nreceipt-id:r\n\n\0"];
        assert_eq!(heard(Protocol::Stomp, &frames), [(MARK, stomp.len())]);
        // The packet's length is 64, which is the sign of a mark.
        let packet = mqtt::publish(&MARK.body(57)).into_data();
        assert_eq!(packet[1], b'@');
        assert_eq!(heard(Protocol::Mqtt, &[&packet]), [(MARK, packet.len())]);
    }

    #[test]
    fn receipt_acknowledges_write_it_names() {
        let mut all = Vec::new();
        for frame in [&b"RECEIPT\nreceipt-id:64.64\n\n\0"[..], b"RECEIPT\nreceipt-id:ready\n\n\0"] {
            Ear::new(Protocol::Queue).hear(Bytes::copy_from_slice(frame), |heard| all.push(heard)).unwrap();
        }
        assert_eq!(all, [Heard::Acknowledged(MARK.write)]);
    }

    #[test]
    fn packets_may_be_cut_and_joined_anywhere() {
        let packet = mqtt::publish(&MARK.body(300)).into_data();
        let three = packet.repeat(3);
        for cut in 0..three.len() {
            let (left, right) = three.split_at(cut);
            assert_eq!(heard(Protocol::Mqtt, &[left, right]), [(MARK, packet.len()); 3], "cut at {cut}");
        }
    }

    #[test]
    fn server_complaints_are_reported() {
        for (speaks, frame) in [
            (Protocol::Plain, &br#"{"type":"error","code":"too_fast","message":"Wait."}"#[..]),
            (Protocol::Stomp, b"ERROR\nmessage:no\n\nno\0"),
            (Protocol::Mqtt, b"\xff\xff\xff\xff\xff"),
        ] {
            assert!(Ear::new(speaks).hear(Bytes::copy_from_slice(frame), |_| {}).is_err(), "{speaks:?}");
        }
    }
}
