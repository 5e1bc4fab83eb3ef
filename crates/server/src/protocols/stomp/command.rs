//! Requests in a client's frames, read once.

use madang_protocol::{RoomId, Seq};
use madang_stomp::{ClientCommand, Frame, Version};

use super::error::Reason;
use super::messages::Wants;
use super::unacked::{AckKind, Mode, PREFETCH};
use crate::idempotency;
use crate::room::Post;
use crate::text;

/// Longest id of a subscription: places are kept under it.
const ID_BYTES: usize = 255;

/// Requests within a session.
#[derive(Debug)]
pub(super) enum Request {
    Post(Post, Transaction),
    Subscribe(Subscribe),
    Unsubscribe(Key),
    Acknowledge(Acknowledgement, Transaction),
    Begin(String),
    Commit(String),
    Abort(String),
    Disconnect,
}

/// The transaction that a frame belongs to.
pub(super) type Transaction = Option<String>;

/// A subscription to a room.
#[derive(Debug)]
pub(super) struct Subscribe {
    pub(super) key: Key,
    pub(super) room: RoomId,
    /// Mode of acknowledgement; `None` if nothing is to be acknowledged.
    pub(super) mode: Option<Mode>,
    pub(super) prefetch: usize,
    pub(super) wants: Wants,
    /// The cursor to resume from.
    pub(super) after: Option<String>,
}

/// A client's name of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Id(String),
    /// Of 1.0, where it need not have an id.
    Room(RoomId),
}

impl Key {
    /// Returns the name of the place that is kept for it. The place of a room has the room's own name.
    pub(super) fn offset_name(&self) -> String {
        match self {
            Self::Id(id) => format!("stomp:{id}"),
            Self::Room(_) => "stomp".into(),
        }
    }
}

/// An ACK or NACK.
#[derive(Debug)]
pub(super) struct Acknowledgement {
    pub(super) kind: AckKind,
    pub(super) message: Message,
}

/// A message that a client was sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// By the header `ack`, since 1.2.
    Ack { number: u64, seq: Seq },
    /// By its id, and the subscription's; in 1.0 that one need not be there.
    Id { subscription: Option<String>, room: RoomId, seq: Seq },
}

impl Request {
    /// Reads a frame.
    pub(super) fn of(frame: Frame<ClientCommand>, version: Version) -> Result<Self, Reason> {
        let named = |name| frame.header(name).map(str::to_owned).ok_or(Reason::Missing(name));
        let transaction = || frame.header("transaction").map(str::to_owned);
        Ok(match frame.command {
            ClientCommand::Connect | ClientCommand::Stomp => return Err(Reason::Connected),
            ClientCommand::Send => {
                let transaction = transaction();
                Self::Post(post(frame)?, transaction)
            }
            ClientCommand::Subscribe => Self::Subscribe(subscribe(&frame, version)?),
            ClientCommand::Unsubscribe => Self::Unsubscribe(key(&frame, version)?),
            ClientCommand::Ack => {
                Self::Acknowledge(acknowledgement(&frame, version, AckKind::Ack)?, transaction())
            }
            ClientCommand::Nack => {
                Self::Acknowledge(acknowledgement(&frame, version, AckKind::Nack)?, transaction())
            }
            ClientCommand::Begin => Self::Begin(named("transaction")?),
            ClientCommand::Commit => Self::Commit(named("transaction")?),
            ClientCommand::Abort => Self::Abort(named("transaction")?),
            ClientCommand::Disconnect => Self::Disconnect,
        })
    }
}

fn post(frame: Frame<ClientCommand>) -> Result<Post, Reason> {
    let destination = frame.header("destination").ok_or(Reason::Missing("destination"))?;
    let room = destination.strip_prefix("/app/").map_or_else(|| topic(destination), room)?;
    let cmid = frame.header("cmid").map_or_else(idempotency::fresh, idempotency::cmid);
    // Headers of the server stay its own. Of a repeated header the first counts.
    let headers = frame.headers.iter().filter(|(name, _)| !text::is_own_header(name)).collect();
    let body = String::from_utf8(frame.body).map_err(|_| Reason::Content)?;
    Ok(Post { room, cmid, body, headers })
}

fn subscribe(frame: &Frame<ClientCommand>, version: Version) -> Result<Subscribe, Reason> {
    let room = topic(frame.header("destination").ok_or(Reason::Missing("destination"))?)?;
    let mode = match frame.header("ack") {
        None | Some("auto") => None,
        Some("client") => Some(Mode::Cumulative),
        // 1.0 has no other; where a client asks for it all the same, it is clear what it means.
        Some("client-individual") => Some(Mode::Individual),
        Some(_) => return Err(Reason::Bad("ack")),
    };
    let wants = match frame.header("entries") {
        None => Wants::Messages,
        Some("all") => Wants::Entries,
        Some(_) => return Err(Reason::Bad("entries")),
    };
    let prefetch = match frame.header("prefetch-count") {
        None => PREFETCH,
        Some(count) => count.parse().ok().filter(|count| *count > 0).ok_or(Reason::Bad("prefetch-count"))?,
    };
    let after = frame.header("after").map(str::to_owned);
    Ok(Subscribe { key: key(frame, version)?, room, mode, prefetch, wants, after })
}

/// The id, or in 1.0 what is subscribed to.
fn key(frame: &Frame<ClientCommand>, version: Version) -> Result<Key, Reason> {
    match (frame.header("id"), frame.header("destination")) {
        (Some(id), _) if id.len() > ID_BYTES => Err(Reason::Bad("id")),
        (Some(id), _) => Ok(Key::Id(id.to_owned())),
        (None, Some(destination)) if version == Version::V10 => topic(destination).map(Key::Room),
        (None, _) => Err(Reason::Missing("id")),
    }
}

