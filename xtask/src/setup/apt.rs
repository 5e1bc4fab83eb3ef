//! Debian's packages, where there are any and we may install them.

use std::sync::OnceLock;

use anyhow::{Result, bail};

use crate::command::{Cmd, cmd, which};
use crate::project::Project;

/// How this process may act as root.
#[derive(Clone, Copy)]
enum Root {
    Itself,
    BySudo,
    Never,
}

/// True on a machine whose packages come by apt.
pub(crate) fn is_there() -> bool {
    which("apt-get").is_some()
}

/// True if installing would ask for nothing.
pub(crate) fn may_install() -> bool {
    is_there() && !matches!(root(), Root::Never)
}

/// A program run as root; an error if that would need a password.
pub(crate) fn as_root(program: &str) -> Result<Cmd> {
    match root() {
        Root::Itself => Ok(cmd(program)),
        Root::BySudo => Ok(cmd("sudo").args(["-n", program])),
        Root::Never => bail!("This needs root, and sudo would ask for a password: run it once as root."),
    }
}

/// Installs packages. The package lists are fetched once in a run.
pub(crate) fn install(project: &Project, packages: &[&str]) -> Result<()> {
    static LISTS: OnceLock<()> = OnceLock::new();
    let command = format!("apt-get install {}", packages.join(" "));
    if !may_install() {
        bail!("Only root can install what is missing: run `sudo {command}`, then this again.");
    }
    if LISTS.get().is_none() {
        as_root("apt-get")?.args(["-qq", "update"]).quiet(&project.log("apt-update"))?;
        LISTS.get_or_init(|| ());
    }
    as_root("env")?
        .args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "--no-install-recommends"])
        .args(packages)
        .quiet(&project.log("apt-install"))
}

fn root() -> Root {
    static ROOT: OnceLock<Root> = OnceLock::new();
    *ROOT.get_or_init(|| {
        if cmd("id").arg("-u").ask().as_deref() == Some("0") {
            Root::Itself
        } else if cmd("sudo").args(["-n", "true"]).ask().is_some() {
            Root::BySudo
        } else {
            Root::Never
        }
    })
}
