//! Every check and every test, the quick ones first.

use anyhow::{Result, bail};

use crate::chaos;
use crate::checks;
use crate::command::cargo;
use crate::contract;
use crate::e2e;
use crate::project::Project;
use crate::setup::{browser, node, wasm};
use crate::step::step;

/// Tests that passed and failed, over all suites.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u32,
    failed: u32,
}

/// Runs all; the last line is `N passed, N failed`.
pub(crate) fn run(project: &Project) -> Result<()> {
    let mut tally = Tally::default();
    let outcome = stages(project, &mut tally);
    if outcome.is_err() && tally.failed == 0 {
        // What failed was a check, not a test; the last line must not look like success.
        tally.failed = 1;
    }
    if let Err(error) = &outcome {
        eprintln!("\n✗ {error:#}");
    }
    println!("\n{} passed, {} failed", tally.passed, tally.failed);
    match outcome {
        Ok(()) => Ok(()),
        Err(_) => std::process::exit(1),
    }
}

fn stages(project: &Project, tally: &mut Tally) -> Result<()> {
    checks::without_compiling(project)?;
    let toolchain = wasm::ensure(project)?;
    node::ensure_packages(project)?;
    browser::ensure(project)?;
    step("types of the browser tests", || checks::types(project))?;
    step("lints", || checks::lints(project))?;
    step("lints of the page", || checks::lints_of_page(project, &toolchain))?;
    step("documentation", || checks::documentation(project))?;
    step("tests of the crates", || crates(project, tally))?;
    let playwright = e2e::playwright(project)?;
    step("the API and its description", || contract::check(project))?;
    step("tests in the browser", || {
        let good = playwright.lines(|line| tally.count_playwright(line))?;
        if good { Ok(()) } else { bail!("The browser tests failed.") }
    })?;
    chaos::short(project)
}

fn crates(project: &Project, tally: &mut Tally) -> Result<()> {
    // Never --all-features: it would turn on the page's features for the server and the browser at once.
    let tests = cargo(project).args(["test", "--workspace", "--no-fail-fast"]);
    if tests.lines(|line| tally.count_libtest(line))? { Ok(()) } else { bail!("Tests of the crates failed.") }
}

impl Tally {
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
        let mut tally = Tally::default();
        tally.count_libtest("test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out");
        tally.count_libtest("test result: FAILED. 3 passed; 2 failed; 0 ignored");
        tally.count_libtest("test hub::fans_out ... ok");
        assert_eq!(tally, Tally { passed: 15, failed: 2 });
        tally.count_playwright("  7 passed (30.1s)");
        tally.count_playwright("  1 failed");
        tally.count_playwright("  ✓  1 [chromium] › chat.spec.ts:3:1 › 5 passed by (1.0s)");
        assert_eq!(tally, Tally { passed: 22, failed: 3 });
    }
}
