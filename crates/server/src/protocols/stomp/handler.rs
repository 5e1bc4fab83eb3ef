//! Handlers: what each request does, and what its answers mean.

use madang_protocol::{RoomId, Seq, ServerFrame};
use madang_stomp::{ClientCommand, Frame};

use super::command::{Acknowledgement, Key, Message, Request, Subscribe};
use super::error::Reason;
use super::receipts::Owed;
use super::transactions::{Committing, OpenTransaction, Step};
use super::unacked::UnackedMessages;
use super::{Ending, Stomp};
use crate::access::Action;
use crate::refusal::Refusal;
use crate::room::NoneMade;
use crate::session::{NoFollow, Session};
use crate::store::ConsumerOffset;

impl Stomp {
    /// Does what a frame asks for.
    pub(super) async fn frame(&mut self, frame: Frame<ClientCommand>, session: &mut Session) {
        let receipt = frame.header("receipt").map(str::to_owned);
        let done = match Request::of(frame, self.encoding_context.version) {
            Ok(request) => self.request(request, receipt.clone(), session).await,
            Err(reason) => Err(reason),
        };
        match done {
            Ok(Some(owed)) => self.receipts.owe(owed),
            Ok(None) => {}
            Err(reason) => self.fail(reason.with(receipt)),
        }
    }

    /// Carries out what needs no waiting. The receipt that is owed, with all that it waits for.
    async fn request(
        &mut self,
        request: Request,
        receipt: Option<String>,
        session: &mut Session,
    ) -> Result<Option<Owed>, Reason> {
        let mut owed = receipt.clone().map(Owed::at_once);
        match request {
            Request::Post(post, Some(transaction)) => {
                // It is not posted yet, so nothing is promised yet.
                self.transactions.add(&transaction, Step::Post(post), receipt)?;
                return Ok(None);
            }
            Request::Acknowledge(ack, Some(transaction)) => {
                self.transactions.add(&transaction, Step::Acknowledge(ack), receipt)?;
                return Ok(None);
            }
            Request::Post(post, None) => self.step(Step::Post(post), owed.as_mut(), session)?,
            Request::Acknowledge(ack, None) => self.step(Step::Acknowledge(ack), owed.as_mut(), session)?,
            Request::Subscribe(asked) => self.subscribe(asked, owed.as_mut(), session).await?,
            Request::Unsubscribe(key) => self.unsubscribe(&key, session)?,
            Request::Begin(name) => self.transactions.begin(name)?,
            Request::Abort(name) => drop(self.transactions.end(&name)?),
            Request::Commit(name) => {
                let held = self.transactions.end(&name)?;
                self.commit(held, owed.as_mut(), session)?;
            }
            Request::Disconnect => {
                self.ending = Some(Ending::Left(receipt));
                return Ok(None);
            }
        }
        Ok(owed)
    }

    /// Executes a transaction, all of it or nothing: its SENDs, and the places that its ACKs lead to, are one write of
    /// the store. Its acknowledgements count when that is durable.
    fn commit(
        &mut self,
        held: OpenTransaction,
        owed: Option<&mut Owed>,
        session: &mut Session,
    ) -> Result<(), Reason> {
        let (mut posts, mut acks) = (Vec::new(), Vec::new());
        for step in held.steps {
            match step {
                Step::Post(post) => posts.push(post),
                Step::Acknowledge(ack) => acks.push(ack),
            }
        }
        if let Some(unknown) = acks.iter().find(|ack| !self.is_known(ack)) {
            tracing::debug!(?unknown, "a transaction acknowledges what was not sent");
            return Err(Reason::Ack);
        }
        let places = self.subscriptions.after(&acks);
        let write = if posts.is_empty() && places.is_empty() {
            None
        } else {
            session.post_all(posts, places, self.now).map_err(|none| none_made(session, &none))?;
            Some(self.receipts.asks())
        };
        for receipt in held.receipts {
            let mut of_frame = Owed::at_once(receipt);
            of_frame.held = true;
            write.into_iter().for_each(|write| of_frame.waits_for_write(write));
            self.receipts.owe(of_frame);
        }
        let Some(write) = write else { return self.acknowledge(acks, session) };
        owed.into_iter().for_each(|owed| owed.waits_for_write(write));
        if !acks.is_empty() {
            self.subscriptions.hold(&acks);
            self.committing.push_back(Committing { write, acks });
        }
        Ok(())
    }

