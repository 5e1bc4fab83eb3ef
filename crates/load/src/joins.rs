//! People who come: what each costs the server, from the connection to the snapshot of the lobby, in which all of them are.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use futures_util::StreamExt;
use futures_util::stream::{self, TryStreamExt};
use madang_protocol::{ClientFrame, RoomId, ServerFrame};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::process;
use crate::protocol;
use crate::socket::{self, Protocol, Socket, Target};
use crate::storm;

/// One run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The server.
    pub target: Target,
    /// The server's process.
    pub server_pid: u32,
    /// Clients of one round, all of whom stay until its end.
    pub clients: u32,
    /// Rounds.
    pub rounds: u32,
    /// Messages that the lobby holds.
    pub messages: u32,
}

/// Measurements of a run.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Clients who came, in all rounds.
    pub joins: u64,
    /// Microseconds of the server's CPU for each.
    pub cpu_us_per_join: f64,
    /// From a client's first packet to the snapshot: the median, in milliseconds.
    pub join_p50_ms: f64,
    /// One in a hundred is slower.
    pub join_p99_ms: f64,
    /// Bytes of the snapshot.
    pub snapshot_bytes: u64,
}

/// Clients who come at once.
const COMING: usize = 64;

/// Time in which the server forgets those who left.
const LEAVING: Duration = Duration::from_secs(1);

/// Bytes of a peer's snapshot: about those of Madang's with fifty short messages.
const PEER_SNAPSHOT: usize = 6_000;

/// Lets clients come, round by round.
///
/// # Errors
/// If one is not welcomed, or /proc does not show the server.
pub async fn run(plan: Plan) -> Result<Outcome> {
    let Plan { target, server_pid, clients, rounds, messages } = plan;
    process::raise_file_limit(u64::from(clients) + 64)?;
    if target.speaks == Protocol::Madang {
        storm::post(target, messages).await?;
    }
    // The first one finds nothing in memory.
    let snapshot_bytes = come(target, 0).await?.1 as u64;
    let (mut cpu, mut waits) = (Duration::ZERO, Vec::new());
    for _ in 0..rounds {
        sleep(LEAVING).await;
        let before = process::cpu(server_pid)?;
        let present: Vec<(Socket, Duration)> = stream::iter(0..clients as usize)
            .map(|number| async move {
                let begun = Instant::now();
                Ok::<_, anyhow::Error>((come(target, number).await?.0, begun.elapsed()))
            })
            .buffer_unordered(COMING)
            .try_collect()
            .await?;
        cpu += process::cpu(server_pid)?.saturating_sub(before);
        waits.extend(present.iter().map(|(_, wait)| *wait));
    }
    ensure!(!waits.is_empty(), "nobody came");
    waits.sort_unstable();
    let at = |part: f64| {
        let index = (waits.len() as f64 * part) as usize;
        waits.get(index).map_or(0.0, |wait| wait.as_secs_f64() * 1e3)
    };
    Ok(Outcome {
        joins: waits.len() as u64,
        cpu_us_per_join: cpu.as_secs_f64() * 1e6 / waits.len() as f64,
        join_p50_ms: at(0.5),
        join_p99_ms: at(0.99),
        snapshot_bytes,
    })
}

/// Connects, and waits for the lobby. Returns the bytes of its snapshot, too.
async fn come(target: Target, number: usize) -> Result<(Socket, usize)> {
    match target.speaks {
        Protocol::Madang => {}
        Protocol::Raw => return protocol::join(target, number, PEER_SNAPSHOT).await,
        _ => bail!("only madang.v1 and the peers have snapshots"),
    }
    let mut socket = socket::connect(target, "/ws", number).await?;
    socket::hello(&mut socket).await?;
    socket::send(&mut socket, &ClientFrame::Watch { room: RoomId::lobby(), after: None }).await?;
    // As a page that is looked at: whoever comes is here for all others.
    socket::send(&mut socket, &ClientFrame::Present { room: Some(RoomId::lobby()) }).await?;
    let mut bytes = 0;
    loop {
        let text = socket::next_text(&mut socket).await?;
        if text.starts_with(r#"{"t":"snapshot""#) {
            bytes = text.len();
            continue;
        }
        match serde_json::from_str(&text)? {
            ServerFrame::Live { .. } if bytes > 0 => return Ok((socket, bytes)),
            ServerFrame::People { .. } | ServerFrame::Presence { .. } => {}
            other => bail!("expected a snapshot, got {other:?}"),
        }
    }
}
