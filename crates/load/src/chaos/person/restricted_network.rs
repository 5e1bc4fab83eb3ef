//! A program that follows one room alone: what it is sent of the others is an outsider's.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use madang_client::Transport;
use madang_protocol::{ClientFrame, Epoch, ResumePoint, RoomId, Seq, ServerFrame};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

use super::World;
use super::carrier::Carrier;
use super::channel::{News, WAITING};
use crate::chaos::checker::wire::Wire;
use crate::chaos::route::Route;

/// Pause before it reconnects, as a program might that knows no better.
const AGAIN: Duration = Duration::from_millis(500);

/// Nothing came for so long, and two heartbeats should have: the connection is dead.
const SILENCE: Duration = Duration::from_secs(12);

/// Follows `room` for ever; `cursor` tells how far it is.
pub async fn narrow(number: usize, world: World, room: RoomId, cursor: Rc<Cell<Seq>>) {
    let mut reader = Narrow { number, world, room, cursor, login: None, epoch: None };
    loop {
        reader.connection().await;
        sleep(AGAIN).await;
    }
}

struct Narrow {
    number: usize,
    world: World,
    room: RoomId,
    cursor: Rc<Cell<Seq>>,
    login: Option<String>,
    epoch: Option<Epoch>,
}

impl Narrow {
    /// One connection, from its opening to its end.
    async fn connection(&mut self) {
        let route = Route { client: self.number, address: self.world.address, login: self.login.clone() };
        let (mailbox, mut news) = mpsc::channel(WAITING);
        let carrier = Carrier::open(1, Transport::WebSocket, route, mailbox);
        let mut wire = Wire::new(self.number, None);
        loop {
            let Ok(Some((_, news))) = timeout_at(Instant::now() + SILENCE, news.recv()).await else { return };
            match news {
                News::Login(login) => self.login = Some(login),
                News::Opened => {
                    let resume = vec![ResumePoint { room: self.room.clone(), seq: self.cursor.get() }];
                    let hello = ClientFrame::Hello { resume, epoch: self.epoch.clone(), locale: None };
                    wire.sends(&hello);
                    carrier.send(hello);
                }
                News::Frame(text) => self.frame(&text, &mut wire),
                News::Closed(_) | News::Wrong(..) | News::Session(_) => return,
            }
        }
    }

    fn frame(&mut self, text: &str, wire: &mut Wire) {
        let Ok(frame) = serde_json::from_str(text) else { return };
        wire.brings(&frame, &mut self.world.checker.borrow_mut());
        match frame {
            ServerFrame::Welcome { epoch, .. } => self.epoch = Some(epoch),
            ServerFrame::Entry(entry) if entry.room == self.room => self.cursor.set(entry.seq),
            ServerFrame::Snapshot(snapshot) if snapshot.room == self.room => self.cursor.set(snapshot.head),
            _ => {}
        }
    }
}
