//! Deliberate faults, which the simulation must find: that it reports nothing means something only if it reports these.
//!
//! No source has them. `crates/sim/mutants.toml` names each as a text and the wrong text in its place; all are put into
//! a copy of the workspace, each behind a switch, so that one build plays them all.

mod copy;
mod table;

use anyhow::{Context, Result, bail, ensure};

use crate::command::{Cmd, cargo, cmd};
use crate::project::Project;
use crate::server::Kept;
use crate::step::step;

pub(crate) use table::{Mutant, PATH, misplaced, parse};

/// Within so many stories each fault must show.
const SEEDS: &str = "400";

const PROGRAM: &str = "madang-sim";

/// Plays the mutants whose names contain one of `names`, or all of them.
pub(crate) fn run(project: &Project, names: &[String]) -> Result<()> {
    let build = cargo(project).args(["build", "--quiet", "--package", PROGRAM]);
    play(project, build, names).map(drop)
}

/// Plays the mutants in what `build` builds: cargo with all of its arguments but targets. Returns how many were found.
pub(crate) fn play(project: &Project, build: Cmd, names: &[String]) -> Result<u32> {
    let mutants = parse(&std::fs::read_to_string(project.root.join(PATH))?)?;
    let program = step("program with all mutants", || built(project, build, &mutants))?;
    let wanted =
        |mutant: &Mutant| names.is_empty() || names.iter().any(|name| mutant.name.contains(name.as_str()));
    let (mut found, mut missed) = (0, Vec::new());
    for (number, mutant) in mutants.iter().enumerate().filter(|(_, mutant)| wanted(mutant)) {
        match seed_of(project, &program, number).with_context(|| mutant.name.clone())? {
            Some(seed) => {
                found += 1;
                println!("▸ found by seed {seed}: {}", mutant.name);
            }
            None => missed.push(format!("{} ({})", mutant.name, mutant.breaks)),
        }
    }
    ensure!(found > 0 || !missed.is_empty(), "No mutant has such a name.");
    if missed.is_empty() {
        return Ok(found);
    }
    bail!("{SEEDS} stories did not find: {}.", missed.join("; "))
}

fn built(project: &Project, build: Cmd, mutants: &[Mutant]) -> Result<Kept> {
    let folder = project.scratch().join("mutants");
    copy::write(&project.root, &folder, mutants)?;
    build
        .within(&folder)
        // With a test, the dependencies have the features that tests have, and are there already.
        .args(["--bin", PROGRAM, "--test", "corpus"])
        .env("CARGO_TARGET_DIR", &project.native)
        .env("CARGO_INCREMENTAL", "0")
        .quiet(&project.log("mutants"))?;
    let name = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    Kept::aside(project, &project.native.join("debug").join(name))
}

/// Returns a seed whose story breaks a promise with the mutant, and none without it.
fn seed_of(project: &Project, program: &Kept, number: usize) -> Result<Option<u64>> {
    let log = project.log("mutant");
    let stories = || cmd(&program.path().to_string_lossy()).arg("--no-shrink");
    if stories().args(["--seeds", SEEDS]).env(copy::VARIABLE, number.to_string()).quiet(&log).is_ok() {
        return Ok(None);
    }
    let said = std::fs::read_to_string(&log)?;
    let seed = said.lines().find_map(|line| line.strip_prefix("seed ")?.split(':').next()?.parse().ok());
    let seed: u64 = seed.with_context(|| format!("the run came to no verdict:\n{said}"))?;
    let innocent = stories().args(["--seeds", "1", "--from", &seed.to_string()]).quiet(&log);
    innocent.with_context(|| format!("the story of seed {seed} fails without any mutant, too"))?;
    Ok(Some(seed))
}
