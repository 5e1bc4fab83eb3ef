//! Every check and every test, the quick ones first.
//!
//! All of it is built in a folder of its own (`Project::apart`), once: the lints and the documentation share what they
//! check, and everything that runs comes from one build with one set of features, that of the program as it ships with
//! its page inside.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};

use crate::chaos;
use crate::checks;
use crate::command::{Cmd, cargo};
use crate::contract;
use crate::e2e::{self, Tools};
use crate::mutants;
use crate::project::Project;
use crate::setup::{engines, wasm};
use crate::site;
use crate::step::{self, step};

/// The package whose features nothing that ships may have.
const SIMULATION: &str = "madang-sim";

/// Tests that passed and failed, over all suites.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u32,
    failed: u32,
}

/// Programs that the tests run, built once.
struct Built {
    program: PathBuf,
    load: PathBuf,
}

/// Runs all, and shows how long each step took; the last line is `N passed, N failed`.
pub(crate) fn run(project: &Project) -> Result<()> {
    let start = Instant::now();
    let mut counts = Counts::default();
    let outcome = stages(project, &mut counts);
    if outcome.is_err() && counts.failed == 0 {
        // A check failed, not a test; the last line must not look like success.
        counts.failed = 1;
    }
    if let Err(error) = &outcome {
        eprintln!("\n✗ {error:#}");
    }
    println!("\n{}\n{} passed, {} failed", step::table(start.elapsed()), counts.passed, counts.failed);
    match outcome {
        Ok(()) => Ok(()),
        Err(_) => std::process::exit(1),
    }
}

fn stages(shared: &Project, counts: &mut Counts) -> Result<()> {
    let apart = &shared.apart();
    let _alone = apart.alone()?;
    checks::without_compiling(shared)?;
    let (tools, site) = side_by_side(apart)?;
    let built = step("program and tests", || build(apart, &site))?;
    // Each suite runs, whatever the one before it found.
    let suites = [
        step("tests of xtask", || libtest(cargo(shared).args(["test", "--package", "xtask"]), counts)),
        step("tests of the crates", || {
            libtest(unsimulated(apart, &site, "test").arg("--no-fail-fast"), counts)
        }),
        step("simulation", || libtest(simulated(apart, &site)?, counts)),
        step("simulation that must find mutants", || {
            counts.passed += mutants::play(apart, with_page(apart, &site, "build"), &[])?;
            Ok(())
        }),
        step("the API and its description", || contract::check(apart, &tools.python, &built.program)),
        step("tests in the browser", || browsers(apart, &tools, &built.program, counts)),
        step("tests in Firefox and WebKit", || other_engines(apart, &built.program, counts)),
        chaos::short(apart, &built.load, &built.program),
    ];
    let broken: Vec<String> =
        suites.into_iter().filter_map(Result::err).map(|error| format!("{error:#}")).collect();
    if broken.is_empty() { Ok(()) } else { bail!("{}", broken.join("\n✗ ")) }
}

/// Gets what is missing and makes the page, while the native code is checked: what is fetched, and the linking of the
/// page, would leave a core idle.
fn side_by_side(project: &Project) -> Result<(Tools, PathBuf)> {
    thread::scope(|scope| {
        let page = scope.spawn(|| {
            let toolchain = wasm::ensure(project)?;
            let tools = Tools::ensure(project)?;
            engines::ensure(project)?;
            step("types of the browser tests", || checks::types(project))?;
            step("lints of the page", || checks::lints_of_page(project, &toolchain))?;
            Ok((tools, site::build(project)?))
        });
        let native = step("lints", || checks::lints(project))
            .and_then(|()| step("documentation", || checks::documentation(project)));
        let page = page.join().unwrap_or_else(|_| Err(anyhow!("the build of the page panicked")));
        native?;
        page
    })
}

