//! The store's interface for what the owner decides.

use madang_protocol::{Entry, Person, RoomId, Seq, UnixMs, UserId};

use super::{Ban, Bot, PendingWrite, RoomChange, Store, StoreError, bots, moderation};
use crate::network::Network;

impl Store {
    /// Makes a bot with its token, which itself never comes here: `token_hash` is a hash of it. Answers the bot as
    /// it is kept, and with whose names something else is shown from now on.
    ///
    /// # Errors
    /// [`StoreError::UnknownRoom`] for a room that it is to be limited to, [`Taken`](StoreError::Taken) if the id
    /// or the token is in use, [`TooManyBots`](StoreError::TooManyBots).
    pub fn add_bot(&self, bot: Bot, token_hash: [u8; 32]) -> PendingWrite<(Bot, Vec<Person>)> {
        self.queued(move |batch| bots::add(batch, bot, token_hash))
    }

    /// Takes a bot's token away, for ever. Once this is answered, the token is nobody's.
    ///
    /// # Errors
    /// [`StoreError::UnknownUser`] if there is no such bot.
    pub fn revoke_bot(&self, user: UserId, at: UnixMs) -> PendingWrite<Bot> {
        self.queued(move |batch| bots::revoke(batch, &user, at))
    }

    /// Renames or closes a room by an entry of the server's own, which leaves through `committed` as well. A closed
    /// room is unknown from then on, and its id is never used again.
    ///
    /// # Errors
    /// [`StoreError::UnknownRoom`], [`TheLobby`](StoreError::TheLobby), [`InUse`](StoreError::InUse).
    pub fn change_room(&self, room: RoomId, change: RoomChange, at: UnixMs) -> PendingWrite<Entry> {
        self.queued(move |batch| moderation::change_room(batch, room, change, at))
    }

    /// Takes a message back, whoever wrote it, by an entry of its author's without a `cmid`.
    ///
    /// # Errors
    /// [`StoreError::UnknownRoom`], [`UnknownMessage`](StoreError::UnknownMessage).
    pub fn remove_message(&self, room: RoomId, seq: Seq, at: UnixMs) -> PendingWrite<Entry> {
        self.queued(move |batch| moderation::remove_message(batch, room, seq, at))
    }

    /// Bans from `at` on, or no longer. Answers whether that changed anything. A person need not be in the store: a
    /// newcomer's login names their id.
    ///
    /// # Errors
    /// [`StoreError::TooManyBans`].
    pub fn ban(&self, ban: Ban, at: Option<UnixMs>) -> PendingWrite<bool> {
        self.queued(move |batch| moderation::ban(batch, ban, at))
    }

    /// All bans, the oldest first.
    pub fn bans(&self) -> Vec<(Ban, UnixMs)> {
        self.0.cache.bans()
    }

    /// Returns true if this person is banned, or everybody who comes from there.
    pub fn is_banned(&self, user: Option<&UserId>, from: Option<Network>) -> bool {
        self.0.cache.is_banned(user, from)
    }

    /// The rooms in which nobody wrote anything since they were opened, at or before `then`; never the lobby.
    pub fn unused_rooms(&self, then: UnixMs) -> Vec<RoomId> {
        self.0.cache.unused_rooms(then)
    }

    /// The person with that id, or those with that name; at most ten.
    ///
    /// # Errors
    /// As [`Store::login`].
    pub async fn people_called(&self, name: String) -> Result<Vec<UserId>, StoreError> {
        self.0.readers.read(move |sql| Ok(moderation::people(sql, &name)?)).await
    }
}
