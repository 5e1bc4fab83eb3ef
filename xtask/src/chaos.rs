//! The program as it ships, under everything that can be broken around it.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};

use crate::bench;
use crate::command::{Cmd, cmd};
use crate::project::Project;
use crate::server::{self, Kept, Profile};
use crate::step::step;

/// Faults of the network that the checker must notice.
const CRIMES: [&str; 3] = ["lose", "double", "swap"];

/// A run of the given length. The last line counts the broken promises.
pub(crate) fn run(project: &Project, minutes: f64, seed: Option<u64>, clients: u32) -> Result<()> {
    let program = Kept::aside(project, &server::build_one_file(project, Profile::Release)?)?;
    let load = Kept::aside(project, &bench::build_load(project)?)?;
    let seed = seed.unwrap_or_else(any_seed);
    println!("▸ chaos for {minutes} min, seed {seed} …");
    call(load.path(), program.path(), minutes, seed, clients).show()
}

/// A short run that must be clean, and shorter ones over a network that no promise survives. They use the programs
/// that the other tests used: unoptimised, so that overflows and broken assertions end them too.
pub(crate) fn short(project: &Project, load: &Path, program: &Path) -> Result<()> {
    // With this seed the server is killed, frozen and drained within that time.
    step("chaos, half a minute", || call(load, program, 0.4, 2, 60).show())?;
    for crime in CRIMES {
        step(&format!("chaos that must be noticed: {crime}"), || {
            let sabotaged = call(load, program, 0.05, 1, 10).args(["--sabotage", crime]);
            match sabotaged.quiet(&project.log("sabotage")) {
                Ok(()) => bail!("A network that breaks every promise was found clean."),
                Err(_) => judged(project, crime),
            }
        })?;
    }
    Ok(())
}

/// A run that failed must have failed by its verdict, and not because it could not be made.
fn judged(project: &Project, crime: &str) -> Result<()> {
    let said = std::fs::read_to_string(project.log("sabotage"))?;
    if said.lines().any(|line| line.starts_with("acked=") && !line.starts_with("acked=0 ")) {
        return Ok(());
    }
    bail!("The run with a network that can {crime} frames came to no verdict:\n{said}")
}

fn call(load: &Path, program: &Path, minutes: f64, seed: u64, clients: u32) -> Cmd {
    cmd(&load.to_string_lossy())
        .args(["chaos", "--program"])
        .arg(program)
        .args(["--minutes", &minutes.to_string(), "--seed", &seed.to_string()])
        .args(["--clients", &clients.to_string()])
}

fn any_seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs())
}
