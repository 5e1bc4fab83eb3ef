//! The log as the server has it at the end, read past the proxy by somebody who took no part.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail};
use madang_protocol::{ClientFrame, RoomId, ServerFrame};
use tokio::time::sleep;

use super::checker::Checker;
use super::checker::log::Truth;
use crate::socket::{self, Socket, Target};

/// Messages asked for at once.
const PAGE: u16 = 200;

/// An entry of the log that far behind its head can still be replayed.
const REPLAYED: u64 = 1_000;

/// Reads every message of every room, and replays the end of each log to the checker.
///
/// # Errors
/// If the server does not answer as the protocol requires.
pub(super) async fn read(target: Target, checker: &RefCell<Checker>) -> Result<Truth> {
    let mut socket = socket::connect(target, "/ws", 0).await?;
    let mut truth = Truth::new();
    for (room, head) in socket::rooms(&mut socket).await? {
        truth.insert(room.clone(), messages(&mut socket, &room).await?.into_iter().collect());
        replay(&mut socket, &room, head, checker).await?;
    }
    Ok(truth)
}

/// Reads every message of the lobby.
///
/// # Errors
/// If the server does not answer as the protocol requires.
pub(crate) async fn messages_of_lobby(target: Target) -> Result<BTreeMap<u64, madang_protocol::Message>> {
    let mut socket = socket::connect(target, "/ws", 0).await?;
    socket::hello(&mut socket).await?;
    messages(&mut socket, &RoomId::lobby()).await
}

async fn messages(socket: &mut Socket, room: &RoomId) -> Result<BTreeMap<u64, madang_protocol::Message>> {
    let mut all = BTreeMap::new();
    loop {
        let after = all.last_key_value().map_or(0, |(seq, _)| *seq);
        let room = room.clone();
        let ask = ClientFrame::History {
            req: 1,
            room,
            before: None,
            after: Some(after),
            around: None,
            limit: PAGE,
        };
        socket::send(socket, &ask).await?;
        let (messages, more) = loop {
            match socket::next(socket).await? {
                ServerFrame::Page { messages, after, .. } => break (messages, after),
                // A long log costs more history than one session may ask for at once.
                ServerFrame::Refused { retry_after_ms: Some(wait_ms), .. } => {
                    sleep(Duration::from_millis(wait_ms.into())).await;
                    break (Vec::new(), true);
                }
                ServerFrame::Refused { message, .. } => bail!("a page was refused: {message}"),
                _ => {}
            }
        };
        all.extend(messages.into_iter().map(|message| (message.seq, message)));
        if !more {
            return Ok(all);
        }
    }
}

async fn replay(socket: &mut Socket, room: &RoomId, head: u64, checker: &RefCell<Checker>) -> Result<()> {
    let after = head.saturating_sub(REPLAYED - 1);
    socket::send(socket, &ClientFrame::Watch { room: room.clone(), after: Some(after) }).await?;
    let mut next = after;
    loop {
        match socket::next(socket).await? {
            ServerFrame::Entry(entry) if entry.room == *room => {
                next += 1;
                if entry.seq != next {
                    bail!("{} of {room} was replayed in the place of {next}", entry.seq);
                }
                checker.borrow_mut().saw(&entry);
            }
            ServerFrame::Live { room: live, head } if live == *room => {
                return if head == next {
                    Ok(())
                } else {
                    bail!("the replay of {room} ends at {next} of {head}")
                };
            }
            ServerFrame::Snapshot(snapshot) => bail!("{:?} of {room} cannot be replayed", snapshot.head),
            ServerFrame::Bye { code, .. } => bail!("the server said bye to the auditor: {code:?}"),
            _ => {}
        }
    }
}