    /// The write of this number is durable, and so is what came with it.
    fn committed(&mut self, write: u64, session: &mut Session) -> Result<(), Reason> {
        let Some(done) = self.committing.pop_front_if(|next| next.write == write) else { return Ok(()) };
        self.subscriptions.release(&done.acks);
        self.acknowledge(done.acks, session)
    }

    /// Takes ACKs and NACKs that were found to be about what was sent.
    fn acknowledge(&mut self, acks: Vec<Acknowledgement>, session: &mut Session) -> Result<(), Reason> {
        for ack in acks {
            match self.acknowledge_one(&ack, session) {
                // Its subscription has ended meanwhile.
                Ok(_) | Err(Reason::Ack) => {}
                Err(reason) => return Err(reason),
            }
        }
        Ok(())
    }

    /// Returns true if an ACK or NACK is about something that was sent.
    fn is_known(&mut self, ack: &Acknowledgement) -> bool {
        let crossed = matches!(ack.message, Message::Ack { number, .. } if self.subscriptions.was(number));
        crossed || self.subscriptions.knows(ack)
    }

    fn step(&mut self, step: Step, owed: Option<&mut Owed>, session: &mut Session) -> Result<(), Reason> {
        match step {
            Step::Post(post) => {
                session.post(post, self.now).map_err(|refusal| refused(session, &refusal))?;
                let write = self.receipts.asks();
                owed.into_iter().for_each(|owed| owed.waits_for_write(write));
            }
            Step::Acknowledge(ack) => {
                if let Some(place) = self.acknowledge_one(&ack, session)? {
                    owed.into_iter().for_each(|owed| owed.places.push(place));
                }
            }
        }
        Ok(())
    }

    /// Takes an ACK or NACK: the place that must be kept for it, if its subscription keeps one.
    fn acknowledge_one(
        &mut self,
        ack: &Acknowledgement,
        session: &mut Session,
    ) -> Result<Option<(u64, u64)>, Reason> {
        if let Message::Ack { number, .. } = ack.message
            && self.subscriptions.was(number)
        {
            // It crossed the end of its subscription.
            return Ok(None);
        }
        let (place, room) = self.subscriptions.acknowledge(ack)?;
        room.map_or(Ok(()), |room| self.follow(&room, session))?;
        Ok(place)
    }

    async fn subscribe(
        &mut self,
        asked: Subscribe,
        owed: Option<&mut Owed>,
        session: &mut Session,
    ) -> Result<(), Reason> {
        let Subscribe { key, room, mode, prefetch, wants, after } = asked;
        let most = session.rooms().limits().rooms as usize;
        if self.subscriptions.all().any(|known| known.key == key) {
            return Err(Reason::Subscription("there is such a subscription already"));
        }
        if most != 0 && self.subscriptions.count() >= most {
            return Err(Reason::Subscription("too many subscriptions"));
        }
        let head = head(session, &room).map_err(|refusal| refused(session, &refusal))?;
        let after = after.map(|text| cursor(session, &text, head)).transpose()?;
        let name = mode.filter(|_| self.returns).map(|_| key.offset_name());
        let place = match (&name, after) {
            (Some(name), None) => {
                let (rooms, grant) = (session.rooms().clone(), session.allow(&room, Action::Read));
                let kept = async { rooms.consumer_offset(&grant?, name).await };
                kept.await.map_err(|refusal| refused(session, &refusal))?
            }
            _ => None,
        };
        let place = place.unwrap_or_else(|| ConsumerOffset { sent: after.unwrap_or(head), open: Vec::new() });
        let unacked = mode.map(|mode| UnackedMessages::new(mode, prefetch, &place));
        let cursor = unacked.as_ref().map_or(place.sent, UnackedMessages::cursor);
        let mut subscription =
            self.subscriptions.make(key.clone(), wants, cursor, self.encoding_context.version);
        subscription.unacked = unacked;
        if let Some(owed) = owed {
            owed.live = Some(room.clone());
            owed.begins = Some(self.encoding_context.cursors.text(cursor));
            if name.is_some() {
                owed.places.push((subscription.number, 1));
            }
        }
        if name.is_some() {
            // It is kept from its beginning on: what is sent from now on is not lost with the connection.
            subscription.changes = 1;
        }
        subscription.keeps = name;
        self.subscriptions.add(room.clone(), subscription);
        self.follow(&room, session)
    }

