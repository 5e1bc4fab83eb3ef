//! Networks, by which addresses are counted.

use std::fmt;
use std::net::{AddrParseError, IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An address as budgets and bans know it: one of IPv4, also where it is written as IPv6, or the /64 of IPv6. One
/// household has a /64, so a single address of it means nothing. The loopback address of IPv6 is that of IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network(IpAddr);

impl Network {
    /// Network of somebody whose address nobody knows.
    pub const NOWHERE: Self = Self(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            // This machine, by either family; its /64 would be that of no address at all.
            IpAddr::V6(Ipv6Addr::LOCALHOST) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & (u128::MAX << 64)).into()),
            v4 => v4,
        })
    }
}

impl FromStr for Network {
    type Err = AddrParseError;

    /// Reads an address, or a /64 as it is shown.
    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        text.strip_suffix("/64")
            .filter(|text| text.contains(':'))
            .unwrap_or(text)
            .parse::<IpAddr>()
            .map(Into::into)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(v4) => v4.fmt(f),
            IpAddr::V6(v6) => write!(f, "{v6}/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_read_as_it_is_shown() {
        for (text, shown) in [
            ("203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("::1", "127.0.0.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::/64", "2001:db8:1:2::/64"),
        ] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), shown);
        }
        for wrong in ["", "ann", "203.0.113.7/64", "203.0.113.0/24", "2001:db8::/32", "[::1]"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
