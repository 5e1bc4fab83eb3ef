//! What is checked without running Madang.

pub(crate) mod licences;
mod manifests;
mod rules;
pub(crate) mod tidy;

use anyhow::{Context, Result};

use crate::command::cargo;
use crate::project::Project;
use crate::setup::wasm::Toolchain;
use crate::site;

/// Everything is as rustfmt writes it.
pub(crate) fn formatting(project: &Project) -> Result<()> {
    cargo(project).args(["fmt", "--all", "--check"]).show().context("Run `cargo fmt --all`")
}

/// The native code, its tests included, gives no warning.
pub(crate) fn lints(project: &Project) -> Result<()> {
    cargo(project).args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]).show()
}

/// The page gives no warning, as it is hydrated and as it stands alone.
pub(crate) fn lints_of_page(project: &Project, toolchain: &Toolchain) -> Result<()> {
    for features in ["hydrate", "csr"] {
        cargo(project)
            .toolchain(toolchain.name())
            .arg("clippy")
            .args(site::cargo_args(project, features))
            .args(["--", "-D", "warnings"])
            .show()?;
    }
    Ok(())
}

/// The documentation has no broken link and no hole.
pub(crate) fn documentation(project: &Project) -> Result<()> {
    cargo(project).args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings").show()
}
