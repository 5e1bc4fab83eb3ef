//! A receiver: reads what it is sent, and notes it for the checker.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use anyhow::Result;
use futures_util::StreamExt;
use madang_protocol::{EntryKind, RoomId, ServerFrame};
use tokio_tungstenite::tungstenite::Message;

use crate::history::{Record, Sighting};
use crate::mark::{self, Mark};
use crate::protocol::{self, Ear};
use crate::socket::{self, Protocol, Socket, Target};
use crate::stats::Stats;

/// The lobby's number in the history.
pub(crate) const LOBBY: u32 = 0;

/// Depth to which a receiver reads each frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Care {
    /// Finds the seq and the mark, and skips the rest.
    Scan,
    /// Parses the frame, and holds its parts against each other.
    Parse,
}

/// A receiver's notes, readable while it goes on.
pub(crate) type Notes = Rc<RefCell<Record>>;

/// Connects receiver `number` and starts its notes.
pub(crate) async fn attach(target: Target, number: usize) -> Result<(Socket, Notes)> {
    let mut record = Record::default();
    let socket = match target.speaks {
        Protocol::Madang => {
            let mut socket = socket::connect(target, "/ws", number).await?;
            record.cursors = HashMap::from([(LOBBY, socket::watch(&mut socket).await?)]);
            socket
        }
        _ => protocol::subscribe(target, number).await?,
    };
    Ok((socket, Rc::new(RefCell::new(record))))
}

/// Reads until the connection ends.
pub(crate) async fn receive(
    mut socket: Socket,
    speaks: Protocol,
    care: Care,
    notes: Notes,
    board: Rc<Stats>,
) {
    let mut ear = Ear::new(speaks);
    let why = loop {
        let frame = match socket.next().await {
            Some(Ok(frame @ (Message::Text(_) | Message::Binary(_)))) => frame.into_data(),
            Some(Ok(Message::Close(close))) => break format!("{close:?}"),
            Some(Ok(_)) => continue,
            Some(Err(error)) => break error.to_string(),
            None => break "no close frame".to_owned(),
        };
        if speaks != Protocol::Madang {
            let heard = ear.hear(frame, |mark, bytes| {
                notes.borrow_mut().seen.push(Sighting::unlogged(mark.write));
                board.delivered(mark, bytes);
            });
            if let Err(error) = heard {
                board.complain(format!("a receiver: {error}"));
            }
            continue;
        }
        let (sighting, mark) = sight(&frame, care, &notes, &board);
        if let Some(sighting) = sighting {
            notes.borrow_mut().seen.push(sighting);
        }
        if let Some(mark) = mark {
            board.delivered(mark, frame.len());
        }
    };
    board.complain(format!("a receiver's connection ended: {why}"));
}

type Sight = (Option<Sighting>, Option<Mark>);

fn sight(frame: &[u8], care: Care, notes: &Notes, board: &Stats) -> Sight {
    if care == Care::Scan
        && let Some(seq) = mark::entry_seq(frame)
    {
        let mark = Mark::find(frame);
        return (Some(Sighting { room: LOBBY, seq, write: mark.map(|mark| mark.write) }), mark);
    }
    match serde_json::from_slice(frame) {
        Ok(ServerFrame::Entry(entry)) => {
            let mark = match &entry.what {
                EntryKind::Posted { body, .. } => Mark::find(body.as_bytes()),
                _ => None,
            };
            let write = mark.map(|mark| mark.write);
            if entry.room != RoomId::lobby() || (mark.is_some() && entry.cmid.map(mark::write_of) != write) {
                notes.borrow_mut().garbled += 1;
                board.complain(format!("an entry's parts do not belong together: {entry:?}"));
            }
            (Some(Sighting { room: LOBBY, seq: entry.seq, write }), mark)
        }
        Ok(ServerFrame::Snapshot(snapshot)) => {
            notes.borrow_mut().resets += 1;
            board.complain(format!("a receiver was given a snapshot at {}", snapshot.head));
            (None, None)
        }
        Ok(ServerFrame::Refused { message, .. }) => {
            board.complain(format!("a receiver was refused: {message}"));
            (None, None)
        }
        Ok(_) => (None, None),
        Err(error) => {
            notes.borrow_mut().garbled += 1;
            board.complain(format!("a frame cannot be read: {error}"));
            (None, None)
        }
    }
}