fn acknowledgement(
    frame: &Frame<ClientCommand>,
    version: Version,
    kind: AckKind,
) -> Result<Acknowledgement, Reason> {
    let message = if version == Version::V12 {
        let id = frame.header("id").ok_or(Reason::Missing("id"))?;
        let (number, seq) = id.split_once('-').ok_or(Reason::Ack)?;
        let (number, seq) = (number.parse().map_err(|_| Reason::Ack)?, seq.parse().map_err(|_| Reason::Ack)?);
        Message::Ack { number, seq }
    } else {
        let id = frame.header("message-id").ok_or(Reason::Missing("message-id"))?;
        let (room, seq) = id.split_once('/').ok_or(Reason::Ack)?;
        let (room, seq) = (room.parse().map_err(|_| Reason::Ack)?, seq.parse().map_err(|_| Reason::Ack)?);
        let subscription = frame.header("subscription").map(str::to_owned);
        if subscription.is_none() && version != Version::V10 {
            return Err(Reason::Missing("subscription"));
        }
        Message::Id { subscription, room, seq }
    };
    Ok(Acknowledgement { kind, message })
}

fn topic(destination: &str) -> Result<RoomId, Reason> {
    destination.strip_prefix("/topic/").ok_or(Reason::Destination).and_then(room)
}

fn room(name: &str) -> Result<RoomId, Reason> {
    name.parse().map_err(|_| Reason::Destination)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ClientCommand::{Ack, Begin, Connect, Nack, Send, Subscribe, Unsubscribe};

    fn read(command: ClientCommand, headers: &[(&str, &str)], version: Version) -> Result<Request, Reason> {
        let frame =
            headers.iter().fold(Frame::new(command), |frame, (name, value)| frame.with(*name, *value));
        Request::of(frame, version)
    }

    #[test]
    fn required_headers_are_required() {
        let (v10, v11, v12) = (Version::V10, Version::V11, Version::V12);
        let here = ("destination", "/topic/lobby");
        for (command, headers, version, missing) in [
            (Send, &[][..], v12, "destination"),
            (Subscribe, &[("id", "0")], v12, "destination"),
            (Subscribe, &[here], v11, "id"),
            (Unsubscribe, &[here], v12, "id"),
            (Unsubscribe, &[], v10, "id"),
            (Ack, &[("message-id", "lobby/1")], v12, "id"),
            (Ack, &[("id", "0-1")], v11, "message-id"),
            (Nack, &[("message-id", "lobby/1")], v11, "subscription"),
            (Begin, &[], v12, "transaction"),
        ] {
            assert_eq!(read(command, headers, version).unwrap_err(), Reason::Missing(missing), "{command:?}");
        }
        assert!(read(Subscribe, &[here], v10).is_ok() && read(Unsubscribe, &[here], v10).is_ok());
        assert!(read(Ack, &[("message-id", "lobby/1")], v10).is_ok());
    }

    #[test]
    fn empty_message_is_an_error() {
        let v12 = Version::V12;
        for destination in
            ["", "lobby", "/queue/a", "/topic/", "/topic/A", "/topic/a/b", "/topic/a\n", "/TOPIC/a"]
        {
            for command in [Send, Subscribe] {
                let headers = [("destination", destination), ("id", "0")];
                assert_eq!(read(command, &headers, v12).unwrap_err(), Reason::Destination, "{destination}");
            }
        }
        assert!(read(Send, &[("destination", "/app/lobby")], v12).is_ok());
        let app = [("destination", "/app/lobby"), ("id", "0")];
        assert_eq!(read(Subscribe, &app, v12).unwrap_err(), Reason::Destination);
        for (name, values) in [
            ("ack", &["", "Auto", "clients"][..]),
            ("entries", &["", "some"]),
            ("prefetch-count", &["0", "-1", "x", ""]),
        ] {
            for value in values {
                let headers = [("destination", "/topic/lobby"), ("id", "0"), (name, *value)];
                assert_eq!(read(Subscribe, &headers, v12).unwrap_err(), Reason::Bad(name), "{value}");
            }
        }
        for id in ["", "1", "-", "1-", "-1", "a-b", "1-1-1", "1-99999999999999999999999"] {
            assert_eq!(read(Ack, &[("id", id)], v12).unwrap_err(), Reason::Ack, "{id}");
        }
        for id in ["", "lobby", "lobby/", "/1", "lobby/x", "LOBBY/1"] {
            let headers = [("message-id", id), ("subscription", "0")];
            assert_eq!(read(Ack, &headers, Version::V11).unwrap_err(), Reason::Ack, "{id}");
        }
        let id = "x".repeat(ID_BYTES + 1);
        let long = [("destination", "/topic/lobby"), ("id", id.as_str())];
        assert_eq!(read(Subscribe, &long, v12).unwrap_err(), Reason::Bad("id"));
        assert_eq!(read(Connect, &[], v12).unwrap_err(), Reason::Connected);
    }

    #[test]
    fn a_body_is_text() {
        let mut frame = Frame::new(Send).with("destination", "/topic/lobby");
        frame.body = vec![0xff];
        assert_eq!(Request::of(frame, Version::V12).unwrap_err(), Reason::Content);
    }

    #[test]
    fn post_has_clients_or_its_own_cmid() {
        let cmid = |headers: &[(&str, &str)]| match read(Send, headers, Version::V12) {
            Ok(Request::Post(post, None)) => post.cmid,
            other => panic!("{other:?}"),
        };
        let to = ("destination", "/topic/lobby");
        assert_eq!(cmid(&[to, ("cmid", "k")]), idempotency::cmid("k"));
        assert_ne!(cmid(&[to]), cmid(&[to]));
    }
}
