//! Who asks: a program by its token, a browser by its cookie. A newcomer gets an id and a login: a random 256-bit
//! token in a cookie, its hash in the store.

use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::AppendHeaders;
use cookie::{Cookie, SameSite};
use madang_protocol::{Person, UserId};

use crate::accept::is_secure;
use crate::app::App;
use crate::auth::{self, Bearer, hash};
use crate::connection::LoginKey;
use crate::refusal::Refusal;

/// The cookie that holds the token.
const LOGIN_COOKIE: &str = "madang_login";

/// A login lasts as long as browsers let it: 400 days from the last page.
const LASTS: cookie::time::Duration = cookie::time::Duration::days(400);

/// A person, and the cookie to send along with the answer; none to a program with a token.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) person: Person,
    pub(super) set_cookie: Option<HeaderValue>,
    pub(super) key: LoginKey,
}

impl Login {
    /// The cookie as headers of an answer.
    pub(super) fn cookie(self) -> AppendHeaders<Option<(HeaderName, HeaderValue)>> {
        AppendHeaders(self.set_cookie.map(|cookie| (SET_COOKIE, cookie)))
    }
}

/// The login that the request names, whether it exists or not.
pub(super) fn key(headers: &HeaderMap) -> Option<LoginKey> {
    if let Bearer::Token(token) = auth::bearer(headers) {
        return Some(LoginKey(hash(token)));
    }
    cookie(headers, LOGIN_COOKIE).map(|token| LoginKey(hash(&token)))
}

/// The person whose token or cookie the request carries. A token goes before a cookie.
///
/// # Errors
/// A token that is nobody's, or a store that cannot be read.
pub(super) async fn of(app: &App, headers: &HeaderMap) -> Result<Option<Login>, Refusal> {
    if let Some((person, key)) = auth::by_headers(app, headers)?.zip(key(headers)) {
        return Ok(Some(Login { person, set_cookie: None, key }));
    }
    let Some(token) = cookie(headers, LOGIN_COOKIE) else { return Ok(None) };
    let key = hash(&token);
    let person = app.store.login(key).await?;
    Ok(person.map(|person| Login {
        person,
        set_cookie: login_cookie(app, headers, token),
        key: LoginKey(key),
    }))
}

/// The person whose token or cookie the request carries, or a new guest.
pub(super) async fn or_newcomer(app: &App, headers: &HeaderMap) -> Result<Login, Refusal> {
    if let Some(login) = of(app, headers).await? {
        return Ok(login);
    }
    newcomer(app, headers).await
}

/// A new guest.
pub(super) async fn newcomer(app: &App, headers: &HeaderMap) -> Result<Login, Refusal> {
    let token = auth::random_hex().map_err(no_randomness)?;
    let id = random_id::<UserId>()?;
    let key = hash(&token);
    app.store.add_guest(id.clone(), key, app.wall()).await?;
    let person = Person { id, name: String::new() };
    Ok(Login { person, set_cookie: login_cookie(app, headers, token), key: LoginKey(key) })
}

fn login_cookie(app: &App, headers: &HeaderMap, token: String) -> Option<HeaderValue> {
    let cookie = Cookie::build((LOGIN_COOKIE, token))
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(app.config.secure_cookies || is_secure(headers))
        .path("/")
        .max_age(LASTS)
        .build();
    HeaderValue::try_from(cookie.to_string()).ok()
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

/// A new id: also what a room opened today is called.
pub(super) fn random_id<Id: std::str::FromStr>() -> Result<Id, Refusal> {
    let id = auth::random_id().map_err(no_randomness)?;
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
}
