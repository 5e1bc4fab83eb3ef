//! Answer to clients that use HTTP in clear where TLS is expected: where to go, and nothing else.

use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, HOST, LOCATION, UPGRADE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};

use super::guard;
use super::host::Host;

/// Addresses of a redirect: where a client came to, and is sent to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// The address and port of this machine that the connection is made to.
    pub(crate) here: SocketAddr,
    /// The port of this server's https.
    pub(crate) https: u16,
}

/// Answers everything so.
pub(crate) fn router(target: Target) -> Router {
    Router::new().fallback(redirect).layer(from_fn(guard::check)).with_state(target)
}

async fn redirect(State(target): State<Target>, request: Request) -> Response {
    let authority = target.authority(request.headers());
    let close = [(CONNECTION, HeaderValue::from_static("close"))];
    if asks_for_websocket(request.headers()) {
        // Browsers follow no redirect there: who is to mend the address has to read this.
        let sentence = format!("WebSockets are spoken under TLS only here: use wss://{authority}\n");
        return (StatusCode::FORBIDDEN, close, sentence).into_response();
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let slash = if path.starts_with('/') { "" } else { "/" };
    let location = format!("https://{authority}{slash}{path}");
    let sentence = format!("This server speaks https only: {location}\n");
    let mut answer = (StatusCode::PERMANENT_REDIRECT, close, sentence).into_response();
    if let Ok(location) = HeaderValue::try_from(location) {
        answer.headers_mut().insert(LOCATION, location);
    }
    answer
}

fn asks_for_websocket(headers: &HeaderMap) -> bool {
    let mut upgrades = headers.get_all(UPGRADE).iter().filter_map(|upgrade| upgrade.to_str().ok());
    upgrades.any(|upgrade| upgrade.to_ascii_lowercase().contains("websocket"))
}

impl Target {
    /// Host and port to go to: the host that was asked for, or else the address that was reached.
    fn authority(self, headers: &HeaderMap) -> String {
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().filter(|_| hosts.next().is_none());
        let host = host.and_then(|host| host.to_str().ok()).and_then(Host::parse);
        let Some(Host { name, port }) = host else {
            let name = match self.here.ip().to_canonical() {
                IpAddr::V4(v4) => v4.to_string(),
                IpAddr::V6(v6) => format!("[{v6}]"),
            };
            return with_port(&name, self.https);
        };
        match port {
            // The port that speaks both.
            port if self.here.port() == self.https => with_port(name, port.unwrap_or(443)),
            // Port 80 of somewhere else is passed on to us: then so is its port 443.
            None if self.here.port() != 80 => name.to_owned(),
            _ => with_port(name, self.https),
        }
    }
}

fn with_port(name: &str, port: u16) -> String {
    if port == 443 { name.to_owned() } else { format!("{name}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(host: &str, here: &str, https: u16) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        Target { here: here.parse().unwrap(), https }.authority(&headers)
    }

    #[test]
    fn redirect_leads_to_requested_host() {
        for (host, here, https, goal) in [
            ("chat.example:3443", "10.0.0.1:3443", 3443, "chat.example:3443"),
            ("chat.example:8443", "10.0.0.1:3443", 3443, "chat.example:8443"),
            ("chat.example", "10.0.0.1:443", 443, "chat.example"),
            ("chat.example", "10.0.0.1:80", 443, "chat.example"),
            ("chat.example:80", "10.0.0.1:80", 443, "chat.example"),
            ("chat.example", "10.0.0.1:80", 3443, "chat.example:3443"),
            ("chat.example", "172.17.0.2:8080", 8443, "chat.example"),
            ("chat.example:8080", "10.0.0.1:8080", 8443, "chat.example:8443"),
            ("[2001:db8::1]:80", "[2001:db8::1]:80", 8443, "[2001:db8::1]:8443"),
            ("a:", "10.0.0.1:80", 3443, "a:3443"),
            ("CHAT_1.example.", "10.0.0.1:80", 443, "CHAT_1.example."),
        ] {
            assert_eq!(to(host, here, https), goal, "{host} at {here}");
        }
    }

    #[test]
    fn ambiguous_host_is_replaced_by_address() {
        for host in [
            "",
            ":80",
            "evil.example/",
            "evil.example?x",
            "evil.example#x",
            "a@evil.example",
            "a b",
            "evil.example\\@b",
            "[::1",
            "[::1]x",
            "::1",
            "[evil.example]",
            "a:65536",
            "a:+80",
            "a:80:80",
            "a%2eb",
            "\"",
            "<script>",
            &"a".repeat(254),
        ] {
            assert_eq!(to(host, "10.0.0.1:80", 3443), "10.0.0.1:3443", "{host}");
        }
        assert_eq!(to("/", "[2001:db8::1]:80", 443), "[2001:db8::1]");
        let mut two = HeaderMap::new();
        two.append(HOST, "a.example".parse().unwrap());
        two.append(HOST, "evil.example".parse().unwrap());
        let target = Target { here: "10.0.0.1:80".parse().unwrap(), https: 443 };
        assert_eq!(target.authority(&two), "10.0.0.1");
        assert_eq!(target.authority(&HeaderMap::new()), "10.0.0.1");
    }
}
