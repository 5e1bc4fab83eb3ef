//! Puts the site into the program, if the feature `embed` is on: MADANG_SITE names its folder, as
//! `cargo xtask build` sets it.

use std::env;
use std::fmt::Write;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::io;
use std::path::{Path, PathBuf};

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_EMBED").is_none() {
        return Ok(());
    }
    println!("cargo::rerun-if-env-changed=MADANG_SITE");
    let Some(site) = env::var_os("MADANG_SITE").map(PathBuf::from) else {
        return Err(
            "the feature `embed` needs the site's folder in MADANG_SITE: use `cargo xtask build`".to_owned()
        );
    };
    println!("cargo::rerun-if-changed={}", site.display());
    let table = table(&site).map_err(|error| format!("cannot read the site {}: {error}", site.display()))?;
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("site.rs");
    fs::write(&out, table).map_err(|error| format!("cannot write {}: {error}", out.display()))
}

/// `static FILES`, sorted by path, with each file and its compressed forms.
fn table(site: &Path) -> io::Result<String> {
    let mut paths = Vec::new();
    walk(site, "", &mut paths)?;
    paths.sort();
    let mut table = "static FILES: &[File] = &[\n".to_owned();
    for path in &paths {
        let file = site.join(path);
        let mut hasher = DefaultHasher::new();
        hasher.write(&fs::read(&file)?);
        let _ = writeln!(
            table,
            "File {{ path: {path:?}, version: \"{:016x}\", identity: include_bytes!({file:?}), brotli: {}, gzip: {} }},",
            hasher.finish(),
            form(&file, "br"),
            form(&file, "gz"),
        );
    }
    table.push_str("];\n");
    Ok(table)
}

fn form(file: &Path, extension: &str) -> String {
    let compressed = PathBuf::from(format!("{}.{extension}", file.display()));
    if compressed.is_file() { format!("Some(include_bytes!({compressed:?}))") } else { "None".to_owned() }
}

fn walk(site: &Path, folder: &str, paths: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(site.join(folder))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        let compressed = name.ends_with(".br") || name.ends_with(".gz");
        if entry.file_type()?.is_dir() {
            walk(site, &path, paths)?;
        } else if !compressed && !name.starts_with('.') {
            paths.push(path);
        }
    }
    Ok(())
}
