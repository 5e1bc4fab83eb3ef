//! The server under load, beside its peers.

use anyhow::Result;

use crate::command::cargo;
use crate::project::Project;
use crate::server::{self, Profile};

/// Builds the program as it ships and lets the load generator measure it.
pub(crate) fn run(project: &Project, options: &[String]) -> Result<()> {
    let program = server::build_one_file(project, Profile::Release)?;
    cargo(project)
        .args(["run", "--release", "--package", "madang-load", "--", "bench"])
        .args(options)
        .env("MADANG_BIN", program)
        .show()
}
