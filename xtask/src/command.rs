//! Running other programs: shown as they print, or quiet until they fail.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};

use crate::project::Project;

/// A program to run, with the words that name it in messages.
pub(crate) struct Cmd {
    command: Command,
    words: String,
}

/// Any program on PATH.
pub(crate) fn cmd(program: &str) -> Cmd {
    Cmd { command: Command::new(program), words: program.to_owned() }
}

/// Cargo in the project's folder, without the variables that the outer `cargo run` gave to xtask: build scripts
/// that watch them would rebuild each time.
pub(crate) fn cargo(project: &Project) -> Cmd {
    let mut cargo = cmd("cargo");
    cargo.command.current_dir(&project.root);
    if project.native != project.target {
        // Built once and thrown away: what serves quick rebuilds would only cost time and room.
        cargo = cargo.env("CARGO_TARGET_DIR", &project.native).env("CARGO_INCREMENTAL", "0");
    }
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            cargo.command.env_remove(name.as_ref());
        }
    }
    cargo
}

impl Cmd {
    /// Adds one argument.
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.words.push(' ');
        self.words.push_str(&arg.as_ref().to_string_lossy());
        self.command.arg(arg);
        self
    }

    /// Adds each argument.
    pub(crate) fn args<S: AsRef<OsStr>>(self, args: impl IntoIterator<Item = S>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    /// Sets a variable of its environment.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets the toolchain that rustup picks, if another one than the default is wanted.
    pub(crate) fn toolchain(mut self, toolchain: Option<&str>) -> Self {
        if let Some(toolchain) = toolchain {
            // Cargo tells its children by RUSTC and its like which compiler is meant; rustup's word must win.
            self.command.env("RUSTUP_TOOLCHAIN", toolchain).env_remove("RUSTC").env_remove("RUSTDOC");
        }
        self
    }

    /// Runs in another folder.
    pub(crate) fn within(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs with its output shown.
    pub(crate) fn show(mut self) -> Result<()> {
        let status = self.command.status().with_context(|| cannot_start(&self.words))?;
        if status.success() { Ok(()) } else { Err(anyhow!("`{}` failed ({status}).", self.words)) }
    }

    /// Runs with its output kept in `log`; when it fails, the end of that is shown.
    pub(crate) fn quiet(mut self, log: &Path) -> Result<()> {
        let folder = log.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let file = fs::File::create(log).with_context(|| format!("Cannot write {}", log.display()))?;
        self.command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let status = self.command.status().with_context(|| cannot_start(&self.words))?;
        if status.success() {
            return Ok(());
        }
        let text = fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let end = lines.split_at(lines.len().saturating_sub(40)).1.join("\n");
        bail!("{end}\n`{}` failed ({status}); all of its output is in {}.", self.words, log.display())
    }

    /// Runs with its output shown, and gives each line of its standard output to `each`. True if it succeeded.
    pub(crate) fn lines(mut self, mut each: impl FnMut(&str)) -> Result<bool> {
        let mut child =
            self.command.stdout(Stdio::piped()).spawn().with_context(|| cannot_start(&self.words))?;
        if let Some(output) = child.stdout.take() {
            for line in BufReader::new(output).lines() {
                let line = line?;
                println!("{line}");
                each(&line);
            }
        }
        Ok(child.wait()?.success())
    }

    /// Runs unseen and gives its standard output, or nothing if it failed or is not there.
    pub(crate) fn ask(mut self) -> Option<String> {
        let output = self.command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Becomes the program, so that signals reach it; returns only if that fails.
    #[cfg(unix)]
    pub(crate) fn become_it(mut self) -> Result<()> {
        use std::os::unix::process::CommandExt;
        Err(self.command.exec()).with_context(|| cannot_start(&self.words))
    }

    /// Runs the program to its end.
    #[cfg(not(unix))]
    pub(crate) fn become_it(self) -> Result<()> {
        self.show()
    }
}

fn cannot_start(words: &str) -> String {
    format!("Cannot start `{words}`")
}

/// Returns the place of a program on PATH.
pub(crate) fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_failure_shows_end_of_output() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("deep/sh.log");
        let error = cmd("sh").args(["-c", "echo the reason >&2; exit 3"]).quiet(&log).unwrap_err();
        assert!(error.to_string().starts_with("the reason\n`sh -c"), "{error}");
    }

    #[test]
    fn lines_are_seen_and_the_verdict_is_kept() {
        let mut seen = Vec::new();
        let good = cmd("sh").args(["-c", "echo a; echo b; false"]).lines(|line| seen.push(line.to_owned()));
        assert!(!good.unwrap());
        assert_eq!(seen, ["a", "b"]);
    }

    #[test]
    fn missing_program_is_named() {
        let error = cmd("no-such-program").show().unwrap_err();
        assert!(error.to_string().contains("no-such-program"), "{error}");
        assert_eq!(cmd("no-such-program").ask(), None);
        assert_eq!(which("no-such-program"), None);
    }
}
