//! WebSockets that open and go.

use std::net::SocketAddr;

use anyhow::Result;

use crate::socket::{self, Speaks, Target};

/// The number of a connection from an address that is not the members'.
const ELSEWHERE: usize = 10_000;

/// Opens one, says hello, and goes without a word.
pub(super) async fn open_and_go(address: SocketAddr) -> Result<()> {
    let target = Target { address, speaks: Speaks::Madang };
    let mut socket = socket::connect(target, "/ws", ELSEWHERE).await?;
    socket::hello(&mut socket).await?;
    Ok(())
}
