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
use crate::protocol::{self, Ear};
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

/// Connects writer `number`.
pub(crate) async fn attach(target: Target, number: usize) -> Result<Socket> {
    match target.speaks {
        Protocol::Madang => {
            let mut socket = socket::connect(target, "/ws", number).await?;
            socket::hello(&mut socket).await?;
            Ok(socket)
        }
        _ => protocol::introduce(target, number).await,
    }
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
        Protocol::Raw => Ok(protocol::message(Protocol::Raw, mark.body(orders.frame_bytes))),
        // The text is as long as in a frame of madang.v1: the same message, in each protocol's own clothes.
        speaks => Ok(protocol::message(speaks, mark.body(mark::body_bytes(orders.frame_bytes)))),
    }
}

/// Receives the answers to posts into the room with this number, until the connection ends.
pub(crate) async fn hear(mut stream: SplitStream<Socket>, speaks: Protocol, room: u32, board: Rc<Stats>) {
    let mut ear = Ear::new(speaks);
    let why = loop {
        match stream.next().await {
            Some(Ok(frame @ (Message::Text(_) | Message::Binary(_)))) if speaks != Protocol::Madang => {
                // Nothing but complaints is news to who wrote it.
                if let Err(error) = ear.hear(frame.into_data(), |_, _| {}) {
                    board.complain(format!("a writer: {error}"));
                }
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
