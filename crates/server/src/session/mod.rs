//! One signed-in conversation: frames in, frames out. It never sees a socket.
//!
//! Each followed room is in one of two states. *Live*: the hub queues its entries for us. *Behind*: we read
//! on from the log at our cursor, until the hub can take us in without a gap ([`Hub::attach`]). A first
//! watch, a resume and a queue that overflowed are all the same thing: behind, at some cursor.

mod follow;
mod requests;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use madang_client::Locale;
use madang_protocol::{ClientFrame, CloseCode, Person, RoomId, ServerFrame, UnixMs, UserId};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::encoded::{Encoded, PersonFrame, encode};
use crate::hub::{Hub, Queue, Queued, SessionId};
use crate::rate::{Bucket, Rate};
use crate::refusal::Refusal;
use crate::room::Rooms;
use crate::simulation::{Mutant, is};

use follow::Follow;

/// Writes of one session that are not yet durable. At the bound no further frame is read from its socket.
pub const MAX_PENDING: usize = 64;

/// What a session is made with.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Frames of any kind.
    pub frame_rate: Rate,
    /// Milliseconds between pings.
    pub heartbeat_ms: u32,
}

type Pending = Pin<Box<dyn Future<Output = Option<ServerFrame>> + Send>>;

/// The session. Dropping it takes it out of the hub.
pub struct Session {
    id: SessionId,
    you: Person,
    locale: Locale,
    rooms: Rooms,
    queue: Arc<Queue>,
    follows: FxHashMap<RoomId, Follow>,
    /// The followed rooms that are not live, in the order in which they are caught up. One that was let go
    /// meanwhile is passed over.
    behind: VecDeque<RoomId>,
    present: Option<RoomId>,
    typing_at: UnixMs,
    /// Whose names this client was told.
    known: FxHashSet<UserId>,
    pending: FuturesOrdered<Pending>,
    frame_rate: Rate,
    frames: Bucket,
    heads_at: UnixMs,
    /// A frame that is not of madang.v1 came, and the log says so.
    told_unreadable: bool,
}

impl Session {
    /// Answers `hello`: the session begins, and `out` gets its `welcome`.
    ///
    /// # Errors
    /// The close code for a first frame that is not `hello`, or a store that cannot be read.
    pub async fn begin(
        rooms: Rooms,
        you: Person,
        terms: &Terms,
        hello: &str,
        now: UnixMs,
        out: &mut Vec<Encoded>,
    ) -> Result<Self, CloseCode> {
        let Ok(ClientFrame::Hello { resume, epoch, locale }) = serde_json::from_str(hello) else {
            return Err(CloseCode::NO_HELLO);
        };
        // Joined before anything is read: what happens from here on is queued.
        let queue = Arc::new(Queue::default());
        let mut session = Self {
            id: rooms.hub().join(you.id.clone(), queue.clone()),
            locale: locale.as_deref().and_then(Locale::from_tag).unwrap_or_default(),
            rooms: rooms.clone(),
            queue,
            follows: FxHashMap::default(),
            behind: VecDeque::new(),
            present: None,
            typing_at: 0,
            known: FxHashSet::from_iter([you.id.clone()]),
            pending: FuturesOrdered::new(),
            frame_rate: terms.frame_rate,
            frames: Bucket::full(terms.frame_rate, now),
            heads_at: now,
            told_unreadable: false,
            you,
        };
        let listed = rooms.list(Some(session.you.id.clone())).await.map_err(|_| CloseCode::MOVING)?;
        out.push(encode(&ServerFrame::Welcome {
            you: session.you.clone(),
            epoch: rooms.epoch().clone(),
            rooms: listed,
            limits: rooms.limits().clone(),
            heartbeat_ms: terms.heartbeat_ms,
        }));
        let same_epoch = epoch.as_ref() == Some(rooms.epoch()) || is(Mutant::IgnoresEpoch);
        for point in resume {
            session.watch(point.room, same_epoch.then_some(point.seq), out).await;
        }
        Ok(session)
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
        self.frames.take(self.frame_rate, now).map_err(|_| CloseCode::TOO_FAST)
    }

    /// Takes one text frame from the client.
    ///
    /// # Errors
    /// The close code where the connection cannot go on.
    pub async fn receive(
        &mut self,
        text: &str,
        now: UnixMs,
        out: &mut Vec<Encoded>,
    ) -> Result<(), CloseCode> {
        match serde_json::from_str(text) {
            Ok(ClientFrame::Hello { .. }) => Err(CloseCode::PROTOCOL_ERROR),
            Ok(frame) => {
                self.frame(frame, text, now, out).await;
                Ok(())
            }
            Err(error) => {
                self.refuse_unreadable(text, &error, out);
                Ok(())
            }
        }
    }

    /// Turns what the hub queued into frames for this client.
    pub fn deliver(&mut self, batch: &mut Vec<Queued>, out: &mut Vec<Encoded>) {
        for queued in batch.drain(..) {
            match queued {
                Queued::Entry(entry) => self.deliver_entry(&entry, out),
                Queued::Person(frame) => {
                    if frame.person.id == self.you.id {
                        self.you.name.clone_from(&frame.person.name);
                    }
                    if frame.person.id == self.you.id || self.known.contains(&frame.person.id) {
                        out.push(frame.json.clone());
                    }
                }
                Queued::Typing(by, json) => {
                    if by.person.id != self.you.id {
                        self.introduce_encoded(&by, out);
                        out.push(json);
                    }
                }
                Queued::Presence(people, json) => {
                    for person in people.iter() {
                        self.introduce_encoded(person, out);
                    }
                    out.push(json);
                }
                Queued::Frame(json) => out.push(json),
            }
        }
    }

    /// Whether writes are under way; [`Session::settled`] yields their answers.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Waits for the oldest write under way, and adds its answer. Cancel safe.
    pub async fn settled(&mut self, out: &mut Vec<Encoded>) {
        if let Some(Some(frame)) = self.pending.next().await {
            out.push(self.count(&frame));
        }
    }

    /// The `heads` frame: the followed rooms that moved since the last one.
    pub fn heads(&mut self, now: UnixMs, out: &mut Vec<Encoded>) {
        // An entry's time is taken before its commit, and clocks may step: one minute more repeats a few
        // heads, and misses none.
        let since = self.heads_at - 60_000;
        self.heads_at = now;
        let heads = self.rooms.hub().moved_since(self.follows.keys(), since);
        out.push(encode(&ServerFrame::Heads { heads }));
    }

    /// Names people that this client has not met.
    fn introduce(&mut self, people: &[Person], out: &mut Vec<Encoded>) {
        let strangers = people.iter().filter(|person| self.known.insert(person.id.clone()));
        let strangers: Vec<Person> = strangers.cloned().collect();
        if !strangers.is_empty() {
            out.push(encode(&ServerFrame::People { people: strangers }));
        }
    }

    fn introduce_encoded(&mut self, person: &PersonFrame, out: &mut Vec<Encoded>) {
        if !self.known.contains(&person.person.id) {
            self.known.insert(person.person.id.clone());
            out.push(person.json.clone());
        }
    }

    fn refuse(&self, refusal: impl Into<Refusal>, room: Option<RoomId>, out: &mut Vec<Encoded>) {
        let frame = refusal.into().frame(self.locale, self.rooms.limits(), room);
        out.push(self.count(&frame));
    }

    fn count(&self, frame: &ServerFrame) -> Encoded {
        if let ServerFrame::Refused { code, .. } = frame {
            self.rooms.metrics().refused(*code);
        }
        encode(frame)
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
