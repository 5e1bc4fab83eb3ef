//! WebSockets that open and go.

use std::net::SocketAddr;

use anyhow::Result;

use crate::socket::{self, Protocol, Socket, Target};

/// The number of a connection from an address that is not the members'.
const ELSEWHERE: usize = 10_000;

/// Opens one, sends hello, and leaves without a close.
pub(super) async fn open_and_go(address: SocketAddr) -> Result<()> {
    open(address).await.map(drop)
}

/// Opens one, and sends hello.
pub(super) async fn open(address: SocketAddr) -> Result<Socket> {
    let target = Target { address, speaks: Protocol::Madang };
    let mut socket = socket::connect(target, "/ws", ELSEWHERE).await?;
    socket::hello(&mut socket).await?;
    Ok(socket)
}
