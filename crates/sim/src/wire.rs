//! Checks of a client's connection: frame by frame, as they leave the session.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use madang_protocol::{ClientFrame, Cmid, Entry, Operation, RefusalCode, RoomId, Seq, ServerFrame, UserId};

use crate::model::Log;
use crate::{Check, broken};

/// One connection's view of the truth.
#[derive(Debug)]
pub(crate) struct Wire {
    user: UserId,
    /// The followed rooms.
    rooms: BTreeMap<RoomId, Followed>,
    /// People whose names were sent.
    named: BTreeSet<UserId>,
    welcomed: bool,
    /// Reactions that were asked for, and their messages: one that changes nothing is done as its message.
    reactions: BTreeMap<Cmid, Seq>,
    /// Writes that were asked for, in their order, up to the last answer.
    asked: VecDeque<Cmid>,
    /// Rooms that were closed before its hello.
    closed: BTreeSet<RoomId>,
    /// The read markers at its hello. One that moves while the welcome is made is sent after it.
    marks: BTreeMap<RoomId, Seq>,
}

#[derive(Debug, Default)]
struct Followed {
    /// The newest entry that was sent, or that the client has by its cursor or a snapshot.
    cursor: Option<Seq>,
    live: bool,
    /// Cursors before the last watch.
    before: Vec<Seq>,
    /// The same, once something about the room was refused: a refused watch leaves the room followed from there.
    refused: Vec<Seq>,
}

impl Followed {
    /// Goes on from `cursor`, if the room is followed from there. Returns whether it is.
    fn goes_on_from(&mut self, cursor: Seq) -> bool {
        let is_known = self.cursor == Some(cursor) || self.refused.contains(&cursor);
        if is_known {
            *self = Self { cursor: Some(cursor), live: self.live, ..Self::default() };
        }
        is_known
    }
}

impl Wire {
    pub(crate) fn new(user: UserId) -> Self {
        let named = BTreeSet::from([user.clone()]);
        Self {
            user,
            rooms: BTreeMap::new(),
            named,
            welcomed: false,
            reactions: BTreeMap::new(),
            asked: VecDeque::new(),
            closed: BTreeSet::new(),
            marks: BTreeMap::new(),
        }
    }

    /// The session was given this frame. Its cursors are checked by `log`.
    pub(crate) fn heard(&mut self, frame: &ClientFrame, log: &Log) {
        if let Ok((_, cmid, _)) = Operation::from_frame(frame.clone()) {
            self.asked.push_back(cmid);
        }
        match frame {
            ClientFrame::Hello { resume, epoch, .. } => {
                self.marks = log.marks_of(&self.user);
                self.closed = log.closed();
                for point in resume {
                    let cursor = (epoch.as_ref() == Some(&log.epoch)).then_some(point.seq);
                    self.follow(&point.room, cursor, log);
                }
            }
            ClientFrame::Watch { room, after } => self.follow(room, *after, log),
            ClientFrame::Unwatch { room } => _ = self.rooms.remove(room),
            ClientFrame::React { cmid, seq, .. } | ClientFrame::Unreact { cmid, seq, .. } => {
                self.reactions.insert(*cmid, *seq);
            }
            _ => {}
        }
    }

    fn follow(&mut self, room: &RoomId, cursor: Option<Seq>, log: &Log) {
        let cursor = cursor.filter(|cursor| *cursor <= log.head(room));
        let old = self.rooms.remove(room).unwrap_or_default();
        let before = old.cursor.into_iter().chain(old.refused).collect();
        self.rooms.insert(room.clone(), Followed { cursor, before, ..Followed::default() });
    }

    /// The session sends this frame.
    pub(crate) fn said(&mut self, frame: &ServerFrame, log: &Log) -> Check {
        if !self.welcomed && !matches!(frame, ServerFrame::Welcome { .. } | ServerFrame::Bye { .. }) {
            return broken("something was said before welcome");
        }
        match frame {
            ServerFrame::Welcome { you, epoch, rooms, .. } => {
                self.welcomed = true;
                if you.id != self.user || *epoch != log.epoch {
                    return broken("welcome names somebody else, or another epoch");
                }
                for info in rooms {
                    no_lie(&info.room, info.head, log)?;
                    log.check_listed(info)?;
                    if self.closed.contains(&info.room) {
                        return broken(format!("{} was listed, and is closed", info.room));
                    }
                    check_unread(info, &self.user, log)?;
                    self.check_mark(&info.room, info.read)?;
                }
                Ok(())
            }
            ServerFrame::Rooms { rooms } => rooms.iter().try_for_each(|info| {
                no_lie(&info.room, info.head, log)?;
                log.check_listed(info)
            }),
            ServerFrame::RoomChanged { room, title } => log.check_changed(room, title.as_deref()),
            ServerFrame::People { people } => {
                self.named.extend(people.iter().map(|person| person.id.clone()));
                Ok(())
            }
            ServerFrame::Snapshot(snapshot) => {
                log.check_snapshot(snapshot)?;
                snapshot.messages.iter().try_for_each(|message| self.knows(&message.by))?;
                let Some(followed) = self.rooms.get_mut(&snapshot.room) else {
                    return broken(format!("a snapshot of {}, which is not followed", snapshot.room));
                };
                *followed = Followed { cursor: Some(snapshot.head), ..Followed::default() };
                Ok(())
            }
            ServerFrame::Entry(entry) => self.entry(entry, log),
            ServerFrame::Live { room, head } => {
                no_lie(room, *head, log)?;
                let Some(followed) = self.rooms.get_mut(room) else {
                    return broken(format!("{room} is said to be live, but is not followed"));
                };
                if !followed.goes_on_from(*head) {
                    let cursor = followed.cursor;
                    return broken(format!(
                        "{room} is said to be live at {head}, but was told up to {cursor:?}"
                    ));
                }
                followed.live = true;
                Ok(())
            }
            ServerFrame::Done { cmid, room, seq } => {
                self.answered(*cmid)?;
                self.done(*cmid, room, *seq, log)
            }
            ServerFrame::Refused { cmid, code, room, retry_after_ms, .. } => {
                cmid.map_or(Ok(()), |cmid| self.answered(cmid))?;
                self.refused(*cmid, *code, room.as_ref(), retry_after_ms.is_some(), log)
            }
            ServerFrame::Page { room, head, messages, before, after, .. } => {
                messages.iter().try_for_each(|message| self.knows(&message.by))?;
                log.check_page(room, *head, messages, (*before, *after))
            }
            ServerFrame::Heads { heads } => heads.iter().try_for_each(|(room, head)| {
                if !self.rooms.contains_key(room) {
                    return broken(format!("the head of {room}, which is not followed"));
                }
                no_lie(room, *head, log)
            }),
            ServerFrame::Presence { here, .. } => here.iter().try_for_each(|user| self.knows(user)),
            ServerFrame::Typing { by, .. } => self.knows(by),
            ServerFrame::Read { room, seq, head, .. } => no_lie(room, *seq.max(head), log),
            ServerFrame::Bye { .. } | ServerFrame::Unknown => Ok(()),
        }
    }

