//! The store's cache: data kept in memory, so that thousands who come back at once are welcomed without a read each:
//! people with their logins and read markers, the rooms, which of their newest messages stand, and the newest messages
//! themselves.
//!
//! It cannot differ from the log. It is loaded from the database before anything is written, and the writer,
//! which alone changes the database, updates it with each commit before it answers. Data loaded later is read and put
//! in place while the writer's update has to wait ([`Cache::load`]); what that read saw already, the update changes
//! once more into the same.

mod bans;
mod bots;
mod load;
mod people;
mod renames;
mod rooms;

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use madang_protocol::{Person, RoomId, RoomInfo, Seq, UnixMs, UserId};
use rusqlite::Connection;

use super::cache_update::CacheUpdate;
use super::read_limit::ReadLimit;
use super::rows::{self, ReadError};
use super::{Ban, Bot, Committed, Newcomer, RoomState};

use crate::network::Network;
use bans::Bans;
use bots::Bots;
pub(super) use load::{entries as newest_entries, key_of_user, markers};
use people::{Member, People};
use renames::Renames;
use rooms::Rooms;

/// Messages of a room that are kept as a snapshot shows them.
pub const KEPT_MESSAGES: usize = 50;

/// The tables, and the gate that puts loading and the writer's news one after the other.
pub(super) struct Cache {
    /// Taken before the tables. Held while the database is read, so only threads of the store take it.
    gate: Mutex<()>,
    tables: RwLock<Tables>,
}

struct Tables {
    people: People,
    bots: Bots,
    bans: Bans,
    rooms: Rooms,
    /// Names that were changed since the start.
    renames: u64,
    renamed: Renames,
}

/// Changes whenever a snapshot of the room may have changed, and never back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// The newest entry.
    pub head: Seq,
    renames: u64,
}

impl Cache {
    /// Reads what is kept from a database that nobody writes meanwhile. Of people, the most that are kept.
    pub(super) fn open(sql: &Connection, people: usize) -> rusqlite::Result<Self> {
        let (people, rooms, mut bots) = (load::people(sql, people)?, load::rooms(sql)?, Bots::default());
        rows::bots(sql)?.into_iter().for_each(|bot| bots.insert(bot));
        let mut bans = Bans::default();
        load::bans(sql)?.into_iter().for_each(|(ban, at)| bans.insert(ban, at));
        let renamed = Renames::load(sql)?;
        let tables = Tables { people, bots, bans, rooms, renames: 0, renamed };
        Ok(Self { gate: Mutex::default(), tables: RwLock::new(tables) })
    }

    /// Applies what the writer committed.
    pub(super) fn apply(&self, entries: &[Committed], updates: Vec<CacheUpdate>) {
        if updates.is_empty() {
            return;
        }
        let _gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tables = self.change();
        let mut entries = entries.iter();
        for update in updates {
            tables.apply(update, &mut entries);
        }
    }

    // --- From memory. `None` if it is not there: load it.

    /// The person with this login, if it is anybody's.
    pub(super) fn login(&self, token_hash: &[u8; 32]) -> Option<Option<Person>> {
        let tables = self.look();
        match tables.people.login(token_hash) {
            Some(member) => Some(Some(member.person.clone())),
            None => tables.people.are_all().then_some(None),
        }
    }

    /// Returns true if this id is a user's, as far as memory knows.
    pub(super) fn is_taken(&self, user: &UserId) -> Option<bool> {
        let tables = self.look();
        let known = tables.people.of(user).is_some() || tables.bots.of(user).is_some();
        if known || *user == UserId::system() {
            return Some(true);
        }
        tables.people.are_all().then_some(false)
    }

    /// The rooms as `user` sees them, or nobody in particular.
    pub(super) fn list(
        &self,
        user: Option<&UserId>,
        newcomer: Option<&Newcomer>,
        limit: usize,
    ) -> Option<Vec<RoomInfo>> {
        let tables = self.look();
        let Some(user) = user else { return Some(tables.rooms.list(None, limit)) };
        match (tables.people.of(user), newcomer) {
            (Some(member), _) => Some(tables.rooms.list(Some(member), limit)),
            (None, Some(newcomer)) if tables.people.are_all() => {
                Some(tables.rooms.list(Some(&Member::of_newcomer(newcomer)), limit))
            }
            (None, _) => None,
        }
    }

    /// A room with its newest messages.
    pub(super) fn snapshot(&self, room: &RoomId, most: ReadLimit) -> Option<RoomState> {
        self.look().rooms.snapshot(room, most)
    }

    // --- From memory, always there.

    /// The bot whose token has this hash; a revoked one is none.
    pub(super) fn bot_by_token(&self, token_hash: &[u8; 32]) -> Option<Arc<Bot>> {
        self.look().bots.by_token(token_hash)
    }

    pub(super) fn bot(&self, user: &UserId) -> Option<Arc<Bot>> {
        self.look().bots.of(user)
    }

    pub(super) fn bots(&self) -> Vec<Arc<Bot>> {
        self.look().bots.all()
    }

