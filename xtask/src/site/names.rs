//! Short names between the wasm and its JavaScript, and no comments: wasm-bindgen tells its imports apart by hashes,
//! which no compression makes shorter, once in each of the two files.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::Result;
use walrus::{ExportItem, Module};

/// Classes for streams, which leptos' HTTP library exports whether or not they are used.
const UNUSED: &str = "IntoUnderlying";

/// Rewrites both files. Names stay that somebody else `keeps`.
pub(super) fn shorten(script: &Path, wasm: &Path, keeps: impl Fn(&str) -> bool) -> Result<()> {
    let text = small(&fs::read_to_string(script)?);
    let mut module = Module::from_file(wasm)?;
    let unused: Vec<_> =
        module.exports.iter().filter(|export| is_of_unused(&export.name)).map(|export| export.id()).collect();
    for export in unused {
        module.exports.delete(export);
    }
    walrus::passes::gc::run(&mut module);
    let used: Vec<&str> = words(&text).filter(|(is_name, _)| *is_name).map(|(_, word)| word).collect();
    let mut names = HashMap::new();
    for import in module.imports.iter_mut().filter(|import| import.name.starts_with("__wb")) {
        let short = format!("_{}", names.len());
        names.insert(std::mem::replace(&mut import.name, short.clone()), short);
    }
    for export in module.exports.iter_mut() {
        let is_bindgens = ["__wb", "_ZN", "_R"].iter().any(|begin| export.name.starts_with(begin));
        let is_function = matches!(export.item, ExportItem::Function(_));
        if is_bindgens && is_function && used.contains(&export.name.as_str()) && !keeps(&export.name) {
            let short = format!("_{}", names.len());
            names.insert(std::mem::replace(&mut export.name, short.clone()), short);
        }
    }
    let renamed: String =
        words(&text).map(|(_, word)| names.get(word).map_or(word, String::as_str)).collect();
    fs::write(script, renamed)?;
    Ok(fs::write(wasm, super::order::by_likeness(&module.emit_wasm())?)?)
}

/// The script without comments of whole lines, indentation and the classes that nothing uses.
pub(super) fn small(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let (mut in_comment, mut in_class) = (false, false);
    for line in text.lines() {
        let begins_unused = UNUSED_BEGINS.iter().any(|begin| line.starts_with(&format!("{begin}{UNUSED}")));
        in_class |= begins_unused;
        let bare = line.trim();
        in_comment |= bare.starts_with("/*");
        if !(in_comment || in_class || bare.is_empty() || bare.starts_with("//")) {
            kept.push_str(bare);
            kept.push('\n');
        }
        in_comment &= !bare.ends_with("*/");
        // A class ends with a brace of its own line, a statement with a semicolon.
        in_class &= line != "}" && (line.starts_with("        ") || !line.ends_with(';'));
    }
    kept
}

const UNUSED_BEGINS: [&str; 3] = ["export class ", "if (Symbol.dispose) ", "const "];

fn is_of_unused(export: &str) -> bool {
    export.trim_start_matches("__wbg_").starts_with(&UNUSED.to_lowercase())
}

/// The names in a script, and what stands between them.
pub(super) fn words(text: &str) -> impl Iterator<Item = (bool, &str)> {
    let is_part = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == '$';
    let mut rest = text;
    std::iter::from_fn(move || {
        let is_name = rest.chars().next().map(is_part)?;
        let end = rest.find(|char| is_part(char) != is_name).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        Some((is_name, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_loses_comments_and_unused_classes() {
        let text = "export class IntoUnderlyingSink {\n    free() {\n        wasm.a();\n    }\n}\n\
                    if (Symbol.dispose) IntoUnderlyingSink.prototype.x = 1;\n\n/**\n * Says.\n */\n\
                    export function hydrate() {\n    // now\n    wasm.hydrate();\n}\n\
                    const IntoUnderlyingSinkFinalization = (a)\n    ? { b }\n    : new C(p => wasm.c(p));\nlet d;\n";
        assert_eq!(small(text), "export function hydrate() {\nwasm.hydrate();\n}\nlet d;\n");
    }

    #[test]
    fn names_are_cut_out_whole() {
        let cut: Vec<_> =
            words("a.b_$1( c2)").filter(|(is_name, _)| *is_name).map(|(_, word)| word).collect();
        assert_eq!(cut, ["a", "b_$1", "c2"]);
        assert_eq!(words("a.b_$1( c2)").map(|(_, word)| word).collect::<String>(), "a.b_$1( c2)");
    }
}
