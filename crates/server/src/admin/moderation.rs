//! Orders about rooms, messages and people.

use madang_protocol::text::TITLE_CHARS;
use madang_protocol::{CloseCode, RefusalCode, UnixMs, UserId};

use super::Outcome;
use super::executor::{CommandExecutor, Done, Rejection, room_id};
use crate::network::Network;
use crate::protocols::guest_name;
use crate::store::{Ban, MAX_ROOMS, RoomChange};
use crate::text;

fn done(note: String) -> Outcome {
    Outcome::Done { out: Vec::new(), note: Some(note) }
}

impl CommandExecutor {
    /// A line for each: id, number of its newest entry, title.
    pub(super) async fn list_rooms(&self) -> Done {
        let rooms = self.store.rooms(None, MAX_ROOMS as usize).await?;
        let out = rooms.into_iter().map(|info| format!("{}\t{}\t{}", info.room, info.head, info.title));
        Ok(Outcome::Done { out: out.collect(), note: None })
    }

    pub(super) async fn close_room(&self, room: &str, now: UnixMs) -> Done {
        let entry = self.store.change_room(room_id(room)?, RoomChange::Close { unused: false }, now).await?;
        tracing::info!(room = %entry.room, "a room was closed");
        Ok(done(format!("{} is closed.", entry.room)))
    }

    pub(super) async fn rename_room(&self, room: &str, title: &str, now: UnixMs) -> Done {
        let title = text::room_title(title).map_err(|code| match code {
            RefusalCode::TooLong => {
                Rejection(format!("The title is too long: at most {} characters.", TITLE_CHARS))
            }
            _ => Rejection("The title has no visible character.".into()),
        })?;
        let change = RoomChange::Rename { title: title.clone() };
        let entry = self.store.change_room(room_id(room)?, change, now).await?;
        tracing::info!(room = %entry.room, "a room was renamed");
        Ok(done(format!("{} is called {title} now.", entry.room)))
    }

    pub(super) async fn delete_message(&self, room: &str, seq: u64, now: UnixMs) -> Done {
        let room = room_id(room)?;
        let entry = self.store.remove_message(room.clone(), seq, now).await?;
        tracing::info!(%room, seq, "a message was deleted");
        Ok(done(format!("Message {seq} of {room} is deleted; {} wrote it.", entry.by)))
    }

    pub(super) async fn ban(&self, whom: &str, now: UnixMs) -> Done {
        let ban = match whom.parse::<Network>() {
            Ok(network) => Ban::Network(network),
            Err(_) => Ban::Person(self.person(whom).await?),
        };
        let fresh = self.store.ban(ban.clone(), Some(now)).await?;
        // Whoever joins from now on is turned away; those who are there end here.
        let advice = match &ban {
            Ban::Person(user) => {
                let networks = self.hub.networks_of(user);
                self.hub.close_of(user, CloseCode::BANNED);
                let networks: Vec<_> = networks.iter().map(Network::to_string).collect();
                match networks.is_empty() {
                    true => String::new(),
                    false => format!(
                        " A new name costs nothing; the address can be banned too: {}.",
                        networks.join(", ")
                    ),
                }
            }
            Ban::Network(network) => {
                let ended = self.hub.close_from(*network, CloseCode::BANNED);
                format!(" Sessions ended: {ended}.")
            }
        };
        let subject = ban.subject();
        if !fresh {
            return Ok(done(format!("{subject} is banned already.{advice}")));
        }
        tracing::info!(%subject, "a ban begins");
        Ok(done(format!("{subject} is banned.{advice}")))
    }

    pub(super) async fn unban(&self, whom: &str) -> Done {
        // As it stands in the list, also where nobody has that id any more.
        let listed = self.store.bans().into_iter().map(|(ban, _)| ban).find(|ban| ban.subject() == whom);
        let ban = match (listed, whom.parse::<Network>()) {
            (Some(ban), _) => ban,
            (None, Ok(network)) => Ban::Network(network),
            (None, Err(_)) => Ban::Person(self.person(whom).await?),
        };
        let subject = ban.subject();
        if !self.store.ban(ban, None).await? {
            return Err(Rejection(format!("{subject} is not banned; `madang bans` lists who is.")));
        }
        tracing::info!(%subject, "a ban is over");
        Ok(done(format!("{subject} may come again.")))
    }

    /// A line for each, the oldest first.
    pub(super) fn list_bans(&self) -> Outcome {
        let bans = self.store.bans();
        Outcome::Done { out: bans.iter().map(|(ban, _)| ban.subject()).collect(), note: None }
    }

    /// The person with that id, or the only one with that name. Of a newcomer who is connected only the server's memory
    /// knows.
    async fn person(&self, whom: &str) -> Result<UserId, Rejection> {
        let mut found = self.store.people_called(whom.to_owned()).await?;
        let newcomers = self.hub.users().into_iter().filter(|user| self.store.newcomer(user).is_some());
        found.extend(newcomers.filter(|user| user.as_str() == whom || guest_name(user) == whom));
        let known = found.iter().position(|user| user.as_str() == whom).map(|at| found.swap_remove(at));
        let only = known.or_else(|| if found.len() == 1 { found.pop() } else { None });
        match only {
            Some(user) if user == UserId::system() => Err(Rejection("The server cannot ban itself.".into())),
            Some(user) => Ok(user),
            None if found.is_empty() => Err(Rejection(format!(
                "{whom:?} is no address, and nobody's id or name. Ids stand in the log and the API. Of somebody who never \
                 wrote nothing is known once they are gone: then ban their address."
            ))),
            None => {
                let ids: Vec<_> = found.iter().map(UserId::as_str).collect();
                Err(Rejection(format!(
                    "Several people are called {whom}: {}. Name one by the id.",
                    ids.join(", ")
                )))
            }
        }
    }
}
