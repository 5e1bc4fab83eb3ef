//! The public conformance suite of WebSockets, Autobahn|Testsuite, as it is published: it is written for Python 2.7.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::command::{Cmd, cmd};
use crate::project::Project;
use crate::step::step;

/// Name and exact version; it names those of all that it needs.
const SUITE: &str = "autobahntestsuite==25.10.1";

/// Fails if this Python is another one.
const IS_27: &str = "import sys, ctypes, ssl; sys.exit(sys.version_info[:2] != (2, 7))";

/// Gets the suite, once for each version.
pub(crate) fn ensure(project: &Project) -> Result<Suite> {
    let python = python().context(
        "Autobahn|Testsuite is written for Python 2.7, which distributions no longer have: \
         `pyenv install 2.7.18` (pyenv.run) builds one, which is found in ~/.pyenv and on PATH.",
    )?;
    let suite = Suite { python, folder: project.target.join("autobahn") };
    let stamp = suite.folder.join(SUITE);
    if !stamp.exists() {
        step("Autobahn|Testsuite", || {
            suite
                .python()
                .args(["-m", "pip", "install", "--user", "--disable-pip-version-check", SUITE])
                .quiet(&project.log("autobahn-pip"))?;
            // Last, so that what was begun and not finished is begun again.
            Ok(std::fs::write(stamp, "")?)
        })?;
    }
    Ok(suite)
}

/// Python 2.7 with the suite, in a folder of its own.
pub(crate) struct Suite {
    python: PathBuf,
    folder: PathBuf,
}

impl Suite {
    /// Returns the suite's program, to run in `folder`.
    pub(crate) fn wstest(&self, folder: &Path) -> Cmd {
        self.python().arg(self.folder.join("bin/wstest")).within(folder)
    }

    /// Returns the Python, for whose user it installs into the folder, and finds there.
    fn python(&self) -> Cmd {
        cmd(&self.python.to_string_lossy()).env("PYTHONUSERBASE", &self.folder)
    }
}

/// Returns a Python 2.7 of this machine, on PATH or of pyenv.
pub(crate) fn python() -> Option<PathBuf> {
    let on_path = ["python2.7", "python2"].map(PathBuf::from);
    let home = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".pyenv")));
    let versions = home.and_then(|home| std::fs::read_dir(home.join("versions")).ok());
    let pyenvs = versions.into_iter().flatten().flatten().map(|version| version.path());
    let pyenvs = pyenvs
        .filter(|version| version.file_name().is_some_and(|name| name.to_string_lossy().starts_with("2.7")))
        .map(|version| version.join("bin/python"));
    let is_27 = |python: &PathBuf| cmd(&python.to_string_lossy()).args(["-c", IS_27]).ask().is_some();
    on_path.into_iter().chain(pyenvs).find(is_27)
}
