//! The rooms, with their newest messages for the unread count, and some of those messages in full.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, VecDeque};

use madang_protocol::{EntryKind, LOBBY, Message, Person, RoomId, RoomInfo, Seq, UnixMs, UserId};

use super::super::read_limit::ReadLimit;
use super::super::reads::parted;
use super::super::rows::RoomKey;
use super::super::{Committed, RoomState, UNREAD_MAX, UNREAD_SEEN, reactors};
use super::KEPT_MESSAGES;
use super::people::Member;

/// Most bytes of messages that are kept, of all rooms together. Beyond, the rooms whose messages have been
/// kept the longest let them go; they are read again when somebody asks.
const MESSAGE_BYTES: usize = 32 * 1024 * 1024;

/// Cost of a message besides its text.
const MESSAGE_COST: usize = 256;

/// The author of a message that is deleted: nobody.
pub(super) const NOBODY: i64 = 0;

/// The table.
#[derive(Default)]
pub(super) struct Rooms {
    rooms: BTreeMap<RoomKey, Room>,
    by_id: HashMap<RoomId, RoomKey>,
    /// The rooms whose messages are kept, the longest kept first.
    kept: VecDeque<RoomKey>,
    bytes: usize,
}

/// One room.
pub(super) struct Room {
    pub(super) id: RoomId,
    pub(super) title: String,
    pub(super) head: Seq,
    pub(super) last_at: UnixMs,
    /// The newest [`UNREAD_SEEN`] messages, in their order.
    pub(super) posts: VecDeque<Post>,
    pub(super) newest: Option<RecentMessages>,
}

/// Facts that are kept of every message for as long as it may be unread.
pub(super) struct Post {
    pub(super) seq: Seq,
    /// The author, or [`NOBODY`].
    pub(super) by: i64,
    /// Messages of all rooms up to it.
    pub(super) turn: i64,
}

/// A room's newest messages.
pub(super) struct RecentMessages {
    /// The newest entry that they contain. The room's own head may be about to be updated.
    head: Seq,
    /// With the author's key, and name now; oldest first, at most [`KEPT_MESSAGES`].
    messages: VecDeque<(i64, Message, Person)>,
    /// People who reacted, with their keys; at most [`reactors::MAX`], of whom those go who are named no more.
    reactors: Vec<(i64, Person)>,
    /// True if there are older ones.
    before: bool,
    bytes: usize,
}

impl Rooms {
    /// Adds a room.
    pub(super) fn insert(&mut self, key: RoomKey, room: Room) {
        self.by_id.insert(room.id.clone(), key);
        self.rooms.insert(key, room);
    }

    /// An entry was committed.
    pub(super) fn enter(&mut self, key: RoomKey, by: i64, turn: i64, committed: &Committed) {
        let entry = &committed.entry;
        if let EntryKind::Opened { title } = &entry.what {
            let (id, title) = (entry.room.clone(), title.clone());
            let room = Room { id, title, head: 0, last_at: 0, posts: VecDeque::new(), newest: None };
            self.insert(key, room);
        }
        if matches!(entry.what, EntryKind::Closed {}) {
            return self.remove(key);
        }
        let Some(room) = self.rooms.get_mut(&key) else { return };
        if entry.seq > room.head {
            room.enter(by, turn, committed);
        }
        if let Some(newest) = &mut room.newest
            && entry.seq > newest.head
        {
            self.bytes -= newest.bytes;
            newest.enter(by, committed);
            self.bytes += newest.bytes;
            self.let_go();
        }
    }

    fn remove(&mut self, key: RoomKey) {
        let Some(room) = self.rooms.remove(&key) else { return };
        self.by_id.remove(&room.id);
        self.kept.retain(|kept| *kept != key);
        self.bytes -= room.newest.map_or(0, |newest| newest.bytes);
    }

    /// The rooms in which nobody wrote anything since they were opened, at or before `then`.
    pub(super) fn unused(&self, then: UnixMs) -> Vec<RoomId> {
        let is_unused =
            |room: &&Room| room.posts.is_empty() && room.last_at <= then && room.id.as_str() != LOBBY;
        self.rooms.values().filter(is_unused).map(|room| room.id.clone()).collect()
    }

