//! Working on Madang: rebuild and reload at each change.

use anyhow::Result;

use crate::command::cargo;
use crate::project::Project;
use crate::setup::{leptos, wasm};

/// Runs `cargo leptos watch`, after getting what it needs.
pub(crate) fn watch(project: &Project, options: &[String]) -> Result<()> {
    let toolchain = wasm::ensure(project)?;
    leptos::ensure(project)?;
    println!("▸ cargo leptos watch (Ctrl-C stops it)");
    cargo(project).toolchain(toolchain.name()).args(["leptos", "watch"]).args(options).become_it()
}
