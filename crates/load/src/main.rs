//! `madang-load`: drives a server, prints one JSON object with what was measured, and fails if anything was
//! lost, doubled or reordered.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Parser, Subcommand};
use madang_load::chaos::network::Fault;
use madang_load::engine::{self, Outcome, Pace, Plan};
use madang_load::flood::{self, Scenario};
use madang_load::socket::{Protocol, Target};
use madang_load::{chaos, idle, joins, page, power_cut, stalled, storm};
use serde::Serialize;

/// Drives a chat server hard, measures it, and checks that nothing was lost, doubled or reordered.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    run: Run,
}

#[derive(Subcommand)]
enum Run {
    /// Every message to many receivers, at a rate or as fast as the slowest receiver takes them.
    Fanout {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        time: Time,
        /// Rooms, over which receivers and writers are spread evenly.
        #[arg(long, default_value_t = 1)]
        rooms: u32,
        /// Connections that watch a room.
        #[arg(long, default_value_t = 1_000)]
        receivers: u32,
        /// Connections that post.
        #[arg(long, default_value_t = 1)]
        writers: u32,
        /// Messages a second, all writers together; 0 for as many as it takes.
        #[arg(long, default_value_t = 20)]
        rate: u32,
        /// Messages of each writer on their way at once, when saturated.
        #[arg(long, default_value_t = 16)]
        window: usize,
    },
    /// Durable posts: each writer posts, waits for `done`, and posts again. One receiver checks the log of each room.
    Posts {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        time: Time,
        /// Rooms, over which the writers are spread evenly.
        #[arg(long, default_value_t = 1)]
        rooms: u32,
        /// Connections that post.
        #[arg(long, default_value_t = 32)]
        writers: u32,
    },
    /// Connections that only watch the lobby: memory and CPU of the server for each.
    Idle {
        #[command(flatten)]
        server: Server,
        /// Connections to open.
        #[arg(long, default_value_t = 5_000)]
        connections: u32,
        /// Seconds to wait before weighing.
        #[arg(long, default_value_t = 2.0)]
        settle: f64,
        /// Seconds in which its CPU is measured.
        #[arg(long, default_value_t = 50.0)]
        seconds: f64,
    },
    /// People who come: CPU of the server for each, until they have the lobby's snapshot.
    Joins {
        #[command(flatten)]
        server: Server,
        /// Connections of a round.
        #[arg(long, default_value_t = 2_000)]
        clients: u32,
        /// Rounds; all leave after each.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
        /// Messages in the lobby.
        #[arg(long, default_value_t = 50)]
        messages: u32,
    },
    /// A server that dies under its clients and starts again: how soon they are live.
    Storm {
        /// The program `madang`.
        #[arg(long)]
        program: PathBuf,
        /// The CPUs that the server is kept to, as `taskset` takes them.
        #[arg(long)]
        server_core: Option<String>,
        /// Clients that watch the lobby.
        #[arg(long, default_value_t = 5_000)]
        clients: usize,
        /// Seconds between the server's death and its next start.
        #[arg(long, default_value_t = 1.0)]
        down: f64,
    },
    /// A room in which some do not read, in every other turn: what the others notice.
    Stalled {
        #[command(flatten)]
        server: Server,
        /// Readers of the lobby.
        #[arg(long, default_value_t = 1_000)]
        readers: u32,
        /// So many of them stall.
        #[arg(long, default_value_t = 10)]
        stalled: u32,
        /// Messages a second.
        #[arg(long, default_value_t = 25)]
        rate: u32,
        /// Bytes of a message's frame; enough for a stalled reader's queue to reach its bound.
        #[arg(long, default_value_t = 7_000)]
        frame_bytes: usize,
        /// Turns of each kind.
        #[arg(long, default_value_t = 3)]
        rounds: u32,
        /// Seconds measured in each turn.
        #[arg(long, default_value_t = 6.0)]
        turn: f64,
    },
    /// Measures what the first visit loads, compressed.
    Page {
        /// Address of the server.
        #[arg(long)]
        addr: SocketAddr,
        /// The page to visit.
        #[arg(long, default_value = "/r/lobby")]
        path: String,
    },
    /// One address does one thing as fast as it is answered, while members post: what they notice, and what it leaves.
    Flood {
        /// Address of the server.
        #[arg(long)]
        addr: SocketAddr,
        /// The server's process, whose memory is measured.
        #[arg(long)]
        server_pid: u32,
        /// The server's data folder, whose rows and bytes are measured.
        #[arg(long)]
        data: PathBuf,
        /// Attack to play
        #[arg(long, value_enum)]
        scenario: Scenario,
        /// Connections of the address at once.
        #[arg(long, default_value_t = 32)]
        connections: u32,
        /// Members who post, from another address, each four times a second.
        #[arg(long, default_value_t = 8)]
        members: u32,
        /// Turns of both.
        #[arg(long, default_value_t = 1)]
        rounds: u32,
        /// Seconds of each turn measured without the flood, and again with it.
        #[arg(long, default_value_t = 10.0)]
        seconds: f64,
    },
    /// Attacks as one address, and reports how often it was answered: the other process of a flood.
    #[command(hide = true)]
    Attack {
        /// Address of the server.
        #[arg(long)]
        addr: SocketAddr,
        /// Attack to play
        #[arg(long, value_enum)]
        scenario: Scenario,
        /// Connections at once.
        #[arg(long)]
        connections: u32,
        /// Seconds.
        #[arg(long)]
        seconds: f64,
    },
    /// Starts a server, breaks everything around it, and judges: the last line counts the broken promises.
    Chaos {
        /// The program `madang`.
        #[arg(long)]
        program: PathBuf,
        /// Minutes of faults.
        #[arg(long, default_value_t = 1.0)]
        minutes: f64,
        /// Decides what happens when.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Clients.
        #[arg(long, default_value_t = 200)]
        clients: usize,
        /// Rooms.
        #[arg(long, default_value_t = 4)]
        rooms: usize,
        /// Let the network break what TCP promises: the checker must notice.
        #[arg(long, value_enum)]
        sabotage: Option<Fault>,
    },
    /// Records a run with strace, and starts the server on what a disk may keep of it after many cuts of the power.
    PowerCut {
        /// The program `madang`.
        #[arg(long)]
        program: PathBuf,
        /// Moments at which the power goes.
        #[arg(long, default_value_t = 200)]
        cuts: usize,
        /// People who post at a time.
        #[arg(long, default_value_t = 6)]
        writers: usize,
        /// Posts of each.
        #[arg(long, default_value_t = 300)]
        posts: usize,
        /// Decides when, and what is left of what was not synced.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Let the disk ignore syncs: the check must notice.
        #[arg(long)]
        ignore_syncs: bool,
    },
}