    /// The newest message's turn.
    pub(super) fn turn(&self) -> i64 {
        self.look().rooms.turn()
    }

    /// Returns true if this person is banned, or everybody who comes from there.
    pub(super) fn is_banned(&self, user: Option<&UserId>, from: Option<Network>) -> bool {
        let tables = self.look();
        user.is_some_and(|user| tables.bans.has_person(user))
            || from.is_some_and(|from| tables.bans.has_network(from))
    }

    pub(super) fn bans(&self) -> Vec<(Ban, UnixMs)> {
        self.look().bans.all()
    }

    pub(super) fn unused_rooms(&self, then: UnixMs) -> Vec<RoomId> {
        self.look().rooms.unused(then)
    }

    pub(super) fn keeps(&self, room: &RoomId) -> bool {
        self.look().rooms.keeps(room)
    }

    pub(super) fn heads(&self) -> Vec<(RoomId, Seq)> {
        self.look().rooms.heads()
    }

    pub(super) fn version(&self, room: &RoomId) -> Option<Version> {
        let tables = self.look();
        Some(Version { head: tables.rooms.head(room)?, renames: tables.renames })
    }

    pub(super) fn renamed_since(&self, since: UnixMs) -> Vec<Person> {
        self.look().renamed.since(since)
    }

    /// The time of the room's newest entry, if that is `seq`.
    pub(super) fn head_at(&self, room: &RoomId, seq: Seq) -> Option<UnixMs> {
        self.look().rooms.head_at(room, seq)
    }

    // --- From the database. `sql` must not have read anything in its transaction yet.

    /// Reads and keeps the person with this login.
    pub(super) fn load_login(
        &self,
        sql: &Connection,
        token_hash: &[u8; 32],
    ) -> Result<Option<Person>, ReadError> {
        self.load(sql, || load::key_of_login(sql, token_hash), |_, member| Some(member?.person.clone()))
    }

    /// Reads and keeps this person, and lists the rooms as they see them. To nobody all counts are zero.
    pub(super) fn load_list(
        &self,
        sql: &Connection,
        user: &UserId,
        newcomer: Option<&Newcomer>,
        limit: usize,
    ) -> Result<Vec<RoomInfo>, ReadError> {
        let new = newcomer.map(Member::of_newcomer);
        let show = |rooms: &Rooms, member: Option<&Member>| rooms.list(member.or(new.as_ref()), limit);
        self.load(sql, || load::key_of_user(sql, user), show)
    }

    fn load<T>(
        &self,
        sql: &Connection,
        key: impl FnOnce() -> rusqlite::Result<Option<i64>>,
        show: impl FnOnce(&Rooms, Option<&Member>) -> T,
    ) -> Result<T, ReadError> {
        let _gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let member = match key()? {
            Some(key) => load::member(sql, key)?,
            None => None,
        };
        let mut tables = self.change();
        let shown = show(&tables.rooms, member.as_ref());
        member.into_iter().for_each(|member| tables.people.insert(member));
        Ok(shown)
    }

    /// Reads and keeps the room's newest messages.
    pub(super) fn load_messages(&self, sql: &Connection, room: &RoomId) -> Result<(), ReadError> {
        let _gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let key = self.look().rooms.key(room);
        let Some(key) = key else { return Ok(()) };
        let newest = load::messages(sql, key)?;
        self.change().rooms.keep(key, newest);
        Ok(())
    }

    fn look(&self) -> RwLockReadGuard<'_, Tables> {
        // Nothing panics while it holds this lock.
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Tables> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn apply<'a>(&mut self, update: CacheUpdate, entries: &mut impl Iterator<Item = &'a Committed>) {
        match update {
            CacheUpdate::Entry { room, by, turn } => {
                if let Some(committed) = entries.next() {
                    self.rooms.enter(room, by, turn.unwrap_or_default(), committed);
                }
            }
            CacheUpdate::Guest { key, user, token_hash, arrived } => {
                let person = Person::new(user, "");
                let (logins, markers) = (vec![token_hash], Vec::new());
                self.people.insert(Member { key, person, logins, arrived, markers });
            }
            CacheUpdate::Removed(keys) => keys.into_iter().for_each(|key| self.people.forget(key)),
            CacheUpdate::Bot { made, markers } => {
                let (key, person) = (made.key, made.bot.person.clone());
                self.people.insert(Member { key, person, logins: Vec::new(), arrived: -1, markers });
                self.bots.insert(made);
            }
            CacheUpdate::Banned { ban, at: Some(at) } => self.bans.insert(ban, at),
            CacheUpdate::Banned { ban, at: None } => self.bans.remove(&ban),
            CacheUpdate::Revoked { user, at } => self.bots.revoke(&user, at),
            CacheUpdate::Renamed { key, person, at } => {
                self.renames += 1;
                self.bots.rename(&person);
                self.people.rename(key, &person);
                self.rooms.rename(key, &person);
                self.renamed.add(at, person);
            }
            CacheUpdate::Read { key, room, seq } => self.people.read(key, room, seq),
        }
    }
}
