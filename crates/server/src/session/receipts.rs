//! Writes of protocols with receipts: posts that are refused at once, posts that are made together, and consumer offsets.

use madang_protocol::{Cmid, Operation, RoomId, ServerFrame, UnixMs};

use super::{Outgoing, Session, about};
use crate::access::Action;
use crate::refusal::Refusal;
use crate::room::{NamedOffset, NoneMade, Post};
use crate::store::ConsumerOffset;

/// An offset to be committed.
#[derive(Debug)]
pub struct OffsetCommit {
    /// The protocol's own number for it, which comes back in [`Outgoing::OffsetCommitted`].
    pub number: u64,
    /// Version of its state; it comes back too.
    pub version: u64,
    /// The client's name for it.
    pub name: String,
    /// The room.
    pub room: RoomId,
    /// The offset.
    pub offset: ConsumerOffset,
}

impl Session {
    /// Posts. `done` or `refused` comes as for every write.
    ///
    /// # Errors
    /// Refusals before it is written: no `done` or `refused` follows then.
    pub fn post(&mut self, post: Post, now: UnixMs) -> Result<(), Refusal> {
        let Post { room, cmid, body, headers } = post;
        // The writer would find it too, but only after what was asked for behind it.
        self.head(&room)?;
        let operation = Operation::Post { body, reply_to: None, headers };
        let durable = self.rooms.write(&self.allow(&room, Action::Post)?, cmid, operation, now)?;
        self.answer(durable, room, cmid);
        Ok(())
    }

    /// Posts all of these and keeps these offsets, or does nothing. One `done` or `refused` comes for all of them: it is
    /// about the last post, or the one that was refused.
    ///
    /// # Errors
    /// Refusals before it is written: no `done` or `refused` follows then.
    pub fn post_all(
        &mut self,
        posts: Vec<Post>,
        offsets: Vec<NamedOffset>,
        now: UnixMs,
    ) -> Result<(), NoneMade> {
        let last = posts.last().map(|post| (post.room.clone(), post.cmid));
        let (room, cmid) = match (last, offsets.first()) {
            (Some(last), _) => last,
            // Nobody asks by this one.
            (None, Some(place)) => (place.room.clone(), Cmid(0)),
            (None, None) => return Ok(()),
        };
        let posts = posts.into_iter().enumerate().map(|(index, post)| {
            let grant = self.head(&post.room).and_then(|_| self.allow(&post.room, Action::Post));
            Ok((grant.map_err(|refusal| NoneMade { index: Some(index), refusal })?, post))
        });
        let posts = posts.collect::<Result<Vec<_>, _>>()?;
        let offsets = offsets.into_iter().map(|offset| {
            let grant = self.allow(&offset.room, Action::MarkRead);
            Ok((grant.map_err(|refusal| NoneMade { index: None, refusal })?, offset))
        });
        let (count, offsets) = (posts.len(), offsets.collect::<Result<Vec<_>, _>>()?);
        let durable = self.rooms.write_all((posts, offsets), count, now)?;
        let (locale, limits) = (self.locale, self.rooms.limits().clone());
        self.pending.push_back(Box::pin(async move {
            let frame = match durable.await {
                Ok(appended) => {
                    let (room, seq) =
                        appended.into_iter().last().map_or((room, 0), |last| (last.room, last.seq));
                    ServerFrame::Done { cmid, room, seq }
                }
                Err(none) => {
                    let mut frame = about(none.refusal.frame(locale, &limits, Some(room)), cmid);
                    if let ServerFrame::Refused { message, .. } = &mut frame {
                        message.push_str(&which(&none));
                    }
                    frame
                }
            };
            Some(frame.into())
        }));
        Ok(())
    }

    /// Returns why none of several posts was made, in the client's language, and which one it is about.
    pub fn sentence_of_all(&self, none: &NoneMade) -> String {
        self.sentence(&none.refusal) + &which(none)
    }

    /// Commits an offset; [`Outgoing::OffsetCommitted`] follows when it is durable.
    pub fn commit_offset(&mut self, kept: OffsetCommit, now: UnixMs) {
        let OffsetCommit { number, version, name, room, offset } = kept;
        let grant = self.allow(&room, Action::MarkRead);
        let durable = grant.and_then(|grant| self.rooms.commit_offset(&grant, name, offset, now));
        self.pending.push_back(Box::pin(async move {
            let durable = async { durable?.await };
            let refusal = durable.await.err();
            Some(Outgoing::OffsetCommitted { number, version, refusal })
        }));
    }
}

/// Of several posts, the one that was refused.
fn which(none: &NoneMade) -> String {
    none.index
        .map(|index| format!(" (SEND {} of the transaction; nothing of it is posted)", index + 1))
        .unwrap_or_default()
}
