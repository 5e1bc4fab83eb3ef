//! Authentication of a request: a program by its token, a browser by its cookie. A newcomer gets an id and a login that
//! this server signed, and is in the store once they act.

use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::AppendHeaders;
use cookie::{Cookie, SameSite};
use madang_protocol::{Person, UserId};

use crate::accept::forwarded::is_secure;
use crate::connection::http_session::LoginKey;
use crate::refusal::Refusal;
use crate::state::App;
use crate::store::{Expected, Newcomer};

use super::secret::{self, hash};
use super::{Bearer, bearer, by_headers, newcomer};

/// Prefix of the name of the cookie that holds the token; it was the whole name once. Cookies go to every port of a
/// host, so the name tells this server's from another one's.
const LOGIN_COOKIE: &str = "madang_login";

/// Begins a name that browsers take from its own host alone, by https.
const HOST_ONLY: &str = "__Host-";

/// A login lasts as long as browsers let it: 400 days from the last page.
const LASTS: cookie::time::Duration = cookie::time::Duration::days(400);

/// A person, and the cookie to send along with the answer; `None` for a program with a token.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) person: Person,
    pub(crate) cookies: Vec<HeaderValue>,
    pub(crate) key: LoginKey,
    /// True if they are in the store: a bot, or a person who has acted before.
    pub(crate) is_member: bool,
    /// Held while they may act: a guest or a newcomer.
    pub(crate) expected: Option<Expected>,
}

impl Login {
    /// The cookie as headers of an answer.
    pub(crate) fn cookie(self) -> AppendHeaders<Vec<(HeaderName, HeaderValue)>> {
        AppendHeaders(self.cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)).collect())
    }

    /// Adds the cookie to an answer.
    pub(crate) fn set_on(self, headers: &mut HeaderMap) {
        for cookie in self.cookies {
            headers.append(SET_COOKIE, cookie);
        }
    }
}

/// The logins that the request names, whether they exist or not.
pub(crate) fn keys(app: &App, headers: &HeaderMap) -> Vec<LoginKey> {
    if let Bearer::Token(token) = bearer(headers) {
        return vec![LoginKey(hash(token))];
    }
    carried(app, headers).into_iter().map(|(_, token)| LoginKey(hash(&token))).collect()
}

/// The person whose token or cookie the request carries. A token is preferred to a cookie.
///
/// # Errors
/// A token that is nobody's, or a store that cannot be read.
pub(crate) async fn of(app: &App, headers: &HeaderMap) -> Result<Option<Login>, Refusal> {
    if let Some(person) = by_headers(app, headers)? {
        let Bearer::Token(token) = bearer(headers) else { return Ok(None) };
        let (cookies, expected, key) = (Vec::new(), None, LoginKey(hash(token)));
        return Ok(Some(Login { person, cookies, key, is_member: true, expected }));
    }
    for (name, token) in carried(app, headers) {
        if let Some((person, expected, is_member)) = known(app, &token).await? {
            let mut cookies = vec![login_cookie(app, headers, &token)];
            if name != Name::Now {
                // Taken over once: from now on the new one says it.
                cookies.push(removed(app, headers, name));
            }
            let key = LoginKey(hash(&token));
            let cookies = cookies.into_iter().flatten().collect();
            return Ok(Some(Login { person, cookies, key, is_member, expected }));
        }
    }
    Ok(None)
}

/// The person whose login has this token: from the store, or a newcomer.
async fn known(app: &App, token: &str) -> Result<Option<(Person, Option<Expected>, bool)>, Refusal> {
    let signed = newcomer::read(&app.store.identity().key, token, app.wall(), app.store.turn());
    let mut person = app.store.login(hash(token)).await?;
    if let (None, Some(newcomer)) = (&person, &signed)
        && app.store.is_taken(&newcomer.user).await?
    {
        // They acted a moment ago, in another tab; or this is not their login, and nobody's.
        person = app.store.login(hash(token)).await?;
        if person.is_none() {
            return Ok(None);
        }
    }
    let Some(person) = person else {
        let Some(newcomer) = signed else { return Ok(None) };
        let expected = app.store.expect(newcomer);
        return Ok(Some((Person::new(expected.user.clone(), ""), Some(expected), false)));
    };
    // An old guest may be removed while they look.
    let guest = person.name.is_empty().then(|| {
        let (made_at, arrived) = (app.wall(), app.store.turn());
        let guest = Newcomer { user: person.id.clone(), token_hash: hash(token), made_at, arrived };
        app.store.expect(signed.unwrap_or(guest))
    });
    Ok(Some((person, guest, true)))
}

