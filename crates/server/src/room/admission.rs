//! Permission: who may do anything at all. Everything that concerns a room asks this first, for every protocol.

use madang_protocol::{RefusalCode, RoomId, UserId};

use super::Rooms;
use crate::network::Network;
use crate::refusal::Refusal;
use crate::store::Expected;

impl Rooms {
    /// Checks that this person may do anything in this room, whether it exists or not. A room outside of a bot's scope
    /// is answered as if it did not exist, so that nothing is told of it.
    ///
    /// # Errors
    /// The token was revoked, or is limited to other rooms.
    pub fn may(&self, user: &UserId, room: &RoomId) -> Result<(), Refusal> {
        if self.0.store.is_banned(Some(user), None) {
            return Err(RefusalCode::Banned.into());
        }
        match self.0.store.bot(user) {
            Some(bot) if bot.revoked_at.is_some() => Err(RefusalCode::UnknownLogin.into()),
            Some(bot) if !bot.reaches(room) => Err(RefusalCode::UnknownRoom.into()),
            _ => Ok(()),
        }
    }

    /// Returns true if this person may do nothing any more: a bot whose token was revoked.
    pub fn is_gone(&self, user: &UserId) -> bool {
        self.0.store.bot(user).is_some_and(|bot| bot.revoked_at.is_some())
    }

    /// A share of this person, if they are a newcomer: while it is held, they may write.
    pub fn expected(&self, user: &UserId) -> Option<Expected> {
        self.0.store.expected(user)
    }

    /// Returns true if this person is banned, or everybody from there.
    pub fn is_banned(&self, user: Option<&UserId>, from: Network) -> bool {
        self.0.store.is_banned(user, Some(from))
    }

    /// # Errors
    /// This person is banned, or everybody from there.
    pub(super) fn admitted(&self, user: &UserId, from: Network) -> Result<(), Refusal> {
        if self.is_banned(Some(user), from) { Err(RefusalCode::Banned.into()) } else { Ok(()) }
    }
}
