//! A server for a check: on a free port, with data of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::command::cmd;

/// A server of its own, which ends with this value.
pub(crate) struct Served {
    program: PathBuf,
    child: Child,
    address: String,
    data: PathBuf,
}

impl Served {
    /// Starts it on a free port with a new folder of data, and these options.
    pub(crate) fn start(program: &Path, data: PathBuf, options: &[&str]) -> Result<Self> {
        if data.exists() {
            fs::remove_dir_all(&data).with_context(|| format!("Cannot clear {}", data.display()))?;
        }
        let mut child = Command::new(program)
            .args(["serve", "--addr", "127.0.0.1:0", "--data"])
            .arg(&data)
            .args(options)
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

    /// Returns its address, such as `http://127.0.0.1:3000`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Runs a command of the owner, and returns what it prints.
    pub(crate) fn order(&self, words: &[&str]) -> Result<String> {
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
