//! A copy of the workspace with all mutants in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::table::{Mutant, applied};

/// Everything that cargo needs.
const PARTS: [&str; 5] = [".cargo", "Cargo.lock", "Cargo.toml", "crates", "xtask"];

/// The copy's name of the folder `crates`. Cargo names what it builds by the place of a package in its workspace: by
/// another one, the copy builds in the checkout's own target folder, shares all dependencies with it, and replaces
/// nothing of it.
const CRATES: &str = "mutated";

/// Variable of a run's environment: the number of the one mutant that it plays.
pub(super) const VARIABLE: &str = "MADANG_MUTANT";

/// End of the root file of each crate with mutants.
const SWITCH: &str = r#"
/// Returns true in a run that plays this mutant.
pub(crate) fn mutant_is(number: usize) -> bool {
    static PLAYED: std::sync::OnceLock<Option<usize>> = std::sync::OnceLock::new();
    *PLAYED.get_or_init(|| std::env::var("VARIABLE").ok()?.parse().ok()) == Some(number)
}
"#;

/// Writes the copy into `folder`. Files that are there already, as they should be, are left alone, so that cargo builds
/// anew what has changed.
pub(super) fn write(root: &Path, folder: &Path, mutants: &[Mutant]) -> Result<()> {
    let mut files = BTreeMap::new();
    for part in PARTS {
        read(root, part, &mut files)?;
    }
    mutate(&mut files, mutants)?;
    let files: BTreeMap<PathBuf, Vec<u8>> =
        files.into_iter().map(|(path, bytes)| (folder.join(moved(&path)), bytes)).collect();
    remove_others(folder, &files)?;
    for (path, bytes) in &files {
        if fs::read(path).is_ok_and(|there| there == *bytes) {
            continue;
        }
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, bytes).with_context(|| format!("Cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Reads a file, or all files of a folder, by their paths from the root, with `/` on every system.
fn read(root: &Path, path: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    let place = root.join(path);
    if !place.is_dir() {
        let bytes = fs::read(&place).with_context(|| format!("Cannot read {}", place.display()))?;
        files.insert(path.to_owned(), bytes);
        return Ok(());
    }
    for entry in fs::read_dir(&place)? {
        let name = entry?.file_name();
        if !matches!(name.to_str(), Some("target" | "node_modules")) {
            read(root, &format!("{path}/{}", name.to_string_lossy()), files)?;
        }
    }
    Ok(())
}

fn mutate(files: &mut BTreeMap<String, Vec<u8>>, mutants: &[Mutant]) -> Result<()> {
    let mut roots = Vec::new();
    for change in mutants.iter().flat_map(|mutant| &mutant.change) {
        let parts: Vec<&str> = change.file.split('/').take(2).collect();
        let root = format!("{}/src/lib.rs", parts.join("/"));
        for path in [&change.file, &root] {
            files.get(path).with_context(|| format!("There is no {path} for a mutant"))?;
        }
        roots.push(root);
    }
    for (path, bytes) in files {
        let Ok(source) = std::str::from_utf8(bytes) else { continue };
        let mut text = applied(mutants, path, source)?;
        if roots.contains(path) {
            text.push_str(&SWITCH.replace("VARIABLE", VARIABLE));
        }
        if path == "Cargo.toml" {
            text = text.replace("crates/", &format!("{CRATES}/"));
        }
        *bytes = text.into_bytes();
    }
    Ok(())
}

fn moved(path: &str) -> String {
    match path.strip_prefix("crates/") {
        Some(rest) => format!("{CRATES}/{rest}"),
        None => path.to_owned(),
    }
}

fn remove_others(folder: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(&path, files)?;
        } else if !files.contains_key(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}
