//! Sites whose pages may act here: the guard against cross-site requests (CSRF). Browsers send a page's origin with every WebSocket and everything that is
//! posted; without this check any page on the web could act with its visitor's login. One layer over all routes asks,
//! so that no route can forget to; only upgrades ask once more, by [`standing`], because some clients of another
//! origin may open one as nobody.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::host::Host;
use super::rejection::reject;
use super::{api, rt};
use crate::accept::forwarded::is_secure;
use crate::auth::{self, Bearer};
use crate::state::App;

/// The layer over all routes: refuses what a foreign page asks for with its visitor's login.
pub(super) async fn check(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if !is_guarded(&request) || is_allowed(request.headers(), &app.config.origins) {
        return next.run(request).await;
    }
    refuse(&app, peer.ip(), request.headers(), request.uri())
}

/// Returns true for a request in which a login may count, and that changes something or hands out what only its
/// person may read. Pages are neither: a foreign site can show them to nobody, and learns nothing of them.
fn is_guarded(request: &Request) -> bool {
    let path = request.uri().path();
    // Their secret is in the address, or in a header that no page of another site can send unasked.
    if path.starts_with("/hooks/") || auth::bearer(request.headers()) != Bearer::None {
        return false;
    }
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
    !is_safe || rt::is_at(path) || api::is_at(path)
}

/// The answer to a foreign page, in the form of the place that it asked.
pub(super) fn refuse(app: &App, address: IpAddr, headers: &HeaderMap, uri: &Uri) -> Response {
    reject(app, address, "origin");
    tell(app, address, headers);
    if rt::is_at(uri.path()) {
        return rt::foreign();
    }
    if api::is_at(uri.path()) {
        return api::foreign();
    }
    (StatusCode::FORBIDDEN, "This page may not use this server. Its address must be allowed with --origin.\n")
        .into_response()
}

/// Says once for each pair which names did not match, and what to do about it.
fn tell(app: &App, address: IpAddr, headers: &HeaderMap) {
    let shown = |name| {
        let value = headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        value.unwrap_or_default().chars().take(100).collect::<String>()
    };
    let (origin, host) = (shown(ORIGIN), shown(HOST));
    if app.told.is_first(&(&origin, &host)) {
        tracing::warn!(
            %address, ?origin, ?host,
            "a page is refused: its Origin is not the Host that was asked for; if it is yours, name it with --origin, \
             or let the proxy pass Host on (or X-Forwarded-Host, with --trusted-proxy)"
        );
    }
}

/// Relation of a request's origin to this site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OriginVerdict {
    /// This server's own pages, an allowed site, or no page at all: programs send no `Origin`, and no browser
    /// leaves it out.
    Own,
    /// A page of another server on this very machine, reached by a loopback name as this one is: somebody tries
    /// a client of their own. It may be served, but as nobody's: a login's cookie goes to every port.
    Neighbour,
    /// Any other page.
    Foreign,
}

/// Returns true if a request may act with the login that it carries.
pub(super) fn is_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    standing(headers, allowed) == OriginVerdict::Own
}

/// Returns the relation of a request's origin to this site.
pub(super) fn standing(headers: &HeaderMap, allowed: &[String]) -> OriginVerdict {
    let mut origins = headers.get_all(ORIGIN).iter();
    let Some(origin) = origins.next() else { return OriginVerdict::Own };
    let Ok(origin) = origin.to_str() else { return OriginVerdict::Foreign };
    if origins.next().is_some() {
        return OriginVerdict::Foreign;
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).and_then(Host::parse);
    let theirs = Site::parse(origin);
    let is_named = || {
        allowed
            .iter()
            .filter_map(|site| Site::parse(site.trim_end_matches('/')))
            .any(|site| Some(site) == theirs)
    };
    match (theirs, host) {
        (Some(theirs), Some(ours)) if theirs.is_here(ours, is_secure(headers)) => OriginVerdict::Own,
        _ if is_named() => OriginVerdict::Own,
        (Some(theirs), Some(ours)) if theirs.host.is_loopback() && ours.is_loopback() => {
            let clear_here = !is_secure(headers) || theirs.secure;
            if clear_here { OriginVerdict::Neighbour } else { OriginVerdict::Foreign }
        }
        _ => OriginVerdict::Foreign,
    }
}

