//! Several posts of one person that are made together or not at all.

use std::future::Future;

use madang_protocol::{Cmid, Headers, Operation, RoomId, UnixMs};

use super::{Rooms, logged};
use crate::access::{Action, Grant};
use crate::refusal::Refusal;
use crate::store::{Appended, ConsumerOffset, OffsetCommit};
use crate::text;

/// One of several posts.
#[derive(Clone, Debug)]
pub struct Post {
    /// The room.
    pub room: RoomId,
    /// By which a repeat of it is recognised.
    pub cmid: Cmid,
    /// The text.
    pub body: String,
    /// Headers of the sender.
    pub headers: Headers,
}

/// A place that a reader keeps under a name of their own.
#[derive(Clone, Debug)]
pub struct NamedOffset {
    /// The room.
    pub room: RoomId,
    /// The reader's name for it.
    pub name: String,
    /// The offset.
    pub offset: ConsumerOffset,
}

/// One of several, and the permission for it.
pub type Granted<T> = (Grant, T);

/// Refusal of several posts together.
#[derive(Clone, Debug)]
pub struct NoneMade {
    /// Index of the refused one, from 0; `None` if the refusal is about what they have in common, as their number.
    pub index: Option<usize>,
    /// The reason.
    pub refusal: Refusal,
}

impl Post {
    /// Returns the bytes of text and headers.
    pub fn bytes(&self) -> usize {
        self.body.len() + self.headers.bytes()
    }
}

impl Rooms {
    /// Queues all of these posts, in this order, as one write: all get their seqs, or none does; `offsets` are kept with
    /// them, or not. All grants are one person's. The posts cost `tokens` of the person's rate. It is queued when this
    /// returns; the future yields once it is durable.
    ///
    /// # Errors
    /// As [`Rooms::write`], with the place of the post that was refused. The future's errors are the store's.
    pub fn write_all(
        &self,
        (posts, offsets): (Vec<Granted<Post>>, Vec<Granted<NamedOffset>>),
        tokens: usize,
        now: UnixMs,
    ) -> Result<impl Future<Output = Result<Vec<Appended>, NoneMade>> + Send + 'static + use<>, NoneMade>
    {
        let first = posts.first().map(|(grant, _)| grant).or(offsets.first().map(|(grant, _)| grant));
        let actor = first.map(|grant| grant.actor().clone());
        let (count, at) = (posts.len(), self.0.clock.wall(now));
        let (mut drafts, mut bytes) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for (index, (grant, Post { cmid, body, headers, .. })) in posts.into_iter().enumerate() {
            let mut operation = Operation::Post { body, reply_to: None, headers };
            let allowed = grant.room_to(Action::Post).and_then(|room| {
                let max = self.0.limits.body_chars;
                Ok((room.clone(), text::operation(&mut operation, max)?))
            });
            let (room, length) = allowed.map_err(|refusal| NoneMade { index: Some(index), refusal })?;
            bytes.push(length);
            drafts.push(operation.into_draft(room, grant.person().clone(), cmid, at));
        }
        let together = |refusal| NoneMade { index: None, refusal };
        if let Some(actor) = &actor {
            self.take_tokens(actor, tokens, &bytes, now).map_err(together)?;
            offsets.iter().try_for_each(|_| self.take_mark(actor, now)).map_err(together)?;
        }
        let offsets = offsets.into_iter().map(|(grant, NamedOffset { name, offset, .. })| {
            let room = grant.room_to(Action::MarkRead)?.clone();
            Ok(OffsetCommit { reader: grant.person().clone(), room, name, offset, at })
        });
        let offsets = offsets.collect::<Result<Vec<_>, _>>().map_err(together)?;
        let appended = self.0.store.append_all(drafts, offsets);
        let metrics = self.0.metrics.clone();
        Ok(async move {
            match appended.await {
                Ok(Ok(appended)) => {
                    appended.iter().for_each(|_| _ = metrics.writes.inc());
                    Ok(appended)
                }
                Ok(Err(rejected)) => Err(NoneMade {
                    index: Some(rejected.index).filter(|index| *index < count),
                    refusal: logged(rejected.error),
                }),
                Err(error) => Err(NoneMade { index: None, refusal: logged(error) }),
            }
        })
    }
}
