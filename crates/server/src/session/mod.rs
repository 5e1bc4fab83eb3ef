//! One signed-in conversation: frames in, frames out. It never sees a socket.
//!
//! Each followed room is in one of two states. *Live*: the hub queues its entries for us. *Behind*: we read
//! on from the log at our cursor, until the hub can take us in without a gap ([`Hub::attach`]). A first
//! watch, a resume and a queue that overflowed are all the same thing: behind, at some cursor.

mod follow;
mod handlers;
mod heads;
mod receipts;
mod welcome;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use madang_client::Locale;
use madang_protocol::{CloseCode, Person, RefusalCode, RoomId, Seq, ServerFrame, UnixMs, UserId};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::access::{Action, Actor, Grant};
use crate::encoded::{Committed, Encoded, encode};
use crate::hub::{Hub, Queue, QueuedFrame, SessionId};
use crate::network::Network;
use crate::rate_limit::{Bucket, Rate};
use crate::refusal::Refusal;
use crate::room::Rooms;
use crate::store::Expected;
use crate::text;

use follow::Follow;
pub use follow::NoFollow;
pub use handlers::Untyped;
use handlers::about;
pub use receipts::OffsetCommit;
pub use welcome::Hello;

/// Writes of one session that are not yet durable. Backpressure: at the bound no further frame is read from its socket.
pub const MAX_PENDING: usize = 64;

/// Parameters of a new session.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// Network of the client.
    pub from: Network,
    /// Frames of any kind.
    pub frame_rate: Rate,
    /// Milliseconds between pings.
    pub heartbeat_ms: u32,
}

/// One frame to the client.
#[derive(Clone, Debug)]
pub enum Outgoing {
    /// An entry of a followed room: the one after the last that this client was sent.
    Entry(Arc<Committed>),
    /// A frame of `madang.v1` that is the same for many: names, snapshots, presence, read markers, the room list.
    /// Protocols that have no form for these pass them over.
    Shared(Encoded),
    /// A frame for this client alone: `welcome`, `live`, `done`, `refused`, `page`, `heads`.
    Frame(Box<ServerFrame>),
    /// A place is kept, or why not: for protocols that keep some.
    OffsetCommitted {
        /// The protocol's number for it.
        number: u64,
        /// Version of its state.
        version: u64,
        /// Reason why it is not kept.
        refusal: Option<Refusal>,
    },
}

impl Outgoing {
    /// As a frame of `madang.v1`.
    pub fn encoded(self) -> Encoded {
        match self {
            Self::Entry(entry) => entry.json().clone(),
            Self::Shared(json) => json,
            Self::Frame(frame) => encode(&frame),
            // Nobody who speaks `madang.v1` keeps a place.
            Self::OffsetCommitted { .. } => Encoded::default(),
        }
    }
}

impl From<ServerFrame> for Outgoing {
    fn from(frame: ServerFrame) -> Self {
        Self::Frame(Box::new(frame))
    }
}

type Pending = Pin<Box<dyn Future<Output = Option<Outgoing>> + Send>>;

/// The session. Dropping it takes it out of the hub.
pub struct Session {
    id: SessionId,
    you: Person,
    actor: Actor,
    locale: Locale,
    rooms: Rooms,
    queue: Arc<Queue>,
    follows: FxHashMap<RoomId, Follow>,
    /// The followed rooms that are not live, in the order in which they are caught up. One that was let go
    /// meanwhile is passed over.
    behind: VecDeque<RoomId>,
    present: Option<RoomId>,
    typing_at: UnixMs,
    /// People whose names this client has, besides its own.
    known: FxHashSet<UserId>,
    /// It resumed with a cursor, and may know anybody's name from before.
    resumed: bool,
    /// Writes under way, the oldest first. Each was queued when it was asked for: only the first is waited for.
    pending: VecDeque<Pending>,
    frame_rate: Rate,
    frames: Bucket,
    /// Milliseconds for which nothing more is to be received: the address has sent more frames than it may.
    receive_pause_ms: u32,
    /// Milliseconds for which no replay is to go on: the address has read more than it may.
    replay_pause_ms: u32,
    /// A bot does not pay out of its address's budgets.
    is_bot: bool,
    /// Rate limit of history, in bytes, which count as frames too.
    history: Bucket,
    /// Told in `welcome`.
    heartbeat_ms: u32,
    /// Heads that were sent for long enough.
    heads: heads::HeadsWindow,
    /// The client sent what its protocol cannot read, and it was logged.
    offended: bool,
    /// While this session is there, a newcomer may write.
    _expected: Option<Expected>,
}

