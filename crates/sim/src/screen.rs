//! Checks of what a device shows, after each thing that happened to it.

use std::collections::BTreeSet;

use madang_client::{Model, RoomView, Row, SendState, timeline, utc_day};
use madang_protocol::{Message, Reaction, Reactions, RoomId, Seq, UserId};

use crate::device::Shown;
use crate::model::Log;
use crate::world::World;
use crate::{Check, DEVICES, broken};

impl World {
    /// Every room of the device shows a stretch of some log, without a hole and without a double.
    pub(crate) fn check_screen(&self, device: usize) -> Check {
        self.rooms.iter().try_for_each(|room| self.check_room(device, room))
    }

    pub(crate) fn check_room(&self, device: usize, room: &RoomId) -> Check {
        let Some(model) = &self.devices[device].model else { return Ok(()) };
        let shown = self.devices[device].shown.get(room).copied().unwrap_or_default();
        let log = &self.logs[shown.log];
        let exact = if shown.paged { None } else { model.cursor(room) };
        // Between a welcome to a new epoch and its snapshot, the cursor and the rows are of two logs.
        let exact = exact.filter(|_| shown.log + 1 == self.logs.len());
        check_rows(model, room, log, exact)
            .or_else(|broken| crate::broken(format!("{} shows {room} wrongly: {broken}", DEVICES[device].1)))
    }

    /// At the end: the rows are the present state, the cursor is the head.
    pub(crate) fn check_settled(&self, device: usize, room: &RoomId) -> Check {
        let Some(model) = &self.devices[device].model else { return broken("there is no page") };
        let log = self.log();
        let line = model.room_lines().into_iter().find(|line| line.room == *room);
        if log.is_closed(room) {
            // All that tells it may have been lost.
            let told = line.is_none() || self.tally.frames_lost > 0;
            return if told { Ok(()) } else { broken("it is listed, and is closed") };
        }
        let title = log.title(room, log.head(room));
        if line.as_ref().is_none_or(|line| *line.title != *title) {
            return broken(format!("it is {title:?}, and is listed as {line:?}"));
        }
        if model.cursor(room) != Some(log.head(room)) {
            return broken(format!("the cursor is {:?}, the head {}", model.cursor(room), log.head(room)));
        }
        self.check_unread(model, room, line.map_or(0, |line| line.unread))?;
        let Shown { log: of, .. } = self.devices[device].shown.get(room).copied().unwrap_or_default();
        let rows = timeline(model, room, &utc_day);
        let view = model.room_view(room);
        // A room that was never opened shows its person's own writes alone, which are of no log yet.
        if rows.is_empty() || view.as_ref().is_none_or(|view| !view.loaded) {
            return Ok(());
        }
        if of + 1 != self.logs.len() {
            return broken("what is shown is of an earlier epoch");
        }
        check_rows(model, room, log, Some(log.head(room)))?;
        let last = rows.iter().rev().find_map(|row| if let Row::Message(row) = row { row.seq } else { None });
        let newest = log.messages(room, log.head(room)).last().map(|message| message.seq);
        if view.is_some_and(|view| !view.after) && last != newest {
            return broken(format!("the last row is {last:?}, the newest message {newest:?}"));
        }
        Ok(())
    }

    /// The count of unread messages is right, where the client can know it.
    fn check_unread(&self, model: &Model, room: &RoomId, shown: u32) -> Check {
        let (log, read) = (self.log(), model.read_marker(room).unwrap_or_default());
        let view = model.room_view(room);
        let first = timeline(model, room, &utc_day)
            .into_iter()
            .find_map(|row| if let Row::Message(row) = row { row.seq } else { None });
        let reaches =
            |view: &RoomView| !view.after && (!view.before || first.is_some_and(|first| first <= read));
        if !view.as_ref().is_some_and(reaches) {
            return Ok(());
        }
        let is_unread =
            |message: &&Message| message.seq > read && !model.is_you(&message.by) && !message.is_deleted();
        let counted = log.messages(room, log.head(room)).iter().filter(is_unread).count();
        if shown as usize == counted.min(1_000) {
            return Ok(());
        }
        broken(format!("{shown} are shown as unread after {read}, and {counted} are"))
    }
}

/// `exact`: the rows are the state of the log at this seq; otherwise each is one that its message once had.
fn check_rows(model: &Model, room: &RoomId, log: &Log, exact: Option<Seq>) -> Check {
    let rows = timeline(model, room, &utc_day);
    let mut keys = BTreeSet::new();
    if let Some(double) = rows.iter().find(|row| !keys.insert(row.key())) {
        return broken(format!("{:?} is there twice", double.key()));
    }
    let rows: Vec<_> = rows
        .into_iter()
        .filter_map(|row| if let Row::Message(row) = row { Some(row) } else { None })
        .filter_map(|row| Some((row.seq?, row)))
        .collect();
    let Some((first, _)) = rows.first() else { return Ok(()) };
    let all = log.messages(room, exact.unwrap_or(Seq::MAX));
    let from = all.iter().position(|message| message.seq == *first).unwrap_or(all.len());
    let mut expected = all[from..].iter();
    for (seq, row) in &rows {
        let Some(message) = expected.next().filter(|message| message.seq == *seq) else {
            return broken(format!("message {seq} follows where it does not, or is not in the log"));
        };
        let body = row.body.as_deref();
        // A change of one's own shows before it has arrived: on its way, or done.
        let same = match exact {
            Some(_) if message.body.as_deref() == body => true,
            // Of what is deleted, a replay has the entry and not the text.
            Some(_) if body == Some("") => log.had_body(room, *seq, None),
            Some(_) => row.mine && log.had_body(room, *seq, body),
            None => log.had_body(room, *seq, body),
        };
        // Of a page that was ahead of the stream, a row may be ahead too; it is a state that there was, all the same.
        let is_state = |state: &Message| {
            let same = row.mine || body == Some("") || state.body.as_deref() == body;
            same && others(&row.reactions, model) == others(&state.reactions, model)
        };
        if exact.is_none() && !is_state(message) && !log.states(room, *seq).iter().any(is_state) {
            return broken(format!("message {seq} never was as it is shown: {body:?}, {:?}", row.reactions));
        }
        if exact.is_some() && others(&row.reactions, model) != others(&message.reactions, model) {
            return broken(format!(
                "message {seq} shows {:?}, and has {:?}",
                row.reactions, message.reactions
            ));
        }
        if row.by != message.by || (!same && row.state == SendState::Sent) {
            return broken(format!("message {seq} shows {body:?}, and is {:?}", message.body));
        }
    }
    let after = model.room_view(room).is_some_and(|view| view.after);
    if exact.is_some() && !after && expected.next().is_some() {
        return broken("the newest messages are missing");
    }
    Ok(())
}

/// Reactions without one's own: those show before they have arrived.
fn others<'r>(reactions: &'r Reactions, model: &Model) -> Vec<(&'r str, Vec<&'r UserId>)> {
    let you = model.you().map(|you| &you.id);
    let of = |reaction: &'r Reaction| reaction.by.iter().filter(|by| Some(*by) != you).collect::<Vec<_>>();
    let reactions = reactions.iter().map(|reaction| (reaction.emoji.as_str(), of(reaction)));
    reactions.filter(|(_, by)| !by.is_empty()).collect()
}
