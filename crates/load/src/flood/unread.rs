//! Connections that ask, and never read what they are answered; or do not even ask.

use std::net::SocketAddr;

use anyhow::Result;
use madang_protocol::{ClientFrame, RoomId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::sockets;
use crate::socket;

/// Asks for pages, one behind the other, until the server cuts it off.
pub(super) async fn pages(address: SocketAddr) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /r/lobby HTTP/1.1\r\nHost: {address}\r\n\r\n");
    loop {
        stream.write_all(request.as_bytes()).await?;
    }
}

/// Asks for the whole window of a room again and again, until the server cuts it off.
pub(super) async fn history(address: SocketAddr) -> Result<()> {
    let mut socket = sockets::open(address).await?;
    let mut req = 0;
    loop {
        req += 1;
        let (room, before) = (RoomId::lobby(), Some(u64::MAX >> 11));
        let asked = ClientFrame::History { req, room, before, after: None, around: None, limit: 200 };
        socket::send(&mut socket, &asked).await?;
    }
}

/// Connects, and sends nothing until the server cuts it off.
pub(super) async fn silence(address: SocketAddr) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.read_u8().await?;
    Ok(())
}
