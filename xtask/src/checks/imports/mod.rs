//! Imports point down: no files import each other in a cycle, a module and what is below it apart, and none imports from
//! a higher layer. Files that do can only be understood together, changed together and moved together.

mod cycles;
mod layers;
mod parse;
mod resolve;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use cycles::{Cycle, Graph};
use layers::Layers;
use resolve::Crate;

use super::source::{Finding, Source};

/// Finds the cycles of every crate, each with the shortest way round, and imports of higher layers.
pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let rust = sources.iter().filter(|source| source.has_extension(&["rs"]));
    let texts: BTreeMap<&str, &str> = rust.map(|source| (&*source.path, &*source.text)).collect();
    let layers = Layers::read(sources);
    // Two programs may share a module, and a cycle in it.
    let mut findings = BTreeMap::new();
    for root in texts.keys().filter(|path| is_root(path)) {
        let modules = Crate::build(root, &texts);
        let imports = modules.imports();
        let upwards = layers.iter().flat_map(|layers| layers.check(&imports));
        findings.extend(upwards.map(|finding| (finding.place.clone(), finding)));
        for cycle in Graph::new(&imports, modules.parents()).cycles() {
            let finding = finding(&cycle);
            findings.insert(finding.place.clone(), finding);
        }
    }
    findings.into_values().collect()
}

/// Returns true if cargo takes the file for the root of a crate, a program or a test.
fn is_root(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or_default();
    let folders: Vec<&str> = parts.take(2).collect();
    match folders.as_slice() {
        ["src", ..] => matches!(name, "lib.rs" | "main.rs"),
        ["bin" | "tests" | "benches" | "examples" | "fuzz_targets", ..] => true,
        [_, "tests" | "benches" | "examples"] => name == "main.rs",
        _ => false,
    }
}

fn finding(cycle: &Cycle) -> Finding {
    let mut way: Vec<String> = cycle.way.iter().map(|(file, line)| format!("{file}:{line}")).collect();
    way.extend(cycle.way.first().map(|(file, _)| (*file).to_owned()));
    Finding {
        place: way.join(" -> "),
        reason: format!("{} files import each other; what they share belongs below them", cycle.files.len()),
    }
}
