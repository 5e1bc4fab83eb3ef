//! Layers: ARCHITECTURE.md has the table of the server's, and no import points up in it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::source::{Finding, Source};
use super::resolve::Import;

/// The file with the table, the heading above it, and the folder whose files it orders.
const BOOK: &str = "ARCHITECTURE.md";
const HEADING: &str = "## The server's layers";
const FOLDER: &str = "crates/server/src/";

/// The modules' layers, by their paths below [`FOLDER`]: 0 is the highest.
pub(super) struct Layers<'a>(BTreeMap<&'a str, usize>);

impl<'a> Layers<'a> {
    /// Reads the table: the first block of code under its heading. A line names its modules before two spaces; one that
    /// begins with spaces only explains. `None` if there is no such table.
    pub(super) fn read(sources: &'a [Source]) -> Option<Self> {
        let book = sources.iter().find(|source| source.path == BOOK)?;
        let (_, section) = book.text.split_once(HEADING)?;
        let table = section.split("```").nth(1)?;
        let mut layers = BTreeMap::new();
        for (layer, line) in
            table.lines().filter(|line| !line.is_empty() && !line.starts_with(' ')).enumerate()
        {
            let names = line.split("   ").next().unwrap_or_default();
            layers.extend(names.split_whitespace().map(|name| (name, layer)));
        }
        Some(Self(layers))
    }

    /// Finds imports that point up, and files that are in no layer. The roots of the crate are above all layers.
    pub(super) fn check(&self, imports: &BTreeSet<Import>) -> Vec<Finding> {
        let mut findings = BTreeMap::new();
        for Import { from, to, line } in imports {
            let (Some(importer), Some(imported)) = (module(from), module(to)) else { continue };
            let reason = match (self.layer(importer), self.layer(imported)) {
                (Some(layer), Some(other)) if other >= layer => continue,
                (Some(_), Some(_)) => {
                    format!("{imported} is in a higher layer than {importer} ({BOOK}, {HEADING:?})")
                }
                _ => format!("{importer} or {imported} is in no layer ({BOOK}, {HEADING:?})"),
            };
            let place = format!("{from}:{line}");
            findings.insert(place.clone(), Finding { place, reason });
        }
        findings.into_values().collect()
    }

    /// The layer of the closest of a module and those above it that the table names.
    fn layer(&self, module: &str) -> Option<usize> {
        let above = std::iter::successors(Some(module), |path| Some(path.rsplit_once('/')?.0));
        above.into_iter().find_map(|path| self.0.get(path).copied())
    }
}

/// A file's module as the table names it: its path below the folder. `None` for files of other crates and for roots.
fn module(file: &str) -> Option<&str> {
    let path = file.strip_prefix(FOLDER)?.strip_suffix(".rs")?;
    let path = path.strip_suffix("/mod").unwrap_or(path);
    (!matches!(path, "lib" | "main")).then_some(path)
}