/// An origin that a browser can have: a scheme, a host and a port, compared part by part, so that no suffix passes
/// for it.
#[derive(Clone, Copy, Debug)]
struct Site<'a> {
    secure: bool,
    host: Host<'a>,
}

impl<'a> Site<'a> {
    fn parse(origin: &'a str) -> Option<Self> {
        let (scheme, rest) = origin.split_once("://")?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        Host::parse(rest).map(|host| Self { secure, host })
    }

    /// The port where none is written.
    fn default_port(self) -> u16 {
        if self.secure { 443 } else { 80 }
    }

    /// Returns true if a page of this site was served under `host`. To a client that came by https, a page that came
    /// in clear is foreign: anybody on its way may have written it.
    fn is_here(self, host: Host<'_>, secure: bool) -> bool {
        (self.secure || !secure) && self.host.is_same(host, self.default_port())
    }
}

impl PartialEq for Site<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.secure == other.secure && self.host.is_same(other.host, self.default_port())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(origin: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "chat.example:3000".parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        is_allowed(&headers, &["https://other.example".into()])
    }

    #[test]
    fn own_page_named_sites_and_programs_may() {
        assert!(from(Some("http://chat.example:3000")));
        assert!(from(Some("https://chat.example:3000")), "behind a proxy that speaks TLS");
        assert!(from(Some("https://other.example")));
        assert!(from(None));
    }

    #[test]
    fn foreign_pages_and_lookalikes_are_refused() {
        for origin in [
            "null",
            "",
            "http://evil.example",
            "http://chat.example",
            "http://chat.example:3000/",
            "http://chat.example:3000.evil.example",
            "http://evilchat.example:3000",
            "http://evil.example/http://chat.example:3000",
            "http://chat.example:3000@evil.example",
            "ftp://chat.example:3000",
            "chat.example:3000",
            "https://other.example.evil.example",
        ] {
            assert!(!from(Some(origin)), "{origin}");
        }
    }

    #[test]
    fn other_port_is_next_door_lookalikes_are_not() {
        let from = |host: &'static str, origin: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            headers.insert(ORIGIN, origin.parse().unwrap());
            standing(&headers, &[])
        };
        for (host, origin) in [
            ("localhost:3000", "http://localhost:5173"),
            ("127.0.0.1:3000", "http://localhost:3000"),
            ("localhost", "http://[::1]:8080"),
        ] {
            assert_eq!(from(host, origin), OriginVerdict::Neighbour, "{origin}");
        }
        for (host, origin) in [
            ("chat.example:3000", "http://localhost:5173"),
            ("localhost:3000", "http://localhost.evil.example:3000"),
            ("localhost:3000", "http://localhost:3000.evil.example"),
            ("localhost:3000", "http://evil.example:3000"),
            ("localhost:3000", "http://localhost:1@evil.example"),
            ("localhost:3000", "null"),
        ] {
            assert_eq!(from(host, origin), OriginVerdict::Foreign, "{origin}");
        }
    }

    #[test]
    fn own_page_ignores_case_and_default_port() {
        let from = |host: &str, origin: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            headers.insert(ORIGIN, origin.parse().unwrap());
            is_allowed(&headers, &["https://Named.Example:443/".into()])
        };
        for (host, origin) in [
            ("chat.example:443", "https://chat.example"),
            ("chat.example:80", "http://chat.example"),
            ("chat.example", "https://chat.example"),
            ("chat.example", "http://chat.example"),
            ("chat.example", "https://chat.example:443"),
            ("CHAT.example", "https://chat.Example"),
            ("chat.example:", "https://chat.example"),
            ("[0:0::1]:8080", "http://[::1]:8080"),
            ("elsewhere", "https://named.example"),
        ] {
            assert!(from(host, origin), "{host} {origin}");
        }
        for (host, origin) in [
            ("chat.example:443", "http://chat.example"),
            ("chat.example:80", "https://chat.example"),
            ("chat.example:8443", "https://chat.example"),
            ("chat.example", "https://chat.example:8443"),
            ("chat.example", "https://sub.chat.example"),
            ("elsewhere", "http://named.example"),
        ] {
            assert!(!from(host, origin), "{host} {origin}");
        }
    }

    #[test]
    fn two_origins_are_none() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "a".parse().unwrap());
        headers.append(ORIGIN, "http://a".parse().unwrap());
        headers.append(ORIGIN, "http://evil".parse().unwrap());
        assert!(!is_allowed(&headers, &[]));
    }
}
