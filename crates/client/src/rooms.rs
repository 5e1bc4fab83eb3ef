//! All rooms, in the order of their list.

use madang_protocol::RoomId;

use crate::room::Room;

/// At most a few hundred, so that walking them is quicker than hashing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rooms {
    list: Vec<Room>,
}

impl Rooms {
    pub(crate) fn get(&self, id: &RoomId) -> Option<&Room> {
        self.list.iter().find(|room| room.id == *id)
    }

    pub(crate) fn get_mut(&mut self, id: &RoomId) -> Option<&mut Room> {
        self.list.iter_mut().find(|room| room.id == *id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Room> {
        self.list.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Room> {
        self.list.iter_mut()
    }

    pub(crate) fn retain(&mut self, keep: impl FnMut(&Room) -> bool) {
        self.list.retain(keep);
    }

    /// The room, put first in the list if it is new.
    pub(crate) fn ensure(&mut self, id: &RoomId) -> &mut Room {
        let index = self.list.iter().position(|room| room.id == *id).unwrap_or_else(|| {
            self.list.insert(0, Room::new(id.clone()));
            0
        });
        // The index was found, or made, just now.
        #[expect(clippy::indexing_slicing)]
        &mut self.list[index]
    }

    /// Puts the rooms into this order; those not named stand behind.
    pub(crate) fn arrange<'a>(&mut self, order: impl Iterator<Item = &'a RoomId>) {
        let mut rest = std::mem::take(&mut self.list);
        for id in order {
            if let Some(index) = rest.iter().position(|room| room.id == *id) {
                self.list.push(rest.remove(index));
            }
        }
        self.list.append(&mut rest);
    }
}
