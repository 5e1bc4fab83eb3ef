//! One address does one thing as fast as it is answered, while members post from another one: first without the flood,
//! then with it, on the same server.
//!
//! The address is a process of its own with the lowest priority: on a real network its processor is not the server's,
//! nor the members'. A scenario is one file with one function, which does the thing once; it stands in [`Scenario`].

mod disk;
mod members;
mod requests;
mod sockets;
mod unread;

use std::cell::Cell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tokio::process::Command;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep, sleep_until};

use crate::process;
use crate::stats::{Latency, latency};

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
    /// Opens a WebSocket, sends hello, and closes it.
    Sockets,
    /// Asks for pages, and reads no answer.
    UnreadPages,
    /// Asks for history by a WebSocket, and reads no answer.
    UnreadHistory,
    /// Opens a TCP connection, and sends nothing.
    Silent,
}

/// Answers to an address, as its process reports them.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Answered {
    /// With success.
    pub served: u64,
    /// With a refusal, or cut off.
    pub refused: u64,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Address of the server.
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
    /// So often, in turns: other work on the machine then hits both alike.
    pub rounds: u32,
}

/// Measurements of a flood.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// From a member's post to its `done`, without the flood.
    pub quiet: Latency,
    /// The same with it.
    pub flooded: Latency,
    /// The second p99 by the first.
    pub p99_ratio: f64,
    /// Successful answers to the address in one second.
    pub served_per_second: f64,
    /// Refusals and cuts in one second.
    pub refused_per_second: f64,
    /// The server's memory before the flood.
    pub bytes_before: u64,
    /// The most of it while the flood lasted.
    pub bytes_most: u64,
    /// Two seconds after it.
    pub bytes_after: u64,
    /// Rows that the flood added to the database; the members' own posts are not among them.
    pub rows_added: i64,
    /// Bytes that the data folder grew by in a minute, the members' posts included.
    pub disk_bytes_per_minute: f64,
    /// CPU that the server used, as a share of one core.
    pub server_cpu: f64,
}

/// Counts of the answers to an address.
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
    let (mut quiet, mut flooded) = (members::histogram()?, members::histogram()?);
    let (bytes_before, before) = (process::memory(plan.server_pid)?, disk::measure(&plan.data)?);
    let bytes_most = Rc::new(Cell::new(0_u64));
    let weighing = spawn_local(weigh(plan.server_pid, bytes_most.clone()));
    let began = Instant::now();
    let (mut took, mut cpu) = (Duration::ZERO, Duration::ZERO);
    let mut answered = Answered { served: 0, refused: 0 };
    for _ in 0..plan.rounds.max(1) {
        sleep(SETTLE).await;
        members.measure(plan.length, &mut quiet).await?;
        let attacker = attacker(&plan)?;
        let (began, cpu_before) = (Instant::now(), process::cpu(plan.server_pid)?);
        sleep_until(began + SETTLE).await;
        members.measure(plan.length, &mut flooded).await?;
        took += began.elapsed();
        cpu += process::cpu(plan.server_pid)?.saturating_sub(cpu_before);
        let Answered { served, refused } = attacker.await?;
        answered.served += served;
        answered.refused += refused;
    }
    let (after, minutes) = (disk::measure(&plan.data)?, began.elapsed().as_secs_f64() / 60.0);
    weighing.abort();
    sleep(SETTLE).await;
    let (quiet, flooded, seconds) = (latency(&quiet), latency(&flooded), took.as_secs_f64());
    Ok(Outcome {
        p99_ratio: flooded.p99_us as f64 / quiet.p99_us.max(1) as f64,
        quiet,
        flooded,
        served_per_second: answered.served as f64 / seconds,
        refused_per_second: answered.refused as f64 / seconds,
        bytes_before,
        bytes_most: bytes_most.get(),
        bytes_after: process::memory(plan.server_pid)?,
        rows_added: after.rows - before.rows,
        disk_bytes_per_minute: (after.bytes as f64 - before.bytes as f64) / minutes,
        server_cpu: cpu.as_secs_f64() / seconds,
    })
}

/// Starts the process of the address; it ends by itself when the members were measured.
fn attacker(plan: &Plan) -> Result<impl Future<Output = Result<Answered>>> {
    let scenario = plan.scenario.to_possible_value().context("a scenario without a name")?;
    let process = Command::new("nice")
        .args(["-n", "19"])
        .arg(std::env::current_exe()?)
        .args(["attack", "--scenario", scenario.get_name(), "--addr", &plan.address.to_string()])
        .args(["--connections", &plan.connections.to_string()])
        .args(["--seconds", &(SETTLE + plan.length).as_secs_f64().to_string()])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("the attacking process does not start")?;
    Ok(async {
        let ended = process.wait_with_output().await?;
        ensure!(ended.status.success(), "the attacking process failed");
        Ok(serde_json::from_slice(&ended.stdout)?)
    })
}

/// Plays `scenario` on so many connections for so long, as one address.
pub async fn attack(address: SocketAddr, scenario: Scenario, connections: u32, length: Duration) -> Answered {
    let answers = Rc::new(Answers::default());
    let flood = async {
        for _ in 0..connections {
            spawn_local(flood(address, scenario, answers.clone()));
        }
        sleep(length).await;
    };
    LocalSet::new().run_until(flood).await;
    Answered { served: answers.served.get(), refused: answers.refused.get() }
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
            Scenario::UnreadPages => unread::pages(address).await.map(|()| false),
            Scenario::UnreadHistory => unread::history(address).await.map(|()| false),
            Scenario::Silent => unread::silence(address).await.map(|()| false),
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
