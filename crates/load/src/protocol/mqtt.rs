//! MQTT 3.1.1, as much of it as a generator needs: at most once, no keep-alive, one subscription.

use anyhow::{Context, Result, bail};
use tokio_tungstenite::tungstenite::Message;

use super::LOBBY;

/// The types of packets, with the flags that these have.
const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const PUBLISH: u8 = 0x30;
const SUBSCRIBE: u8 = 0x82;
const SUBACK: u8 = 0x90;

pub(super) fn connect(number: usize) -> Message {
    const CLEAN_SESSION: u8 = 2;
    let mut body = text("MQTT");
    // Level 4 is version 3.1.1; the last two bytes switch the keep-alive off.
    body.extend([4, CLEAN_SESSION, 0, 0]);
    body.extend(text(&format!("load-{number}")));
    packet(CONNECT, &body)
}

pub(super) fn subscribe() -> Message {
    let mut body = vec![0, 1];
    body.extend(text(LOBBY));
    body.push(0);
    packet(SUBSCRIBE, &body)
}

pub(super) fn publish(payload: &str) -> Message {
    let mut body = text(LOBBY);
    body.extend(payload.as_bytes());
    packet(PUBLISH, &body)
}

pub(super) fn is_connack(frame: &[u8]) -> bool {
    frame == [CONNACK, 2, 0, 0]
}

pub(super) fn is_suback(frame: &[u8]) -> bool {
    frame == [SUBACK, 3, 0, 1, 0]
}

/// Calls `found` with the payload of each PUBLISH that is whole, and the packet's bytes; holds what is not.
pub(super) fn each(held: &mut Vec<u8>, frame: &[u8], mut found: impl FnMut(&[u8], usize)) -> Result<()> {
    if held.is_empty() {
        let rest = take(frame, &mut found)?;
        held.extend_from_slice(rest);
    } else {
        held.extend_from_slice(frame);
        let rest = take(held, &mut found)?.len();
        held.drain(..held.len() - rest);
    }
    Ok(())
}

/// Returns what is left after the last whole packet.
fn take<'a>(mut bytes: &'a [u8], found: &mut impl FnMut(&[u8], usize)) -> Result<&'a [u8]> {
    while let Some(Packet { kind, body, rest }) = split(bytes)? {
        if kind & 0xf0 == PUBLISH {
            let payload = body.get(2 + LOBBY.len()..).context("a PUBLISH without a topic")?;
            found(payload, bytes.len() - rest.len());
        }
        bytes = rest;
    }
    Ok(bytes)
}

/// One packet, and what follows it.
struct Packet<'a> {
    kind: u8,
    body: &'a [u8],
    rest: &'a [u8],
}

/// Returns the first packet, or `None` if it is not whole.
fn split(bytes: &[u8]) -> Result<Option<Packet<'_>>> {
    let Some((&kind, rest)) = bytes.split_first() else { return Ok(None) };
    let mut length = 0_usize;
    for (at, byte) in rest.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let whole = rest.get(at + 1..).and_then(|rest| rest.split_at_checked(length));
            return Ok(whole.map(|(body, rest)| Packet { kind, body, rest }));
        }
    }
    if rest.len() >= 4 {
        bail!("a packet without a length");
    }
    Ok(None)
}

fn packet(kind: u8, body: &[u8]) -> Message {
    let mut packet = vec![kind];
    let mut length = body.len();
    loop {
        let seven = (length & 0x7f) as u8;
        length >>= 7;
        packet.push(if length > 0 { seven | 0x80 } else { seven });
        if length == 0 {
            break;
        }
    }
    packet.extend(body);
    Message::binary(packet)
}

/// A text, with its length before it.
fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes(), text.as_bytes()].concat()
}
