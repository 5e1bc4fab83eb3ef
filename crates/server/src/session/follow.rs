//! Following rooms: replay from a cursor until it is live, without a hole, and back to the cursor when frames were dropped.

use std::collections::VecDeque;
use std::sync::Arc;

use madang_protocol::{RefusalCode, RoomId, Seq, ServerFrame, UnixMs};
use rustc_hash::FxHashSet;

use super::{Outgoing, Session};
use crate::access::{Action, Grant};
use crate::encoded::Committed;
use crate::hub::{Attached, ReplaySource};
use crate::refusal::Refusal;
use crate::room::Rooms;
use crate::simulation::bound;
use crate::snapshot_cache::SnapshotFrame;
use crate::store::entry_bytes;

/// A cursor further behind than this is answered with a snapshot instead of a replay: it is what the reader
/// wants to see, and smaller.
pub(super) const MAX_REPLAY: Seq = 1_000;

/// Entries that one step of a replay reads from the log.
const REPLAY_STEP: usize = 32;

/// Least pause of a replay whose address has used up its budget of reading. Milliseconds.
const LEAST_PAUSE_MS: u32 = 50;

/// One followed room.
#[derive(Debug)]
pub(super) struct Follow {
    /// The newest entry that this client was sent, or has by its cursor or a snapshot.
    sent: Seq,
    /// True if the hub queues later entries; otherwise the session is behind.
    live: bool,
}

/// Reasons why a room is not followed.
#[derive(Debug)]
pub enum NoFollow {
    /// It may not be.
    Refused(Refusal),
    /// The cursor is ahead of the log, whose head this is: it is not of this log.
    Ahead(Seq),
}

impl Session {
    /// Follows a room from a usable cursor, or from a snapshot. Returns true for the cursor. A refusal leaves what was
    /// followed before as it is.
    pub(super) async fn watch(
        &mut self,
        room: RoomId,
        after: Option<Seq>,
        now: UnixMs,
        out: &mut Vec<Outgoing>,
    ) -> bool {
        if self.is_full(&room) {
            self.refuse(RefusalCode::TooManyRooms, Some(room), out);
            return false;
        }
        let (rooms, grant) = (&self.rooms, self.allow(&room, Action::Read));
        let cursor = async move { usable(rooms, &grant?, after).await };
        match cursor.await {
            Ok(Some(cursor)) => {
                self.unwatch(&room);
                self.follow_from(room, cursor);
                return true;
            }
            Ok(None) => match self.snapshot(&room, now).await {
                Ok(snapshot) => {
                    self.unwatch(&room);
                    self.introduce_all(&snapshot, out);
                    out.push(Outgoing::Shared(snapshot.json.clone()));
                    self.follow_from(room, snapshot.head);
                    // Mostly nothing was written meanwhile: one write carries all of it.
                    self.go_live_at_once(out);
                }
                Err(refusal) => self.refuse(refusal, Some(room), out),
            },
            Err(refusal) => self.refuse(refusal, Some(room), out),
        }
        false
    }

    /// Names those of a snapshot whom this client has not met. One that has met nobody gets what all such clients get.
    fn introduce_all(&mut self, snapshot: &SnapshotFrame, out: &mut Vec<Outgoing>) {
        let is_first = self.known.is_empty() && snapshot.people.iter().all(|person| person.id != self.you.id);
        if !is_first {
            self.introduce(&snapshot.people, out);
        } else if !snapshot.people.is_empty() {
            self.known.extend(snapshot.people.iter().map(|person| person.id.clone()));
            out.push(Outgoing::Shared(snapshot.people_json.clone()));
        }
    }

    async fn snapshot(&mut self, room: &RoomId, now: UnixMs) -> Result<Arc<SnapshotFrame>, Refusal> {
        let grant = self.allow(room, Action::Read)?;
        let reading = self.rooms.begin_read(&self.actor, now)?;
        let snapshot = self.rooms.snapshot_frame(&grant).await;
        reading.end(snapshot.as_ref().map_or(0, |snapshot| snapshot.json.len()));
        snapshot
    }

    /// Follows a room from a cursor of this epoch, however far behind it is, or from the head; never by a snapshot:
    /// for protocols that have none. A room that is followed already is followed from there anew. Answers the cursor.
    ///
    /// # Errors
    /// No such room, or more than a session may follow; a cursor ahead of the log. Nothing has changed then.
    pub fn follow(&mut self, room: &RoomId, after: Option<Seq>) -> Result<Seq, NoFollow> {
        if self.is_full(room) {
            return Err(NoFollow::Refused(RefusalCode::TooManyRooms.into()));
        }
        let head = self.head(room).map_err(NoFollow::Refused)?;
        let cursor = after.unwrap_or(head);
        if cursor > head {
            return Err(NoFollow::Ahead(head));
        }
        self.unwatch(room);
        self.follow_from(room.clone(), cursor);
        Ok(cursor)
    }

    fn is_full(&self, room: &RoomId) -> bool {
        let bound = self.rooms.limits().rooms as usize;
        bound != 0 && self.follows.len() >= bound && !self.follows.contains_key(room)
    }

    /// Stops following a room.
    pub fn unwatch(&mut self, room: &RoomId) {
        if self.follows.remove(room).is_some() {
            self.hub().detach(room, self.id);
        }
    }

    /// Returns true if some room has to be read on from the log; [`Session::catch_up`] does.
    pub fn is_behind(&self) -> bool {
        !self.behind.is_empty()
    }

    fn follow_from(&mut self, room: RoomId, cursor: Seq) {
        let room = self.hub().shared(&room);
        self.follows.insert(room.clone(), Follow { sent: cursor, live: false });
        self.behind.push_back(room);
    }

