//! The style rules that check themselves. Each has its reason; `imports`, `manifests`, `rules` and `wording` hold them.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use super::source::{Finding, Source};
use super::{imports, manifests, rules, wording};
use crate::command::cmd;
use crate::mutants;
use crate::project::Project;

/// Applies every rule to every file.
pub(super) fn check(project: &Project) -> Result<()> {
    let sources = sources(&project.root)?;
    let mut findings = rules::check(&sources);
    findings.extend(wording::check(&sources));
    findings.extend(imports::check(&sources));
    findings.extend(manifests::check(&sources)?);
    findings.extend(misplaced_mutants(&sources)?);
    if findings.is_empty() {
        return Ok(());
    }
    for finding in &findings {
        eprintln!("{}: {}", finding.place, finding.reason);
    }
    bail!("{} broken style rules.", findings.len())
}

/// The texts of the simulation's mutants are where they should be.
fn misplaced_mutants(sources: &[Source]) -> Result<Vec<Finding>> {
    let text_of = |path: &str| sources.iter().find(|it| it.path == path).map(|it| it.text.as_str());
    let table = mutants::parse(text_of(mutants::PATH).unwrap_or_default())?;
    let findings = mutants::misplaced(&table, text_of).into_iter();
    Ok(findings.map(|reason| Finding { place: mutants::PATH.to_owned(), reason }).collect())
}

/// The files that git has or would take; every file if this is no git checkout.
fn sources(root: &Path) -> Result<Vec<Source>> {
    let listed =
        cmd("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).within(root).ask();
    let paths = match listed {
        Some(list) => list.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect(),
        None => walk(root, "")?,
    };
    let mut sources = Vec::new();
    for path in paths {
        // Pictures and files deleted but still in the index are no sources.
        if let Ok(text) = fs::read_to_string(root.join(&path)) {
            sources.push(Source { path, text });
        }
    }
    Ok(sources)
}

fn walk(root: &Path, folder: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if !entry.file_type()?.is_dir() {
            found.push(path);
        } else if !matches!(name.as_str(), ".git" | "target" | "node_modules" | "data") {
            found.extend(walk(root, &path)?);
        }
    }
    Ok(found)
}
