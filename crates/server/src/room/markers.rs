//! Read markers, and consumer offsets of readers who acknowledge.

use madang_protocol::{RoomId, Seq, UnixMs, UserId};

use super::{Rooms, logged};
use crate::broker::event::Event;
use crate::network::Network;
use crate::refusal::Refusal;
use crate::store::{ConsumerOffset, ReadMarker};

impl Rooms {
    /// Moves the person's read marker forward, and notifies their other sessions.
    pub fn mark_read(
        &self,
        user: UserId,
        from: Network,
        room: RoomId,
        seq: Seq,
        now: UnixMs,
    ) -> impl Future<Output = Result<(), Refusal>> + use<> {
        let may = self.may(&user, &room).and_then(|()| self.take_mark(&user, from, now));
        let marked = may.map(|()| self.0.store.mark_read(user.clone(), room.clone(), seq));
        let broker = self.0.broker.clone();
        async move {
            let ReadMarker { seq, unread, head } = marked?.await.map_err(logged)?;
            broker.publish(Event::Read { user, room, seq, unread, head });
            Ok(())
        }
    }

    /// Keeps the reader's progress in a room, under a name of its own.
    pub fn commit_offset(
        &self,
        reader: &UserId,
        from: Network,
        room: RoomId,
        name: String,
        offset: ConsumerOffset,
        now: UnixMs,
    ) -> impl Future<Output = Result<(), Refusal>> + Send + 'static + use<> {
        let may = self.take_mark(reader, from, now);
        let at = self.0.clock.wall(now);
        let kept = may.map(|()| self.0.store.commit_offset(reader.clone(), room, name, offset, at));
        async move { kept?.await.map_err(logged) }
    }

    /// The offset that was kept last under this name.
    ///
    /// # Errors
    /// A failing disk.
    pub async fn consumer_offset(
        &self,
        reader: &UserId,
        room: &RoomId,
        name: &str,
    ) -> Result<Option<ConsumerOffset>, Refusal> {
        self.0.store.consumer_offset(reader.clone(), room.clone(), name.to_owned()).await.map_err(logged)
    }
}
