//! Debian's packages, where there are any and we may install them.

use std::sync::OnceLock;

use anyhow::{Result, bail};

use crate::command::{Cmd, cmd, which};
use crate::project::Project;

/// Ways in which this process may act as root.
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
    prepare(project, packages)?;
    as_root("env")?.args(INSTALL).args(packages).quiet(&project.log("apt-install"))
}

/// Installs packages of servers, and starts none of them: what Debian would start is not what is wanted here.
pub(crate) fn install_unstarted(project: &Project, packages: &[&str]) -> Result<()> {
    // Debian asks this program whether a service may start. One that is there already has its reasons.
    const SCRIPT: &str = "policy=/usr/sbin/policy-rc.d
        if [ ! -e $policy ]; then
            trap 'rm -f $policy' EXIT
            printf '#!/bin/sh\\nexit 101\\n' > $policy && chmod 755 $policy || exit 1
        fi
        env \"$@\"";
    prepare(project, packages)?;
    let install = as_root("sh")?.args(["-c", SCRIPT, "sh"]).args(INSTALL).args(packages);
    install.quiet(&project.log("apt-install"))
}

const INSTALL: [&str; 5] =
    ["DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "--no-install-recommends"];

fn prepare(project: &Project, packages: &[&str]) -> Result<()> {
    static LISTS: OnceLock<()> = OnceLock::new();
    let command = format!("apt-get install {}", packages.join(" "));
    if !may_install() {
        bail!("Only root can install what is missing: run `sudo {command}`, then this again.");
    }
    if LISTS.get().is_none() {
        as_root("apt-get")?.args(["-qq", "update"]).quiet(&project.log("apt-update"))?;
        LISTS.get_or_init(|| ());
    }
    Ok(())
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