    fn unsubscribe(&mut self, key: &Key, session: &mut Session) -> Result<(), Reason> {
        self.subscriptions.keep_all(session, self.now);
        let removed = self.subscriptions.remove(key);
        let (room, was_last) = removed.ok_or(Reason::Subscription("there is no such subscription"))?;
        if was_last {
            session.unwatch(&room);
        }
        Ok(())
    }

    /// Has the session follow the room from where the first of its subscriptions is.
    fn follow(&mut self, room: &RoomId, session: &mut Session) -> Result<(), Reason> {
        let Some(cursor) = self.subscriptions.cursor(room) else { return Ok(()) };
        match session.follow(room, Some(cursor)) {
            Ok(_) => Ok(()),
            Err(NoFollow::Ahead(_)) => Err(Reason::Cursor),
            Err(NoFollow::Refused(refusal)) => Err(refused(session, &refusal)),
        }
    }

    /// Takes a frame of the session to this client alone.
    pub(super) fn answered(&mut self, frame: ServerFrame, session: &mut Session) {
        match frame {
            ServerFrame::Done { .. } => {
                let write = self.receipts.done();
                if let Err(reason) = self.committed(write, session) {
                    self.fail(reason.with(None));
                }
            }
            ServerFrame::Live { room, .. } => self.receipts.live(&room),
            ServerFrame::Refused { cmid, code, message, retry_after_ms, .. } => {
                // Without a cmid: a room cannot be read on.
                let receipt = cmid.and_then(|_| self.receipts.refused());
                // Nothing else is carried out on this connection, and what was sent is to be kept as sent.
                self.committing.drain(..).for_each(|failed| self.subscriptions.release(&failed.acks));
                self.fail(Reason::Refused { code, sentence: message, retry_after_ms }.with(receipt));
            }
            _ => {}
        }
    }
}

/// Returns the error of a transaction, which names the SEND that was refused.
fn none_made(session: &Session, none: &NoneMade) -> Reason {
    session.rooms().metrics().refused(none.refusal.code);
    let sentence = session.sentence_of_all(none);
    Reason::Refused { code: none.refusal.code, sentence, retry_after_ms: none.refusal.retry_after_ms }
}

/// A refusal that the session has not counted.
pub(super) fn refused(session: &Session, refusal: &Refusal) -> Reason {
    session.rooms().metrics().refused(refusal.code);
    let sentence = session.sentence(refusal);
    Reason::Refused { code: refusal.code, sentence, retry_after_ms: refusal.retry_after_ms }
}

fn head(session: &Session, room: &RoomId) -> Result<Seq, Refusal> {
    session.head(room)
}

/// The cursor that this text is, in a room with this head.
fn cursor(session: &Session, text: &str, head: Seq) -> Result<Seq, Reason> {
    session.rooms().cursors().read(text, head).map_err(|_| Reason::Cursor)
}
