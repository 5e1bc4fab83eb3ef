//! Permissions: who may do what (`rights` has the table). Every method of [`Rooms`](crate::room::Rooms) takes a [`Grant`],
//! which is made here alone.

pub mod rights;

use std::sync::Arc;

use madang_protocol::{RefusalCode, RoomId, UserId};

use crate::network::Network;
use crate::refusal::Refusal;
use crate::store::{Bot, Store};

pub use rights::{Action, Kind};
use rights::{Reach, reach};

/// Somebody who asks: who, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The person, or the bot.
    pub person: UserId,
    /// The network that it comes from.
    pub from: Network,
}

impl Actor {
    /// This person, from there.
    pub fn new(person: UserId, from: impl Into<Network>) -> Self {
        Self { person, from: from.into() }
    }
}

/// Permission of somebody for one action in one room, as of now. It is made by [`Access::allow`] alone, and not kept.
#[derive(Clone, Debug)]
#[must_use]
pub struct Grant {
    actor: Actor,
    room: RoomId,
    action: Action,
}

impl Grant {
    /// The actor that has it.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The person, or the bot.
    pub fn person(&self) -> &UserId {
        &self.actor.person
    }

    /// The room.
    pub fn room(&self) -> &RoomId {
        &self.room
    }

    /// The room, if the permission is for this.
    ///
    /// # Errors
    /// It is for something else.
    pub fn room_to(&self, action: Action) -> Result<&RoomId, Refusal> {
        if self.action == action { Ok(&self.room) } else { Err(RefusalCode::NotAllowed.into()) }
    }
}

/// Permission of somebody for one action that concerns the server as a whole. It is made by
/// [`Access::allow_on_server`] alone, and not kept.
#[derive(Clone, Debug)]
#[must_use]
pub struct ServerGrant {
    actor: Actor,
    action: Action,
    bot: Option<Arc<Bot>>,
}

impl ServerGrant {
    /// The actor that has it, if it is for this.
    ///
    /// # Errors
    /// It is for something else.
    pub fn actor_to(&self, action: Action) -> Result<&Actor, Refusal> {
        if self.action == action { Ok(&self.actor) } else { Err(RefusalCode::NotAllowed.into()) }
    }

    /// Returns true for a bot's.
    pub fn is_bots(&self) -> bool {
        self.bot.is_some()
    }

    /// Returns true if the room exists for whoever has it.
    pub fn shows(&self, room: &RoomId) -> bool {
        self.bot.as_ref().is_none_or(|bot| bot.reaches(room))
    }
}

/// The permissions of this server; cheap to clone.
#[derive(Clone, Debug)]
pub struct Access(Store);

impl Access {
    /// Permissions of the people, bots and bans in this store.
    pub fn new(store: Store) -> Self {
        Self(store)
    }

    /// Allows the action in the room, whether it exists or not, or refuses it. A room that is not there for somebody is
    /// refused as one that does not exist, so that nothing is told of it.
    ///
    /// # Errors
    /// [`RefusalCode::Banned`], [`RefusalCode::UnknownLogin`] for a token that was revoked,
    /// [`RefusalCode::UnknownRoom`], and [`RefusalCode::NotAllowed`].
    pub fn allow(&self, actor: &Actor, room: &RoomId, action: Action) -> Result<Grant, Refusal> {
        let bot = self.admit(actor)?;
        match (reach(kind(bot.as_deref()), action), bot) {
            (Reach::Nowhere, _) => return Err(RefusalCode::NotAllowed.into()),
            (Reach::Scope, Some(bot)) if !bot.reaches(room) => return Err(RefusalCode::UnknownRoom.into()),
            (Reach::Scope | Reach::Everywhere, _) => {}
        }
        Ok(Grant { actor: actor.clone(), room: room.clone(), action })
    }

    /// Allows the action on the server as a whole, or refuses it.
    ///
    /// # Errors
    /// As [`Access::allow`], but for the room.
    pub fn allow_on_server(&self, actor: &Actor, action: Action) -> Result<ServerGrant, Refusal> {
        let bot = self.admit(actor)?;
        let is_limited = bot.as_ref().is_some_and(|bot| bot.rooms.is_some());
        match (reach(kind(bot.as_deref()), action), action) {
            // What it is shown is its scope.
            (Reach::Scope, Action::ListRooms) | (Reach::Everywhere, _) => {}
            (Reach::Scope, _) if !is_limited => {}
            (Reach::Scope | Reach::Nowhere, _) => return Err(RefusalCode::NotAllowed.into()),
        }
        Ok(ServerGrant { actor: actor.clone(), action, bot })
    }

    /// Returns true if this person is banned, or everybody from there.
    pub fn is_banned(&self, person: Option<&UserId>, from: Network) -> bool {
        self.0.is_banned(person, Some(from))
    }

    /// Returns true if this person may do nothing any more: a bot whose token was revoked.
    pub fn is_gone(&self, person: &UserId) -> bool {
        self.0.bot(person).is_some_and(|bot| bot.revoked_at.is_some())
    }

    /// Returns the kind of somebody's account.
    pub fn kind(&self, person: &UserId) -> Kind {
        kind(self.0.bot(person).as_deref())
    }

    /// Returns the bot that it is, if it is one, unless it may do nothing.
    fn admit(&self, actor: &Actor) -> Result<Option<Arc<Bot>>, Refusal> {
        if self.is_banned(Some(&actor.person), actor.from) {
            return Err(RefusalCode::Banned.into());
        }
        match self.0.bot(&actor.person) {
            Some(bot) if bot.revoked_at.is_some() => Err(RefusalCode::UnknownLogin.into()),
            bot => Ok(bot),
        }
    }
}

fn kind(bot: Option<&Bot>) -> Kind {
    if bot.is_some() { Kind::Bot } else { Kind::Guest }
}
