//! A room in which one reader in a hundred reads nothing: what the others notice, and what the server holds for it.
//!
//! Turns with and without stalled readers follow each other on the same server, so that what else the machine does
//! hits both alike.

use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::StreamExt;
use hdrhistogram::Histogram;
use madang_protocol::RoomId;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep_until};

use crate::engine::{self, Pace};
use crate::history::{self, Record, Verdict};
use crate::process;
use crate::socket::{self, Target};
use crate::stats::{Latency, Parties, Settles, Stats, latency};

/// One run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The server.
    pub target: Target,
    /// Its process, whose memory is measured.
    pub server_pid: u32,
    /// Readers of the lobby.
    pub readers: u32,
    /// So many of them stall in every other turn.
    pub stalled: u32,
    /// Messages a second.
    pub rate: u32,
    /// Bytes of a message's frame.
    pub frame_bytes: usize,
    /// Turns of each kind.
    pub rounds: u32,
    /// Measured in each turn.
    pub turn: Duration,
    /// The server's option `--max-unsent`, in MiB.
    pub max_unsent: u32,
}

/// Measurements of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// From the sending to each delivery, while all read.
    pub all_read: Latency,
    /// The same to the others, while some stall.
    pub some_stall: Latency,
    /// The second p99 by the first.
    pub p99_ratio: f64,
    /// The most that the server grew by while some stalled, for each of them.
    pub bytes_per_stalled: f64,
    /// The same for all of them together.
    pub bytes_of_all: u64,
    /// The same by the most that the server may let wait: of all together, and what it does not count of each.
    pub share_of_bound: f64,
    /// True if the others had everything at the end.
    pub settled: bool,
    /// Lost, doubled, reordered, for the others.
    pub verdict: Verdict,
    /// Other faults; the first few.
    pub complaints: Vec<String>,
}

impl Outcome {
    /// Returns true if the figures may be believed, and the server held no more than it promises.
    pub fn is_good(&self) -> bool {
        let clean = self.settled && self.verdict.is_clean() && self.complaints.is_empty();
        clean && self.bytes_per_stalled <= f64::from(1 << 20)
    }
}

/// Before each turn: stalled readers catch up, or what the kernel buffers for a stalled reader fills.
const BETWEEN: Duration = Duration::from_secs(4);

/// A stalled reader's share of the kernel's buffers is small, so that the server's own queue is what fills.
const KERNEL_BYTES: u32 = 8 * 1024;

/// A server gives up a reader who takes nothing for 10 s; then the next one stalls.
const STALLS: Duration = Duration::from_secs(9);

/// Runs `plan`.
///
/// # Errors
/// If a connection cannot be opened, or /proc does not show the server.
pub async fn run(plan: Plan) -> Result<Outcome> {
    LocalSet::new().run_until(run_here(plan)).await
}

async fn run_here(plan: Plan) -> Result<Outcome> {
    let others = plan.readers.saturating_sub(plan.stalled);
    let parties = Parties { receivers: others, acknowledges: true, settles: Settles::SeenByAll };
    let board = Rc::new(Stats::new(1, engine::UNBOUNDED, parties)?);
    let drive = engine::Plan {
        target: plan.target,
        server_pid: Some(plan.server_pid),
        rooms: 1,
        receivers: others,
        writers: 1,
        follow: false,
        pace: Pace::Rate(plan.rate),
        frame_bytes: plan.frame_bytes,
        warm_up: BETWEEN,
        length: (BETWEEN + plan.turn) * plan.rounds * 2,
        patience: Duration::from_secs(20),
    };
    let rooms = [RoomId::lobby()].into();
    let notes = engine::spawn_receivers(drive, &rooms, &board).await?;
    let (stall, stalls) = watch::channel(false);
    for number in 0..plan.stalled {
        let number = (others + number) as usize;
        spawn_local(reader(plan.target, number, stalls.clone()));
    }
    let (until, _) = engine::spawn_writers(drive, &rooms, &board).await?;
    let (mut at, mut outcomes) = (until - drive.length, [board.latencies(), board.latencies()]);
    let (mut before, mut held) = (None, 0_u64);
    for turn in 0..plan.rounds * 2 {
        let stalled = turn % 2 == 1;
        stall.send_replace(stalled);
        at = measure(&board, at, plan.turn, outcomes.get_mut(usize::from(stalled))).await?;
        let memory = process::memory(plan.server_pid)?;
        match before {
            Some(before) if stalled => held = held.max(memory.saturating_sub(before)),
            _ => before = Some(memory),
        }
    }
    stall.send_replace(false);
    let settled = engine::settle(&board, drive.patience).await;
    let records: Vec<Record> = notes.iter().map(|notes| notes.take()).collect();
    let [all_read, some_stall] = outcomes.map(|histogram| latency(&histogram));
    Ok(Outcome {
        all_read,
        some_stall,
        p99_ratio: some_stall.p99_us as f64 / all_read.p99_us.max(1) as f64,
        bytes_per_stalled: held as f64 / f64::from(plan.stalled.max(1)),
        bytes_of_all: held,
        share_of_bound: held as f64 / bound(plan.max_unsent, plan.stalled) as f64,
        settled,
        verdict: history::check(&board.owed(), &records),
        complaints: board.complaints(),
    })
}

/// Returns the bytes that a server with this `--max-unsent` may let wait for so many readers.
fn bound(max_unsent: u32, readers: u32) -> u64 {
    /// Bytes of a connection that it does not count.
    const UNCOUNTED: u64 = 32 * 1024;
    u64::from(max_unsent) * 1024 * 1024 + u64::from(readers) * UNCOUNTED
}

/// Waits, measures one turn from `at`, and adds it to `sum`; answers when it ended.
async fn measure(
    board: &Stats,
    at: Instant,
    turn: Duration,
    sum: Option<&mut Histogram<u64>>,
) -> Result<Instant> {
    sleep_until(at + BETWEEN).await;
    board.measure(true);
    sleep_until(at + BETWEEN + turn).await;
    board.measure(false);
    sum.context("there are two kinds of turns")?.add(board.take_latencies())?;
    Ok(at + BETWEEN + turn)
}

/// Reads like the others, or stalls, as its plan is.
async fn reader(target: Target, number: usize, mut stalls: watch::Receiver<bool>) {
    loop {
        // It is one of those who are not counted: a connection that fails is tried again.
        let _ = read(target, number, &mut stalls).await;
    }
}

async fn read(target: Target, number: usize, stalls: &mut watch::Receiver<bool>) -> Result<()> {
    let mut socket = socket::connect_with(target, "/ws", number, Some(KERNEL_BYTES)).await?;
    socket::watch(&mut socket).await?;
    loop {
        if *stalls.borrow_and_update() {
            tokio::select! {
                changed = stalls.changed() => changed?,
                () = tokio::time::sleep(STALLS) => return Ok(()),
            }
        }
        tokio::select! {
            changed = stalls.changed() => changed?,
            frame = socket.next() => { frame.context("the server closed it")??; }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bound_grows_with_readers() {
        assert_eq!(bound(64, 0), 64 << 20);
        assert_eq!(bound(64, 1_024) - bound(64, 0), 32 << 20);
    }
}