    /// A person who comes back finds their read marker where it was, or further.
    fn check_mark(&self, room: &RoomId, read: Seq) -> Check {
        match self.marks.get(room) {
            Some(mark) if *mark > read => {
                broken(format!("the read marker of {} in {room} went back from {mark} to {read}", self.user))
            }
            _ => Ok(()),
        }
    }

    fn entry(&mut self, entry: &Entry, log: &Log) -> Check {
        self.knows(&entry.by)?;
        let (room, seq) = (&entry.room, entry.seq);
        let Some(followed) = self.rooms.get_mut(room) else {
            return broken(format!("entry {seq} of {room}, which is not followed"));
        };
        if !followed.goes_on_from(seq.saturating_sub(1)) {
            return broken(format!("entry {seq} of {room} was told after {:?}", followed.cursor));
        }
        followed.cursor = Some(seq);
        let Some(durable) = log.entry(room, seq) else {
            return broken(format!("entry {seq} of {room} was told, and is not durable"));
        };
        if entry != durable && *entry != log.redacted(durable) {
            return broken(format!("entry {seq} of {room} was told differently: {entry:?}, not {durable:?}"));
        }
        Ok(())
    }

    /// Answers keep the order of the questions.
    fn answered(&mut self, cmid: Cmid) -> Check {
        while let Some(asked) = self.asked.pop_front() {
            if asked == cmid {
                return Ok(());
            }
        }
        broken(format!("write {cmid} was answered after a later one, or twice, or was never asked for"))
    }

    fn done(&self, cmid: Cmid, room: &RoomId, seq: Seq, log: &Log) -> Check {
        match log.find(&self.user, cmid) {
            Some((at, of)) if at == room && *of == seq => Ok(()),
            None if self.reactions.get(&cmid) == Some(&seq) && log.entry(room, seq).is_some() => Ok(()),
            found => {
                broken(format!("write {cmid} was said to be done as {room} {seq}; the log has {found:?}"))
            }
        }
    }

    fn refused(
        &mut self,
        cmid: Option<Cmid>,
        code: RefusalCode,
        room: Option<&RoomId>,
        again: bool,
        log: &Log,
    ) -> Check {
        match (cmid, room) {
            // Something may be tried again though it is in the log meanwhile; what is refused for good must not be.
            (Some(cmid), _) if !again && log.find(&self.user, cmid).is_some() => {
                broken(format!("write {cmid} is in the log, and was refused for good: {code:?}"))
            }
            (None, Some(room)) => {
                // A watch or a read marker: the room may be followed still.
                if let Some(followed) = self.rooms.get_mut(room) {
                    followed.live = false;
                    followed.refused.extend(std::mem::take(&mut followed.before));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn knows(&self, user: &UserId) -> Check {
        if self.named.contains(user) { Ok(()) } else { broken(format!("{user} was named to nobody")) }
    }

    /// The followed rooms whose place the client knows, with its cursors.
    pub(crate) fn cursors(&self) -> impl Iterator<Item = (&RoomId, Seq)> {
        self.rooms.iter().filter_map(|(room, followed)| Some((room, followed.cursor?)))
    }

    /// The session has nothing left to send and nothing queued: what is live was sent all that the hub had.
    pub(crate) fn idle(&self, head: impl Fn(&RoomId) -> Option<Seq>) -> Check {
        for (room, followed) in &self.rooms {
            if followed.live && followed.cursor < head(room) {
                return broken(format!(
                    "{} was told {room} up to {:?}, and nothing more comes; the hub has {:?}",
                    self.user,
                    followed.cursor,
                    head(room)
                ));
            }
        }
        Ok(())
    }
}

/// Nobody is sent an entry that is not durable.
fn no_lie(room: &RoomId, head: Seq, log: &Log) -> Check {
    if head <= log.head(room) {
        return Ok(());
    }
    broken(format!("{room} was said to reach {head}, but the log ends at {}", log.head(room)))
}

/// The count of unread messages is that of the room as it stood at the head it is sent with.
pub(crate) fn check_unread(info: &madang_protocol::RoomInfo, user: &UserId, log: &Log) -> Check {
    let counted = log.unread(&info.room, info.head, info.read, user);
    if counted == info.unread as usize {
        return Ok(());
    }
    broken(format!(
        "{user} was told of {} unread in {} at {} after {}; there are {counted}",
        info.unread, info.room, info.head, info.read
    ))
}
