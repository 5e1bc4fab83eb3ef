//! The browser tests.

use std::path::Path;

use anyhow::{Result, bail};

use crate::command::{Cmd, cmd};
use crate::project::Project;
use crate::server::{self, Kept, Profile};
use crate::setup::browser::{self, Browser};
use crate::setup::python::{self, Python};
use crate::setup::{curl, node};

/// Programs that the tests run besides Madang.
pub(crate) struct Tools {
    browser: Browser,
    pub(crate) python: Python,
}

impl Tools {
    /// Gets what is missing.
    pub(crate) fn ensure(project: &Project) -> Result<Self> {
        node::ensure_packages(project)?;
        let browser = browser::ensure(project)?;
        let python = python::ensure(project)?;
        curl::ensure(project)?;
        Ok(Self { browser, python })
    }
}

/// Gets what is missing, builds the program, and runs Playwright with these options.
pub(crate) fn run(project: &Project, options: &[String]) -> Result<()> {
    let tools = Tools::ensure(project)?;
    let program = Kept::aside(project, &server::build_one_file(project, Profile::Dev)?)?;
    if !playwright(project, &tools, program.path()).args(options).lines(|_| {})? {
        bail!("The browser tests failed: `npx playwright show-report` in end2end/ shows how.");
    }
    Ok(())
}

/// Playwright, ready to run. The specs start their own servers from MADANG_BIN, each on a free port.
pub(crate) fn playwright(project: &Project, tools: &Tools, program: &Path) -> Cmd {
    let command = cmd("npx")
        .args(["playwright", "test"])
        .within(&project.root.join("end2end"))
        .env("MADANG_BIN", program)
        .env("MADANG_PYTHON", tools.python.program("python"));
    match &tools.browser {
        Browser::Program(program) => command.env("MADANG_CHROMIUM", program),
        Browser::Playwrights => command,
    }
}

/// The suite for Firefox and WebKit, ready to run.
pub(crate) fn other_engines(project: &Project, program: &Path) -> Cmd {
    cmd("npx")
        .args(["playwright", "test", "--config", "engines.config.ts"])
        .within(&project.root.join("end2end"))
        .env("MADANG_BIN", program)
}