    /// One step towards live for one room that is behind: everything the hub still holds, or the next few
    /// entries of the log.
    pub async fn catch_up(&mut self, now: UnixMs, out: &mut Vec<Outgoing>) {
        let Some(room) = self.behind.pop_front() else { return };
        if self.behind.is_empty() {
            self.behind = VecDeque::new();
        }
        if let Some(sent) = self.go_live(&room, out) {
            self.replay(room, sent, now, out).await;
        }
    }

    /// Tries to let the room that was followed last go live.
    fn go_live_at_once(&mut self, out: &mut Vec<Outgoing>) {
        let Some(room) = self.behind.pop_back() else { return };
        if self.go_live(&room, out).is_some() {
            self.behind.push_back(room);
        } else if self.behind.is_empty() {
            self.behind = VecDeque::new();
        }
    }

    /// Lets a room go live that is behind, if the hub holds everything after what was sent. Returns what was sent if it
    /// has to be read on from the log.
    fn go_live(&mut self, room: &RoomId, out: &mut Vec<Outgoing>) -> Option<Seq> {
        let Some(Follow { sent, live: false }) = self.follows.get(room) else { return None };
        let sent = *sent;
        if let Err(refusal) = self.head(room) {
            // It was closed, and what would have told so was dropped with the queue.
            self.follows.remove(room);
            self.refuse(refusal, Some(room.clone()), out);
            return None;
        }
        let Attached::Live(entries) = self.hub().attach(room, self.id, &self.queue, sent) else {
            return Some(sent);
        };
        if let Some(follow) = self.follows.get_mut(room) {
            follow.live = true;
        }
        for committed in entries {
            self.deliver_entry(&committed, out);
        }
        // An entry that did not follow has put us behind again.
        if let Some(Follow { sent, live: true }) = self.follows.get(room) {
            out.push(ServerFrame::Live { room: room.clone(), head: *sent }.into());
        }
        None
    }

    async fn replay(&mut self, room: RoomId, sent: Seq, now: UnixMs, out: &mut Vec<Outgoing>) {
        let reading = match self.rooms.begin_read(&self.actor, now) {
            Ok(reading) => reading,
            Err(refusal) => {
                // Not refused: who reads a long log reads it slower, and gets what is new in other rooms meanwhile.
                self.replay_pause_ms = refusal.retry_after_ms.unwrap_or(LEAST_PAUSE_MS).max(LEAST_PAUSE_MS);
                self.behind.push_back(room);
                return;
            }
        };
        let step = bound(REPLAY_STEP, |bounds| bounds.replay_step);
        let grant = self.allow(&room, Action::Read);
        let read = async { self.rooms.entries_after(&grant?, sent, step).await };
        match read.await {
            Ok(entries) => {
                let bytes = entries.iter().map(|committed| entry_bytes(&committed.entry)).sum();
                reading.end(bytes);
                for committed in entries {
                    self.send_entry(&Arc::new(committed), out);
                }
                self.behind.push_front(room);
            }
            Err(refusal) => {
                reading.end(0);
                // The client keeps its cursor, and watches again when it likes.
                self.follows.remove(&room);
                self.refuse(refusal, Some(room), out);
            }
        }
    }

    /// The hub's queue was dropped: every room is read on from the log, and what was in the queue besides
    /// entries is sent anew.
    pub async fn recover(&mut self, out: &mut Vec<Outgoing>) {
        for (room, follow) in &mut self.follows {
            if std::mem::take(&mut follow.live) {
                self.rooms.hub().detach(room, self.id);
                self.behind.push_back(room.clone());
            }
        }
        self.known = FxHashSet::default();
        let cursors: Vec<_> = self.follows.iter().map(|(room, follow)| (room.clone(), follow.sent)).collect();
        self.meet_again(&cursors, out);
        if let Ok(rooms) = self.list().await {
            out.push(ServerFrame::Rooms { rooms }.into());
        }
    }

    /// Passes an entry of a live room on. An entry that was sent already is dropped; a hole puts the room behind.
    pub(super) fn deliver_entry(&mut self, committed: &Arc<Committed>, out: &mut Vec<Outgoing>) {
        let Some(follow) = self.follows.get_mut(&committed.entry.room).filter(|follow| follow.live) else {
            return;
        };
        if committed.entry.seq == follow.sent + 1 {
            follow.sent = committed.entry.seq;
            self.say_entry(committed.clone(), out);
        } else if committed.entry.seq > follow.sent {
            follow.live = false;
            self.behind.push_back(committed.entry.room.clone());
            self.hub().detach(&committed.entry.room, self.id);
        }
    }

    /// Sends an entry if it is the next one of its room.
    fn send_entry(&mut self, committed: &Arc<Committed>, out: &mut Vec<Outgoing>) {
        let Some(follow) = self.follows.get_mut(&committed.entry.room) else { return };
        if committed.entry.seq != follow.sent + 1 {
            return;
        }
        follow.sent = committed.entry.seq;
        self.say_entry(committed.clone(), out);
    }

    fn say_entry(&mut self, committed: Arc<Committed>, out: &mut Vec<Outgoing>) {
        self.introduce_encoded(&committed.author, out);
        out.push(Outgoing::Entry(committed));
    }
}

/// The cursor, if the log can be read on from it: not ahead of the log, and not too far behind, in entries or
/// in bytes.
async fn usable(rooms: &Rooms, grant: &Grant, after: Option<Seq>) -> Result<Option<Seq>, Refusal> {
    let head = rooms.head(grant)?;
    let Some(cursor) = after.filter(|cursor| *cursor <= head && head - cursor <= MAX_REPLAY) else {
        return Ok(None);
    };
    let usable = rooms.replay_source(grant.room(), cursor).await != ReplaySource::TooFar;
    Ok(usable.then_some(cursor))
}
