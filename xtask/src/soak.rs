//! Everything that is random, with other seeds each time, until the time is up or a seed fails.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use crate::chaos;
use crate::command::{Cmd, cargo};
use crate::project::Project;
use crate::sim;
use crate::step::step;

/// Decides the cases of every property; `.cargo/config.toml` gives it a value that holds for all other tests.
const PROPERTY_SEED: &str = "PROPTEST_RNG_SEED";

/// Properties: package and test.
const PROPERTIES: [(&str, &str); 3] =
    [("madang-client", "behaviour"), ("madang-stomp", "properties"), ("madang-server", "store_conformance")];

/// The targets in fuzz/.
const FUZZED: [&str; 5] = ["frame", "session", "cursor", "client", "stomp"];

/// Stories, minutes of chaos with its clients, and seconds for each fuzz target in one round.
const STORIES: u64 = 1_000;
const CHAOS_MINUTES: f64 = 1.0;
const CHAOS_CLIENTS: u32 = 60;
const FUZZ_SECONDS: u32 = 20;

/// Plays rounds for about so many minutes; no round begins after them. The seed of the first is `from`, or the time.
pub(crate) fn run(project: &Project, minutes: f64, from: Option<u64>) -> Result<()> {
    let end = Instant::now() + Duration::from_secs_f64((minutes * 60.0).max(0.0));
    let from = from.unwrap_or_else(now);
    let mut rounds = 0_u64;
    while rounds == 0 || Instant::now() < end {
        let seed = from.wrapping_add(rounds.wrapping_mul(STORIES));
        round(project, seed).with_context(|| format!("Seed {seed} failed"))?;
        rounds += 1;
    }
    println!("\nsoak: {rounds} rounds from seed {from}, nothing found");
    Ok(())
}

/// A failure prints how it is played again.
fn round(project: &Project, seed: u64) -> Result<()> {
    for (package, test) in PROPERTIES {
        let again = format!("{PROPERTY_SEED}={seed} cargo test -p {package} --test {test}");
        step(&format!("properties of {package}, seed {seed}"), || property(project, package, test, seed))
            .with_context(|| format!("again: {again}"))?;
    }
    step(&format!("simulation from seed {seed}"), || sim::run(project, STORIES, seed))
        .with_context(|| format!("again: cargo xtask sim --seeds {STORIES} --from {seed}"))?;
    chaos::run(project, CHAOS_MINUTES, Some(seed), CHAOS_CLIENTS).with_context(|| {
        format!("again: cargo xtask chaos --minutes {CHAOS_MINUTES} --clients {CHAOS_CLIENTS} --seed {seed}")
    })?;
    if fuzz(project).arg("--version").ask().is_none() {
        println!("▸ fuzz: left out, as there is no cargo-fuzz for a nightly compiler");
        return Ok(());
    }
    for target in FUZZED {
        step(&format!("fuzz {target}, seed {seed}"), || fuzzed(project, target, seed)).with_context(
            || format!("again: cargo +nightly fuzz run -s none {target} and the file it told"),
        )?;
    }
    Ok(())
}

fn property(project: &Project, package: &str, test: &str, seed: u64) -> Result<()> {
    cargo(project)
        .env(PROPERTY_SEED, seed.to_string())
        .args(["test", "--quiet", "--package", package, "--test", test])
        .quiet(&project.log("soak"))
}

fn fuzz(project: &Project) -> Cmd {
    cargo(project).toolchain(Some("nightly")).arg("fuzz")
}

fn fuzzed(project: &Project, target: &str, seed: u64) -> Result<()> {
    // libFuzzer takes 32 bits, and 0 for "any".
    let (seed, time) = ((seed as u32).max(1), FUZZ_SECONDS);
    // New inputs go to a folder of its own; the one in the repository is only read.
    let found = project.scratch().join("fuzz").join(target);
    std::fs::create_dir_all(&found)?;
    fuzz(project)
        .args(["run", "-s", "none", target])
        .arg(&found)
        .arg(project.root.join("fuzz/corpus").join(target))
        .args(["--", &format!("-seed={seed}"), &format!("-max_total_time={time}")])
        .quiet(&project.log("soak-fuzz"))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs())
}
