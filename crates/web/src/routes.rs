//! The addresses of rooms and messages.

use madang_protocol::{RoomId, Seq};

/// A room, and the message in it that a permanent link names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) room: RoomId,
    pub(crate) message: Option<Seq>,
}

/// `/r/<room>`.
pub(crate) fn room(room: &RoomId) -> String {
    format!("/r/{room}")
}

/// `/r/<room>/<seq>`.
pub(crate) fn message(room: &RoomId, seq: Seq) -> String {
    format!("/r/{room}/{seq}")
}

/// Returns the place that a path names; `None` if it is no room's.
pub(crate) fn place(path: &str) -> Option<Place> {
    let mut parts = path.strip_prefix("/r/")?.trim_end_matches('/').split('/');
    let room = parts.next()?.parse().ok()?;
    let message = match parts.next() {
        Some(seq) => Some(seq.parse().ok()?),
        None => None,
    };
    if parts.next().is_some() { None } else { Some(Place { room, message }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_back_to_their_place() {
        let lobby = RoomId::lobby();
        assert_eq!(place(&room(&lobby)), Some(Place { room: lobby.clone(), message: None }));
        assert_eq!(place(&message(&lobby, 7)), Some(Place { room: lobby, message: Some(7) }));
    }

    #[test]
    fn other_paths_are_no_place() {
        for path in ["/", "/r/", "/r/Lobby", "/r/lobby/x", "/r/lobby/7/edit", "/settings", "/r/lobby/-1"] {
            assert_eq!(place(path), None, "{path}");
        }
    }
}
