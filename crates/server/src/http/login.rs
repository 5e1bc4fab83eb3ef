//! Who asks. A newcomer gets an id and a login: a random 256-bit token in a cookie, its hash in the store.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use cookie::{Cookie, SameSite};
use madang_protocol::{Person, UserId};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::connection::LoginKey;
use crate::refusal::Refusal;

/// The cookie that holds the token.
const LOGIN_COOKIE: &str = "madang_login";

/// A login lasts as long as browsers let it: 400 days from the last page.
const LASTS: cookie::time::Duration = cookie::time::Duration::days(400);

/// A person, and the cookie to send along with the answer.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) person: Person,
    pub(super) set_cookie: String,
    pub(super) key: LoginKey,
}

/// The login that the request names, whether it exists or not.
pub(super) fn key(headers: &HeaderMap) -> Option<LoginKey> {
    cookie(headers, LOGIN_COOKIE).map(|token| LoginKey(hash(&token)))
}

/// The person whose token the request carries.
pub(super) async fn of(app: &App, headers: &HeaderMap) -> Result<Option<Login>, Refusal> {
    let Some(token) = cookie(headers, LOGIN_COOKIE) else { return Ok(None) };
    let key = hash(&token);
    let person = app.store.login(key).await?;
    Ok(person.map(|person| Login { person, set_cookie: login_cookie(app, token), key: LoginKey(key) }))
}

/// The person whose token the request carries, or a new guest.
pub(super) async fn or_newcomer(app: &App, headers: &HeaderMap) -> Result<Login, Refusal> {
    if let Some(login) = of(app, headers).await? {
        return Ok(login);
    }
    newcomer(app).await
}

/// A new guest.
pub(super) async fn newcomer(app: &App) -> Result<Login, Refusal> {
    let token = random_token()?;
    let id = random_id::<UserId>()?;
    let key = hash(&token);
    app.store.add_guest(id.clone(), key, app.now()).await?;
    let person = Person { id, name: String::new() };
    Ok(Login { person, set_cookie: login_cookie(app, token), key: LoginKey(key) })
}

fn login_cookie(app: &App, token: String) -> String {
    Cookie::build((LOGIN_COOKIE, token))
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(app.config.secure_cookies)
        .path("/")
        .max_age(LASTS)
        .build()
        .to_string()
}

/// The value of the first cookie of that name.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    cookies
        .flat_map(Cookie::split_parse)
        .flatten()
        .find(|cookie| cookie.name() == name)
        .map(|c| c.value().to_owned())
}

/// Only the hash is stored: who reads the database cannot sign in with it. The token is random, so no salt and
/// no slow hash are needed.
fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// 256 random bits, in hexadecimal.
fn random_token() -> Result<String, Refusal> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(no_randomness)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A new id of 12 characters, 62 random bits: also what a room opened today is called.
pub(super) fn random_id<Id: std::str::FromStr>() -> Result<Id, Refusal> {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = getrandom::u64().map_err(no_randomness)?;
    let mut id = String::with_capacity(12);
    for _ in 0..12 {
        let letter = ALPHABET.get(usize::try_from(random % 36).unwrap_or_default());
        id.push(letter.copied().map_or('a', char::from));
        random /= 36;
    }
    id.parse().map_err(|_| Refusal::from(madang_protocol::RefusalCode::Unknown))
}

fn no_randomness(error: getrandom::Error) -> Refusal {
    tracing::error!(%error, "the system gives no random numbers");
    crate::store::StoreError::Unavailable(error.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "a=1; madang_login=t0ken; b=2".parse().unwrap());
        assert_eq!(cookie(&headers, LOGIN_COOKIE).as_deref(), Some("t0ken"));
        assert_eq!(cookie(&headers, "madang_log"), None);
    }

    #[test]
    fn ids_and_tokens_are_of_full_length_and_differ() {
        let ids: std::collections::HashSet<UserId> = (0..100).map(|_| random_id().unwrap()).collect();
        assert_eq!(ids.len(), 100);
        assert!(ids.iter().all(|id| id.as_str().len() == 12));
        assert_eq!(random_token().unwrap().len(), 64);
    }
}
