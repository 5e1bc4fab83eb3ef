//! The wasm in parts: the page that a first visitor needs, and the rest, which is fetched when it is wanted.
//!
//! The splitter cuts the compiled page where `web/src/parts.rs` says so, before wasm-bindgen reads what is left of it.
//! Parts fit the one page that they were cut from, and no other: their folder is named after it.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use wasm_split_cli_support::{Options, transform};

/// Module by which the wasm names its loaders.
const LOADERS: &str = "./parts.js";

/// A page that was cut.
pub(super) struct Cut {
    /// The wasm for wasm-bindgen.
    pub(super) main: PathBuf,
    /// The JavaScript that loads parts: it goes into the page's own.
    loaders: String,
    parts: Vec<PathBuf>,
    /// Changes with the page.
    version: String,
}

/// Cuts the compiled page; the pieces are put into `folder`.
pub(super) fn cut(compiled: &Path, folder: &Path) -> Result<Cut> {
    fs::create_dir_all(folder)?;
    let mut page = fs::read(compiled)?;
    super::symbols::empty_those_without_data(&mut page).context("the compiled page is cut off")?;
    let mut hasher = DefaultHasher::new();
    hasher.write(&page);
    let main = folder.join("main.wasm");
    let mut options = Options::new(&page);
    options.output_dir = folder;
    options.main_out_path = &main;
    options.link_name = LOADERS;
    let split =
        transform(options).map_err(|error| anyhow!("the page could not be cut into parts: {error:#}"))?;
    let loaders = fs::read_to_string(folder.join(LOADERS))?;
    Ok(Cut { main, loaders, parts: split.split_modules, version: format!("{:016x}", hasher.finish()) })
}

impl Cut {
    /// Names that the loaders take from the wasm.
    pub(super) fn uses(&self, name: &str) -> bool {
        super::names::words(&self.loaders).any(|(_, word)| word == name)
    }

    /// Puts the parts beside the page, and their loaders into its script: in a file of their own they would be another
    /// request on the way, and would have to find the very page that they belong to.
    pub(super) fn join(&self, script: &Path, pkg: &Path) -> Result<()> {
        let folder = format!("parts/{}", self.version);
        fs::create_dir_all(pkg.join(&folder))?;
        let mut loaders = super::names::small(&self.loaders);
        for part in &self.parts {
            let name = part.file_name().context("a part without a name")?.to_string_lossy().into_owned();
            let short = name.trim_start_matches("split_");
            loaders = loaders.replace(&format!("\"./{name}\""), &format!("\"./{folder}/{short}\""));
            let part = without_customs(&fs::read(part)?).context("a part is cut off")?;
            fs::write(pkg.join(&folder).join(short), super::order::by_likeness(&part)?)?;
        }
        let text = fs::read_to_string(script)?;
        fs::write(script, joined(&text, &loaders).context("the page asks for no loaders")?)?;
        Ok(())
    }
}

/// The script with the loaders in place of their imports: wasm-bindgen writes one for each.
fn joined(script: &str, loaders: &str) -> Option<String> {
    let is_import = |line: &&str| line.starts_with("import * as ") && line.contains(LOADERS);
    let imports =
        script.lines().filter(is_import).filter_map(|line| line.split(' ').nth(3)).collect::<Vec<_>>();
    let (first, more) = imports.split_first()?;
    let more: String = more.iter().map(|name| format!(", {name} = {first}")).collect();
    let mut body = String::new();
    let mut given = Vec::new();
    for line in loaders.lines().filter(|line| !line.starts_with("import ")) {
        let bare = line.strip_prefix("export ").unwrap_or(line);
        given.extend(
            bare.strip_prefix("const ").filter(|_| bare != line).and_then(|rest| rest.split(' ').next()),
        );
        body.push_str(bare);
        body.push('\n');
    }
    let module =
        format!("const {first} = (() => {{\n{body}return {{ {} }};\n}})(){more};\n", given.join(", "));
    let rest = script.lines().filter(|line| !is_import(line)).flat_map(|line| [line, "\n"]);
    Some(rest.collect::<String>() + &module)
}

/// A wasm file without its custom sections: names, most of all. `None`: it is not whole.
fn without_customs(wasm: &[u8]) -> Option<Vec<u8>> {
    let (head, mut rest) = wasm.split_at_checked(8)?;
    let mut kept = head.to_vec();
    while let Some((id, after)) = rest.split_first() {
        let (mut length, mut shift, mut digits) = (0_usize, 0, after);
        let body = loop {
            let (digit, more) = digits.split_first()?;
            length |= usize::from(digit & 0x7f) << shift;
            shift += 7;
            digits = more;
            if digit & 0x80 == 0 {
                break more;
            }
        };
        let (section, next) = rest.split_at_checked(rest.len() - body.len() + length)?;
        if *id != 0 {
            kept.extend_from_slice(section);
        }
        rest = next;
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loaders_stand_in_place_of_their_import() {
        let script = "import * as import1 from \"./parts.js\"\nimport * as import2 from \"./parts.js\"\nuse(import1);\n";
        let loaders = "import { initSync } from \"./main.js\";\nlet a;\nexport const load_b = a();\n";
        assert_eq!(
            joined(script, loaders).unwrap(),
            "use(import1);\nconst import1 = (() => {\nlet a;\nconst load_b = a();\nreturn { load_b };\n})(), import2 = import1;\n"
        );
        assert_eq!(joined("use(1);\n", loaders), None);
    }

    #[test]
    fn custom_sections_go() {
        let head = *b"\0asm\x01\0\0\0";
        let wasm = [&head[..], &[1, 2, 7, 7], &[0, 0x81, 0x00, 9], &[10, 1, 3]].concat();
        assert_eq!(without_customs(&wasm), Some([&head[..], &[1, 2, 7, 7], &[10, 1, 3]].concat()));
        assert_eq!(without_customs(&wasm[..wasm.len() - 1]), None);
    }
}
