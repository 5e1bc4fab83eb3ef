//! Node and the packages of the browser tests and the examples: one npm workspace, one lock file, at the root.

use std::fs;

use anyhow::{Result, bail};

use crate::command::{cmd, which};
use crate::project::Project;
use crate::step::step;

/// True if node and npm are there.
pub(crate) fn is_there() -> bool {
    which("node").is_some() && which("npm").is_some()
}

/// True if the installed packages are those of the lock file.
pub(crate) fn packages_are_there(project: &Project) -> bool {
    let changed = |file: &str| fs::metadata(project.root.join(file)).and_then(|known| known.modified()).ok();
    // npm writes the hidden lock file last.
    match (changed("package-lock.json"), changed("node_modules/.package-lock.json")) {
        (Some(wanted), Some(installed)) => installed >= wanted,
        _ => false,
    }
}

/// Gets the packages of the browser tests and the examples.
pub(crate) fn ensure_packages(project: &Project) -> Result<()> {
    if packages_are_there(project) {
        return Ok(());
    }
    if !is_there() {
        bail!(
            "The browser tests need Node 20 or newer: install `nodejs` and `npm` with your package manager."
        );
    }
    step("node packages", || {
        cmd("npm")
            .args(["ci", "--no-audit", "--no-fund"])
            .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
            .within(&project.root)
            .quiet(&project.log("npm"))
    })
}
