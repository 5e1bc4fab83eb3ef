//! Owners of tokens. Every protocol that takes a token asks here: `Authorization: Bearer`, STOMP's passcode, the
//! address of an incoming webhook. The login cookie of browsers is the pages' business (`login`).

pub(crate) mod login;
mod newcomer;
pub(crate) mod secret;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use madang_protocol::{Person, RefusalCode, RoomId};

use crate::refusal::Refusal;
use crate::state::App;
use crate::store::BotKind;

use secret::hash;

/// Token of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Bearer<'h> {
    /// Nothing. Other schemes than Bearer belong to whoever stands before the server.
    None,
    /// This token.
    Token(&'h str),
    /// Something that cannot be one.
    Unreadable,
}

/// Returns the bot whose token this is; `None` if it is nobody's, or was revoked.
pub(crate) fn by_token(app: &App, token: &str) -> Option<Person> {
    let bot = app.store.bot_by_token(&hash(token)).filter(|bot| bot.kind == BotKind::Token)?;
    Some(bot.person.clone())
}

/// The bot of the incoming webhook with this secret, and the room that it posts to.
pub(crate) fn by_hook(app: &App, secret: &str) -> Option<(Person, RoomId)> {
    let bot = app.store.bot_by_token(&hash(secret)).filter(|bot| bot.kind == BotKind::Hook)?;
    Some((bot.person.clone(), bot.rooms.as_ref()?.first()?.clone()))
}

/// The bot whose token the request carries.
///
/// # Errors
/// A token that is nobody's: it never makes a silent guest.
pub(crate) fn by_headers(app: &App, headers: &HeaderMap) -> Result<Option<Person>, Refusal> {
    match bearer(headers) {
        Bearer::None => Ok(None),
        Bearer::Token(token) => match by_token(app, token) {
            Some(person) => Ok(Some(person)),
            None => Err(RefusalCode::UnknownLogin.into()),
        },
        Bearer::Unreadable => Err(RefusalCode::UnknownLogin.into()),
    }
}

/// The token that the request carries, by RFC 6750, 2.1.
pub(crate) fn bearer(headers: &HeaderMap) -> Bearer<'_> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Bearer::None };
    let Ok(value) = value.to_str() else { return Bearer::Unreadable };
    let (scheme, token) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Bearer::None;
    }
    let token = token.trim_start();
    let one = values.next().is_none();
    if one && !token.is_empty() && !token.contains(' ') { Bearer::Token(token) } else { Bearer::Unreadable }
}

#[cfg(test)]
mod tests {
    use super::secret::{fresh_token, random_id};
    use super::*;

    fn read(values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn bearer_scheme_is_read_in_any_case() {
        for value in ["Bearer mdg_1", "bearer mdg_1", "BEARER  mdg_1", " Bearer mdg_1 "] {
            assert_eq!(bearer(&read(&[value])), Bearer::Token("mdg_1"), "{value}");
        }
    }

    #[test]
    fn other_schemes_are_not_ours() {
        assert_eq!(bearer(&read(&[])), Bearer::None);
        for value in ["Basic dXNlcjpwYXNz", "Bearerx mdg_1", "mdg_1", ""] {
            assert_eq!(bearer(&read(&[value])), Bearer::None, "{value}");
        }
    }

    #[test]
    fn malformed_token_is_not_ignored() {
        for values in [&["Bearer"][..], &["Bearer "], &["Bearer a b"], &["Bearer a", "Bearer b"]] {
            assert_eq!(bearer(&read(values)), Bearer::Unreadable, "{values:?}");
        }
    }

    #[test]
    fn ids_and_tokens_are_long_and_differ() {
        let ids: std::collections::HashSet<String> = (0..100).map(|_| random_id().unwrap()).collect();
        assert_eq!(ids.len(), 100);
        assert!(ids.iter().all(|id| id.len() == 12));
        let (token, hook) = (fresh_token(BotKind::Token).unwrap(), fresh_token(BotKind::Hook).unwrap());
        assert!(token.starts_with("mdg_") && token.len() == 68 && hook.starts_with("mdh_"));
    }
}
