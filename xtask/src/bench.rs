//! The server under load, beside its peers, in one table. docs/bench.md describes what is measured and how.

mod broker;
mod contender;
mod scenario;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::Parser;
use contender::{Contender, Programs, Running};
use scenario::{Length, SCENARIOS, Scenario};
use serde_json::Value;

use crate::command::{cargo, cmd};
use crate::project::Project;
use crate::server::{self, Kept, Profile};
use crate::setup::{node, python};
use crate::step::step;

#[derive(Parser)]
#[command(name = "cargo xtask bench --", no_binary_name = true, max_term_width = 100)]
struct Options {
    /// One short round: shows that it works, not how fast it is
    #[arg(long)]
    quick: bool,
    /// Rounds; each figure is the median
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Only the scenarios whose name begins so: paced, protocols, saturated, rooms, idle, joins, posts, syncs, day, stalled, storm
    #[arg(long, value_name = "NAME", default_value = "")]
    only: String,
    /// Measure this program instead of building one
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

/// Figures that each contender reached in each metric, once for each round.
pub(crate) type Figures = BTreeMap<(&'static str, Contender), Vec<f64>>;

/// Builds the program as it ships, the load generator and the peers, and measures all of them in turn.
pub(crate) fn run(project: &Project, options: &[String]) -> Result<()> {
    let options = Options::parse_from(options);
    let program = match options.program {
        Some(program) => program,
        None => server::build_one_file(project, Profile::Release)?,
    };
    let (program, load) = (Kept::aside(project, &program)?, Kept::aside(project, &build_load(project)?)?);
    let chosen = |scenario: &&Scenario| scenario.name.starts_with(&options.only);
    let contenders: Vec<Contender> =
        SCENARIOS.iter().filter(chosen).flat_map(|scenario| scenario.contenders).copied().collect();
    let packages: Vec<&str> = contenders.iter().filter_map(|contender| contender.package()).collect();
    broker::ensure(project, &packages)?;
    let nats = contenders.contains(&Contender::Nats).then(|| python::ensure_peers(project)).transpose()?;
    let bench = Bench {
        load: load.path().to_owned(),
        programs: Programs {
            madang: program.path().to_owned(),
            peers: ensure_peers(project)?,
            nats: nats.map(|python| python.program("nats-server")),
        },
        scratch: project.scratch().join("bench"),
        length: if options.quick { Length::Quick } else { Length::Full },
    };
    let rounds = if options.quick { 1 } else { options.rounds };
    let mut figures = Figures::new();
    let mut unclean = 0;
    // Contenders take turns within a scenario and scenarios within a round, so that noise hits all alike.
    for round in 1..=rounds {
        for scenario in SCENARIOS.iter().filter(chosen) {
            let clean = step(&format!("round {round} of {rounds}: {}", scenario.name), || {
                bench.measure(scenario, &mut figures)
            })?;
            unclean += usize::from(!clean);
        }
    }
    println!("\n{}", table::render(&figures));
    for (protocol, ratio) in table::dear_protocols(&figures) {
        println!(
            "{protocol:?} cost {ratio:.2} × a madang.v1 subscriber for each delivery; 1.3 is the most it may."
        );
    }
    if table::median_of(&figures, scenario::PACED_P50).any(|ms| ms > scenario::PACED_INTERVAL_MS) {
        println!(
            "The machine was too busy: paced messages queued up and left together, which flatters their figures."
        );
    }
    if unclean > 0 {
        bail!("{unclean} of the steps above went wrong: their figures are missing or cannot be believed.");
    }
    Ok(())
}

pub(crate) fn build_load(project: &Project) -> Result<PathBuf> {
    step("load generator", || {
        cargo(project).args(["build", "--release", "--package", "madang-load"]).quiet(&project.log("load"))
    })?;
    Ok(project.native.join("release").join("madang-load"))
}

fn ensure_peers(project: &Project) -> Result<PathBuf> {
    if !node::is_there() {
        bail!("The peers need Node 20 or newer: install `nodejs` and `npm` with your package manager.");
    }
    let folder = project.root.join("bench/peers");
    step("peers", || {
        cmd("npm").args(["ci", "--no-audit", "--no-fund"]).within(&folder).quiet(&project.log("peers"))
    })?;
    Ok(folder)
}

/// Parts that all measurements need.
struct Bench {
    load: PathBuf,
    programs: Programs,
    scratch: PathBuf,
    length: Length,
}

impl Bench {
    /// Lets every contender of `scenario` run it on a fresh server. True if all of them were clean.
    fn measure(&self, scenario: &Scenario, figures: &mut Figures) -> Result<bool> {
        let mut clean = true;
        for &contender in scenario.contenders {
            let server = Running::start(contender, &self.programs, &self.scratch)?;
            let started = server.started_in.as_secs_f64() * 1e3;
            figures.entry((scenario::START_UP, contender)).or_default().push(started);
            let arguments = scenario.arguments(&server, &self.programs.madang, self.length);
            clean &= self.take(scenario, contender, &arguments, figures)?;
        }
        if !scenario.floor.is_empty() {
            let folder = contender::new_folder(&self.scratch)?;
            let arguments = scenario.floor_arguments(&folder, self.length);
            clean &= self.take(scenario, Contender::Floor, &arguments, figures)?;
        }
        Ok(clean)
    }

    /// Calls the load generator, and takes the scenario's figures from its answer. True if the run was clean.
    fn take(
        &self,
        scenario: &Scenario,
        contender: Contender,
        arguments: &[String],
        figures: &mut Figures,
    ) -> Result<bool> {
        let Some((outcome, clean)) = self.load(arguments)? else { return Ok(false) };
        for metric in scenario.metrics {
            if let Some(value) = outcome.pointer(metric.pointer).and_then(Value::as_f64) {
                figures.entry((metric.name, contender)).or_default().push(value * metric.scale);
            }
        }
        Ok(clean)
    }

    /// Runs the load generator on its own core. It prints what it measured in any case, and fails if the run
    /// was not clean. Nothing if it could not measure; its own words are shown.
    fn load(&self, arguments: &[String]) -> Result<Option<(Value, bool)>> {
        let output = pinned(GENERATOR_CORE, &self.load)
            .args(arguments)
            .stderr(Stdio::inherit())
            .output()
            .context("Cannot start the load generator")?;
        let outcome = serde_json::from_slice(&output.stdout).ok();
        Ok(outcome.map(|outcome| (outcome, output.status.success())))
    }
}

const SERVER_CORE: &str = "0";
const GENERATOR_CORE: &str = "1";

/// `program` on one core alone. `taskset` becomes the program, so the child's id is the program's.
fn pinned(core: &str, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", core]).arg(program).stdin(Stdio::null());
    command
}
