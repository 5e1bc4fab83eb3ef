//! The server's process, as long as it runs.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;

use madang_protocol::{Cmid, RoomId, RoomInfo, UserId};
use madang_server::access::{Action, Actor, Grant};
use madang_server::broker::Inbox;
use madang_server::hub::Hub;
use madang_server::network::Network;
use madang_server::refusal::Refusal;
use madang_server::room::Rooms;
use madang_server::snapshot_cache::RoomSnapshot;
use madang_server::store::manual::Stepper;
use madang_server::store::{Appended, Committed, Store};

use tokio_util::sync::CancellationToken;

use crate::Check;
use crate::connection::Connection;
use crate::link::LinkId;
use crate::poll::at_once;
use crate::scenario::Ms;

/// Posts that arrived by no socket: by whom, which, and what becomes of all of them.
pub(crate) type Form = (UserId, Vec<Cmid>, Pin<Box<dyn Future<Output = Option<Vec<Appended>>>>>);

/// The process, with everything that a crash takes.
pub(crate) struct Server {
    pub(crate) connections: BTreeMap<LinkId, Connection>,
    pub(crate) forms: Vec<Form>,
    pub(crate) rooms: Rooms,
    pub(crate) hub: Arc<Hub>,
    pub(crate) inbox: Inbox,
    pub(crate) store: Store,
    pub(crate) stepper: Stepper,
    /// The writer has something under way, or will look for it.
    pub(crate) writing: bool,
    pub(crate) committed: Vec<Committed>,
    /// Time at which the broker delivers what was published last.
    pub(crate) broker_at: Ms,
    /// Entries that the broker has delivered, and the hub was not given yet.
    pub(crate) arrived: VecDeque<Committed>,
    pub(crate) delivering: Option<Pin<Box<dyn Future<Output = ()>>>>,
    pub(crate) announcing: bool,
    pub(crate) draining: bool,
    /// Ends handshakes.
    pub(crate) stop: CancellationToken,
}

/// Requests without a connection.
impl Server {
    /// Permission of a person.
    pub(crate) fn allow(&self, user: &UserId, room: &RoomId, action: Action) -> Result<Grant, Refusal> {
        self.rooms.access().allow(&actor(user), room, action)
    }

    /// The room, as the server shows it to a person.
    pub(crate) fn snapshot(&self, user: &UserId, room: &RoomId) -> Check<Result<RoomSnapshot, Refusal>> {
        at_once(async { self.rooms.snapshot(&self.allow(user, room, Action::Read)?).await })
    }

    /// The list of rooms, as the server shows it to a person.
    pub(crate) fn list(&self, user: &UserId) -> Check<Result<Vec<RoomInfo>, Refusal>> {
        at_once(async {
            let grant = self.rooms.access().allow_on_server(&actor(user), Action::ListRooms)?;
            self.rooms.list(&grant).await
        })
    }
}

fn actor(user: &UserId) -> Actor {
    Actor::new(user.clone(), Network::NOWHERE)
}
