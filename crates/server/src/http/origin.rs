//! Which sites' pages may act here. Browsers send a page's origin with every WebSocket and every form that is
//! posted; without this check any page on the web could act with its visitor's login.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::reject;
use crate::accept::is_secure;
use crate::app::App;

/// Refuses requests that change something when they come from a foreign page.
pub(super) async fn check(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let harmless = matches!(*request.method(), Method::GET | Method::HEAD);
    if harmless || is_allowed(request.headers(), &app.config.origins) {
        return next.run(request).await;
    }
    refuse(&app, peer.ip())
}

/// The answer to a foreign page.
pub(super) fn refuse(app: &App, address: IpAddr) -> Response {
    reject(app, address, "origin");
    (StatusCode::FORBIDDEN, "This page may not use this server. Its address must be allowed with --origin.\n")
        .into_response()
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// This server's own pages, an allowed site, or no page at all: programs send no `Origin`, and no browser
    /// leaves it out.
    Own,
    /// A page of another server on this very machine, reached by a loopback name as this one is: somebody tries
    /// a client of their own. It may be served, but as nobody's: a login's cookie goes to every port.
    Neighbour,
    /// Any other page.
    Foreign,
}

/// Whether a request may act with the login that it carries.
pub(super) fn is_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    standing(headers, allowed) == Standing::Own
}

/// Where a request comes from.
pub(super) fn standing(headers: &HeaderMap, allowed: &[String]) -> Standing {
    let mut origins = headers.get_all(ORIGIN).iter();
    let Some(origin) = origins.next() else { return Standing::Own };
    let Ok(origin) = origin.to_str() else { return Standing::Foreign };
    if origins.next().is_some() {
        return Standing::Foreign;
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let named = || allowed.iter().any(|site| site.trim_end_matches('/').eq_ignore_ascii_case(origin));
    match (host_of(origin, is_secure(headers)), host) {
        (Some(theirs), Some(ours)) if theirs == ours => Standing::Own,
        _ if named() => Standing::Own,
        (Some(theirs), Some(ours)) if is_loopback(theirs) && is_loopback(ours) => Standing::Neighbour,
        _ => Standing::Foreign,
    }
}

/// Whether a host, with or without a port, is one of the names that never leave the machine.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

/// Host and port of an origin: everything after the scheme, compared whole, so that no suffix passes for it. To
/// who is reached by https, a page that came in clear is foreign: anybody on its way may have written it.
fn host_of(origin: &str, secure: bool) -> Option<&str> {
    origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://").filter(|_| !secure))
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
    fn the_own_page_a_named_site_and_programs_may() {
        assert!(from(Some("http://chat.example:3000")));
        assert!(from(Some("https://chat.example:3000")), "behind a proxy that speaks TLS");
        assert!(from(Some("https://other.example")));
        assert!(from(None));
    }

    #[test]
    fn foreign_pages_may_not_whatever_they_look_like() {
        for origin in [
            "null",
            "",
            "http://evil.example",
            "http://chat.example",
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
    fn another_port_of_the_same_machine_is_next_door_and_nothing_that_looks_like_it() {
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
            assert_eq!(from(host, origin), Standing::Neighbour, "{origin}");
        }
        for (host, origin) in [
            ("chat.example:3000", "http://localhost:5173"),
            ("localhost:3000", "http://localhost.evil.example:3000"),
            ("localhost:3000", "http://localhost:3000.evil.example"),
            ("localhost:3000", "http://evil.example:3000"),
            ("localhost:3000", "http://localhost:1@evil.example"),
            ("localhost:3000", "null"),
        ] {
            assert_eq!(from(host, origin), Standing::Foreign, "{origin}");
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
