//! Checks that do not run Madang.

mod imports;
mod licences;
mod manifests;
mod rules;
mod source;
mod tidy;
mod wording;

use anyhow::{Context, Result};

use crate::command::{cargo, cmd};
use crate::project::Project;
use crate::setup::wasm::Toolchain;
use crate::site;
use crate::step::step;

/// The quick checks.
pub(crate) fn without_compiling(project: &Project) -> Result<()> {
    step("formatting", || formatting(project))?;
    step("style rules", || tidy::check(project))?;
    step("licences of the dependencies", || licences::check(project))
}

/// Everything is as rustfmt writes it.
fn formatting(project: &Project) -> Result<()> {
    cargo(project).args(["fmt", "--all", "--check"]).show().context("Run `cargo fmt --all`")
}

/// The browser tests are what TypeScript takes them for: Playwright itself only strips the types.
pub(crate) fn types(project: &Project) -> Result<()> {
    let log = project.log("types");
    cmd("npx").args(["tsc", "--noEmit"]).within(&project.root.join("end2end")).quiet(&log)
}

/// The native code, its tests included, gives no warning.
pub(crate) fn lints(project: &Project) -> Result<()> {
    cargo(project).args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]).show()
}

/// The page gives no warning, as it is hydrated and as it stands alone.
pub(crate) fn lints_of_page(project: &Project, toolchain: &Toolchain) -> Result<()> {
    for features in ["hydrate,parts", "csr"] {
        cargo(project)
            .toolchain(toolchain.name())
            .arg("clippy")
            .args(site::cargo_args(project, features))
            .args(["--", "-D", "warnings"])
            .quiet(&project.log("lints-of-page"))?;
    }
    Ok(())
}

/// The documentation has no broken link and no hole.
pub(crate) fn documentation(project: &Project) -> Result<()> {
    cargo(project).args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings").show()
}
