//! Peer of a connection.

use std::net::IpAddr;

use madang_protocol::Person;

use crate::store::Expected;

/// The peer of a connection, as its request introduced it.
pub struct Peer {
    /// The person that the request named, unless the protocol asks.
    pub you: Option<Person>,
    /// Held until the session has its own share.
    pub expected: Option<Expected>,
    /// Its address.
    pub address: IpAddr,
}
