//! Resolution of paths to files: the one that defines what it names, however many re-exports stand between.

use std::collections::{BTreeMap, BTreeSet};

use super::parse::{Module, Use, parse};

/// A re-export of a re-export of …: more than this is a name that leads to itself.
const MAX_STEPS: u32 = 16;

/// A crate, or whatever else has a root file: a test, a program.
pub(super) struct Crate {
    modules: Vec<Placed>,
}

/// A module in its crate.
struct Placed {
    file: String,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    code: Module,
}

/// Target of a path.
#[derive(Clone, Copy)]
enum Target {
    Module(usize),
    /// An item that this module defines.
    Item(usize),
    /// Another crate.
    Outside,
}

/// An import of another file of the same crate.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Import {
    pub(super) from: String,
    pub(super) to: String,
    /// The first line that needs it.
    pub(super) line: usize,
}

impl Crate {
    /// Reads the root file and every module below it, out of all files' texts by their paths.
    pub(super) fn build(root: &str, texts: &BTreeMap<&str, &str>) -> Self {
        let mut all = Self { modules: Vec::new() };
        let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
        if let Some(code) = read(root, texts) {
            all.place(root, folder, None, code, texts);
        }
        all
    }

    /// Adds a module and those below it; `folder` is where the files of its children are.
    fn place(
        &mut self,
        file: &str,
        folder: &str,
        parent: Option<usize>,
        mut code: Module,
        texts: &BTreeMap<&str, &str>,
    ) -> usize {
        let inline = std::mem::take(&mut code.inline);
        let files = std::mem::take(&mut code.files);
        let id = self.modules.len();
        self.modules.push(Placed { file: file.to_owned(), parent, children: BTreeMap::new(), code });
        let mut children = BTreeMap::new();
        for (name, code) in inline {
            let folder = format!("{folder}/{name}");
            children.insert(name, self.place(file, &folder, Some(id), code, texts));
        }
        for name in files {
            let below = format!("{folder}/{name}");
            let candidates = [format!("{below}.rs"), format!("{below}/mod.rs")];
            let found = candidates.iter().find_map(|path| Some((path, read(path, texts)?)));
            if let Some((path, code)) = found {
                children.insert(name, self.place(path, &below, Some(id), code, texts));
            }
        }
        if let Some(placed) = self.modules.get_mut(id) {
            placed.children = children;
        }
        id
    }

    /// Every file with the file of the module above it.
    pub(super) fn parents(&self) -> BTreeMap<&str, Option<&str>> {
        let mut parents = BTreeMap::new();
        for module in &self.modules {
            let parent = module.parent.and_then(|parent| self.modules.get(parent));
            let file = parent.map(|parent| parent.file.as_str());
            if file != Some(&module.file) {
                parents.insert(module.file.as_str(), file);
            }
        }
        parents
    }

    /// Every import of one file by another, once.
    pub(super) fn imports(&self) -> BTreeSet<Import> {
        let mut lines: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for (id, module) in self.modules.iter().enumerate() {
            let mut found = self.named_by_uses(id, module);
            let paths = module.code.paths.iter();
            found.extend(paths.map(|(path, line)| (self.resolve(id, path, 0), *line)));
            for (target, line) in found {
                if let Target::Item(to) = target
                    && let Some(to) = self.modules.get(to)
                    && to.file != module.file
                {
                    let first = lines.entry((&module.file, &to.file)).or_insert(line);
                    *first = line.min(*first);
                }
            }
        }
        let import = |((from, to), line): ((&str, &str), usize)| Import {
            from: from.to_owned(),
            to: to.to_owned(),
            line,
        };
        lines.into_iter().map(import).collect()
    }

    /// A re-export whose name the module itself does not use hands something on, and needs nothing.
    fn named_by_uses(&self, id: usize, module: &Placed) -> Vec<(Target, usize)> {
        let mut found = Vec::new();
        for one in &module.code.uses {
            let target = self.resolve(id, &one.path, 0);
            match (&one.name, target) {
                (Some(name), _) if one.exported && !module.code.words.contains(name) => {}
                (None, Target::Module(all)) => {
                    let names = module.code.words.iter();
                    found
                        .extend(names.filter_map(|name| Some((self.look_up(all, name, true, 1)?, one.line))));
                }
                _ => found.push((target, one.line)),
            }
        }
        found
    }

    /// Follows a path from the module in which it stands.
    fn resolve(&self, from: usize, path: &[String], steps: u32) -> Target {
        let Some((head, rest)) = path.split_first().filter(|_| steps < MAX_STEPS) else {
            return Target::Outside;
        };
        let start = match head.as_str() {
            "crate" => Some(Target::Module(0)),
            "self" => Some(Target::Module(from)),
            "super" => self.modules.get(from).and_then(|module| module.parent).map(Target::Module),
            name => self.look_up(from, name, rest.is_empty(), steps + 1),
        };
        let mut target = start.unwrap_or(Target::Outside);
        for (at, name) in rest.iter().enumerate() {
            let Target::Module(module) = target else { return target };
            target = if name == "super" {
                self.modules
                    .get(module)
                    .and_then(|module| module.parent)
                    .map_or(Target::Outside, Target::Module)
            } else {
                // A name that nobody is seen to define was made by a macro there.
                self.look_up(module, name, at + 1 == rest.len(), steps + 1).unwrap_or(Target::Item(module))
            };
        }
        target
    }

    /// A name in a module. `last`: nothing follows it, so that an item is meant before a module of the same name.
    fn look_up(&self, id: usize, name: &str, last: bool, steps: u32) -> Option<Target> {
        let module = self.modules.get(id)?;
        let child = module.children.get(name).copied().map(Target::Module);
        let item = module.code.items.contains(name).then_some(Target::Item(id));
        let here = if last { item.or(child) } else { child.or(item) };
        here.or_else(|| self.look_up_uses(id, &module.code.uses, name, last, steps))
    }

    fn look_up_uses(&self, id: usize, uses: &[Use], name: &str, last: bool, steps: u32) -> Option<Target> {
        let named = uses.iter().filter(|one| one.name.as_deref() == Some(name));
        let mut named = named.map(|one| self.resolve(id, &one.path, steps + 1)).peekable();
        if let Some(first) = named.peek().copied() {
            return Some(named.find(|target| !matches!(target, Target::Outside)).unwrap_or(first));
        }
        let all = uses.iter().filter(|one| one.name.is_none() && steps < MAX_STEPS);
        all.map(|one| self.resolve(id, &one.path, steps + 1)).find_map(|target| match target {
            Target::Module(other) if other != id => self.look_up(other, name, last, steps + 1),
            _ => None,
        })
    }
}

/// Parses a file's code. Missing files and invalid Rust are the compiler's to report.
fn read(path: &str, texts: &BTreeMap<&str, &str>) -> Option<Module> {
    parse(texts.get(path)?).ok()
}
