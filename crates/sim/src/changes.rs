//! Changes that people make to messages on their screens: edits, deletes and reactions.

use madang_client::{Event, MessageRow, RowKey, SendState};
use madang_protocol::{Cmid, RoomId, Seq};

use crate::Check;
use crate::model::Meant;
use crate::world::World;

/// Emoji that people react with: so few that they meet.
const EMOJI: [&str; 3] = ["👍", "🎉", "❤️"];

impl World {
    /// A message of one's own that stands, on the screen of a device.
    fn own(&mut self, device: usize, room: &RoomId) -> Option<(Seq, Cmid)> {
        if !self.is_there(device) {
            return None;
        }
        let rows = self.shown_messages(device, room);
        let standing = |row: &&MessageRow| row.mine && row.body.is_some() && row.state == SendState::Sent;
        let own: Vec<_> = rows.iter().filter(standing).collect();
        let row = own.get(self.chance.below(8) as usize).or(own.last())?;
        let RowKey::Own(cmid) = row.key else { return None };
        Some((row.seq?, cmid))
    }

    pub(crate) fn edit(&mut self, device: usize, room: usize) -> Check {
        let room = self.rooms[room].clone();
        let Some(of) = self.own(device, &room) else { return Ok(()) };
        self.edit_that(device, room, of)
    }

    /// Edits the newest message of one's own again and again.
    pub(crate) fn revise(&mut self, device: usize, room: usize, times: usize) -> Check {
        let room = self.rooms[room].clone();
        let newest = self.standing(device, &room).into_iter().rfind(|row| row.mine);
        let Some(MessageRow { seq: Some(seq), key: RowKey::Own(of), .. }) = newest else { return Ok(()) };
        (0..times).try_for_each(|_| self.edit_that(device, room.clone(), (seq, of)))
    }

    fn edit_that(&mut self, device: usize, room: RoomId, (seq, of): (Seq, Cmid)) -> Check {
        let body = format!("{} again", self.cmids + 1);
        let cmid = self.made(device, &room, Meant::Edit { of, body: body.clone() });
        self.event(device, Event::Edit { room, cmid, seq, body })
    }

    pub(crate) fn delete(&mut self, device: usize, room: usize) -> Check {
        let room = self.rooms[room].clone();
        let Some((seq, of)) = self.own(device, &room) else { return Ok(()) };
        let cmid = self.made(device, &room, Meant::Delete { of });
        self.event(device, Event::Delete { room, cmid, seq })
    }

    /// The messages on the screen of a device that are not deleted, if the device may act.
    fn standing(&self, device: usize, room: &RoomId) -> Vec<MessageRow> {
        let mut rows = if self.is_there(device) { self.shown_messages(device, room) } else { Vec::new() };
        rows.retain(|row| row.body.is_some());
        rows
    }

    pub(crate) fn react(&mut self, device: usize, room: usize) -> Check {
        if !self.is_there(device) {
            return Ok(());
        }
        let room = self.rooms[room].clone();
        let rows = self.standing(device, &room);
        // Mostly the newest, so that several people meet there.
        let back = self.chance.below(3) as usize;
        let Some(row) = rows.iter().rev().nth(back).or(rows.last()) else { return Ok(()) };
        let Some(of) = self.written(device, &room, row) else { return Ok(()) };
        let emoji = EMOJI[self.chance.pick(EMOJI.len())];
        let on = !row.reactions.has(emoji, &self.devices[device].user);
        self.react_to(device, room, of, emoji, on)
    }

    /// Reacts to the newest message with the emoji that it has, or takes that back.
    pub(crate) fn join(&mut self, device: usize, room: usize) -> Check {
        let room = self.rooms[room].clone();
        let Some((row, of)) = self.newest(device, &room) else { return Ok(()) };
        let emoji = row.reactions.iter().next().map_or(EMOJI[0], |reaction| &reaction.emoji);
        let on = !row.reactions.has(emoji, &self.devices[device].user);
        self.react_to(device, room, of, emoji, on)
    }

    /// Takes a reaction to the newest message back, whether it is there or not: a page that shows an old state does.
    pub(crate) fn take_back(&mut self, device: usize, room: usize) -> Check {
        let room = self.rooms[room].clone();
        let Some((_, of)) = self.newest(device, &room) else { return Ok(()) };
        let emoji = EMOJI[self.chance.pick(EMOJI.len())];
        self.react_to(device, room, of, emoji, false)
    }

    fn newest(&self, device: usize, room: &RoomId) -> Option<(MessageRow, (Seq, Cmid))> {
        let row = self.standing(device, room).pop()?;
        let of = self.written(device, room, &row)?;
        Some((row, of))
    }

    /// Returns the number of a message, and the write that made it; `None` if the server made it by itself.
    fn written(&self, device: usize, room: &RoomId, row: &MessageRow) -> Option<(Seq, Cmid)> {
        let log = self.devices[device].shown.get(room).map_or(0, |shown| shown.log);
        let seq = row.seq?;
        Some((seq, self.logs[log].entry(room, seq)?.cmid?))
    }

    fn react_to(
        &mut self,
        device: usize,
        room: RoomId,
        (seq, of): (Seq, Cmid),
        emoji: &str,
        on: bool,
    ) -> Check {
        let emoji = emoji.to_owned();
        let cmid = self.made(device, &room, Meant::React { of, emoji: emoji.clone(), on });
        self.event(device, Event::React { room, cmid, seq, emoji, on })
    }
}
