//! Execution of the owner's commands.

use std::sync::Arc;

use madang_protocol::text::NAME_CHARS;
use madang_protocol::{CloseCode, Person, RefusalCode, RoomId, UnixMs, UserId};

use super::{AdminCommand, Outcome};
use crate::auth::secret;
use crate::broker::event::Event;
use crate::hub::Hub;
use crate::store::{Bot, BotKind, MAX_BANS, Store, StoreError, Target};
use crate::text;
use crate::webhooks::{self, DeliveryWorkers};

/// The kinds of webhooks.
const WEBHOOKS: [BotKind; 2] = [BotKind::Hook, BotKind::Outgoing];

/// The store, and the hub whose sessions an order may end.
#[derive(Clone, Debug)]
pub(crate) struct CommandExecutor {
    pub(super) store: Store,
    pub(super) hub: Arc<Hub>,
    /// `None` where no server runs: they are sent when one starts.
    workers: Option<DeliveryWorkers>,
}

/// Reason why a command is not executed: a sentence.
pub(super) struct Rejection(pub(super) String);

impl From<StoreError> for Rejection {
    fn from(error: StoreError) -> Self {
        Self(match error {
            StoreError::UnknownRoom => "There is no such room; its id stands in its address, /r/<id>.".into(),
            StoreError::UnknownUser => "There is no such id; see the list.".into(),
            StoreError::UnknownMessage => "There is no such message in the room, or it is deleted.".into(),
            StoreError::TheLobby => "The lobby stays: it is where everybody arrives.".into(),
            StoreError::TooManyBans => format!("There can be no more than {MAX_BANS} bans."),
            other => format!("It could not be saved: {other}."),
        })
    }
}

impl From<getrandom::Error> for Rejection {
    fn from(error: getrandom::Error) -> Self {
        Self(format!("The system gives no random numbers: {error}."))
    }
}

pub(super) type Done = Result<Outcome, Rejection>;

impl CommandExecutor {
    pub(crate) fn new(store: Store, hub: Arc<Hub>) -> Self {
        Self { store, hub, workers: None }
    }

    /// The same executor, of a running server.
    pub(crate) fn with(self, workers: DeliveryWorkers) -> Self {
        Self { workers: Some(workers), ..self }
    }

    /// Does what is ordered.
    pub(crate) async fn execute(&self, order: &AdminCommand, now: UnixMs) -> Outcome {
        let done = match order {
            AdminCommand::CreateToken { name, rooms } => self.create_token(name, rooms, now).await,
            AdminCommand::ListTokens => Ok(self.list(&[BotKind::Token])),
            AdminCommand::RevokeToken { id } => self.revoke(&[BotKind::Token], id, now).await,
            AdminCommand::CreateIncoming { room, name } => self.create_incoming(room, name, now).await,
            AdminCommand::CreateOutgoing { room, name, url } => {
                self.create_outgoing(room, name, url, now).await
            }
            AdminCommand::ListWebhooks => Ok(self.list(&WEBHOOKS)),
            AdminCommand::RemoveWebhook { id } => self.revoke(&WEBHOOKS, id, now).await,
            AdminCommand::ListRooms => self.list_rooms().await,
            AdminCommand::CloseRoom { room } => self.close_room(room, now).await,
            AdminCommand::RenameRoom { room, title } => self.rename_room(room, title, now).await,
            AdminCommand::DeleteMessage { room, seq } => self.delete_message(room, *seq, now).await,
            AdminCommand::Ban { whom } => self.ban(whom, now).await,
            AdminCommand::Unban { whom } => self.unban(whom).await,
            AdminCommand::ListBans => Ok(self.list_bans()),
        };
        done.unwrap_or_else(|Rejection(message)| Outcome::Refused { message })
    }

    /// Ends a store that this process opened for one order.
    pub(super) fn close(self) {
        self.store.close();
    }

    async fn create_token(&self, name: &str, rooms: &[String], now: UnixMs) -> Done {
        let rooms = rooms.iter().map(|room| room_id(room)).collect::<Result<Vec<_>, Rejection>>()?;
        let rooms = (!rooms.is_empty()).then_some(rooms);
        let (bot, token) = self.create(BotKind::Token, name, rooms, None, now).await?;
        let scope = scope(&bot);
        let note = format!(
            "{} may use it in {scope}. It is shown this once; its id is {}.",
            bot.person.name, bot.person.id
        );
        Ok(Outcome::Done { out: vec![token], note: Some(note) })
    }

