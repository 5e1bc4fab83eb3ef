//! Every dependency may be used under a licence that asks no more than to be named.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use spdx::{Expression, ParseMode};

use crate::command::cargo;
use crate::project::Project;
use crate::setup::TARGET;

/// Licences that ask for no more than a mention.
const ALLOWED: [&str; 12] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    /// Absent for the crates of this checkout.
    source: Option<String>,
}

/// Compares the licence of each dependency, of the program and of the page, with the list.
pub(super) fn check(project: &Project) -> Result<()> {
    let mut refused = BTreeMap::new();
    let mut checked = 0;
    for platform in [host()?, TARGET.to_owned()] {
        let metadata = cargo(project)
            .args(["metadata", "--format-version=1", "--locked", "--filter-platform", &platform])
            .ask()
            .context("`cargo metadata --locked` failed: is Cargo.lock up to date?")?;
        let metadata: Metadata = serde_json::from_str(&metadata).context("cargo metadata gave no JSON")?;
        for package in metadata.packages.iter().filter(|package| package.source.is_some()) {
            checked += 1;
            if !package.license.as_deref().is_some_and(is_allowed) {
                let licence = package.license.clone().unwrap_or_else(|| "none named".to_owned());
                refused.insert(format!("{} {}", package.name, package.version), licence);
            }
        }
    }
    if checked == 0 {
        bail!("`cargo metadata` lists no dependency, so no licence was checked.");
    }
    if !refused.is_empty() {
        let list: Vec<String> =
            refused.iter().map(|(name, licence)| format!("  {name}: {licence}")).collect();
        bail!("Licences that are not on the list of xtask/src/checks/licences.rs:\n{}", list.join("\n"));
    }
    Ok(())
}

/// True if the expression can be met with allowed licences alone. An exception (`WITH …`) only ever adds rights.
fn is_allowed(licence: &str) -> bool {
    // Older crates write `MIT/Apache-2.0`.
    let Ok(expression) = Expression::parse_mode(licence, ParseMode::LAX) else { return false };
    expression.evaluate(|requirement| match requirement.license.id() {
        Some(id) => ALLOWED.contains(&id.name),
        None => false,
    })
}

fn host() -> Result<String> {
    let said = crate::command::cmd("rustc").arg("-vV").ask().context("There is no rustc on PATH")?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say its host")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn or_needs_one_licence_and_needs_all() {
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0-only OR MIT",
            "Apache-2.0 WITH LLVM-exception",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
        ] {
            assert!(is_allowed(good), "{good}");
        }
        for bad in ["GPL-3.0-only", "MIT AND AGPL-3.0-only", "LicenseRef-secret", "whatever", ""] {
            assert!(!is_allowed(bad), "{bad}");
        }
    }
}
