//! Connections that only stay open: what each costs the server in memory, and in CPU.

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
    /// The server's memory once all had left.
    pub bytes_left: u64,
    /// The same by that before the first one.
    pub left_ratio: f64,
    /// Microseconds of CPU that each connection costs in a second.
    pub cpu_us_per_second: f64,
}

/// One run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The server.
    pub target: Target,
    /// The server's process.
    pub server_pid: u32,
    /// Connections to open.
    pub connections: u32,
    /// Time before the server is weighed.
    pub settle: Duration,
    /// Time in which its CPU is measured: whole heartbeats, or it depends on when it begins.
    pub length: Duration,
}

/// Connections opened at once.
const OPENING: usize = 64;

/// Files of the generator besides its connections.
const SPARE_FILES: u64 = 64;

/// Opens connections, lets each watch the lobby, weighs the server, and then only answers pings.
/// The kernel's socket buffers are not the process's memory and are not counted.
///
/// # Errors
/// If a connection cannot be opened or does not last, or /proc does not show the server.
pub async fn run(plan: Plan) -> Result<Outcome> {
    let Plan { target, server_pid, connections, settle, length } = plan;
    process::raise_file_limit(u64::from(connections) + SPARE_FILES)?;
    let (bytes_before, files_before) = (process::memory(server_pid)?, process::open_files(server_pid)?);
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
    let cpu_before = process::cpu(server_pid)?;
    tokio::time::sleep(length).await;
    let cpu = process::cpu(server_pid)?.saturating_sub(cpu_before);
    if let Some(ended) = held.try_join_next() {
        ended?.context("an idle connection ended")?;
    }
    let left = held.len() as u64;
    held.shutdown().await;
    let bytes_left = process::memory_after(server_pid, files_before).await?;
    let each = |sum: f64| sum / f64::from(connections.max(1));
    Ok(Outcome {
        connections: left,
        bytes_before,
        bytes_after,
        bytes_per_connection: each(bytes_after.saturating_sub(bytes_before) as f64),
        bytes_left,
        left_ratio: bytes_left as f64 / bytes_before.max(1) as f64,
        cpu_us_per_second: each(cpu.as_secs_f64() * 1e6 / length.as_secs_f64().max(1.0)),
    })
}

async fn attach(target: Target, number: usize) -> Result<Socket> {
    match target.speaks {
        Protocol::Madang => {
            let mut socket = socket::connect(target, "/ws", number).await?;
            socket::watch(&mut socket).await?;
            Ok(socket)
        }
        _ => protocol::subscribe(target, number, 0).await,
    }
}

/// Answers pings, and ends only if the server ends it.
async fn hold(mut socket: Socket) -> Result<()> {
    while let Some(message) = socket.next().await {
        message?;
    }
    anyhow::bail!("the server closed it")
}
