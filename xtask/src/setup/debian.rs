//! Debian's compiler, for a machine that reaches package registries and nothing else.
//!
//! The packages named `…-web` are the recent compiler that Debian ships for its browsers. They have no wasm
//! standard library, but its source, and it is built here once.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{TARGET, apt};
use crate::command::{cmd, which};
use crate::project::Project;
use crate::step::step;

/// The name under which rustup knows Debian's toolchain.
pub(crate) const NAME: &str = "debian";

const PACKAGES: [&str; 6] =
    ["rustc-web", "cargo-web", "rust-web-src", "rust-web-clippy", "rustfmt-web", "lld"];

/// The file beside the standard library that names the compiler that built it, and how.
const BUILT_BY: &str = "built-by";

/// The page is optimised over all its crates at once, the standard library among them: for that its parts need bitcode,
/// which cargo leaves out of a release without such an optimisation.
const FLAGS: &str = "-C embed-bitcode=yes";

/// True if rustup knows the toolchain, and its standard library for wasm is not that of an older compiler, or built in
/// another way: Debian's security updates replace the compiler alone.
pub(crate) fn is_usable() -> bool {
    let built_by = fs::read_to_string(sysroot().join(BUILT_BY)).ok();
    is_linked() && built_by.is_none_or(|built_by| Some(built_by) == mark())
}

/// True if rustup knows the toolchain.
pub(crate) fn is_linked() -> bool {
    let list = cmd("rustup").args(["toolchain", "list"]).ask();
    list.is_some_and(|list| list.lines().any(|line| line.split(' ').next() == Some(NAME)))
}

/// Returns the text of [`BUILT_BY`] for a standard library built by the compiler that is here, as it is built now.
fn mark() -> Option<String> {
    let compiler = cmd("/usr/bin/rustc").arg("--version").ask()?;
    Some(format!("{compiler} {FLAGS}"))
}

/// Returns the folder where Debian's compiler looks for the standard library of wasm.
fn sysroot() -> PathBuf {
    Path::new("/usr/lib/rustlib").join(TARGET).join("lib")
}

/// Installs the packages, builds the wasm standard library, and links it for rustup.
pub(crate) fn install(project: &Project) -> Result<()> {
    step("Debian's compiler", || {
        apt::install(project, &PACKAGES).context(
            "Neither rustup nor apt could get a compiler with the wasm target; see the README for what is needed",
        )?;
        link_linker()
    })?;
    step("standard library for wasm", || {
        let built = build_std(project)?;
        copy_std(project, &built)
    })?;
    cmd("rustup").args(["toolchain", "link", NAME, "/usr"]).quiet(&project.log("rustup-link"))
}

/// rustc looks for a linker called `rust-lld`; Debian calls it `wasm-ld`.
fn link_linker() -> Result<()> {
    if which("rust-lld").is_some() {
        return Ok(());
    }
    apt::as_root("ln")?.args(["-s", "/usr/bin/wasm-ld", "/usr/local/bin/rust-lld"]).show()
}

/// Builds the standard library as a dependency of an empty crate, and gives the folder of its parts.
fn build_std(project: &Project) -> Result<PathBuf> {
    let folder = project.scratch().join("std");
    fs::create_dir_all(folder.join("src"))?;
    // A workspace of its own, or cargo would look for the checkout's.
    fs::write(
        folder.join("Cargo.toml"),
        "[package]\nname = \"empty\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\n[workspace]\n",
    )?;
    fs::write(folder.join("src/lib.rs"), "")?;
    let target = folder.join("target");
    if target.exists() {
        // Files of another compiler must not be copied along.
        fs::remove_dir_all(&target)?;
    }
    cmd("/usr/bin/cargo")
        // The outer cargo's words about compilers and wrappers must not reach this one.
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTFLAGS", FLAGS)
        // `test` serves `cargo test` on wasm.
        .args(["build", "--release", "-Z", "build-std=std,panic_abort,test", "--target", TARGET])
        .within(&folder)
        .quiet(&project.log("wasm-std"))?;
    Ok(target.join(TARGET).join("release/deps"))
}

fn copy_std(project: &Project, built: &Path) -> Result<()> {
    let mut parts = Vec::new();
    for entry in fs::read_dir(built)? {
        let file = entry?.path();
        let is_part = file.extension().is_some_and(|extension| extension == "rlib")
            && !file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libempty"));
        if is_part {
            parts.push(file);
        }
    }
    let built_by = built.join(BUILT_BY);
    fs::write(&built_by, mark().context("/usr/bin/rustc does not start")?)?;
    let sysroot = sysroot();
    apt::as_root("rm")?.arg("-rf").arg(&sysroot).show()?;
    apt::as_root("mkdir")?.arg("-p").arg(&sysroot).show()?;
    apt::as_root("cp")?.args(&parts).arg(&built_by).arg(&sysroot).quiet(&project.log("wasm-std-copy"))
}
