//! Which sites' pages may act here. Browsers send a page's origin with every WebSocket and every form that is
//! posted; without this check any page on the web could act with its visitor's login.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::reject;
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

/// Whether a request comes from this server's own pages, from an allowed site, or from no page at all: programs
/// send no `Origin`, and no browser leaves it out.
pub(super) fn is_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter();
    let Some(origin) = origins.next() else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    if origins.next().is_some() {
        return false;
    }
    let own = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .is_some_and(|host| host_of(origin) == Some(host));
    own || allowed.iter().any(|site| site.trim_end_matches('/').eq_ignore_ascii_case(origin))
}

/// Host and port of an origin: everything after the scheme, compared whole, so that no suffix passes for it.
fn host_of(origin: &str) -> Option<&str> {
    origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))
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
    fn two_origins_are_none() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "a".parse().unwrap());
        headers.append(ORIGIN, "http://a".parse().unwrap());
        headers.append(ORIGIN, "http://evil".parse().unwrap());
        assert!(!is_allowed(&headers, &[]));
    }
}
