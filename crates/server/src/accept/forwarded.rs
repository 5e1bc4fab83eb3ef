//! Address of the client, where a proxy stands between. Headers of a proxy named by `--trusted-proxy` are believed;
//! what anybody else writes into them is not. Either way the head of the request is made to tell what holds, here and
//! nowhere else: behind this, `ConnectInfo` is the client, `Host` is what the client asked for, and [`is_secure`] tells
//! how.

use std::net::{IpAddr, SocketAddr};

use axum::http::Version;
use axum::http::header::{FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue, VIA};
use ipnet::IpNet;

use crate::http::host;
use crate::webhooks::address::is_public;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const HOST_BEFORE: HeaderName = HeaderName::from_static("x-forwarded-host");
/// After [`settle`] it is ours: `https` or nothing.
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Other headers of proxies. `Forwarded` (RFC 7239) is not read: the usual proxies pass on what a client wrote there,
/// so that it would be believed beside the headers which they do set.
const UNREAD: [HeaderName; 3] =
    [FORWARDED, HeaderName::from_static("x-forwarded-port"), HeaderName::from_static("x-real-ip")];

/// True if a request comes from this machine itself, and not through a proxy on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Near(pub(crate) bool);

/// Proxies show themselves by one of these headers, or by HTTP/1.0. Before [`settle`] takes them out.
pub(super) fn is_near(headers: &HeaderMap, version: Version, peer: SocketAddr) -> Near {
    let mut telling = [FOR, HOST_BEFORE, PROTO, VIA].into_iter().chain(UNREAD);
    let told = telling.any(|name| headers.contains_key(name));
    Near(peer.ip().to_canonical().is_loopback() && !told && version >= Version::HTTP_11)
}

/// Reads a trusted proxy's headers, removes them, and returns the client's address.
/// `peer` is the other end of the connection, `secure` whether it is under TLS.
pub(super) fn settle(
    headers: &mut HeaderMap,
    peer: SocketAddr,
    secure: bool,
    trusted: &[IpNet],
) -> SocketAddr {
    let by_proxy = is_trusted(trusted, peer.ip());
    let client = if by_proxy { client(headers, peer, trusted) } else { peer };
    let secure = last(headers, &PROTO).filter(|_| by_proxy).map_or(secure, |proto| is_https(proto, secure));
    let host = last(headers, &HOST_BEFORE).filter(|host| by_proxy && host::is_plain(host));
    if let Some(Ok(host)) = host.map(HeaderValue::from_str) {
        headers.insert(HOST, host);
    }
    for name in [FOR, HOST_BEFORE, PROTO].into_iter().chain(UNREAD) {
        headers.remove(name);
    }
    if secure {
        headers.insert(PROTO, HeaderValue::from_static("https"));
    }
    client
}

/// Returns true if the client uses https or wss.
pub(crate) fn is_secure(headers: &HeaderMap) -> bool {
    headers.contains_key(PROTO)
}

/// Returns true if somebody near, who is not named as a proxy, names whom they ask for. Before [`settle`].
pub(super) fn is_unnamed_proxy(headers: &HeaderMap, peer: SocketAddr, trusted: &[IpNet]) -> bool {
    let speaks_for_another = headers.contains_key(FOR) || headers.contains_key(FORWARDED);
    speaks_for_another && !is_public(peer.ip().to_canonical()) && !is_trusted(trusted, peer.ip())
}

/// Returns true for an address of a proxy that is believed.
pub(super) fn is_trusted(trusted: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    trusted.iter().any(|network| network.contains(&address))
}

/// Each proxy adds whom it got the request from at the end. So the last address that is no trusted proxy is the client,
/// and anything before it was written by the client. An entry that cannot be read was written by nobody whom we trust:
/// then the proxy that passed it on is the nearest that we know.
fn client(headers: &HeaderMap, peer: SocketAddr, trusted: &[IpNet]) -> SocketAddr {
    let mut nearest = peer;
    for hop in
        headers.get_all(FOR).into_iter().rev().flat_map(|value| value.as_bytes().rsplit(|b| *b == b','))
    {
        let Some(hop) = str::from_utf8(hop).ok().and_then(|hop| address(hop.trim())) else { break };
        nearest = hop;
        if !is_trusted(trusted, hop.ip()) {
            break;
        }
    }
    nearest
}

/// An address, with or without a port, which is 0 if it is not known.
fn address(text: &str) -> Option<SocketAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let ip = bare.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 0));
    let parsed = ip.or_else(|_| text.parse::<SocketAddr>()).ok()?;
    Some(SocketAddr::new(parsed.ip().to_canonical(), parsed.port()))
}

/// The proxy nearest to us writes last.
fn last<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let value = headers.get_all(name).into_iter().next_back()?.to_str().ok()?;
    value.rsplit(',').next().map(str::trim)
}

