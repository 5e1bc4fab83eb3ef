//! Model of the server: the log as it was committed, kept beside it by the simplest means.

use std::collections::{BTreeMap, BTreeSet};

use madang_protocol::{Cmid, Entry, EntryKind, Epoch, Message, RoomId, RoomInfo, Seq, Snapshot, UserId};

use crate::projection::{Projected, Projection, Standing};
use crate::{Broken, Check, broken};

/// The log of one epoch.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) epoch: Epoch,
    rooms: BTreeMap<RoomId, Vec<Entry>>,
    projections: BTreeMap<RoomId, Projection>,
    writes: BTreeMap<(UserId, Cmid), (RoomId, Seq)>,
    /// Read markers, as far as people received them.
    marks: BTreeMap<(UserId, RoomId), Seq>,
}

/// A write as its person meant it.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) by: UserId,
    pub(crate) room: RoomId,
    pub(crate) what: Meant,
    /// The device it was made on, and its place among that device's writes of the room; `None` for a form.
    pub(crate) place: Option<(usize, usize)>,
}

/// Subject of a write, by the ids that outlive an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meant {
    Post { body: String, reply_to: Option<Cmid> },
    Edit { of: Cmid, body: String },
    Delete { of: Cmid },
    React { of: Cmid, emoji: String, on: bool },
}

impl Log {
    pub(crate) fn new(epoch: Epoch) -> Self {
        Self {
            epoch,
            rooms: BTreeMap::new(),
            projections: BTreeMap::new(),
            writes: BTreeMap::new(),
            marks: BTreeMap::new(),
        }
    }

    pub(crate) fn entries(&self, room: &RoomId) -> &[Entry] {
        self.rooms.get(room).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn entry(&self, room: &RoomId, seq: Seq) -> Option<&Entry> {
        self.entries(room).get(usize::try_from(seq.checked_sub(1)?).ok()?)
    }

    pub(crate) fn head(&self, room: &RoomId) -> Seq {
        self.entries(room).len() as Seq
    }

    pub(crate) fn find(&self, by: &UserId, cmid: Cmid) -> Option<&(RoomId, Seq)> {
        self.writes.get(&(by.clone(), cmid))
    }

    /// A person received a read marker of theirs: it is at least there from now on.
    pub(crate) fn marked(&mut self, user: &UserId, room: &RoomId, seq: Seq) {
        let mark = self.marks.entry((user.clone(), room.clone())).or_default();
        *mark = seq.max(*mark);
    }

    /// Returns the read markers that a person was sent: their next hello finds them there, or further.
    pub(crate) fn marks_of(&self, user: &UserId) -> BTreeMap<RoomId, Seq> {
        let own = self.marks.iter().filter(|((by, _), _)| by == user);
        own.map(|((_, room), seq)| (room.clone(), *seq)).collect()
    }

    /// Takes a committed entry in: the next one of its room, of a write that is not there yet.
    pub(crate) fn commit(&mut self, entry: &Entry) -> Check {
        let log = self.rooms.entry(entry.room.clone()).or_default();
        let next = log.len() as Seq + 1;
        if entry.seq != next {
            return broken(format!("{} committed seq {} where {next} is due", entry.room, entry.seq));
        }
        // By more than that a wrong clock was set right.
        if log.last().is_some_and(|last| (1..=5_000).contains(&(last.at - entry.at))) {
            return broken(format!("the time of {} runs backwards at {}", entry.room, entry.seq));
        }
        if log.last().is_some_and(|last| matches!(last.what, EntryKind::Closed {})) {
            return broken(format!("{} was closed, and has entry {}", entry.room, entry.seq));
        }
        if let Some(cmid) = entry.cmid {
            let place = (entry.room.clone(), entry.seq);
            if let Some(first) = self.writes.insert((entry.by.clone(), cmid), place) {
                return broken(format!(
                    "write {cmid} of {} is doubled: {first:?} and {} {}",
                    entry.by, entry.room, entry.seq
                ));
            }
        }
        log.push(entry.clone());
        self.projections.entry(entry.room.clone()).or_default().enter(entry)
    }

    /// Returns the title of a room at `head`.
    pub(crate) fn title(&self, room: &RoomId, head: Seq) -> &str {
        let is_titled = |entry: &&Entry| {
            matches!(entry.what, EntryKind::Opened { .. } | EntryKind::Renamed { .. }) && entry.seq <= head
        };
        self.entries(room).iter().rfind(is_titled).map_or("", |entry| entry.what.text())
    }

    /// Returns true if the owner closed the room.
    pub(crate) fn is_closed(&self, room: &RoomId) -> bool {
        self.entries(room).last().is_some_and(|last| matches!(last.what, EntryKind::Closed {}))
    }

    /// Returns the rooms that were closed.
    pub(crate) fn closed(&self) -> BTreeSet<RoomId> {
        self.rooms.keys().filter(|room| self.is_closed(room)).cloned().collect()
    }

    /// Checks the news that a room has another title, or is closed.
    pub(crate) fn check_changed(&self, room: &RoomId, title: Option<&str>) -> Check {
        let is_so = |entry: &Entry| match &entry.what {
            EntryKind::Renamed { title: given } => title == Some(given),
            EntryKind::Closed {} => title.is_none(),
            _ => false,
        };
        if self.entries(room).iter().any(is_so) {
            return Ok(());
        }
        broken(format!("{room} was said to be {title:?} now, and never was"))
    }

    /// Checks a line of a list of rooms.
    pub(crate) fn check_listed(&self, info: &RoomInfo) -> Check {
        let title = self.title(&info.room, info.head);
        if info.title == title {
            return Ok(());
        }
        broken(format!(
            "{} is called {:?} at {}, and was listed as {:?}",
            info.room, title, info.head, info.title
        ))
    }

    /// The entry as it may be read now: a deleted message's texts and headers are gone.
    pub(crate) fn redacted(&self, entry: &Entry) -> Entry {
        let Some(about) = entry.about() else { return entry.clone() };
        let gone = |other: &Entry| matches!(other.what, EntryKind::Deleted { seq } if seq == about);
        let mut entry = entry.clone();
        if self.entries(&entry.room).iter().any(gone) {
            entry.what.redact();
        }
        entry
    }

    /// Returns the messages of a room in their state at `head`.
    pub(crate) fn messages(&self, room: &RoomId, head: Seq) -> Vec<Standing<'_>> {
        self.projections.get(room).map_or_else(Vec::new, |projection| projection.at(head))
    }

