//! The site: what the server hands to browsers, built from sources into one folder.
//!
//! cargo → parts → wasm-bindgen → styles → public files → each file compressed once. cargo-leptos builds the same names
//! from the same table of the root manifest.
//!
//! No wasm-opt: `-O1` made the brotli 2 KB shorter, other settings longer; not worth a tool that every build would need.

mod compress;
mod css;
mod names;
mod order;
mod parts;
mod stamp;
mod symbols;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use parts::Cut;
use wasm_bindgen_cli_support::Bindgen;

use crate::command::cargo;
use crate::project::Project;
use crate::setup::TARGET;
use crate::setup::wasm::{self, Toolchain};
use crate::step::{step, step_telling};

/// The page's feature that cuts it into parts, which cargo-leptos and trunk do not do.
const PARTS: &str = "parts";

/// Builds what changed and gives the site's folder.
pub(crate) fn build(project: &Project) -> Result<PathBuf> {
    let toolchain = wasm::ensure(project)?;
    let compiled = step("page to wasm", || compile(project, &toolchain))?;
    let site = project.site();
    let stamp = stamp::of(project, &compiled)?;
    if stamp::is_on(&site, &stamp) {
        return Ok(site);
    }
    step_telling("site", || {
        // Made aside and moved into place, so that a server never reads half of it.
        let aside = project.scratch().join("site");
        if aside.exists() {
            fs::remove_dir_all(&aside)?;
        }
        assemble(project, &compiled, &aside)?;
        let told = compress::all(&aside)?;
        stamp::put(&aside, &stamp)?;
        replace(&site, &aside)?;
        Ok((site, told))
    })
}

/// The arguments that compile the page for the browser with these features, for `cargo build` and its like.
/// All of them share one profile and folder, so that macros are compiled once.
pub(crate) fn cargo_args(project: &Project, features: &str) -> Vec<String> {
    let leptos = &project.leptos;
    vec![
        format!("--package={}", leptos.lib_package),
        "--lib".to_owned(),
        format!("--target={TARGET}"),
        format!("--target-dir={}", project.front_target().display()),
        "--no-default-features".to_owned(),
        format!("--features={features}"),
        format!("--profile={}", leptos.lib_profile_release),
    ]
}

fn compile(project: &Project, toolchain: &Toolchain) -> Result<PathBuf> {
    let leptos = &project.leptos;
    cargo(project)
        .toolchain(toolchain.name())
        .arg("rustc")
        .args(cargo_args(project, &format!("{},{PARTS}", leptos.lib_features.join(","))))
        // The splitter reads there which function uses which.
        .args(["--", "-Clink-arg=--emit-relocs"])
        .quiet(&project.log("page"))?;
    let name = leptos.lib_package.replace('-', "_");
    let folder = project.front_target().join(TARGET).join(&leptos.lib_profile_release);
    Ok(folder.join(format!("{name}.wasm")))
}

fn assemble(project: &Project, compiled: &Path, site: &Path) -> Result<()> {
    let leptos = &project.leptos;
    let pkg = site.join(&leptos.site_pkg_dir);
    fs::create_dir_all(&pkg)?;
    let cut = parts::cut(compiled, &project.scratch().join(PARTS))?;
    bind(&cut, &pkg, &leptos.output_name)?;
    let style = css::bundle(&project.root.join(&leptos.style_file))?;
    fs::write(pkg.join(&leptos.output_name).with_extension("css"), style)?;
    copy_folder(&project.root.join(&leptos.assets_dir), site)
}

fn bind(cut: &Cut, pkg: &Path, name: &str) -> Result<()> {
    Bindgen::new()
        .input_path(&cut.main)
        .out_name(name)
        .web(true)?
        .typescript(false)
        // The page says where the wasm is; the built-in guess would only add bytes.
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        // The parts import by the linker's names.
        .keep_lld_exports(true)
        .demangle(false)
        .generate(pkg)
        .context("wasm-bindgen could not read the compiled page")?;
    // Leptos asks for the name without `_bg`, as cargo-leptos writes it.
    let (script, wasm) = (pkg.join(format!("{name}.js")), pkg.join(format!("{name}.wasm")));
    fs::rename(pkg.join(format!("{name}_bg.wasm")), &wasm)?;
    names::shorten(&script, &wasm, |name| cut.uses(name))?;
    cut.join(&script, pkg)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn replace(site: &Path, new: &Path) -> Result<()> {
    if site.exists() {
        fs::remove_dir_all(site)?;
    }
    if let Some(parent) = site.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::rename(new, site).with_context(|| format!("Cannot write {}", site.display()))
}

/// Every file under a folder, in a fixed order.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                found.extend(files(&entry.path())?);
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}
