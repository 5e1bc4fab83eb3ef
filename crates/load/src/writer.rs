//! A writer: posts at its pace until it is stopped, and receives the server's answers.

use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use madang_protocol::{ClientFrame, RoomId, ServerFrame};
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message;

use crate::mark::{self, Mark};
use crate::protocol::{self, Ear, Heard};
use crate::receiver::{self, Notes, Reader};
use crate::rooms::NumberedRoom;
use crate::socket::{self, Protocol, Socket, Target};
use crate::stats::Stats;

/// Parameters of a writer.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    /// The writer's number.
    pub(crate) sender: u32,
    /// The room to post into.
    pub(crate) room: RoomId,
    /// Protocol of the server.
    pub(crate) speaks: Protocol,
    /// Time between two writes; `None` for as fast as the window allows.
    pub(crate) every: Option<Duration>,
    /// Bytes of a frame at the receivers.
    pub(crate) frame_bytes: usize,
    /// Keeps the writes of two runs apart.
    pub(crate) run: u32,
}

/// Makes connection `number` of this writer, which posts into `room`, and starts its notes if it follows the room.
pub(crate) async fn attach(
    target: Target,
    (number, sender): (usize, u32),
    room: NumberedRoom,
    follow: bool,
) -> Result<(Socket, NumberedRoom, Option<Notes>)> {
    if follow {
        let (socket, room, notes) = receiver::attach(target, number, room).await?;
        return Ok((socket, room, Some(notes)));
    }
    let socket = match target.speaks {
        Protocol::Madang => {
            let mut socket = socket::connect(target, "/ws", number).await?;
            socket::hello(&mut socket).await?;
            socket
        }
        _ => protocol::introduce(target, number, room.number, sender).await?,
    };
    Ok((socket, room, None))
}

/// Writes until the time is over. Frames that fit into the window leave together.
pub(crate) async fn write(
    mut sink: SplitSink<Socket, Message>,
    orders: Orders,
    until: Instant,
    board: Rc<Stats>,
) {
    let mut ticks = orders.every.map(tokio::time::interval);
    let written: Result<()> = async {
        while Instant::now() < until {
            if let Some(ticks) = &mut ticks {
                sink.flush().await?;
                ticks.tick().await;
            }
            if !board.try_reserve(orders.sender) {
                sink.flush().await?;
                if timeout_at(until, board.reserve(orders.sender)).await.is_err() {
                    break;
                }
            }
            sink.feed(message(board.send(orders.sender), &orders)?).await?;
        }
        Ok(sink.flush().await?)
    }
    .await;
    if let Err(error) = written {
        board.complain(format!("a writer stopped: {error}"));
    }
}

fn message(mark: Mark, orders: &Orders) -> Result<Message> {
    match orders.speaks {
        Protocol::Madang => socket::text(&ClientFrame::Post {
            room: orders.room.clone(),
            cmid: mark::cmid(orders.run, mark.write),
            body: mark.body(mark::body_bytes(orders.frame_bytes)),
            reply_to: None,
        }),
        // There is nothing around the text.
        Protocol::Raw => Ok(protocol::message(Protocol::Raw, mark.write, mark.body(orders.frame_bytes))),
        // The text is as long as in a frame of madang.v1: the same message, in each protocol's own clothes.
        speaks => {
            let body = mark.body(mark::body_bytes(orders.frame_bytes));
            Ok(protocol::message(speaks, mark.write, body))
        }
    }
}

/// Receives the answers to posts into the room with this number, and what `follower` is sent, until the connection ends.
pub(crate) async fn hear(
    mut stream: SplitStream<Socket>,
    speaks: Protocol,
    room: u32,
    follower: Option<Reader>,
    board: Rc<Stats>,
) {
    let mut ear = Ear::new(speaks);
    let why = loop {
        match stream.next().await {
            Some(Ok(frame @ (Message::Text(_) | Message::Binary(_)))) if speaks != Protocol::Madang => {
                let heard = ear.hear(frame.into_data(), |heard| {
                    if let Heard::Acknowledged(write) = heard {
                        board.acknowledged(write, write.sender, u64::from(write.n));
                    }
                });
                if let Err(error) = heard {
                    board.complain(format!("a writer: {error}"));
                }
            }
            Some(Ok(Message::Text(text)))
                if let Some(follower) = &follower
                    && mark::entry_seq(text.as_bytes()).is_some() =>
            {
                receiver::take(text.as_bytes(), follower, &board);
            }
            Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                Ok(ServerFrame::Done { cmid, seq, .. }) => {
                    board.acknowledged(mark::write_of(cmid), room, seq)
                }
                Ok(ServerFrame::Refused { cmid: Some(cmid), message, .. }) => {
                    board.refused(mark::write_of(cmid), &message);
                }
                Ok(ServerFrame::Refused { cmid: None, message, .. }) => board.complain(message),
                Ok(_) => {}
                Err(error) => board.complain(format!("a writer cannot read a frame: {error}")),
            },
            Some(Ok(Message::Close(close))) => break format!("{close:?}"),
            Some(Ok(_)) => {}
            Some(Err(error)) => break error.to_string(),
            None => break "no close frame".to_owned(),
        }
    };
    board.complain(format!("a writer's connection ended: {why}"));
}
