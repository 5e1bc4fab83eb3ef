//! Where orders are carried out.

use std::sync::Arc;

use madang_protocol::{CloseCode, Person, RefusalCode, RoomId, UnixMs, UserId, text};

use super::{Order, Outcome};
use crate::auth;
use crate::hub::Hub;
use crate::store::{Bot, BotKind, Store, StoreError};

/// The store, and the hub whose sessions an order may end.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    store: Store,
    hub: Arc<Hub>,
}

/// Why an order is not carried out: a sentence.
struct No(String);

impl From<StoreError> for No {
    fn from(error: StoreError) -> Self {
        Self(match error {
            StoreError::UnknownRoom => "There is no such room; its id stands in its address, /r/<id>.".into(),
            StoreError::UnknownUser => "There is no such id; see the list.".into(),
            other => format!("It could not be saved: {other}."),
        })
    }
}

impl From<getrandom::Error> for No {
    fn from(error: getrandom::Error) -> Self {
        Self(format!("The system gives no random numbers: {error}."))
    }
}

type Done = Result<Outcome, No>;

impl Desk {
    pub(crate) fn new(store: Store, hub: Arc<Hub>) -> Self {
        Self { store, hub }
    }

    /// Does what is ordered.
    pub(crate) async fn carry_out(&self, order: &Order, now: UnixMs) -> Outcome {
        let done = match order {
            Order::CreateToken { name, rooms } => self.create_token(name, rooms, now).await,
            Order::ListTokens => Ok(self.list(BotKind::Token)),
            Order::RevokeToken { id } => self.revoke(BotKind::Token, id, now).await,
            Order::CreateIncoming { room, name } => self.create_incoming(room, name, now).await,
            Order::ListWebhooks => Ok(self.list(BotKind::Hook)),
            Order::RemoveWebhook { id } => self.revoke(BotKind::Hook, id, now).await,
        };
        done.unwrap_or_else(|No(message)| Outcome::Refused { message })
    }

    /// Ends a store that this process opened for one order.
    pub(super) fn close(self) {
        self.store.close();
    }

    async fn create_token(&self, name: &str, rooms: &[String], now: UnixMs) -> Done {
        let rooms = rooms.iter().map(|room| room_id(room)).collect::<Result<Vec<_>, No>>()?;
        let rooms = (!rooms.is_empty()).then_some(rooms);
        let (bot, token) = self.create(BotKind::Token, name, rooms, now).await?;
        let scope = scope(&bot);
        let note = format!(
            "{} may use it in {scope}. It is shown this once; its id is {}.",
            bot.person.name, bot.person.id
        );
        Ok(Outcome::Done { out: vec![token], note: Some(note) })
    }

    async fn create_incoming(&self, room: &str, name: &str, now: UnixMs) -> Done {
        let rooms = Some(vec![room_id(room)?]);
        let (bot, secret) = self.create(BotKind::Hook, name, rooms, now).await?;
        let note = format!(
            "Whoever knows this path on your server posts to {} as {}. It is shown this once; its id is {}.",
            scope(&bot),
            bot.person.name,
            bot.person.id
        );
        Ok(Outcome::Done { out: vec![format!("/hooks/{secret}")], note: Some(note) })
    }

    async fn create(
        &self,
        kind: BotKind,
        name: &str,
        rooms: Option<Vec<RoomId>>,
        now: UnixMs,
    ) -> Result<(Bot, String), No> {
        let name = text::nickname(name).map_err(|code| match code {
            RefusalCode::TooLong => {
                No(format!("The name is too long: at most {} characters.", text::NAME_CHARS))
            }
            _ => No("The name has no visible character.".into()),
        })?;
        let token = auth::fresh_token(kind)?;
        let id = auth::random_id()?.parse().map_err(|_| No("An id could not be made.".into()))?;
        let bot = Bot { person: Person { id, name }, kind, rooms, made_at: now, revoked_at: None };
        let bot = self.store.add_bot(bot, auth::hash(&token)).await?;
        tracing::info!(bot = %bot.person.id, ?kind, "a bot was made");
        Ok((bot, token))
    }

    /// A line for each: id, state, rooms, name.
    fn list(&self, kind: BotKind) -> Outcome {
        let bots = self.store.bots().into_iter().filter(|bot| bot.kind == kind);
        let out = bots.map(|bot| {
            let state = if bot.revoked_at.is_some() { "revoked" } else { "valid" };
            format!("{}\t{state}\t{}\t{}", bot.person.id, scope(&bot), bot.person.name)
        });
        Outcome::Done { out: out.collect(), note: None }
    }

    async fn revoke(&self, kind: BotKind, id: &str, now: UnixMs) -> Done {
        let id: UserId = id.parse().map_err(|_| No::from(StoreError::UnknownUser))?;
        if self.store.bot(&id).is_none_or(|bot| bot.kind != kind) {
            return Err(StoreError::UnknownUser.into());
        }
        let bot = self.store.revoke_bot(id, now).await?;
        // Whoever joins from now on is turned away by the store; those who are there end here.
        self.hub.close_of(&bot.person.id, CloseCode::LOGIN_GONE);
        tracing::info!(bot = %bot.person.id, "a bot's token was revoked");
        Ok(Outcome::Done { out: Vec::new(), note: Some(format!("{} is revoked.", bot.person.name)) })
    }
}

fn room_id(room: &str) -> Result<RoomId, No> {
    room.parse().map_err(|error| No(format!("{room:?} is no room: {error}.")))
}

fn scope(bot: &Bot) -> String {
    match &bot.rooms {
        None => "all rooms".into(),
        Some(rooms) => rooms.iter().map(RoomId::as_str).collect::<Vec<_>>().join(","),
    }
}
