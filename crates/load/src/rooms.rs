//! Rooms of a run: the lobby, and as many more as it needs.

use std::net::SocketAddr;

use anyhow::Result;
use madang_protocol::{RoomId, RoomInfo};

use crate::socket::{Protocol, Target};

/// A room with its number in the history.
#[derive(Clone, Debug)]
pub(crate) struct NumberedRoom {
    pub(crate) number: u32,
    pub(crate) id: RoomId,
}

/// Opens rooms until there are `count`, each by a person of its own, as a newcomer may open only a few.
///
/// # Errors
/// If the server refuses one.
pub(crate) fn open(target: Target, count: u32) -> Result<Vec<RoomId>> {
    let address = target.address;
    if target.speaks != Protocol::Madang {
        // A room is there with its first member, and has a number only.
        return Ok(vec![RoomId::lobby(); count as usize]);
    }
    let more = (1..count).map(|number| make_room(address, &format!("Room {number}")));
    std::iter::once(Ok(RoomId::lobby())).chain(more).collect()
}

/// Returns the rooms, over and over.
pub(crate) fn in_turn(rooms: &[RoomId]) -> impl Iterator<Item = NumberedRoom> + use<> {
    let rooms: Vec<_> =
        rooms.iter().cloned().zip(0..).map(|(id, number)| NumberedRoom { number, id }).collect();
    rooms.into_iter().cycle()
}

/// Opens a room as a new person.
///
/// # Errors
/// If the server refuses it.
fn make_room(address: SocketAddr, title: &str) -> Result<RoomId> {
    let mut answer = ureq::post(format!("http://{address}/rooms"))
        .header("accept", "application/json")
        .send_form([("title", title)])?;
    let info: RoomInfo = serde_json::from_slice(&answer.body_mut().read_to_vec()?)?;
    Ok(info.room)
}
