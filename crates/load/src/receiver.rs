//! A receiver: reads what it is sent, and notes it for the checker.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use anyhow::Result;
use futures_util::StreamExt;
use madang_protocol::{EntryKind, ServerFrame};
use tokio_tungstenite::tungstenite::Message;

use crate::history::{Record, Sighting};
use crate::mark::{self, Mark};
use crate::protocol::{self, Ear, Heard};
use crate::rooms::NumberedRoom;
use crate::socket::{self, Protocol, Socket, Target};
use crate::stats::Stats;

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

/// Parameters of a receiver.
pub(crate) struct Reader {
    /// The room that it watches.
    pub(crate) room: NumberedRoom,
    /// Protocol of the server.
    pub(crate) speaks: Protocol,
    /// Depth of its reading.
    pub(crate) care: Care,
    /// Its notes.
    pub(crate) notes: Notes,
}

/// Connects receiver `number` and starts its notes.
pub(crate) async fn attach(
    target: Target,
    number: usize,
    room: NumberedRoom,
) -> Result<(Socket, NumberedRoom, Notes)> {
    let mut record = Record::default();
    let socket = match target.speaks {
        Protocol::Madang => {
            let mut socket = socket::connect(target, "/ws", number).await?;
            record.only = Some([room.number].into());
            record.cursors = HashMap::from([(room.number, socket::watch_room(&mut socket, &room.id).await?)]);
            socket
        }
        _ => protocol::subscribe(target, number, room.number).await?,
    };
    Ok((socket, room, Rc::new(RefCell::new(record))))
}

/// Reads until the connection ends.
pub(crate) async fn receive(mut socket: Socket, reader: Reader, board: Rc<Stats>) {
    let Reader { speaks, ref notes, .. } = reader;
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
            let heard = ear.hear(frame, |heard| {
                let Heard::Message(mark, bytes) = heard else { return };
                notes.borrow_mut().seen.push(Sighting::unlogged(mark.write));
                board.delivered(mark, bytes);
            });
            if let Err(error) = heard {
                board.complain(format!("a receiver: {error}"));
            }
            continue;
        }
        take(&frame, &reader, &board);
    };
    board.complain(format!("a receiver's connection ended: {why}"));
}

/// Notes a frame of `madang.v1`.
pub(crate) fn take(frame: &[u8], reader: &Reader, board: &Stats) {
    let (sighting, mark) = sight(frame, reader, board);
    if let Some(sighting) = sighting {
        reader.notes.borrow_mut().seen.push(sighting);
    }
    if let Some(mark) = mark {
        board.delivered(mark, frame.len());
    }
}

type Sight = (Option<Sighting>, Option<Mark>);

fn sight(frame: &[u8], reader: &Reader, board: &Stats) -> Sight {
    let Reader { room: NumberedRoom { number: room, id }, care, notes, .. } = reader;
    let room = *room;
    if *care == Care::Scan
        && let Some(seq) = mark::entry_seq(frame)
    {
        let mark = Mark::find(frame);
        return (Some(Sighting { room, seq, write: mark.map(|mark| mark.write) }), mark);
    }
    match serde_json::from_slice(frame) {
        Ok(ServerFrame::Entry(entry)) => {
            let mark = match &entry.what {
                EntryKind::Posted { body, .. } => Mark::find(body.as_bytes()),
                _ => None,
            };
            let write = mark.map(|mark| mark.write);
            if entry.room != *id || (mark.is_some() && entry.cmid.map(mark::write_of) != write) {
                notes.borrow_mut().garbled += 1;
                board.complain(format!("an entry's parts do not belong together: {entry:?}"));
            }
            (Some(Sighting { room, seq: entry.seq, write }), mark)
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
