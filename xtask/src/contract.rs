//! The HTTP API and its OpenAPI document, held against each other by schemathesis.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::command::cmd;
use crate::project::Project;
use crate::setup::python::Python;

/// Serves on a free port, and tries on it all that the document allows, and more: no fault, no status that is not
/// described, no answer of another form. `end2end/schemathesis.toml` has how much.
pub(crate) fn check(project: &Project, python: &Python, program: &Path) -> Result<()> {
    let served = Served::start(program, project.scratch().join("contract"))?;
    let token = served.order(&["token", "create", "--name", "Schemathesis"])?;
    let hook = served.order(&["webhook", "incoming", "--room", "lobby", "--name", "Hook"])?;
    let secret = hook.rsplit('/').next().unwrap_or_default();
    cmd(&python.program("schemathesis").to_string_lossy())
        .args(["--config-file", "schemathesis.toml", "run", "--no-color"])
        .arg(format!("{}/api/openapi.json", served.address))
        .within(&project.root.join("end2end"))
        .env("MADANG_TOKEN", token)
        .env("MADANG_HOOK", secret)
        .quiet(&project.log("contract"))
}

/// A server of its own, which ends with this value.
struct Served {
    program: PathBuf,
    child: Child,
    address: String,
    data: PathBuf,
}

impl Served {
    fn start(program: &Path, data: PathBuf) -> Result<Self> {
        if data.exists() {
            fs::remove_dir_all(&data).with_context(|| format!("Cannot clear {}", data.display()))?;
        }
        let mut child = Command::new(program)
            .args(["serve", "--addr", "127.0.0.1:0", "--post-rate", "0", "--data"])
            .arg(&data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("Cannot start {}", program.display()))?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let address = line.trim().strip_prefix("listening on ").unwrap_or_default().to_owned();
        let served = Self { program: program.to_owned(), child, address, data };
        if served.address.is_empty() {
            bail!("The server did not start.");
        }
        Ok(served)
    }

    /// Runs a command of the owner, and returns what it prints.
    fn order(&self, words: &[&str]) -> Result<String> {
        let program = self.program.to_string_lossy();
        let printed = cmd(&program).args(words).arg("--data").arg(&self.data).ask();
        printed.with_context(|| format!("The server does not take the order `{}`.", words.join(" ")))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
