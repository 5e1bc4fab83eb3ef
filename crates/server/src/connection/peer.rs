//! Peer of a connection.

use std::net::IpAddr;

use madang_protocol::Person;

use crate::store::Expected;

/// The client at the other end.
pub(crate) struct Peer {
    /// Person that the request named; `None` if the protocol has to ask.
    pub(crate) you: Option<Person>,
    /// Held until the session has its own share.
    #[expect(dead_code, reason = "it is held")]
    pub(crate) expected: Option<Expected>,
    pub(crate) address: IpAddr,
}