impl Session {
    /// Takes a person in: from here on, what concerns them is queued.
    pub fn join(rooms: Rooms, you: Person, options: &SessionOptions, now: UnixMs) -> Self {
        let (queue, moves) = (Arc::new(Queue::default()), rooms.hub().moves());
        let expected = rooms.expected(&you.id);
        let id = rooms.hub().join(you.id.clone(), options.from, queue.clone());
        // Asked once it has joined: a token that is revoked from here on ends the session by the hub.
        if rooms.access().is_gone(&you.id) {
            queue.close(CloseCode::LOGIN_GONE);
        } else if rooms.access().is_banned(Some(&you.id), options.from) {
            queue.close(CloseCode::BANNED);
        }
        let is_bot = rooms.is_bot(&you.id);
        Self {
            id,
            actor: Actor::new(you.id.clone(), options.from),
            locale: Locale::default(),
            rooms,
            queue,
            follows: FxHashMap::default(),
            behind: VecDeque::new(),
            present: None,
            typing_at: 0,
            known: FxHashSet::default(),
            resumed: false,
            pending: VecDeque::new(),
            frame_rate: options.frame_rate,
            frames: Bucket::full(options.frame_rate, now),
            history: Bucket::full(options.frame_rate, now),
            receive_pause_ms: 0,
            replay_pause_ms: 0,
            is_bot,
            heartbeat_ms: options.heartbeat_ms,
            heads: heads::HeadsWindow::begin(moves, now),
            offended: false,
            _expected: expected,
            you,
        }
    }

    /// Returns the session's person.
    pub fn you(&self) -> &Person {
        &self.you
    }

    /// The rooms, and their limits.
    pub fn rooms(&self) -> &Rooms {
        &self.rooms
    }

    /// Gives the person a name, before anything that is asked for later.
    ///
    /// # Errors
    /// As [`Rooms::rename`].
    pub async fn rename(&mut self, name: &str, now: UnixMs) -> Result<(), Refusal> {
        // What it is called already may be said by a bot, too, which must not be called anything else.
        if self.is_bot && text::nickname(name)? == self.you.name {
            return Ok(());
        }
        let grant = self.rooms.access().allow_on_server(&self.actor, Action::SetName)?;
        self.you = self.rooms.rename(&grant, name, now).await?;
        Ok(())
    }

    /// Permission of the session's person for an action in a room.
    ///
    /// # Errors
    /// As [`Access::allow`](crate::access::Access::allow).
    pub fn allow(&self, room: &RoomId, action: Action) -> Result<Grant, Refusal> {
        self.rooms.access().allow(&self.actor, room, action)
    }

    /// The newest seq of a room that the session's person may read.
    ///
    /// # Errors
    /// As [`Rooms::head`].
    pub fn head(&self, room: &RoomId) -> Result<Seq, Refusal> {
        self.rooms.head(&self.allow(room, Action::Read)?)
    }

    /// A refusal in the client's language.
    pub fn sentence(&self, refusal: &Refusal) -> String {
        refusal.sentence(self.locale, self.rooms.limits())
    }

    /// Returns true for the first frame of the client that its protocol cannot read: it is logged once.
    pub fn offends(&mut self) -> bool {
        !std::mem::replace(&mut self.offended, true)
    }

    /// The queue that the hub fills for this session.
    pub fn queue(&self) -> Arc<Queue> {
        self.queue.clone()
    }

