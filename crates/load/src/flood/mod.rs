//! One address does one thing as fast as it is answered, while members post from another one: first without the flood,
//! then with it, on the same server.
//!
//! A scenario is one file with one function, which does the thing once; it stands in [`Scenario`].

mod disk;
mod members;
mod requests;
mod sockets;

use std::cell::Cell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep, sleep_until};

use crate::board::Latency;
use crate::process;

/// An attack, played over and over by one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Scenario {
    /// Asks for a page, as nobody.
    Pages,
    /// Asks for a page with the cookie of the first answer.
    KnownPages,
    /// Asks for a page, compressed.
    CompressedPages,
    /// Asks for the head of a page.
    Heads,
    /// Asks for what is not there.
    Missing,
    /// Opens a WebSocket, says hello, and goes.
    Sockets,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where the server listens.
    pub address: SocketAddr,
    /// Its process.
    pub server_pid: u32,
    /// Its data folder.
    pub data: PathBuf,
    /// The attack.
    pub scenario: Scenario,
    /// On so many connections at once.
    pub connections: u32,
    /// Members who post.
    pub members: u32,
    /// Measured without the flood, and again with it.
    pub length: Duration,
}

/// What was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// From a member's post to its `done`, without the flood.
    pub quiet: Latency,
    /// The same with it.
    pub flooded: Latency,
    /// The second p99 by the first.
    pub p99_ratio: f64,
    /// How often the address was answered with success, in one second.
    pub served_per_second: f64,
    /// How often it was refused or cut off, in one second.
    pub refused_per_second: f64,
    /// The server's memory before the flood.
    pub bytes_before: u64,
    /// The most of it while the flood lasted.
    pub bytes_most: u64,
    /// Rows that the flood added to the database; the members' own posts are not among them.
    pub rows_added: i64,
    /// Bytes that the data folder grew by in a minute of it, the members' posts included.
    pub disk_bytes_per_minute: f64,
    /// CPU that the server used, as a share of one core.
    pub server_cpu: f64,
}

/// How often the address was answered.
#[derive(Default)]
struct Answers {
    served: Cell<u64>,
    refused: Cell<u64>,
}

/// Before each measurement.
const SETTLE: Duration = Duration::from_secs(2);

/// After a refusal to connect: a flood that spins on its own machine floods that alone.
const AGAIN: Duration = Duration::from_millis(20);

/// Runs `plan`.
///
/// # Errors
/// If the members cannot come in, or /proc or the database cannot be read.
pub async fn run(plan: Plan) -> Result<Outcome> {
    LocalSet::new().run_until(run_here(plan)).await
}

async fn run_here(plan: Plan) -> Result<Outcome> {
    let members = members::Members::join(plan.address, plan.members).await?;
    sleep(SETTLE).await;
    let quiet = members.measure(plan.length).await;

    let answers = Rc::new(Answers::default());
    let (bytes_before, before) = (process::memory(plan.server_pid)?, disk::measure(&plan.data)?);
    let floods: Vec<_> = (0..plan.connections)
        .map(|_| spawn_local(flood(plan.address, plan.scenario, answers.clone())))
        .collect();
    let (began, cpu) = (Instant::now(), process::cpu(plan.server_pid)?);
    let bytes_most = Rc::new(Cell::new(0_u64));
    let weighing = spawn_local(weigh(plan.server_pid, bytes_most.clone()));
    sleep_until(began + SETTLE).await;
    let flooded = members.measure(plan.length).await;
    floods.iter().chain([&weighing]).for_each(tokio::task::JoinHandle::abort);
    let (took, cpu) = (began.elapsed().as_secs_f64(), process::cpu(plan.server_pid)?.saturating_sub(cpu));
    let after = disk::measure(&plan.data)?;
    Ok(Outcome {
        p99_ratio: flooded.p99_us as f64 / quiet.p99_us.max(1) as f64,
        quiet,
        flooded,
        served_per_second: answers.served.get() as f64 / took,
        refused_per_second: answers.refused.get() as f64 / took,
        bytes_before,
        bytes_most: bytes_most.get(),
        rows_added: after.rows - before.rows,
        disk_bytes_per_minute: (after.bytes as f64 - before.bytes as f64) * 60.0 / took,
        server_cpu: cpu.as_secs_f64() / took,
    })
}

/// One connection's part. Each turn keeps what it can for the next one.
async fn flood(address: SocketAddr, scenario: Scenario, answers: Rc<Answers>) {
    let mut client = requests::Client::new(address);
    loop {
        let answered = match scenario {
            Scenario::Pages => client.ask("GET", "/r/lobby", false, false).await,
            Scenario::KnownPages => client.ask("GET", "/r/lobby", true, false).await,
            Scenario::CompressedPages => client.ask("GET", "/r/lobby", false, true).await,
            Scenario::Heads => client.ask("HEAD", "/r/lobby", false, false).await,
            Scenario::Missing => client.ask("GET", "/wp-login.php", false, false).await.map(|_| true),
            Scenario::Sockets => sockets::open_and_go(address).await.map(|()| true),
        };
        match answered {
            Ok(true) => answers.served.set(answers.served.get() + 1),
            Ok(false) => answers.refused.set(answers.refused.get() + 1),
            Err(_) => {
                answers.refused.set(answers.refused.get() + 1);
                sleep(AGAIN).await;
            }
        }
    }
}

async fn weigh(pid: u32, most: Rc<Cell<u64>>) {
    loop {
        most.set(process::memory(pid).unwrap_or_default().max(most.get()));
        sleep(Duration::from_millis(500)).await;
    }
}