/// The person whose token or cookie the request carries, or a newcomer.
pub(crate) async fn or_newcomer(app: &App, headers: &HeaderMap) -> Result<Login, Refusal> {
    if let Some(login) = of(app, headers).await? {
        return Ok(login);
    }
    newcomer(app, headers)
}

/// A newcomer. Nothing is written of them.
pub(crate) fn newcomer(app: &App, headers: &HeaderMap) -> Result<Login, Refusal> {
    let id = random_id::<UserId>()?;
    let (made_at, arrived) = (app.wall(), app.store.turn());
    let secret = secret::random_hex().map_err(no_randomness)?;
    let token = newcomer::token(&app.store.identity().key, &id, made_at, arrived, &secret);
    let token_hash = hash(&token);
    let expected = app.store.expect(Newcomer { user: id.clone(), token_hash, made_at, arrived });
    Ok(Login {
        person: Person::new(id, ""),
        cookies: login_cookie(app, headers, &token).into_iter().collect(),
        key: LoginKey(token_hash),
        is_member: false,
        expected: Some(expected),
    })
}

/// Name of the cookie that held a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    /// The present one.
    Now,
    /// With this server's id, from when it was reached by http.
    ByHttp,
    /// As it was before servers had ids.
    Old,
}

impl Name {
    fn of(self, app: &App, secure: bool) -> String {
        let named = format!("{LOGIN_COOKIE}_{}", app.store.identity().server);
        match self {
            Self::Now if secure => format!("{HOST_ONLY}{named}"),
            Self::Now | Self::ByHttp => named,
            Self::Old => LOGIN_COOKIE.to_owned(),
        }
    }
}

/// The tokens that the request carries, the one that counts first.
fn carried(app: &App, headers: &HeaderMap) -> Vec<(Name, String)> {
    let secure = secure(app, headers);
    let names =
        [Name::Now, Name::ByHttp, Name::Old].into_iter().filter(|name| secure || *name != Name::ByHttp);
    names.filter_map(|name| Some((name, cookie(headers, &name.of(app, secure))?))).collect()
}

fn secure(app: &App, headers: &HeaderMap) -> bool {
    app.config.secure_cookies || is_secure(headers)
}

fn login_cookie(app: &App, headers: &HeaderMap, token: &str) -> Option<HeaderValue> {
    built(app, headers, Name::Now, token, LASTS)
}

fn removed(app: &App, headers: &HeaderMap, name: Name) -> Option<HeaderValue> {
    built(app, headers, name, "", cookie::time::Duration::ZERO)
}

fn built(
    app: &App,
    headers: &HeaderMap,
    name: Name,
    value: &str,
    lasts: cookie::time::Duration,
) -> Option<HeaderValue> {
    let secure = secure(app, headers);
    let cookie = Cookie::build((name.of(app, secure), value))
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(secure)
        .path("/")
        .max_age(lasts)
        .build();
    HeaderValue::try_from(cookie.to_string()).ok()
}

/// The value of the first cookie of that name.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    cookies
        .flat_map(Cookie::split_parse)
        .flatten()
        .find(|cookie| cookie.name() == name)
        .map(|c| c.value().to_owned())
}

/// A new id: also what a room opened today is called.
pub(crate) fn random_id<Id: std::str::FromStr>() -> Result<Id, Refusal> {
    let id = secret::random_id().map_err(no_randomness)?;
    id.parse().map_err(|_| Refusal::from(madang_protocol::RefusalCode::Unknown))
}

fn no_randomness(error: getrandom::Error) -> Refusal {
    tracing::error!(%error, "the system gives no random numbers");
    crate::store::StoreError::Unavailable(error.to_string()).into()
}

/// A newcomer, for a protocol that asks who somebody is after its upgrade, or has none. Nobody else knows the login. The
/// share is held until the session has its own.
///
/// # Errors
/// A system without random numbers.
pub(crate) fn guest(app: &App) -> Result<(Person, Option<Expected>), Refusal> {
    let login = newcomer(app, &HeaderMap::new())?;
    Ok((login.person, login.expected))
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