    /// Keeps a room's messages.
    pub(super) fn keep(&mut self, key: RoomKey, newest: RecentMessages) {
        let Some(room) = self.rooms.get_mut(&key) else { return };
        if room.newest.is_none() {
            self.bytes += newest.bytes;
            room.newest = Some(newest);
            self.kept.push_back(key);
            self.let_go();
        }
    }

    fn let_go(&mut self) {
        while self.bytes > MESSAGE_BYTES {
            let Some(key) = self.kept.pop_front() else { break };
            if let Some(newest) = self.rooms.get_mut(&key).and_then(|room| room.newest.take()) {
                self.bytes -= newest.bytes;
            }
        }
    }

    pub(super) fn rename(&mut self, key: i64, renamed: &Person) {
        for newest in self.rooms.values_mut().filter_map(|room| room.newest.as_mut()) {
            let authors = newest.messages.iter_mut().map(|(by, _, person)| (by, person));
            let reactors = newest.reactors.iter_mut().map(|(by, person)| (by, person));
            for (_, person) in authors.chain(reactors).filter(|(by, _)| **by == key) {
                person.clone_from(renamed);
            }
        }
    }

    /// The newest message's turn.
    pub(super) fn turn(&self) -> i64 {
        let newest = self.rooms.values().filter_map(|room| room.posts.back());
        newest.map(|post| post.turn).max().unwrap_or_default()
    }

    pub(super) fn key(&self, room: &RoomId) -> Option<RoomKey> {
        self.by_id.get(room).copied()
    }

    pub(super) fn head(&self, room: &RoomId) -> Option<Seq> {
        self.get(room).map(|room| room.head)
    }

    pub(super) fn head_at(&self, room: &RoomId, seq: Seq) -> Option<UnixMs> {
        self.get(room).filter(|room| room.head == seq).map(|room| room.last_at)
    }

    /// The oldest room first.
    pub(super) fn heads(&self) -> Vec<(RoomId, Seq)> {
        self.rooms.values().map(|room| (room.id.clone(), room.head)).collect()
    }

    pub(super) fn keeps(&self, room: &RoomId) -> bool {
        self.get(room).is_some_and(|room| room.newest.is_some())
    }

    pub(super) fn snapshot(&self, room: &RoomId, most: ReadLimit) -> Option<RoomState> {
        let room = self.get(room)?;
        let newest = room.newest.as_ref()?;
        let mut count = most.count();
        let fitting = newest.messages.iter().rev().take_while(|(_, message, _)| count.takes(message)).count();
        let skip = newest.messages.len() - fitting;
        let authored = newest.messages.iter().skip(skip);
        let (messages, mut people) =
            parted(authored.map(|(_, message, author)| (message.clone(), author.clone())).collect());
        let named = reactors::named(messages.iter());
        let known = |id: &&UserId| newest.reactors.iter().find(|(_, person)| person.id == **id);
        reactors::add(&mut people, named.iter().filter_map(known).map(|(_, person)| person.clone()));
        let before = newest.before || skip > 0;
        Some(RoomState { title: room.title.clone(), head: newest.head, messages, before, people })
    }

    /// The most recently active first, the lobby always among them.
    pub(super) fn list(&self, reader: Option<&Member>, limit: usize) -> Vec<RoomInfo> {
        let mut rooms: Vec<(RoomKey, &Room)> = self.rooms.iter().map(|(key, room)| (*key, room)).collect();
        let recency = |(key, room): &(RoomKey, &Room)| Reverse((room.last_at, *key));
        if rooms.len() > limit {
            rooms.sort_unstable_by_key(|of| (of.1.id.as_str() != LOBBY, recency(of)));
            rooms.truncate(limit.max(1));
        }
        rooms.sort_unstable_by_key(recency);
        rooms.into_iter().map(|(key, room)| room.info(key, reader)).collect()
    }

