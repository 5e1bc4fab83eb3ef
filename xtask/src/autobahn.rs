//! The WebSocket, held against Autobahn|Testsuite: its fuzzing client talks to an echo that is built of the same
//! connection code as every protocol, and only in this build.

mod report;

use std::fs;

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::project::Project;
use crate::served::Served;
use crate::server::{self, Kept};
use crate::setup::autobahn;
use crate::step::step;

/// Cases of the suite's version that is used.
const ALL: usize = 517;

/// Longer than any message of the suite. Bytes.
const MAX_FRAME: &str = "33554432";

/// Runs these cases, or all, and prints each that is not as it should be.
pub(crate) fn run(project: &Project, cases: &[String]) -> Result<()> {
    let suite = autobahn::ensure(project)?;
    let program = Kept::aside(project, &server::build_echo(project)?)?;
    let folder = project.scratch().join("autobahn");
    let options = ["--max-frame", MAX_FRAME, "--newcomers-per-address", "0", "--log", "warn"];
    let served = Served::start(program.path(), folder.join("data"), &options)?;
    let reports = folder.join("reports");
    if reports.exists() {
        fs::remove_dir_all(&reports).with_context(|| format!("Cannot clear {}", reports.display()))?;
    }
    fs::create_dir_all(&reports)?;
    let address = served.address().replacen("http", "ws", 1);
    let wanted = if cases.is_empty() { vec!["*".to_owned()] } else { cases.to_vec() };
    let spec = json!({
        "outdir": reports,
        "servers": [{ "agent": "Madang", "url": format!("{address}/echo") }],
        "cases": wanted,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    fs::write(folder.join("spec.json"), spec.to_string())?;
    step("cases of Autobahn|Testsuite", || {
        suite
            .wstest(&folder)
            .args(["--mode", "fuzzingclient", "--spec", "spec.json"])
            .quiet(&project.log("autobahn"))
    })?;
    let report = report::Report::read(&reports)?;
    print!("{}", report.summary());
    println!("Each case in full: {}", reports.join("index.html").display());
    let bad = report.failed();
    match report.len() {
        0 => bail!("No case was run."),
        ran if cases.is_empty() && ran < ALL => bail!("{ran} of {ALL} cases were run."),
        _ if bad > 0 => bail!("{bad} cases failed."),
        _ => Ok(()),
    }
}
