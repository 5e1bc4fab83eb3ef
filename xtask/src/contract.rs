//! The HTTP API and its OpenAPI document, held against each other by schemathesis.

use std::path::Path;

use anyhow::Result;

use crate::command::cmd;
use crate::project::Project;
use crate::served::Served;
use crate::setup::python::Python;

/// Serves on a free port, and tries on it all that the document allows, and more: no fault, no status that is not
/// described, no answer of another form. `end2end/schemathesis.toml` has how much.
pub(crate) fn check(project: &Project, python: &Python, program: &Path) -> Result<()> {
    let served = Served::start(program, project.scratch().join("contract"), &["--post-rate", "0"])?;
    let token = served.order(&["token", "create", "--name", "Schemathesis"])?;
    let hook = served.order(&["webhook", "incoming", "--room", "lobby", "--name", "Hook"])?;
    let secret = hook.rsplit('/').next().unwrap_or_default();
    cmd(&python.program("schemathesis").to_string_lossy())
        .args(["--config-file", "schemathesis.toml", "run", "--no-color"])
        .arg(format!("{}/api/openapi.json", served.address()))
        .within(&project.root.join("end2end"))
        .env("MADANG_TOKEN", token)
        .env("MADANG_HOOK", secret)
        .quiet(&project.log("contract"))
}
