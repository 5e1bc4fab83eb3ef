//! The entry at each place of each room.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};

use madang_protocol::{Cmid, Entry, EntryKind, Message, Reaction, RoomId, Seq, UnixMs, UserId};

use super::{Broken, Verdict};

/// The messages of every room at the end, as the server sends them.
pub type Truth = HashMap<RoomId, BTreeMap<Seq, Message>>;

/// Effect of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `opened`, or what a newer server writes.
    Other,
    /// `posted`.
    Posted,
    /// `edited`, this message.
    Edited(Seq),
    /// `deleted`, this message.
    Deleted(Seq),
    /// `reacted`, to this message.
    Reacted(Seq),
    /// `unreacted`, of this message.
    Unreacted(Seq),
}

/// An entry without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Author of the entry.
    pub by: UserId,
    /// Id of the write.
    pub cmid: Option<Cmid>,
    /// Effect of the entry.
    pub kind: Kind,
    at: UnixMs,
}

#[derive(Clone, Debug)]
struct Known {
    place: Place,
    /// A number that stands for the text. `None` while only replays without it were seen, for a message that was
    /// deleted meanwhile.
    text: Option<u64>,
}

/// The log, as all readers together describe it.
#[derive(Debug, Default)]
pub struct Log {
    rooms: HashMap<RoomId, BTreeMap<Seq, Known>>,
    written: HashMap<Cmid, (RoomId, Seq)>,
    hasher: RandomState,
}

impl Log {
    /// Somebody saw `entry`.
    pub fn saw(&mut self, entry: &Entry, verdict: &mut Verdict) {
        let kind = match &entry.what {
            EntryKind::Posted { .. } => Kind::Posted,
            EntryKind::Edited { seq, .. } => Kind::Edited(*seq),
            EntryKind::Deleted { seq } => Kind::Deleted(*seq),
            EntryKind::Reacted { seq, .. } => Kind::Reacted(*seq),
            EntryKind::Unreacted { seq, .. } => Kind::Unreacted(*seq),
            _ => Kind::Other,
        };
        let body = if entry.about().is_some() { entry.what.text() } else { "" };
        let text = (!body.is_empty()).then(|| self.hasher.hash_one(body));
        let place = Place { by: entry.by.clone(), cmid: entry.cmid, kind, at: entry.at };
        let entries = self.rooms.entry(entry.room.clone()).or_default();
        if let Some(known) = entries.get_mut(&entry.seq) {
            let texts_differ = known.text.zip(text).is_some_and(|(known, text)| known != text);
            if known.place != place || texts_differ {
                verdict.broke(Broken::Reordered, || {
                    format!(
                        "two readers saw {place:?} and {:?} at {} of {}",
                        known.place, entry.seq, entry.room
                    )
                });
            }
            known.text = known.text.or(text);
            return;
        }
        entries.insert(entry.seq, Known { place, text });
        if let Some(cmid) = entry.cmid {
            let here = (entry.room.clone(), entry.seq);
            let first = self.written.entry(cmid).or_insert_with(|| here.clone());
            if *first != here {
                let first = first.clone();
                verdict
                    .broke(Broken::Doubled, || format!("write {cmid} stands at {first:?} and at {here:?}"));
            }
        }
    }

    /// Returns the entry there.
    pub fn at(&self, room: &RoomId, seq: Seq) -> Option<&Place> {
        Some(&self.rooms.get(room)?.get(&seq)?.place)
    }

    /// Returns the place of the write.
    pub fn of(&self, cmid: Cmid) -> Option<&(RoomId, Seq)> {
        self.written.get(&cmid)
    }

    /// Every room and its newest place.
    pub fn heads(&self) -> impl Iterator<Item = (&RoomId, Seq)> {
        self.rooms.iter().filter_map(|(room, entries)| Some((room, *entries.last_key_value()?.0)))
    }

    /// Everything that was ever seen must still be so.
    pub(super) fn against(&self, truth: &Truth, verdict: &mut Verdict) {
        for (room, entries) in &self.rooms {
            let messages = truth.get(room);
            for (seq, known) in entries.iter().filter(|(_, known)| known.place.kind == Kind::Posted) {
                let message = messages.and_then(|messages| messages.get(seq));
                if !message.is_some_and(|m| m.by == known.place.by && m.cmid == known.place.cmid) {
                    verdict.broke(Broken::Lost, || {
                        format!("{:?} was seen at {seq} of {room}; now {message:?}", known.place)
                    });
                }
            }
            self.check_reactions(entries, messages, verdict);
            // A room was opened before anybody came to it.
            let first = entries.keys().next().map_or(1, |first| (*first).min(2));
            let unseen = entries.keys().zip(first..).find(|(seq, count)| **seq != *count);
            if let Some((seq, count)) = unseen {
                verdict.broke(Broken::Hole, || format!("nobody saw {count} of {room}; the next is {seq}"));
            }
        }
    }

    /// Each reaction that was seen stands, unless it was taken back or its message deleted, and each once.
    fn check_reactions(
        &self,
        entries: &BTreeMap<Seq, Known>,
        messages: Option<&BTreeMap<Seq, Message>>,
        verdict: &mut Verdict,
    ) {
        let mut standing: BTreeSet<(Seq, u64, &UserId)> = BTreeSet::new();
        for (at, Known { place, text }) in entries {
            let emoji = text.unwrap_or_default();
            let changed = match place.kind {
                Kind::Reacted(seq) => standing.insert((seq, emoji, &place.by)),
                Kind::Unreacted(seq) => standing.remove(&(seq, emoji, &place.by)),
                _ => continue,
            };
            if !changed {
                verdict.broke(Broken::Doubled, || format!("{place:?} at {at} changes nothing"));
            }
        }
        let messages = messages.into_iter().flatten().filter(|(_, message)| !message.is_deleted());
        for (seq, message) in messages {
            let of = |reaction: &Reaction| self.hasher.hash_one(reaction.emoji.as_str());
            let shown: BTreeSet<_> = message
                .reactions
                .iter()
                .flat_map(|reaction| reaction.by.iter().map(move |by| (*seq, of(reaction), by)))
                .collect();
            let seen: BTreeSet<_> = standing.iter().filter(|(of, ..)| of == seq).copied().collect();
            if shown != seen {
                let known = &message.reactions;
                verdict.broke(Broken::Lost, || {
                    format!("{} reactions were seen at {seq}; now {known:?}", seen.len())
                });
            }
        }
    }
}
