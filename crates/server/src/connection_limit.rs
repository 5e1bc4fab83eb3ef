//! Whom an address stands for, and how many connections each has.

use std::collections::HashMap;
use std::fmt;
use std::net::{AddrParseError, IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

/// An address as budgets and bans know it: one of IPv4, also where it is written as IPv6, or the /64 of IPv6. One
/// household has a /64, so a single address of it says nothing. The loopback address of IPv6 is that of IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network(IpAddr);

impl Network {
    /// Where nobody knows where somebody comes from.
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

/// The table; cheap to clone.
#[derive(Clone, Debug)]
pub struct ConnectionLimit {
    most: u32,
    open: Arc<Mutex<HashMap<Network, u32>>>,
}

/// One connection's place, given back when it is dropped.
#[derive(Debug)]
pub struct ConnectionPermit {
    address: Network,
    open: Arc<Mutex<HashMap<Network, u32>>>,
}

impl ConnectionLimit {
    /// A table that admits `most` connections an address; 0: any number.
    pub fn new(most: u32) -> Self {
        Self { most, open: Arc::default() }
    }

    /// A place for one more connection, if there is one.
    pub fn admit(&self, address: IpAddr) -> Option<ConnectionPermit> {
        let address = Network::from(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_insert(0);
        if self.most != 0 && *count >= self.most {
            return None;
        }
        *count += 1;
        Some(ConnectionPermit { address, open: self.open.clone() })
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_its_places_back() {
        let addresses = ConnectionLimit::new(1);
        let home: IpAddr = "127.0.0.1".parse().unwrap();
        let place = addresses.admit(home).unwrap();
        assert!(addresses.admit(home).is_none());
        assert!(addresses.admit("127.0.0.2".parse().unwrap()).is_some());
        drop(place);
        assert!(addresses.admit(home).is_some());
    }

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

    #[test]
    fn one_network_of_ipv6_is_one_address() {
        let addresses = ConnectionLimit::new(1);
        let _place = addresses.admit("2001:db8::1".parse().unwrap()).unwrap();
        assert!(addresses.admit("2001:db8::2".parse().unwrap()).is_none());
        assert!(addresses.admit("2001:db8:0:1::1".parse().unwrap()).is_some());
    }
}
