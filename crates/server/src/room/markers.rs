//! Read markers, and consumer offsets of readers who acknowledge.

use madang_protocol::{Seq, UnixMs};

use super::{Rooms, logged};
use crate::access::{Action, Grant};
use crate::broker::event::Event;
use crate::refusal::Refusal;
use crate::store::{ConsumerOffset, ReadMarker};

impl Rooms {
    /// Moves the person's read marker forward, and notifies their other sessions.
    ///
    /// # Errors
    /// The grant is for something else, or more than the address may ask for. The future's errors are the store's.
    pub fn mark_read(
        &self,
        grant: &Grant,
        seq: Seq,
        now: UnixMs,
    ) -> Result<impl Future<Output = Result<(), Refusal>> + Send + 'static + use<>, Refusal> {
        let (user, room) = (grant.person().clone(), grant.room_to(Action::MarkRead)?.clone());
        self.take_mark(grant.actor(), now)?;
        let marked = self.0.store.mark_read(user.clone(), room.clone(), seq);
        let broker = self.0.broker.clone();
        Ok(async move {
            let ReadMarker { seq, unread, head } = marked.await.map_err(logged)?;
            broker.publish(Event::Read { user, room, seq, unread, head });
            Ok(())
        })
    }

    /// Keeps the reader's progress in a room, under a name of its own.
    ///
    /// # Errors
    /// As [`Rooms::mark_read`].
    pub fn commit_offset(
        &self,
        grant: &Grant,
        name: String,
        offset: ConsumerOffset,
        now: UnixMs,
    ) -> Result<impl Future<Output = Result<(), Refusal>> + Send + 'static + use<>, Refusal> {
        let (reader, room) = (grant.person().clone(), grant.room_to(Action::MarkRead)?.clone());
        self.take_mark(grant.actor(), now)?;
        let kept = self.0.store.commit_offset(reader, room, name, offset, self.0.clock.wall(now));
        Ok(async move { kept.await.map_err(logged) })
    }

    /// The offset that was kept last under this name.
    ///
    /// # Errors
    /// The grant is for something else, or a failing disk.
    pub async fn consumer_offset(
        &self,
        grant: &Grant,
        name: &str,
    ) -> Result<Option<ConsumerOffset>, Refusal> {
        let (reader, room) = (grant.person().clone(), grant.room_to(Action::Read)?.clone());
        self.0.store.consumer_offset(reader, room, name.to_owned()).await.map_err(logged)
    }
}
