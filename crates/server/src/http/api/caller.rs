//! Authentication of the API: a bot by its token, or a person by the login of this server's own pages.

use std::net::SocketAddr;

use axum::http::HeaderMap;
use madang_protocol::{Person, RefusalCode, RoomId, Seq};

use crate::state::App;
use crate::store::Expected;

use super::problem::{Code, Refused};
use crate::access::{Action, Actor, Grant};
use crate::auth::login::{self, Login};

/// The bot or person who sent the request.
pub(super) struct Caller {
    /// The person, or the bot.
    pub(super) person: Person,
    /// Held while they may act.
    pub(super) expected: Option<Expected>,
}

impl Caller {
    /// Permission of the caller for an action in a room.
    pub(super) fn allow(
        &self,
        app: &App,
        peer: SocketAddr,
        room: &RoomId,
        action: Action,
    ) -> Result<Grant, Refused> {
        let grant = app.rooms.access().allow(&self.actor(peer), room, action);
        grant.map_err(|refusal| Refused::by_rooms(app, &refusal))
    }

    /// The newest seq of a room that the caller may read.
    pub(super) fn head(&self, app: &App, peer: SocketAddr, room: &RoomId) -> Result<Seq, Refused> {
        let grant = self.allow(app, peer, room, Action::Read)?;
        app.rooms.head(&grant).map_err(|refusal| Refused::by_rooms(app, &refusal))
    }

    /// The caller, from where they ask.
    pub(super) fn actor(&self, peer: SocketAddr) -> Actor {
        Actor::new(self.person.id.clone(), peer.ip())
    }
}

impl std::ops::Deref for Caller {
    type Target = Person;

    fn deref(&self) -> &Person {
        &self.person
    }
}

/// The person, or the bot, who asks. Nobody without a login gets one here.
pub(super) async fn of(app: &App, headers: &HeaderMap) -> Result<Caller, Refused> {
    let found = login::of(app, headers).await.map_err(|refusal| Refused::by_rooms(app, &refusal))?;
    let caller = found.map(|Login { person, expected, .. }| Caller { person, expected });
    caller.ok_or(Refused::of(Code::LoginRequired))
}

/// The room of that name; what cannot be one is unknown.
pub(super) fn room(text: &str) -> Result<RoomId, Refused> {
    text.parse().map_err(|_| Refused::of(Code::Refused(RefusalCode::UnknownRoom)))
}
