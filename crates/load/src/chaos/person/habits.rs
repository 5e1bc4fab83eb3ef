//! Actions of a person in front of a page.

use std::time::Duration;

use madang_client::{Event, MessageRow, Row, SendState, timeline, utc_day};
use madang_protocol::{Cmid, Operation, RoomId, Seq};
use tokio::time::sleep;

use super::{Person, Phase};

impl Person {
    /// One deed.
    pub(super) async fn act(&mut self) {
        self.look();
        let room = self.screen.model.borrow().room().clone();
        match self.rng.u32(0..100) {
            0..45 => self.post(room),
            45..52 => self.change(room),
            52..55 => self.react(room),
            55..65 => self.dispatch(Event::AtBottom { room, at_bottom: true }),
            65..70 => self.dispatch(Event::AtBottom { room, at_bottom: false }),
            70..78 => self.dispatch(Event::Older { room }),
            78..82 => self.dispatch(Event::Latest { room }),
            82..86 => self.dispatch(Event::Typed { room }),
            86..92 => self.move_on(),
            92..94 => self.reload(),
            94..96 => self.sleep().await,
            96..98 => self.dispatch(Event::Online),
            _ => self.dispatch(Event::Reconnect),
        }
    }

    fn post(&mut self, room: RoomId) {
        let cmid = Cmid(self.rng.u128(..));
        let body = format!("{} says {}", self.number, "x".repeat(self.rng.usize(1..120)));
        let reply_to = self.rows(&room).last().and_then(|row| row.seq).filter(|_| self.rng.u32(0..5) == 0);
        let event = Event::Post { room: room.clone(), cmid, body: body.clone(), reply_to };
        self.write(cmid, room, Operation::post(body, reply_to), event);
    }

    /// Edits or deletes a message of one's own.
    fn change(&mut self, room: RoomId) {
        let own = self.rows(&room).into_iter().filter(|row| {
            row.mine && row.body.is_some() && row.seq.is_some() && row.state == SendState::Sent
        });
        let own: Vec<Seq> = own.filter_map(|row| row.seq).collect();
        let Some(seq) = self.rng.choice(own) else { return };
        let cmid = Cmid(self.rng.u128(..));
        if self.rng.bool() {
            let body = format!("{} says better {}", self.number, self.rng.u32(..));
            let event = Event::Edit { room: room.clone(), cmid, seq, body: body.clone() };
            self.write(cmid, room, Operation::Edit { seq, body }, event);
        } else {
            let event = Event::Delete { room: room.clone(), cmid, seq };
            self.write(cmid, room, Operation::Delete { seq }, event);
        }
    }

    /// Reacts to anybody's message, or takes that back.
    fn react(&mut self, room: RoomId) {
        let Some(you) = self.screen.model.borrow().you().map(|you| you.id.clone()) else { return };
        let rows = self.rows(&room).into_iter().rev().take(6);
        let standing = rows.filter(|row| row.body.is_some() && row.seq.is_some());
        let Some(row) = self.rng.choice(standing.collect::<Vec<_>>()) else { return };
        let (Some(seq), cmid) = (row.seq, Cmid(self.rng.u128(..))) else { return };
        let emoji = self.rng.choice(["👍", "🎉", "❤️"]).unwrap_or_default().to_owned();
        let on = !row.reactions.has(&emoji, &you);
        let event = Event::React { room: room.clone(), cmid, seq, emoji: emoji.clone(), on };
        let what = if on { Operation::React { seq, emoji } } else { Operation::Unreact { seq, emoji } };
        self.write(cmid, room, what, event);
    }

    /// Writes of somebody whom the page does not know yet are not kept over a reload; nobody writes then.
    fn write(&mut self, cmid: Cmid, room: RoomId, what: Operation, event: Event) {
        if self.screen.model.borrow().you().is_some() {
            self.world.checker.borrow_mut().ledger.written(self.number, cmid, room, what);
            self.dispatch(event);
        }
    }

    fn move_on(&mut self) {
        let rooms = self.world.rooms.clone();
        if let Some(room) = self.rng.choice(rooms.iter()).cloned() {
            self.dispatch(Event::OpenRoom { room, around: None });
        }
    }

    /// A laptop that is closed: nothing runs, nothing is read. Frames received meanwhile are found after.
    async fn sleep(&mut self) {
        self.dispatch(Event::Visible(false));
        let asleep = Duration::from_millis(self.rng.u64(500..15_000));
        tokio::select! {
            () = sleep(asleep) => {}
            // The sender stands at the end of the run.
            _ = self.world.phase.wait_for(|phase| *phase == Phase::Settle) => {}
        }
        self.dispatch(Event::Visible(true));
    }

    fn rows(&self, room: &RoomId) -> Vec<MessageRow> {
        let rows = timeline(&self.screen.model.borrow(), room, &utc_day).into_iter();
        let messages = rows.filter_map(|row| match row {
            Row::Message(row) => Some(row),
            Row::Day(_) | Row::New => None,
        });
        messages.collect()
    }
}
