//! Checks of what a device shows, after each thing that happened to it.

use std::collections::{BTreeMap, BTreeSet};

use madang_client::{MessageRow, Model, Row, SendState, timeline, utc_day};
use madang_protocol::{RoomId, Seq};

use crate::device::Shown;
use crate::model::Log;
use crate::projection::{Standing, State};
use crate::world::World;
use crate::{Broken, Check, DEVICES, broken};

impl World {
    /// Every room of the device shows a stretch of some log, without a hole and without a double.
    pub(crate) fn check_screen(&mut self, device: usize) -> Check {
        (0..self.rooms.len()).try_for_each(|room| {
            let room = self.rooms[room].clone();
            self.check_room(device, &room)
        })
    }

    pub(crate) fn check_room(&mut self, device: usize, room: &RoomId) -> Check {
        let of_device =
            |Broken(words)| Broken(format!("{} shows {room} wrongly: {words}", DEVICES[device].1));
        let since = self.check_shown(device, room).map_err(of_device)?;
        let body = &mut self.devices[device];
        if let Some(shown) = body.shown.get_mut(room) {
            shown.since = since;
            let model = body.model.as_ref().filter(|_| shown.jumped);
            shown.jumped &= !model.is_some_and(|model| counts_itself(model, room));
        }
        self.check_unread(device, room).map_err(of_device)?;
        self.check_mark(device, room).map_err(of_device)
    }

    /// Returns since which entry each message is as it is shown.
    fn check_shown(&self, device: usize, room: &RoomId) -> Check<BTreeMap<Seq, Seq>> {
        let body = &self.devices[device];
        let Some(model) = &body.model else { return Ok(BTreeMap::new()) };
        let nothing = Shown::default();
        let shown = body.shown.get(room).unwrap_or(&nothing);
        let log = &self.logs[shown.log];
        // Between a welcome to a new epoch and its snapshot, the cursor and the rows are of two logs.
        let exact = model.cursor(room).filter(|_| shown.log + 1 == self.logs.len());
        // A page may be ahead of the cursor, as long as there is anything ahead of it.
        let exact = exact.filter(|cursor| !shown.paged || *cursor == log.head(room));
        check_rows(model, room, log, exact, &shown.since)
    }

    /// Checks that no read marker goes back.
    fn check_mark(&mut self, device: usize, room: &RoomId) -> Check {
        let body = &mut self.devices[device];
        let Some(model) = &body.model else { return Ok(()) };
        let (Some(read), Some(epoch)) = (model.read_marker(room), model.epoch()) else { return Ok(()) };
        // One that was closed may be opened again by a link, and is not known any more.
        if self.logs.iter().any(|log| log.epoch == *epoch && log.is_closed(room)) {
            body.marks.remove(room);
            return Ok(());
        }
        match body.marks.insert(room.clone(), (epoch.clone(), read)) {
            Some((of, before)) if of == *epoch && before > read => {
                broken(format!("it was read up to {before}, and now up to {read}"))
            }
            _ => Ok(()),
        }
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
        self.check_unread(device, room)?;
        let of = self.devices[device].shown.get(room).map_or(0, |shown| shown.log);
        let rows = timeline(model, room, &utc_day);
        let view = model.room_view(room);
        // A room that was never opened shows its person's own writes alone, which are of no log yet.
        if rows.is_empty() || view.as_ref().is_none_or(|view| !view.loaded) {
            return Ok(());
        }
        if of + 1 != self.logs.len() {
            return broken("what is shown is of an earlier epoch");
        }
        check_rows(model, room, log, Some(log.head(room)), &BTreeMap::new())?;
        let last = rows.iter().rev().find_map(|row| if let Row::Message(row) = row { row.seq } else { None });
        let newest = log.messages(room, log.head(room)).last().map(Standing::seq);
        if view.is_some_and(|view| !view.after) && last != newest {
            return broken(format!("the last row is {last:?}, the newest message {newest:?}"));
        }
        Ok(())
    }

    /// The count of unread messages is right, once the client has all entries.
    fn check_unread(&self, device: usize, room: &RoomId) -> Check {
        let body = &self.devices[device];
        let jumped = body.shown.get(room).is_some_and(|shown| shown.jumped);
        let Some(model) = body.model.as_ref().filter(|_| !jumped) else { return Ok(()) };
        let (log, head) = (self.log(), self.log().head(room));
        let has_all = model.epoch() == Some(&log.epoch) && model.cursor(room) == Some(head);
        let (Some(you), Some(read)) = (model.you().filter(|_| has_all), model.read_marker(room)) else {
            return Ok(());
        };
        let counted = log.unread(room, head, read, &you.id);
        match model.room_lines().into_iter().find(|line| line.room == *room) {
            Some(line) if line.unread as usize != counted.min(1_000) => broken(format!(
                "{} are shown as unread after {read} at {head}, and {counted} are",
                line.unread
            )),
            _ => Ok(()),
        }
    }
}

/// Returns true if the rows reach from what was read to the newest message, so that the client can count them.
fn counts_itself(model: &Model, room: &RoomId) -> bool {
    let (Some(view), Some(read)) = (model.room_view(room), model.read_marker(room)) else { return false };
    let rows = timeline(model, room, &utc_day);
    let first = rows.iter().find_map(|row| if let Row::Message(row) = row { row.seq } else { None });
    view.loaded && !view.after && (!view.before || first.is_some_and(|first| first <= read))
}

/// `exact`: the rows are the state of the log at this seq; otherwise each is one that its message once had, and not one
/// from before `since`. Returns since which entry each is as it is.
fn check_rows(
    model: &Model,
    room: &RoomId,
    log: &Log,
    exact: Option<Seq>,
    since: &BTreeMap<Seq, Seq>,
) -> Check<BTreeMap<Seq, Seq>> {
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
    let Some((first, _)) = rows.first() else { return Ok(BTreeMap::new()) };
    let all = log.messages(room, exact.unwrap_or(Seq::MAX));
    let from = all.iter().position(|message| message.seq() == *first).unwrap_or(all.len());
    let (mut expected, mut shown) = (all[from..].iter(), BTreeMap::new());
    for (seq, row) in &rows {
        let Some(standing) = expected.next().filter(|message| message.seq() == *seq) else {
            return broken(format!("message {seq} follows where it does not, or is not in the log"));
        };
        let state = if exact.is_some() {
            Some(standing.state).filter(|state| is_state(row, state, model))
        } else {
            let least = since.get(seq).copied().unwrap_or(0);
            let mut states = standing.message.states.iter().filter(|state| state.since >= least);
            states.find(|state| is_state(row, state, model))
        };
        // Of what is deleted, a replay has the entry and not the text.
        let had_body = standing.message.had_body(row.body.as_deref());
        let is_sent = row.by == standing.message.posted.by && (had_body || row.state != SendState::Sent);
        let Some(state) = state.filter(|_| is_sent) else {
            let states = &standing.message.states;
            return broken(format!("message {seq} is shown as {row:?}, and is {exact:?}: {states:?}"));
        };
        shown.insert(*seq, state.since);
    }
    let after = model.room_view(room).is_some_and(|view| view.after);
    if exact.is_some() && !after && expected.next().is_some() {
        return broken("the newest messages are missing");
    }
    Ok(shown)
}

/// Returns true if a row may show this state: a change of one's own shows before it has arrived, and a text that is
/// deleted later does not come.
fn is_state(row: &MessageRow, state: &State, model: &Model) -> bool {
    let body = row.body.as_deref();
    let same = row.mine || body == Some("") || state.body.as_deref() == body;
    same && state.has_reactions(&row.reactions, model.you().map(|you| &you.id))
}
