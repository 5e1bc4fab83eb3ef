//! Who is at the other end.

use std::net::IpAddr;

use madang_protocol::Person;

use crate::store::Expected;

/// Who is at the other end.
pub(crate) struct Peer {
    /// Who the request said it is; none: the protocol asks.
    pub(crate) you: Option<Person>,
    /// Held until the session has its own share.
    #[expect(dead_code, reason = "it is held")]
    pub(crate) expected: Option<Expected>,
    pub(crate) address: IpAddr,
}