    /// Returns a message with all of its states.
    pub(crate) fn message(&self, room: &RoomId, seq: Seq) -> Option<&Projected> {
        self.projections.get(room)?.message(seq)
    }

    /// Returns how many messages of a room are unread for `user` after `read`, at `head`.
    pub(crate) fn unread(&self, room: &RoomId, head: Seq, read: Seq, user: &UserId) -> usize {
        self.messages(room, head).iter().filter(|message| message.is_unread(read, user)).count()
    }

    /// Checks that a snapshot is the room's state at its head, and its head one that the log has.
    pub(crate) fn check_snapshot(&self, snapshot: &Snapshot) -> Check {
        let (room, head) = (&snapshot.room, snapshot.head);
        if head > self.head(room) || head == 0 {
            return broken(format!(
                "a snapshot of {room} at {head}, but the log ends at {}",
                self.head(room)
            ));
        }
        let all = self.messages(room, head);
        let shown = &all[all.len().saturating_sub(snapshot.messages.len())..];
        if !same(shown, &snapshot.messages) {
            return broken(format!("a snapshot of {room} at {head} differs from the log's projection"));
        }
        if snapshot.title != self.title(room, head) {
            return broken(format!("a snapshot of {room} at {head} has the title {:?}", snapshot.title));
        }
        if snapshot.before != (shown.len() < all.len()) {
            return broken(format!("a snapshot of {room} at {head} says wrongly whether there is more"));
        }
        Ok(())
    }

    /// Checks that a page is a stretch of the room's messages in their state at its head.
    pub(crate) fn check_page(
        &self,
        room: &RoomId,
        head: Seq,
        messages: &[Message],
        more: (bool, bool),
    ) -> Check {
        if head > self.head(room) {
            return broken(format!("a page of {room} at {head}, but the log ends at {}", self.head(room)));
        }
        let all = self.messages(room, head);
        let Some(first) = messages.first() else { return Ok(()) };
        let from = all.iter().position(|message| message.seq() == first.seq).unwrap_or(all.len());
        let to = (from + messages.len()).min(all.len());
        if !same(&all[from..to], messages) || more != (from > 0, to < all.len()) {
            return broken(format!("a page of {room} at {head} is no stretch of the log's projection"));
        }
        Ok(())
    }

    /// Checks that the store reads this log.
    pub(crate) fn check_stored(&self, room: &RoomId, stored: &[Entry]) -> Check {
        let ours: Vec<Entry> = self.entries(room).iter().map(|entry| self.redacted(entry)).collect();
        if ours == stored {
            return Ok(());
        }
        let end = ours.len().max(stored.len());
        let at = (0..end).find(|index| ours.get(*index) != stored.get(*index)).unwrap_or(end);
        broken(format!(
            "the log of {room} has {} entries on disk and {} were committed; they differ from {} on",
            stored.len(),
            ours.len(),
            at + 1
        ))
    }

    /// Checks that a committed entry does what the person meant.
    pub(crate) fn check_meant(&self, entry: &Entry, made: &Made) -> Check {
        let cmid_of = |seq: Seq| self.entry(&entry.room, seq).and_then(|entry| entry.cmid);
        let as_meant = match (&entry.what, &made.what) {
            (EntryKind::Posted { body, reply_to, .. }, Meant::Post { body: meant, reply_to: to }) => {
                // An answer to a message that a restore has lost is no answer any more.
                body == meant && reply_to.is_none_or(|seq| cmid_of(seq) == *to)
            }
            (EntryKind::Edited { seq, body }, Meant::Edit { of, body: meant }) => {
                body == meant && cmid_of(*seq) == Some(*of)
            }
            (EntryKind::Reacted { seq, emoji }, Meant::React { of, emoji: meant, on: true })
            | (EntryKind::Unreacted { seq, emoji }, Meant::React { of, emoji: meant, on: false }) => {
                emoji == meant && cmid_of(*seq) == Some(*of)
            }
            (EntryKind::Deleted { seq }, Meant::Delete { of }) => cmid_of(*seq) == Some(*of),
            _ => false,
        };
        if as_meant && entry.room == made.room && entry.by == made.by {
            return Ok(());
        }
        broken(format!("entry {} of {} is not what {} meant: {made:?}", entry.seq, entry.room, entry.by))
    }
}

fn same(standing: &[Standing<'_>], messages: &[Message]) -> bool {
    standing.len() == messages.len() && standing.iter().zip(messages).all(|(due, message)| due.is(message))
}

impl From<String> for Broken {
    fn from(words: String) -> Self {
        Self(words)
    }
}
