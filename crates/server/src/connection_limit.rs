//! Connection limit: how many connections each address has.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::network::Network;

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
    /// A table that admits `most` connections an address; 0 for any number.
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
    fn one_network_of_ipv6_is_one_address() {
        let addresses = ConnectionLimit::new(1);
        let _place = addresses.admit("2001:db8::1".parse().unwrap()).unwrap();
        assert!(addresses.admit("2001:db8::2".parse().unwrap()).is_none());
        assert!(addresses.admit("2001:db8:0:1::1".parse().unwrap()).is_some());
    }
}
