//! The browser tests.

use anyhow::{Result, bail};

use crate::command::{Cmd, cmd};
use crate::project::Project;
use crate::server::{self, Profile};
use crate::setup::browser::{self, Browser};
use crate::setup::{curl, node, python};

/// Gets what is missing, builds the program, and runs Playwright with these options.
pub(crate) fn run(project: &Project, options: &[String]) -> Result<()> {
    if !playwright(project)?.args(options).lines(|_| {})? {
        bail!("The browser tests failed: `npx playwright show-report` in end2end/ shows how.");
    }
    Ok(())
}

/// Playwright, ready to run. The specs start their own servers from MADANG_BIN, each on a free port.
pub(crate) fn playwright(project: &Project) -> Result<Cmd> {
    node::ensure_packages(project)?;
    let browser = browser::ensure(project)?;
    let python = python::ensure(project)?;
    curl::ensure(project)?;
    let program = server::build_one_file(project, Profile::Dev)?;
    let command = cmd("npx")
        .args(["playwright", "test"])
        .within(&project.root.join("end2end"))
        .env("MADANG_BIN", program)
        .env("MADANG_PYTHON", python.program("python"));
    Ok(match browser {
        Browser::Program(program) => command.env("MADANG_CHROMIUM", program),
        Browser::Playwrights => command,
    })
}