fn is_https(proto: &str, otherwise: bool) -> bool {
    match proto.to_ascii_lowercase().as_str() {
        "https" | "wss" => true,
        "http" | "ws" => false,
        _ => otherwise,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "10.0.0.1:4711";

    fn settled(peer: &str, lines: &[(&'static str, &str)]) -> (String, HeaderMap) {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "2001:db8:1::/48".parse().unwrap()];
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "upstream:3000".parse().unwrap());
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let client = settle(&mut headers, peer.parse().unwrap(), false, &trusted);
        (client.ip().to_string(), headers)
    }

    fn client_of(peer: &str, lines: &[&str]) -> String {
        let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
        settled(peer, &lines).0
    }

    #[test]
    fn client_is_last_address_before_trusted_proxies() {
        for (lines, client) in [
            (&["203.0.113.7"][..], "203.0.113.7"),
            (&["203.0.113.7:55000"], "203.0.113.7"),
            (&["  203.0.113.7  "], "203.0.113.7"),
            (&["2001:db8:2::7"], "2001:db8:2::7"),
            (&["[2001:db8:2::7]"], "2001:db8:2::7"),
            (&["[2001:db8:2::7]:443"], "2001:db8:2::7"),
            (&["::ffff:203.0.113.7"], "203.0.113.7"),
            (&["203.0.113.7, 10.1.2.3"], "203.0.113.7"),
            (&["203.0.113.7, 2001:db8:1::9, 10.1.2.3"], "203.0.113.7"),
            (&["203.0.113.7", "10.1.2.3"], "203.0.113.7"),
            // Addresses that the client wrote itself stand before.
            (&["127.0.0.1, 203.0.113.7"], "203.0.113.7"),
            (&["10.9.9.9, 203.0.113.7"], "203.0.113.7"),
            (&["127.0.0.1", "203.0.113.7"], "203.0.113.7"),
            (&["garbage, 203.0.113.7"], "203.0.113.7"),
            // Proxies all the way.
            (&["10.3.3.3, 10.2.2.2"], "10.3.3.3"),
        ] {
            assert_eq!(client_of(PROXY, lines), client, "{lines:?}");
        }
        assert_eq!(client_of("[::ffff:10.0.0.1]:1", &["203.0.113.7"]), "203.0.113.7", "a mapped address");
        assert_eq!(client_of("[2001:db8:1::1]:1", &["203.0.113.7"]), "203.0.113.7");
    }

    #[test]
    fn unreadable_forwarded_address_is_ignored() {
        for lines in [
            &[][..],
            &[""],
            &[","],
            &["unknown"],
            &["_hidden"],
            &["203.0.113.7, "],
            &["203.0.113.7, unknown"],
            &["203.0.113"],
            &["203.0.113.7:x"],
            &["203.0.113.7:70000"],
            &["203.0.113.7 198.51.100.1"],
            &["\"203.0.113.7\""],
            &["for=203.0.113.7"],
            &["마당"],
            &["203.0.113.7;"],
            &["[203.0.113.7"],
        ] {
            assert_eq!(client_of(PROXY, lines), "10.0.0.1", "{lines:?}");
        }
        assert_eq!(client_of(PROXY, &["203.0.113.7, ?, 10.2.2.2"]), "10.2.2.2", "the nearest that is known");
    }

    #[test]
    fn headers_of_other_peers_are_ignored() {
        for stranger in ["203.0.113.66:1", "[2001:db8:2::66]:1", "11.0.0.1:1", "127.0.0.1:1"] {
            let (client, headers) = settled(
                stranger,
                &[
                    ("x-forwarded-for", "198.51.100.1"),
                    ("x-forwarded-proto", "https"),
                    ("x-forwarded-host", "evil.example"),
                    ("x-forwarded-port", "443"),
                    ("x-real-ip", "198.51.100.1"),
                    ("forwarded", "for=198.51.100.1;host=evil.example;proto=https"),
                ],
            );
            let itself = stranger.parse::<SocketAddr>().unwrap().ip().to_string();
            assert_eq!(client, itself);
            assert!(!is_secure(&headers));
            assert_eq!(headers.len(), 1, "nothing of it is left: {headers:?}");
            assert_eq!(headers[HOST], "upstream:3000");
        }
    }

    #[test]
    fn scheme_and_host_come_from_nearest_proxy() {
        for (proto, secure) in [
            ("https", true),
            ("HTTPS", true),
            ("wss", true),
            ("http", false),
            ("http, https", true),
            ("ftp", false),
        ] {
            assert_eq!(is_secure(&settled(PROXY, &[("x-forwarded-proto", proto)]).1), secure, "{proto}");
        }
        let twice = [("x-forwarded-proto", "https"), ("x-forwarded-proto", "http")];
        assert!(!is_secure(&settled(PROXY, &twice).1));
        for (host, taken) in [
            ("chat.example", "chat.example"),
            ("chat.example:8443", "chat.example:8443"),
            ("evil.example, chat.example", "chat.example"),
            ("[2001:db8::1]:1", "[2001:db8::1]:1"),
            ("a/b", "upstream:3000"),
            ("a@b", "upstream:3000"),
            ("", "upstream:3000"),
        ] {
            assert_eq!(settled(PROXY, &[("x-forwarded-host", host)]).1[HOST], taken, "{host}");
        }
    }

    #[test]
    fn own_tls_is_https_unless_proxy_overrides() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        for (peer, proto, secure) in [
            (PROXY, None, true),
            (PROXY, Some("http"), false),
            (PROXY, Some("what"), true),
            ("203.0.113.7:1", Some("http"), true),
        ] {
            let mut headers = HeaderMap::new();
            proto.map(|proto| headers.insert(PROTO, HeaderValue::from_static(proto)));
            settle(&mut headers, peer.parse().unwrap(), true, &trusted);
            assert_eq!(is_secure(&headers), secure, "{peer} {proto:?}");
        }
    }
}