/// Everything that runs, but xtask, which was built by whoever called it, and the simulation.
fn build(project: &Project, site: &Path) -> Result<Built> {
    unsimulated(project, site, "build").arg("--all-targets").show()?;
    let program =
        |name: &str| project.native.join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    Ok(Built { program: program(&project.leptos.bin_target), load: program("madang-load") })
}

/// Cargo for all crates that ship or drive what ships. Never --all-features: it would turn on the page's features for
/// the server and the browser at once.
fn unsimulated(project: &Project, site: &Path, command: &str) -> Cmd {
    with_page(project, site, command).args(["--exclude", SIMULATION])
}

/// Cargo for the simulation's tests. The other crates are named too, though none of their tests is: cargo unifies
/// features over what is named, and so the dependencies are those that are compiled already.
fn simulated(project: &Project, site: &Path) -> Result<Cmd> {
    let mut tests = Vec::new();
    for entry in fs::read_dir(project.root.join("crates/sim/tests")).context("There is no simulation")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") || path.join("main.rs").is_file() {
            tests.extend(path.file_stem().map(|name| format!("--test={}", name.to_string_lossy())));
        }
    }
    tests.sort();
    Ok(with_page(project, site, "test").arg("--no-fail-fast").args(tests))
}

fn with_page(project: &Project, site: &Path, command: &str) -> Cmd {
    let features = format!("{}/embed", project.leptos.bin_package);
    cargo(project)
        .args([command, "--workspace", "--exclude", "xtask", "--features", &features])
        .env("MADANG_SITE", site)
}

fn libtest(command: Cmd, counts: &mut Counts) -> Result<()> {
    let passes = command.lines(|line| counts.count_libtest(line))?;
    if passes { Ok(()) } else { bail!("Tests of the crates failed.") }
}

fn browsers(project: &Project, tools: &Tools, program: &Path, counts: &mut Counts) -> Result<()> {
    let passes = e2e::playwright(project, tools, program).lines(|line| counts.count_playwright(line))?;
    if passes { Ok(()) } else { bail!("The browser tests failed.") }
}

fn other_engines(project: &Project, program: &Path, counts: &mut Counts) -> Result<()> {
    let passes = e2e::other_engines(project, program).lines(|line| counts.count_playwright(line))?;
    if passes { Ok(()) } else { bail!("The tests in Firefox and WebKit failed.") }
}

impl Counts {
    /// `test result: ok. 12 passed; 0 failed; …`
    fn count_libtest(&mut self, line: &str) {
        let Some(result) = line.trim().strip_prefix("test result: ") else { return };
        let Some((_, counts)) = result.split_once(". ") else { return };
        self.count(counts.split("; "));
    }

    /// `  12 passed (30.1s)` and its like, each in a line of its own at the end of a run.
    fn count_playwright(&mut self, line: &str) {
        let line = line.trim();
        let summary = line.split(" (").next().unwrap_or(line);
        self.count([summary].into_iter());
    }

    fn count<'a>(&mut self, counts: impl Iterator<Item = &'a str>) {
        for count in counts {
            let Some((number, what)) = count.split_once(' ') else { continue };
            let Ok(number) = number.parse::<u32>() else { continue };
            match what {
                "passed" => self.passed += number,
                "failed" | "flaky" | "interrupted" => self.failed += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runners_own_summaries_are_added_up() {
        let mut counts = Counts::default();
        counts.count_libtest("test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out");
        counts.count_libtest("test result: FAILED. 3 passed; 2 failed; 0 ignored");
        counts.count_libtest("test hub::fans_out ... ok");
        assert_eq!(counts, Counts { passed: 15, failed: 2 });
        counts.count_playwright("  7 passed (30.1s)");
        counts.count_playwright("  1 failed");
        counts.count_playwright("  ✓  1 [chromium] › chat.spec.ts:3:1 › 5 passed by (1.0s)");
        assert_eq!(counts, Counts { passed: 22, failed: 3 });
    }
}