    /// Counts one frame of any kind.
    ///
    /// # Errors
    /// The close code, if there are more than a session may send.
    pub fn admit(&mut self, now: UnixMs) -> Result<(), CloseCode> {
        self.frames.take(self.frame_rate, now).map_err(|_| CloseCode::TOO_FAST)?;
        if !self.is_bot {
            self.receive_pause_ms = self.receive_pause_ms.max(self.rooms.count_frame(self.actor.from, now));
        }
        Ok(())
    }

    /// Takes the milliseconds for which nothing more is to be received, because the address has sent too much.
    pub fn take_receive_pause(&mut self) -> u32 {
        std::mem::take(&mut self.receive_pause_ms)
    }

    /// Takes the milliseconds for which no replay is to go on, because the address has read too much.
    pub fn take_replay_pause(&mut self) -> u32 {
        std::mem::take(&mut self.replay_pause_ms)
    }

    /// Turns what the hub queued into frames for this client.
    pub fn deliver(&mut self, batch: &mut Vec<QueuedFrame>, out: &mut Vec<Outgoing>) {
        for queued in batch.drain(..) {
            match queued {
                QueuedFrame::Entry(entry) => self.deliver_entry(&entry, out),
                QueuedFrame::Person(frame) => {
                    if frame.person.id == self.you.id {
                        self.you.clone_from(&frame.person);
                    }
                    if self.resumed || self.knows(&frame.person.id) {
                        out.push(Outgoing::Shared(frame.json().clone()));
                    }
                }
                QueuedFrame::Typing(by, json) => {
                    if by.person.id != self.you.id {
                        self.introduce_encoded(&by, out);
                        out.push(Outgoing::Shared(json));
                    }
                }
                QueuedFrame::Presence(people, json) => {
                    for person in people.iter() {
                        self.introduce_encoded(person, out);
                    }
                    out.push(Outgoing::Shared(json));
                }
                QueuedFrame::Room(room, json) => {
                    if self.allow(&room, Action::Read).is_ok() {
                        out.push(Outgoing::Shared(json));
                    }
                }
                QueuedFrame::Closed(room) => {
                    // Its own follow ends; what asked for the room is told, as of any room that there is not.
                    if self.follows.remove(&room).is_some() {
                        self.refuse(RefusalCode::UnknownRoom, Some(room), out);
                    }
                }
                QueuedFrame::Frame(json) => out.push(Outgoing::Shared(json)),
            }
        }
    }

    /// Returns how many writes are under way; [`Session::settled`] yields their answers.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Waits for the oldest write under way, and adds its answer, and those of all that are ready behind it. Cancel safe.
    pub async fn settled(&mut self, out: &mut Vec<Outgoing>) {
        poll_fn(|context| self.poll_settled(out, context)).await;
    }

    /// As [`Session::settled`], for a task that waits for other things too.
    pub fn poll_settled(&mut self, out: &mut Vec<Outgoing>, context: &mut Context<'_>) -> Poll<()> {
        let mut is_answered = self.pending.is_empty();
        while let Some(first) = self.pending.front_mut() {
            let Poll::Ready(answer) = first.as_mut().poll(context) else { break };
            self.pending.pop_front();
            is_answered = true;
            match answer {
                Some(Outgoing::Frame(frame)) => out.push(self.counted(*frame)),
                answer => out.extend(answer),
            }
        }
        if self.pending.is_empty() {
            self.pending = VecDeque::new();
        }
        if is_answered { Poll::Ready(()) } else { Poll::Pending }
    }

    fn refuse(&self, refusal: impl Into<Refusal>, room: Option<RoomId>, out: &mut Vec<Outgoing>) {
        let frame = refusal.into().frame(self.locale, self.rooms.limits(), room);
        out.push(self.counted(frame));
    }

    fn counted(&self, frame: ServerFrame) -> Outgoing {
        if let ServerFrame::Refused { code, .. } = &frame {
            self.rooms.metrics().refused(*code);
        }
        frame.into()
    }

    fn hub(&self) -> &Hub {
        self.rooms.hub()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for room in self.follows.keys() {
            self.hub().detach(room, self.id);
        }
        if let Some(room) = &self.present {
            self.hub().exit(room, self.id);
        }
        self.hub().leave(self.id);
    }
}
