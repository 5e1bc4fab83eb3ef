//! One device of a person: the real client core, with its storage, its clock and its network.

use std::collections::{BTreeMap, VecDeque};

use madang_client::{Model, Role};
use madang_protocol::{ClientFrame, Epoch, RoomId, Seq, UnixMs, UserId};

use crate::BEGIN;
use crate::browser::Told;
use crate::link::{Down, LinkId};
use crate::rng::Rng;
use crate::scenario::Ms;

pub(crate) struct Device {
    pub(crate) user: UserId,
    /// The page; `None` while it is being loaded.
    pub(crate) model: Option<Model>,
    /// So many pages were loaded.
    pub(crate) page: u32,
    /// Messages of other tabs of the browser that this one has not received yet.
    pub(crate) told: VecDeque<Told>,
    /// Roles that the page was given, and has not received yet.
    pub(crate) roles: VecDeque<Role>,
    /// Time that the device's clock is ahead.
    pub(crate) clock: i64,
    /// Does nothing before then.
    pub(crate) asleep: Ms,
    /// Does not take anything from the network before then.
    pub(crate) slow: Ms,
    /// Has no network before then.
    pub(crate) offline: Ms,
    /// Until then something on the way lets no WebSocket through, or keeps streams back.
    pub(crate) blocked: Ms,
    pub(crate) buffered: Ms,
    /// The number of the timer in force.
    pub(crate) timer: u64,
    /// Frames that arrived and were not taken.
    pub(crate) unread: VecDeque<(LinkId, Down)>,
    /// The last write that was sent, to be sent again.
    pub(crate) last_write: Option<ClientFrame>,
    /// So many writes were made in each room.
    pub(crate) places: BTreeMap<RoomId, usize>,
    /// For each room, the number of the epoch's log that it shows; and whether pages were asked for.
    pub(crate) shown: BTreeMap<RoomId, Shown>,
    /// Read markers that the page had, with their epoch: none goes back.
    pub(crate) marks: BTreeMap<RoomId, (Epoch, Seq)>,
    /// This device's own chance.
    pub(crate) chance: Rng,
}

/// Source of a room on the screen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    /// The number of the log.
    pub(crate) log: usize,
    /// True if it may hold pages, which may be ahead of the cursor.
    pub(crate) paged: bool,
    /// A snapshot may have jumped over messages: the client does not know how many of these are unread, until its
    /// window reaches back to what was read.
    pub(crate) jumped: bool,
    /// The messages on the screen, each with the entry since which it is at least as it is shown: none goes back.
    pub(crate) since: BTreeMap<Seq, Seq>,
}

impl Shown {
    /// The server's state, in a page of history or a snapshot, is on the screen from now on.
    pub(crate) fn reset(&mut self, log: usize, paged: bool) {
        let jumped = self.jumped || !paged;
        *self = Self { log, paged, jumped, since: BTreeMap::new() };
    }
}

impl Device {
    pub(crate) fn new(user: &str, chance: Rng) -> Self {
        Self {
            user: user.parse().expect("a user id"),
            model: None,
            page: 0,
            told: VecDeque::new(),
            roles: VecDeque::new(),
            clock: 0,
            asleep: 0,
            slow: 0,
            offline: 0,
            blocked: 0,
            buffered: 0,
            timer: 0,
            unread: VecDeque::new(),
            last_write: None,
            places: BTreeMap::new(),
            shown: BTreeMap::new(),
            marks: BTreeMap::new(),
            chance,
        }
    }

    pub(crate) fn time(&self, now: Ms) -> UnixMs {
        BEGIN + now as i64 + self.clock
    }

    /// Returns a delay to the server or back.
    pub(crate) fn delay(&mut self) -> Ms {
        if self.chance.chance(5) { self.chance.between(50, 400) } else { self.chance.between(1, 30) }
    }
}
