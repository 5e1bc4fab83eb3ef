//! Connections that only stay open: what each costs the server in memory.

use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::process;
use crate::protocol;
use crate::socket::{self, Protocol, Socket, Target};

/// Measurements of a run.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Connections that were open at the end.
    pub connections: u64,
    /// The server's memory before the first one.
    pub bytes_before: u64,
    /// The server's memory with all of them.
    pub bytes_after: u64,
    /// Memory that each connection added.
    pub bytes_per_connection: f64,
}

/// Connections opened at once.
const OPENING: usize = 64;

/// Opens `connections`, lets each watch the lobby, waits for `settle`, and weighs the process `server_pid`.
/// The kernel's socket buffers are not the process's memory and are not counted.
///
/// # Errors
/// If a connection cannot be opened or does not last, or /proc does not show the server.
pub async fn run(target: Target, connections: u32, settle: Duration, server_pid: u32) -> Result<Outcome> {
    let bytes_before = process::memory(server_pid)?;
    let sockets: Vec<Socket> = stream::iter(0..connections as usize)
        .map(|number| attach(target, number))
        .buffer_unordered(OPENING)
        .try_collect()
        .await?;
    let mut held = JoinSet::new();
    for socket in sockets {
        held.spawn(hold(socket));
    }
    tokio::time::sleep(settle).await;
    let bytes_after = process::memory(server_pid)?;
    if let Some(ended) = held.try_join_next() {
        ended?.context("an idle connection ended")?;
    }
    let bytes_per_connection =
        bytes_after.saturating_sub(bytes_before) as f64 / f64::from(connections.max(1));
    Ok(Outcome { connections: held.len() as u64, bytes_before, bytes_after, bytes_per_connection })
}

async fn attach(target: Target, number: usize) -> Result<Socket> {
    match target.speaks {
        Protocol::Madang => {
            let mut socket = socket::connect(target, "/ws", number).await?;
            socket::watch(&mut socket).await?;
            Ok(socket)
        }
        _ => protocol::subscribe(target, number).await,
    }
}

/// Answers pings, and ends only if the server ends it.
async fn hold(mut socket: Socket) -> Result<()> {
    while let Some(message) = socket.next().await {
        message?;
    }
    anyhow::bail!("the server closed it")
}
