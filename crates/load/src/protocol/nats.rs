//! NATS, as much of it as a generator needs: one stream that keeps each message, one consumer that pushes them, and an
//! acknowledgement of each. Over a WebSocket its bytes know nothing of frames.

use anyhow::{Context, Result, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;

use super::Heard;
use crate::history::WriteId;
use crate::mark::Mark;
use crate::socket::Socket;

/// Subject of the messages, which the stream keeps.
const SUBJECT: &str = "bench";

/// Subjects below it are answers to writes: `acks.sender.n`.
const ACKS: &str = "acks.";

/// Waits for the server's greeting, and introduces the connection.
pub(super) async fn connect(socket: &mut Socket) -> Result<()> {
    wait_for(socket, b"INFO ").await?;
    let hello = "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"load\",\"version\":\"1\",\"protocol\":1}\r\nPING\r\n";
    exchange(socket, hello.to_owned(), b"PONG\r\n").await
}

/// Makes the stream, and has all that it keeps pushed to this connection.
pub(super) async fn subscribe(socket: &mut Socket) -> Result<()> {
    let stream = format!(
        r#"{{"name":"BENCH","subjects":["{SUBJECT}"],"retention":"limits","storage":"file","discard":"old",
            "num_replicas":1,"max_msgs":-1,"max_bytes":-1,"max_age":0,"max_consumers":-1}}"#
    );
    let consumer = r#"{"stream_name":"BENCH","config":
        {"deliver_subject":"pushed","deliver_policy":"all","ack_policy":"none","replay_policy":"instant"}}"#;
    let subscribe = "SUB made 1\r\nSUB pushed 2\r\n";
    let make = publish_to("$JS.API.STREAM.CREATE.BENCH", "made", &stream);
    exchange(socket, format!("{subscribe}{make}"), b"stream_create_response").await?;
    let make = publish_to("$JS.API.CONSUMER.CREATE.BENCH", "made", consumer);
    exchange(socket, make, b"consumer_create_response").await
}

/// Has the acknowledgements of this writer's messages sent to this connection.
pub(super) async fn listen(socket: &mut Socket, sender: u32) -> Result<()> {
    exchange(socket, format!("SUB {ACKS}{sender}.* 1\r\nPING\r\n"), b"PONG\r\n").await
}

pub(super) fn publish(write: WriteId, body: &str) -> Message {
    let WriteId { sender, n } = write;
    Message::binary(publish_to(SUBJECT, &format!("{ACKS}{sender}.{n}"), body))
}

fn publish_to(subject: &str, reply: &str, body: &str) -> String {
    format!("PUB {subject} {reply} {}\r\n{body}\r\n", body.len())
}

async fn exchange(socket: &mut Socket, text: String, answer: &[u8]) -> Result<()> {
    socket.send(Message::binary(text)).await?;
    wait_for(socket, answer).await
}

/// Reads until `answer` came; nothing else is expected meanwhile.
async fn wait_for(socket: &mut Socket, answer: &[u8]) -> Result<()> {
    let mut held = Vec::new();
    loop {
        let message = socket.next().await.context("the server ended the connection")??;
        held.extend(message.into_data());
        let text = String::from_utf8_lossy(&held);
        ensure!(!text.contains("-ERR") && !text.contains("\"error\":"), "refused: {text}");
        if memchr::memmem::find(&held, answer).is_some() && held.ends_with(b"\r\n") {
            return Ok(());
        }
    }
}

/// Calls `found` with each message and each acknowledgement that is whole; holds what is not.
pub(super) fn each(held: &mut Vec<u8>, frame: &[u8], mut found: impl FnMut(Heard)) -> Result<()> {
    held.extend_from_slice(frame);
    let rest = take(held, &mut found)?.len();
    held.drain(..held.len() - rest);
    Ok(())
}

/// Returns what is left after the last whole operation.
fn take<'a>(mut bytes: &'a [u8], found: &mut impl FnMut(Heard)) -> Result<&'a [u8]> {
    while let Some((line, rest)) = split_line(bytes) {
        if line.starts_with(b"-ERR") {
            bail!("refused: {}", String::from_utf8_lossy(line));
        }
        if !line.starts_with(b"MSG ") {
            bytes = rest;
            continue;
        }
        let line = std::str::from_utf8(line).context("a MSG that is no text")?;
        let length: usize = line.rsplit(' ').next().unwrap_or_default().parse().context("a MSG's length")?;
        let Some((payload, rest)) = rest.split_at_checked(length) else { break };
        let Some(rest) = rest.strip_prefix(b"\r\n") else { break };
        let subject = line.split(' ').nth(1).unwrap_or_default();
        match subject.strip_prefix(ACKS) {
            Some(write) => found(Heard::Acknowledged(acknowledged(write, payload)?)),
            None => {
                if let Some(mark) = Mark::find(payload) {
                    found(Heard::Message(mark, bytes.len() - rest.len()));
                }
            }
        }
        bytes = rest;
    }
    Ok(bytes)
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memmem::find(bytes, b"\r\n")?;
    Some((bytes.get(..end)?, bytes.get(end + 2..)?))
}

/// Returns the write that an answer to `sender.n` acknowledges.
fn acknowledged(write: &str, answer: &[u8]) -> Result<WriteId> {
    let text = String::from_utf8_lossy(answer);
    ensure!(text.contains("\"seq\":") && !text.contains("\"error\":"), "refused: {text}");
    super::write_id(write).context("an answer to nobody's write")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITE: WriteId = WriteId { sender: 3, n: 71 };

    fn heard(frames: &[&[u8]]) -> Result<Vec<Heard>> {
        let (mut held, mut all) = (Vec::new(), Vec::new());
        for frame in frames {
            each(&mut held, frame, |heard| all.push(heard))?;
        }
        Ok(all)
    }

    #[test]
    fn operations_may_be_cut_and_joined_anywhere() {
        let mark = Mark { write: WRITE, sent_ns: 9 };
        let message = format!("MSG bench 2 $JS.ACK.BENCH.c.1.1.1.5.0 20\r\n{}\r\n", mark.body(20));
        let ack = "MSG acks.3.71 1 27\r\n{\"stream\":\"BENCH\",\"seq\":12}\r\n";
        let all = format!("INFO {{}}\r\n{ack}PING\r\n{message}");
        let wanted = [Heard::Acknowledged(WRITE), Heard::Message(mark, message.len())];
        for cut in 0..all.len() {
            let (left, right) = all.as_bytes().split_at(cut);
            assert_eq!(heard(&[left, right]).unwrap(), wanted, "cut at {cut}");
        }
    }

    #[test]
    fn refusals_are_reported() {
        for refusal in [
            "-ERR 'Authorization Violation'\r\n",
            "MSG acks.3.71 1 28\r\n{\"error\":{\"code\":503},\"a\":1}\r\n",
            "MSG acks.x 1 10\r\n{\"seq\":12}\r\n",
        ] {
            assert!(heard(&[refusal.as_bytes()]).is_err(), "{refusal}");
        }
    }

    #[test]
    fn published_message_names_its_answer() {
        let text = publish(WRITE, "abc").into_data();
        assert_eq!(&text[..], b"PUB bench acks.3.71 3\r\nabc\r\n");
    }
}