    fn get(&self, room: &RoomId) -> Option<&Room> {
        self.rooms.get(self.by_id.get(room)?)
    }
}

impl Room {
    fn enter(&mut self, by: i64, turn: i64, committed: &Committed) {
        let entry = &committed.entry;
        self.head = entry.seq;
        self.last_at = entry.at;
        match &entry.what {
            EntryKind::Posted { .. } => {
                self.posts.push_back(Post { seq: entry.seq, by, turn });
                if self.posts.len() > UNREAD_SEEN as usize {
                    self.posts.pop_front();
                }
            }
            EntryKind::Deleted { seq } => {
                let found = self.posts.binary_search_by_key(seq, |post| post.seq).ok();
                if let Some(post) = found.and_then(|at| self.posts.get_mut(at)) {
                    post.by = NOBODY;
                }
            }
            EntryKind::Renamed { title } => title.clone_into(&mut self.title),
            _ => {}
        }
    }

    fn info(&self, key: RoomKey, reader: Option<&Member>) -> RoomInfo {
        let read = reader
            .map_or(0, |reader| reader.marker(key).unwrap_or_else(|| self.initial_marker(reader.arrived)));
        let unread = reader.map_or(0, |reader| self.unread(read, reader.key));
        RoomInfo { room: self.id.clone(), title: self.title.clone(), head: self.head, read, unread }
    }

    /// Before the first message that came after the reader did, or at the head.
    fn initial_marker(&self, arrived: i64) -> Seq {
        if arrived < 0 {
            return 0;
        }
        let first = self.posts.partition_point(|post| post.turn <= arrived);
        self.posts.get(first).map_or(self.head, |post| post.seq.saturating_sub(1))
    }

    fn unread(&self, read: Seq, reader: i64) -> u32 {
        let after = self.posts.iter().rev().take_while(|post| post.seq > read);
        let others = after.filter(|post| post.by != reader && post.by != NOBODY);
        u32::try_from(others.take(UNREAD_MAX as usize).count()).unwrap_or(UNREAD_MAX)
    }
}

impl RecentMessages {
    /// A room's messages when `head` was its newest entry.
    pub(super) fn new(
        head: Seq,
        messages: VecDeque<(i64, Message, Person)>,
        reactors: Vec<(i64, Person)>,
        before: bool,
    ) -> Self {
        let bytes = messages.iter().map(|(_, message, _)| bytes(message)).sum();
        Self { head, messages, reactors, before, bytes }
    }

    fn enter(&mut self, by: i64, committed: &Committed) {
        let entry = &committed.entry;
        self.head = entry.seq;
        if let Some(message) = Message::from_posted(entry) {
            self.bytes += bytes(&message);
            self.messages.push_back((by, message, committed.author.person.clone()));
            if self.messages.len() > KEPT_MESSAGES {
                self.before = true;
                self.bytes -= self.messages.pop_front().map_or(0, |(_, oldest, _)| bytes(&oldest));
            }
        }
        let Some(target) = entry.what.target() else { return };
        let found = self.messages.iter_mut().find(|(_, message, _)| message.seq == target);
        if let Some((_, message, _)) = found {
            self.bytes -= bytes(message);
            let reacted =
                message.apply(entry) && message.reactions.iter().any(|it| it.by.contains(&entry.by));
            self.bytes += bytes(message);
            if reacted {
                self.reacted(by, &committed.author.person);
            }
        }
    }

    fn reacted(&mut self, by: i64, person: &Person) {
        if self.reactors.iter().any(|(known, _)| *known == by) {
            return;
        }
        if self.reactors.len() >= reactors::MAX {
            let named = reactors::named(self.messages.iter().map(|(_, message, _)| message));
            self.reactors.retain(|(_, person)| named.contains(&&person.id));
        }
        if self.reactors.len() < reactors::MAX {
            self.reactors.push((by, person.clone()));
        }
    }
}

fn bytes(message: &Message) -> usize {
    MESSAGE_COST
        + message.body.as_deref().map_or(0, str::len)
        + message.headers.bytes()
        + message.reactions.bytes()
}