    async fn create_incoming(&self, room: &str, name: &str, now: UnixMs) -> Done {
        let rooms = Some(vec![room_id(room)?]);
        let (bot, secret) = self.create(BotKind::Hook, name, rooms, None, now).await?;
        let note = format!(
            "Whoever knows this path on your server posts to {} as {}. It is shown this once; its id is {}.",
            scope(&bot),
            bot.person.name,
            bot.person.id
        );
        Ok(Outcome::Done { out: vec![format!("/hooks/{secret}")], note: Some(note) })
    }

    async fn create_outgoing(&self, room: &str, name: &str, url: &str, now: UnixMs) -> Done {
        let rooms = Some(vec![room_id(room)?]);
        let url = webhooks::url(url).map_err(|reason| Rejection(reason.into()))?;
        let (bot, key) = self.create(BotKind::Outgoing, name, rooms, Some(url.into()), now).await?;
        if let Some(workers) = &self.workers {
            workers.send(&bot);
        }
        let note = format!(
            "What happens in {} is told from now on, signed with this key. It is shown this once; its id is {}.",
            scope(&bot),
            bot.person.id
        );
        Ok(Outcome::Done { out: vec![key], note: Some(note) })
    }

    async fn create(
        &self,
        kind: BotKind,
        name: &str,
        rooms: Option<Vec<RoomId>>,
        url: Option<String>,
        now: UnixMs,
    ) -> Result<(Bot, String), Rejection> {
        let name = text::nickname(name).map_err(|code| match code {
            RefusalCode::TooLong => {
                Rejection(format!("The name is too long: at most {NAME_CHARS} characters."))
            }
            RefusalCode::NameReserved => {
                Rejection("That name is the server's own, or a guest's: choose another.".into())
            }
            _ => Rejection("The name has no visible character.".into()),
        })?;
        let token = secret::fresh_token(kind)?;
        let id = secret::random_id()?.parse().map_err(|_| Rejection("An id could not be made.".into()))?;
        let target = url.map(|url| Target { url, key: token.clone() });
        let bot = Bot { person: Person::new(id, name), kind, rooms, target, made_at: now, revoked_at: None };
        let (bot, others) = self.store.add_bot(bot, secret::hash(&token)).await?;
        // Their names were theirs alone until now.
        others.into_iter().for_each(|person| self.hub.announce(Event::Renamed(person)));
        tracing::info!(bot = %bot.person.id, ?kind, "a bot was made");
        Ok((bot, token))
    }

    /// A line for each: id, state, rooms, name.
    fn list(&self, kinds: &[BotKind]) -> Outcome {
        let bots = self.store.bots().into_iter().filter(|bot| kinds.contains(&bot.kind));
        let out = bots.map(|bot| {
            let state = if bot.revoked_at.is_some() { "revoked" } else { "valid" };
            let host = bot.target.as_ref().and_then(|target| webhooks::url(&target.url).ok());
            let host = host.as_ref().and_then(|url| url.host_str());
            let host = host.map_or_else(String::new, |host| format!("\t{host}"));
            format!("{}\t{state}\t{}\t{}{host}", bot.person.id, scope(&bot), bot.person.name)
        });
        Outcome::Done { out: out.collect(), note: None }
    }

    async fn revoke(&self, kinds: &[BotKind], id: &str, now: UnixMs) -> Done {
        let id: UserId = id.parse().map_err(|_| Rejection::from(StoreError::UnknownUser))?;
        if self.store.bot(&id).is_none_or(|bot| !kinds.contains(&bot.kind)) {
            return Err(StoreError::UnknownUser.into());
        }
        let bot = self.store.revoke_bot(id, now).await?;
        // Whoever joins from now on is turned away by the store; those who are there end here.
        self.hub.close_of(&bot.person.id, CloseCode::LOGIN_GONE);
        if let Some(workers) = &self.workers {
            workers.call_back(&bot.person.id);
        }
        tracing::info!(bot = %bot.person.id, "a bot's token was revoked");
        Ok(Outcome::Done { out: Vec::new(), note: Some(format!("{} is revoked.", bot.person.name)) })
    }
}

pub(super) fn room_id(room: &str) -> Result<RoomId, Rejection> {
    room.parse().map_err(|error| Rejection(format!("{room:?} is no room: {error}.")))
}

fn scope(bot: &Bot) -> String {
    match &bot.rooms {
        None => "all rooms".into(),
        Some(rooms) => rooms.iter().map(RoomId::as_str).collect::<Vec<_>>().join(","),
    }
}
