//! `madang-load`: drives a server, prints one JSON object with what was measured, and fails if anything was
//! lost, doubled or reordered.

mod cli;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use clap::Parser;
use cli::{Cli, Floor, Run, Server, Time};
use madang_load::engine::{self, Outcome, Pace, Plan};
use madang_load::{chaos, day, flood, floor, idle, joins, mark, page, power_cut, stalled, storm};
use serde::Serialize;

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
        Run::Posts { server, time, rooms, writers, body_bytes, follow } => {
            ensure!(server.speaks.acknowledges(), "only who acknowledges can be waited for");
            let plan = plan(&server, &time, rooms, (rooms, writers), Pace::OneByOne);
            let frame_bytes = body_bytes.map_or(plan.frame_bytes, mark::frame_bytes);
            report_run(engine::run(Plan { follow, frame_bytes, ..plan }).await?)
        }
        Run::Day { server, time, people, rooms, seed } => {
            let plan = day::Plan {
                target: server.target(),
                server_pid: server.process()?,
                people,
                rooms,
                seed,
                frame_bytes: time.frame_bytes,
                warm_up: Duration::from_secs_f64(time.warm_up),
                length: Duration::from_secs_f64(time.seconds),
            };
            let outcome = day::run(plan).await?;
            report(&outcome)?;
            ensure!(outcome.is_clean(), "the day is not clean: {outcome:?}");
            Ok(())
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
        Run::Floor { floor, seconds, core } => {
            let length = Duration::from_secs_f64(seconds);
            match floor {
                Floor::Sends { receivers, at_once, rate } => {
                    let at_once = at_once.unwrap_or(receivers);
                    report(&floor::sends(floor::Sends { receivers, at_once, rate, length, core }).await?)
                }
                Floor::Syncs { folder } => report(&floor::syncs(&folder, length, core)?),
                Floor::Posts { folder, batch } => report(&floor::commits(&folder, batch, length, core)?),
            }
        }
        Run::Page { addr, path } => report(&page::run(addr, &path)?),
        Run::Storm { program, server_core, clients, down } => {
            let down = Duration::from_secs_f64(down);
            let outcome = storm::run(storm::Plan { program, server_core, clients, down }).await?;
            report(&outcome)?;
            ensure!(outcome.is_good(), "99 of 100 were not live within 10 s");
            Ok(())
        }
        Run::Stalled { server, readers, stalled, rate, frame_bytes, rounds, turn, max_unsent } => {
            let plan = stalled::Plan {
                target: server.target(),
                server_pid: server.process()?,
                readers,
                stalled,
                rate,
                frame_bytes,
                rounds,
                turn: Duration::from_secs_f64(turn),
                max_unsent,
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

fn plan(server: &Server, time: &Time, rooms: u32, (receivers, writers): (u32, u32), pace: Pace) -> Plan {
    Plan {
        rooms,
        target: server.target(),
        server_pid: server.server_pid,
        receivers,
        writers,
        follow: false,
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

/// Prints the verdict, which is a failure if anything that was acknowledged is gone.
async fn run_power_cuts(plan: &power_cut::Plan) -> Result<()> {
    let power_cut::Report { cuts, in_checkpoints, acked, lost, broken } = power_cut::run(plan).await?;
    println!("cuts={cuts} in_checkpoints={in_checkpoints} acked={acked} lost={lost} broken={broken}");
    if lost + broken > 0 || acked == 0 { bail!("what was acknowledged does not last") } else { Ok(()) }
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