#[derive(Args)]
struct Server {
    /// Address of the server.
    #[arg(long)]
    addr: SocketAddr,
    /// Protocol that it speaks.
    #[arg(long, value_enum, default_value_t = Protocol::Madang)]
    speaks: Protocol,
    /// The server's process, whose CPU and memory are measured.
    #[arg(long)]
    server_pid: Option<u32>,
}

#[derive(Args)]
struct Time {
    /// Seconds that are not measured.
    #[arg(long, default_value_t = 2.0)]
    warm_up: f64,
    /// Seconds that are.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Bytes of a message's frame at the receivers.
    #[arg(long, default_value_t = 200)]
    frame_bytes: usize,
}

fn main() -> ExitCode {
    match perform(Cli::parse().run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("madang-load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn perform(run: Run) -> Result<()> {
    match run {
        Run::Fanout { server, time, rooms, receivers, writers, rate, window } => {
            let pace = if rate == 0 { Pace::Saturated(window) } else { Pace::Rate(rate) };
            report_run(engine::run(plan(&server, &time, rooms, (receivers, writers), pace)).await?)
        }
        Run::Posts { server, time, rooms, writers } => {
            if server.speaks != Protocol::Madang {
                bail!("only madang.v1 acknowledges here");
            }
            let plan = plan(&server, &time, rooms, (rooms, writers), Pace::OneByOne);
            report_run(engine::run(plan).await?)
        }
        Run::Idle { server, connections, settle, seconds } => {
            let plan = idle::Plan {
                target: server.target(),
                server_pid: server.process()?,
                connections,
                settle: Duration::from_secs_f64(settle),
                length: Duration::from_secs_f64(seconds),
            };
            report(&idle::run(plan).await?)
        }
        Run::Joins { server, clients, rounds, messages } => {
            let (target, server_pid) = (server.target(), server.process()?);
            report(&joins::run(joins::Plan { target, server_pid, clients, rounds, messages }).await?)
        }
        Run::Page { addr, path } => report(&page::run(addr, &path)?),
        Run::Storm { program, server_core, clients, down } => {
            let down = Duration::from_secs_f64(down);
            let outcome = storm::run(storm::Plan { program, server_core, clients, down }).await?;
            report(&outcome)?;
            ensure!(outcome.is_good(), "99 of 100 were not live within 10 s");
            Ok(())
        }
        Run::Stalled { server, readers, stalled, rate, frame_bytes, rounds, turn } => {
            let plan = stalled::Plan {
                target: server.target(),
                server_pid: server.process()?,
                readers,
                stalled,
                rate,
                frame_bytes,
                rounds,
                turn: Duration::from_secs_f64(turn),
            };
            let outcome = stalled::run(plan).await?;
            report(&outcome)?;
            ensure!(outcome.is_good(), "the run is not clean, or the server held too much: {outcome:?}");
            Ok(())
        }
        Run::Flood { addr, server_pid, data, scenario, connections, members, seconds, rounds } => {
            let length = Duration::from_secs_f64(seconds);
            let plan = flood::Plan {
                address: addr,
                server_pid,
                data,
                scenario,
                connections,
                members,
                length,
                rounds,
            };
            report(&flood::run(plan).await?)
        }
        Run::Attack { addr, scenario, connections, seconds } => {
            let length = Duration::from_secs_f64(seconds);
            report(&flood::attack(addr, scenario, connections, length).await)
        }
        Run::Chaos { program, minutes, seed, clients, rooms, sabotage } => {
            let length = Duration::from_secs_f64(minutes * 60.0);
            run_chaos(chaos::Plan { program, length, seed, clients, rooms, sabotage }).await
        }
        Run::PowerCut { program, cuts, writers, posts, seed, ignore_syncs } => {
            let plan = power_cut::Plan { program, writers, posts, cuts, seed, ignores_syncs: ignore_syncs };
            run_power_cuts(&plan).await
        }
    }
}

/// Prints the verdict, which is a failure if anything that was acknowledged is gone.
async fn run_power_cuts(plan: &power_cut::Plan) -> Result<()> {
    let power_cut::Report { cuts, in_checkpoints, acked, lost, broken } = power_cut::run(plan).await?;
    println!("cuts={cuts} in_checkpoints={in_checkpoints} acked={acked} lost={lost} broken={broken}");
    if lost + broken > 0 || acked == 0 { bail!("what was acknowledged does not last") } else { Ok(()) }
}

impl Server {
    fn target(&self) -> Target {
        Target { address: self.addr, speaks: self.speaks }
    }

    fn process(&self) -> Result<u32> {
        self.server_pid.context("--server-pid names the process to measure")
    }
}

fn plan(server: &Server, time: &Time, rooms: u32, (receivers, writers): (u32, u32), pace: Pace) -> Plan {
    Plan {
        rooms,
        target: server.target(),
        server_pid: server.server_pid,
        receivers,
        writers,
        pace,
        frame_bytes: time.frame_bytes,
        warm_up: Duration::from_secs_f64(time.warm_up),
        length: Duration::from_secs_f64(time.seconds),
        patience: Duration::from_secs(20),
    }
}

async fn run_chaos(plan: chaos::Plan) -> Result<()> {
    let seed = plan.seed;
    let verdict = chaos::run(plan).await?;
    for complaint in &verdict.complaints {
        eprintln!("{complaint}");
    }
    println!("{verdict}");
    if !verdict.is_clean() {
        bail!("promises were broken, or clients stuck ({}); seed {seed}", verdict.stuck);
    }
    Ok(())
}

fn report_run(outcome: Outcome) -> Result<()> {
    report(&outcome)?;
    if !outcome.is_clean() {
        bail!(
            "the run is not clean: settled {}, {:?}, {:?}",
            outcome.settled,
            outcome.verdict,
            outcome.complaints
        );
    }
    Ok(())
}

fn report(outcome: &impl Serialize) -> Result<()> {
    println!("{}", serde_json::to_string(outcome)?);
    Ok(())
}
