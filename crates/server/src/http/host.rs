//! The name under which a server is asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Returns true for a `Host` that can be taken for nothing else.
pub(crate) fn is_plain(host: &str) -> bool {
    Host::parse(host).is_some()
}

/// Returns true for an address, a loopback name, or one of `names`: none of them can be a foreign site's own, with
/// this server's address given to it (DNS rebinding).
pub(crate) fn is_ours(host: &str, names: &[String]) -> bool {
    let Some(host) = Host::parse(host) else { return false };
    let name = host.name.strip_suffix('.').unwrap_or(host.name);
    let is_named = |ours: &String| ours.strip_suffix('.').unwrap_or(ours).eq_ignore_ascii_case(name);
    host.address().is_some() || host.is_loopback() || names.iter().any(is_named)
}

/// A `Host` of which nothing can be misunderstood: it becomes part of an address that people follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Host<'a> {
    /// A name or an address, the latter in brackets if it has colons.
    pub(super) name: &'a str,
    pub(super) port: Option<u16>,
}

impl<'a> Host<'a> {
    /// Reads it; `None` if it is anything but a name or an address, and perhaps a port. An empty port counts as no port
    /// (RFC 3986, 3.2.3).
    pub(super) fn parse(host: &'a str) -> Option<Self> {
        let (name, port) = match host.rfind(']') {
            Some(end) => host.split_at_checked(end + 1)?,
            None => host.split_at_checked(host.find(':').unwrap_or(host.len()))?,
        };
        let port = match port.strip_prefix(':') {
            Some("") => None,
            Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => Some(digits.parse().ok()?),
            Some(_) => return None,
            None if port.is_empty() => None,
            None => return None,
        };
        let is_good = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            Some(v6) => v6.parse::<Ipv6Addr>().is_ok(),
            None => is_name(name),
        };
        is_good.then_some(Self { name, port })
    }

    /// Returns true if both lead to the same place, for a client that takes `default` where no port is named.
    pub(super) fn is_same(self, other: Self, default: u16) -> bool {
        let port = |host: Self| host.port.unwrap_or(default);
        let same_name = match (self.address(), other.address()) {
            (Some(a), Some(b)) => a == b,
            _ => self.name.eq_ignore_ascii_case(other.name),
        };
        same_name && port(self) == port(other)
    }

    /// Returns the address, if it is one and no name.
    pub(super) fn address(self) -> Option<IpAddr> {
        match self.name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            Some(v6) => v6.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            None => self.name.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        }
    }

    /// Returns true for the names that never leave the machine (RFC 6761, 6.3).
    pub(super) fn is_loopback(self) -> bool {
        match self.address() {
            Some(address) => address.to_canonical().is_loopback(),
            None => {
                let name = self.name.strip_suffix('.').unwrap_or(self.name).to_ascii_lowercase();
                name == "localhost" || name.ends_with(".localhost")
            }
        }
    }
}

/// Labels of letters, digits, hyphens and underscores; one dot may stand at the end.
fn is_name(name: &str) -> bool {
    let good = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
    let labels = name.strip_suffix('.').unwrap_or(name);
    name.len() <= 253 && labels.split('.').all(|label| !label.is_empty() && label.bytes().all(good))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_parses_names_and_addresses_only() {
        for good in ["a", "a.example.", "a_b.example:1", "a:", "1.2.3.4:65535", "[::1]", "[::1]:80"] {
            assert!(is_plain(good), "{good}");
        }
        for bad in [
            "", ":1", ".", "a..b", ".a", "a:65536", "a:+1", "a:1:1", "::1", "[a]", "[::1", "a/b", "a@b",
            "마당", "a b",
        ] {
            assert!(!is_plain(bad), "{bad}");
        }
    }

    #[test]
    fn rebinding_needs_a_foreign_name() {
        let ours = |host| is_ours(host, &["chat.lan".into()]);
        for host in [
            "127.0.0.1:3000",
            "[::1]",
            "192.168.0.7",
            "localhost:1",
            "a.localhost",
            "CHAT.lan:80",
            "chat.lan.",
        ] {
            assert!(ours(host), "{host}");
        }
        for host in
            ["evil.example", "chat.lan.evil.example", "xchat.lan", "localhost.evil.example", "", "a b"]
        {
            assert!(!ours(host), "{host}");
        }
    }

    #[test]
    fn same_host_ignores_case_default_port_and_spelling() {
        let same = |a, b, default| Host::parse(a).unwrap().is_same(Host::parse(b).unwrap(), default);
        assert!(same("Chat.Example:443", "chat.example", 443));
        assert!(same("chat.example:", "chat.example:80", 80));
        assert!(same("[::1]:1", "[0:0:0:0:0:0:0:1]:1", 80));
        assert!(!same("chat.example:443", "chat.example", 80));
        assert!(!same("chat.example", "chat.example.evil", 80));
    }
}
