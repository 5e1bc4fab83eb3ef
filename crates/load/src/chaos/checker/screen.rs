//! Compares what a client shows with the log.

use std::collections::HashSet;

use madang_client::{MessageRow, Model, Row, SendState, timeline, utc_day};
use madang_protocol::RoomId;

use super::log::Truth;
use super::{Broken, Verdict};

/// Checks what must hold of the rows of `room` at any moment.
pub fn check(client: usize, model: &Model, room: &RoomId, verdict: &mut Verdict) {
    let rows = rows(model, room);
    let mut keys = HashSet::new();
    for key in rows.iter().map(|row| row.key).filter(|key| !keys.insert(*key)) {
        verdict.broke(Broken::Doubled, || format!("{client} shows {key:?} of {room} twice"));
    }
    let seqs: Vec<_> = rows.iter().filter_map(|row| row.seq).collect();
    if let Some((one, other)) = seqs.iter().zip(seqs.iter().skip(1)).find(|(one, other)| one >= other) {
        verdict.broke(Broken::Reordered, || format!("{client} shows {other} of {room} below {one}"));
    }
}

/// Returns why the client's rows are not yet what the log ends with, if they are not.
pub fn behind(model: &Model, room: &RoomId, truth: &Truth) -> Option<String> {
    let view = model.room_view(room)?;
    let link = model.link();
    if !link.connected {
        return Some(format!("{link:?}"));
    }
    if model.unsent() > 0 {
        return Some(format!("{} writes are under way", model.unsent()));
    }
    if !view.loaded {
        return Some(format!("{room} is not loaded"));
    }
    let last = rows(model, room).iter().filter_map(|row| row.seq).next_back();
    let head = truth.get(room).and_then(|messages| messages.last_key_value()).map(|(seq, _)| *seq);
    if view.after || last != head {
        return Some(format!("{room} is shown up to {last:?} of {head:?}, after: {}", view.after));
    }
    let waits = rows(model, room).into_iter().find(|row| row.seq.is_none() && row.state == SendState::Sent);
    waits.map(|row| format!("{:?} of {room} is acknowledged, and its entry not there", row.key))
}

/// At the end: each message of the window as the log left it, and none missing in between.
pub fn compare(client: usize, model: &Model, room: &RoomId, truth: &Truth, verdict: &mut Verdict) {
    let rows = rows(model, room);
    let shown: Vec<&MessageRow> = rows.iter().filter(|row| row.seq.is_some()).collect();
    let Some(first) = shown.first().and_then(|row| row.seq) else { return };
    let Some(messages) = truth.get(room) else { return };
    let mut shown = shown.into_iter().peekable();
    for (seq, message) in messages.range(first..) {
        let Some(row) = shown.next_if(|row| row.seq == Some(*seq)) else {
            verdict.broke(Broken::Hole, || format!("{client} does not show {seq} of {room}"));
            continue;
        };
        let same = row.body.as_deref() == message.body.as_deref() && row.reactions == message.reactions;
        if row.by != message.by || !same {
            verdict.broke(Broken::Hole, || format!("{client} shows {row:?} of {room} for {message:?}"));
        }
    }
    if let Some(row) = shown.next() {
        verdict.broke(Broken::Lost, || {
            format!("{client} shows {:?} of {room}, which the log does not have", row.seq)
        });
    }
}

fn rows(model: &Model, room: &RoomId) -> Vec<MessageRow> {
    let messages = timeline(model, room, &utc_day).into_iter().filter_map(|row| match row {
        Row::Message(row) => Some(row),
        Row::Day(_) | Row::New => None,
    });
    messages.collect()
}
