//! Who asks: a bot by its token, or a person by the login of this server's own pages.

use axum::http::HeaderMap;
use madang_protocol::{Person, RoomId};

use crate::app::App;

use super::super::login;
use super::problem::{Code, Refused};

/// The person, or the bot, who asks. Nobody becomes a guest here.
pub(super) async fn of(app: &App, headers: &HeaderMap) -> Result<Person, Refused> {
    let found = login::of(app, headers).await.map_err(|refusal| Refused::by_rooms(app, &refusal))?;
    found.map(|login| login.person).ok_or(Refused::of(Code::LoginRequired))
}

/// The room of that name; what cannot be one is unknown.
pub(super) fn room(text: &str) -> Result<RoomId, Refused> {
    text.parse().map_err(|_| Refused::of(Code::UnknownRoom))
}
