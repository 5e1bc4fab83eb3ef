//! The name under which a server is asked.

use std::net::Ipv6Addr;

/// Whether a `Host` can be taken for nothing else.
pub(crate) fn is_plain(host: &str) -> bool {
    Host::parse(host).is_some()
}

/// A `Host` of which nothing can be misunderstood: it becomes part of an address that people follow.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Host<'a> {
    /// A name or an address, the latter in brackets if it has colons.
    pub(super) name: &'a str,
    pub(super) port: Option<u16>,
}

impl<'a> Host<'a> {
    /// Reads it; none, if it is anything but a name or an address, and perhaps a port.
    pub(super) fn parse(host: &'a str) -> Option<Self> {
        let (name, port) = match host.rfind(']') {
            Some(end) => host.split_at_checked(end + 1)?,
            None => host.split_at_checked(host.find(':').unwrap_or(host.len()))?,
        };
        let port = match port.strip_prefix(':') {
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
}

fn is_name(name: &str) -> bool {
    let good = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_');
    (1..=253).contains(&name.len()) && name.bytes().all(good)
}
