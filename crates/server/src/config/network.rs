//! Networks on the command line.

use std::net::IpAddr;

use ipnet::{AddrParseError, IpNet};

/// A network, or a single address.
pub(super) fn parse(text: &str) -> Result<IpNet, AddrParseError> {
    text.parse::<IpAddr>().map(|ip| IpNet::from(ip.to_canonical())).or_else(|_| text.parse())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_network_of_one() {
        for (text, holds, not) in [
            ("10.0.0.1", "10.0.0.1", "10.0.0.2"),
            ("10.0.0.1/8", "10.255.255.255", "11.0.0.0"),
            ("::1", "::1", "::2"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("::ffff:10.0.0.1", "10.0.0.1", "10.0.0.2"),
        ] {
            let network = parse(text).unwrap();
            let contains = |ip: &str| network.contains(&ip.parse::<IpAddr>().unwrap());
            assert!(contains(holds) && !contains(not), "{text}");
        }
        assert!(parse("10.0.0.0/33").is_err() && parse("proxy.example").is_err() && parse("").is_err());
    }
}
