//! The style rules that check themselves. Each says why it is there; `rules` holds them.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use super::{manifests, rules};
use crate::command::cmd;
use crate::project::Project;

/// A file of the checkout, as the rules see it.
pub(super) struct Source {
    /// From the checkout's root, with `/` on every system.
    pub(super) path: String,
    pub(super) text: String,
}

/// One place where a rule is broken.
pub(super) struct Finding {
    /// The file, with the line if there is one.
    pub(super) place: String,
    /// What is wrong and why it matters.
    pub(super) reason: String,
}

impl Source {
    pub(super) fn has_extension(&self, extensions: &[&str]) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, extension)| extensions.contains(&extension))
    }

    /// Lines of code with their numbers; a line that is only a comment may name what is forbidden.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// Applies every rule to every file.
pub(super) fn check(project: &Project) -> Result<()> {
    let sources = sources(&project.root)?;
    let mut findings = rules::check(&sources);
    findings.extend(manifests::check(&sources)?);
    if findings.is_empty() {
        return Ok(());
    }
    for finding in &findings {
        eprintln!("{}: {}", finding.place, finding.reason);
    }
    bail!("{} broken style rules.", findings.len())
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
