//! Cycles of imports. One that stays between a module and what is below it is no cycle here: they are one thing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::resolve::Import;

/// The files of a crate and who imports whom.
pub(super) struct Graph<'a> {
    imports: BTreeMap<&'a str, BTreeMap<&'a str, usize>>,
    parents: BTreeMap<&'a str, Option<&'a str>>,
}

/// Files that import each other, and the shortest way round among them.
pub(super) struct Cycle<'a> {
    pub(super) files: BTreeSet<&'a str>,
    /// Each file with the line of its import of the next; the last one imports the first.
    pub(super) way: Vec<(&'a str, usize)>,
}

impl<'a> Graph<'a> {
    pub(super) fn new(imports: &'a BTreeSet<Import>, parents: BTreeMap<&'a str, Option<&'a str>>) -> Self {
        let mut of: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
        for import in imports {
            of.entry(&import.from).or_default().insert(&import.to, import.line);
        }
        Self { imports: of, parents }
    }

    pub(super) fn cycles(&self) -> Vec<Cycle<'a>> {
        let mut found = Vec::new();
        self.cycles_among(&self.parents.keys().copied().collect(), &mut found);
        found
    }

    fn cycles_among(&self, files: &BTreeSet<&'a str>, found: &mut Vec<Cycle<'a>>) {
        for mut tied in self.tied(files) {
            match tied.iter().copied().find(|top| tied.iter().all(|file| self.is_above(top, file))) {
                // Whatever goes through it is between a module and what is below it; the rest may still be tied.
                Some(top) => {
                    tied.remove(top);
                    self.cycles_among(&tied, found);
                }
                None => {
                    let way = self.shortest(&tied);
                    found.push(Cycle { files: tied, way });
                }
            }
        }
    }

    /// Strongly connected components of two files or more.
    fn tied(&self, files: &BTreeSet<&'a str>) -> Vec<BTreeSet<&'a str>> {
        let reached: BTreeMap<&str, BTreeSet<&str>> =
            files.iter().map(|file| (*file, self.steps(file, files).into_keys().collect())).collect();
        let reaches = |from: &str, to: &str| reached.get(from).is_some_and(|files| files.contains(to));
        let mut left = files.clone();
        let mut components = Vec::new();
        while let Some(first) = left.pop_first() {
            let tied = |file: &&&'a str| reaches(first, file) && reaches(file, first);
            let mut component: BTreeSet<&'a str> = left.iter().filter(tied).copied().collect();
            left.retain(|file| !component.contains(file));
            if !component.is_empty() {
                component.insert(first);
                components.push(component);
            }
        }
        components
    }

    /// Every file that one reaches within some, with the file before it on a shortest way.
    fn steps(&self, from: &str, within: &BTreeSet<&'a str>) -> BTreeMap<&'a str, &'a str> {
        let mut before = BTreeMap::new();
        let mut waiting: VecDeque<&'a str> = within.get(from).copied().into_iter().collect();
        while let Some(file) = waiting.pop_front() {
            for next in self.imports.get(file).into_iter().flat_map(BTreeMap::keys) {
                if within.contains(next) && !before.contains_key(next) {
                    before.insert(*next, file);
                    waiting.push_back(next);
                }
            }
        }
        before
    }

    /// The shortest cycle that is not one between a module and what is below it: it has an import between two files of
    /// which none is above the other, and gets back without any file that is above both.
    fn shortest(&self, tied: &BTreeSet<&'a str>) -> Vec<(&'a str, usize)> {
        let mut best: Vec<&'a str> = Vec::new();
        for from in tied {
            for to in self.imports.get(from).into_iter().flat_map(BTreeMap::keys) {
                if !tied.contains(to) || self.is_above(from, to) || self.is_above(to, from) {
                    continue;
                }
                let is_above_both = |file: &&'a str| self.is_above(file, from) && self.is_above(file, to);
                let within = tied.iter().copied().filter(|file| !is_above_both(file)).collect();
                let mut back = way(&self.steps(to, &within), to, from);
                if !back.is_empty() && (best.is_empty() || back.len() < best.len()) {
                    back.rotate_right(1);
                    best = back;
                }
            }
        }
        let nexts = best.iter().cycle().skip(1);
        best.iter().zip(nexts).map(|(file, next)| (*file, self.line(file, next))).collect()
    }

    fn line(&self, from: &str, to: &str) -> usize {
        self.imports.get(from).and_then(|imports| imports.get(to)).copied().unwrap_or_default()
    }

    /// Returns true if a file's module has another below it, or is the same.
    fn is_above(&self, above: &str, below: &str) -> bool {
        let mut file = Some(below);
        while let Some(this) = file {
            if this == above {
                return true;
            }
            file = self.parents.get(this).copied().flatten();
        }
        false
    }
}

/// The files from one to another, both among them; empty if there is no way.
fn way<'a>(before: &BTreeMap<&'a str, &'a str>, from: &'a str, to: &'a str) -> Vec<&'a str> {
    let mut way = vec![to];
    let mut file = to;
    while file != from {
        let Some(previous) = before.get(file) else { return Vec::new() };
        file = previous;
        way.push(file);
    }
    way.reverse();
    way
}
