//! cargo-leptos and the wasm-bindgen program that it calls: for `cargo xtask dev` alone.

use anyhow::Result;

use super::wasm::Toolchain;
use crate::command::{cargo, cmd, which};
use crate::project::Project;
use crate::step::step;

/// The cargo-leptos that this project was tried with.
pub(crate) const LEPTOS: &str = "0.3.11";
/// Equal to the version of the crate wasm-bindgen in Cargo.lock.
pub(crate) const BINDGEN: &str = "0.2.129";

/// True if cargo-leptos is there, whatever its version.
pub(crate) fn is_there() -> bool {
    which("cargo-leptos").is_some()
}

/// True if the wasm-bindgen on PATH is the one that the wasm was made for.
pub(crate) fn bindgen_is_there() -> bool {
    cmd("wasm-bindgen").arg("--version").ask().is_some_and(|said| said.split(' ').nth(1) == Some(BINDGEN))
}

/// Gets both. cargo-leptos is large: a quarter of an hour on two cores.
pub(crate) fn ensure(project: &Project, toolchain: &Toolchain) -> Result<()> {
    if !bindgen_is_there() {
        step("wasm-bindgen (about 3 minutes)", || {
            install(project, toolchain, "wasm-bindgen-cli", BINDGEN, &[])
        })?;
    }
    if !is_there() {
        step("cargo-leptos (about 15 minutes)", || {
            install(project, toolchain, "cargo-leptos", LEPTOS, &["--features", "no_downloads"])
        })?;
    }
    Ok(())
}

fn install(project: &Project, toolchain: &Toolchain, name: &str, version: &str, more: &[&str]) -> Result<()> {
    cargo(project)
        .toolchain(toolchain.name())
        .args(["install", name, "--locked", "--version", version])
        .args(more)
        // Its own profile (fat LTO) takes three times as long and gains nothing here.
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .show()
}
