//! A source file as its imports see it: modules, the names that they define, and the paths in their code.
//!
//! Tokens are enough for this, and a macro's input is read like all other code. Comments and strings hold no names.
//! Items under `#[cfg(test)]` are left out: a unit test may use whatever it needs.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// Keywords that an item's name follows.
const DEFINES: [&str; 9] =
    ["fn", "struct", "enum", "union", "trait", "type", "const", "static", "macro_rules"];

/// One module: a whole file, or a `mod name { … }` within one.
#[derive(Default)]
pub(super) struct Module {
    /// Names of its items, except those that a macro makes.
    pub(super) items: BTreeSet<String>,
    pub(super) uses: Vec<Use>,
    /// Paths of two segments or more in its code, each with its line.
    pub(super) paths: Vec<(Vec<String>, usize)>,
    /// Every name in its code, `use` items apart.
    pub(super) words: BTreeSet<String>,
    /// Names of the child modules that are files.
    pub(super) files: Vec<String>,
    /// Child modules in the same file.
    pub(super) inline: BTreeMap<String, Module>,
}

/// One name that a `use` item brings into scope.
pub(super) struct Use {
    pub(super) path: Vec<String>,
    /// The name in scope; `None` for `*`.
    pub(super) name: Option<String>,
    /// True if it has a `pub` of any reach: a re-export.
    pub(super) exported: bool,
    pub(super) line: usize,
}

/// Reads the text of a file. Errors: the text is not Rust.
pub(super) fn parse(text: &str) -> Result<Module> {
    let tokens: TokenStream = text.parse().map_err(|error| anyhow!("{error}"))?;
    let mut module = Module::default();
    read(&list(tokens), &mut module, true);
    Ok(module)
}

/// Reads tokens; `items` if they are the items of a module, and not the inside of one.
fn read(tokens: &[TokenTree], module: &mut Module, items: bool) {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let (before, rest) = tokens.split_at(at);
        at += match token {
            TokenTree::Group(group) => {
                read(&list(group.stream()), module, false);
                1
            }
            TokenTree::Punct(punct) if punct.as_char() == '#' && is_for_tests(rest) => skipped(rest, items),
            // A lifetime.
            TokenTree::Punct(punct) if punct.as_char() == '\'' => 2,
            TokenTree::Ident(_) => read_word(before, rest, module, items),
            _ => 1,
        };
    }
}

/// Reads what a word begins, and returns the number of its tokens.
fn read_word(before: &[TokenTree], rest: &[TokenTree], module: &mut Module, items: bool) -> usize {
    let word = word(rest.first()).unwrap_or_default();
    // `+ use<'a>` captures a lifetime.
    if word == "use" && !is_punct(rest.get(1), '<') {
        let length = rest.iter().position(|token| is_punct(Some(token), ';')).unwrap_or(rest.len());
        read_use(rest.get(1..length).unwrap_or_default(), &[], is_exported(before), &mut module.uses);
        return length + 1;
    }
    if word == "mod" && items {
        return read_module(rest, module);
    }
    if items && DEFINES.contains(&word.as_str()) {
        module.items.extend(defined(rest));
    }
    let path = path(rest);
    let length = 1 + (path.len() - 1) * 3;
    let (is_field, is_inner) = (is_field(before), ends_in_colons(before));
    if is_field || is_inner {
        return length;
    }
    module.words.extend(path.first().cloned());
    if path.len() > 1 {
        module.paths.push((path, line(rest.first())));
    }
    length
}

/// `mod name;` or `mod name { … }`.
fn read_module(rest: &[TokenTree], module: &mut Module) -> usize {
    let name = word(rest.get(1)).unwrap_or_default();
    match rest.get(2) {
        Some(TokenTree::Group(group)) => {
            let mut child = Module::default();
            read(&list(group.stream()), &mut child, true);
            module.inline.insert(name, child);
        }
        _ => module.files.push(name),
    }
    3
}

/// `a::{b, c as d, e::*}`, without `use` and `;`. `above`: the segments before it.
fn read_use(tree: &[TokenTree], above: &[String], exported: bool, uses: &mut Vec<Use>) {
    for branch in tree.split(|token| is_punct(Some(token), ',')) {
        let mut path = above.to_vec();
        let mut name = None;
        let mut is_open = false;
        for (at, token) in branch.iter().enumerate() {
            match token {
                TokenTree::Group(group) => {
                    read_use(&list(group.stream()), &path, exported, uses);
                    is_open = false;
                }
                TokenTree::Punct(punct) if punct.as_char() == '*' => {
                    uses.push(Use { path: path.clone(), name: None, exported, line: line(Some(token)) });
                    is_open = false;
                }
                TokenTree::Ident(ident) if ident == "as" => {
                    name = word(branch.get(at + 1));
                    break;
                }
                TokenTree::Ident(ident) => {
                    // `a::{self}` is `a`.
                    if ident != "self" || path.is_empty() {
                        path.push(plain(&ident.to_string()));
                    }
                    name = path.last().cloned();
                    is_open = true;
                }
                _ => {}
            }
        }
        if is_open {
            uses.push(Use { path, name, exported, line: line(branch.first()) });
        }
    }
}

/// The name of the item that a keyword begins: `const fn name`, `static mut NAME`, `macro_rules! name`.
fn defined(rest: &[TokenTree]) -> Option<String> {
    const BETWEEN: [&str; 5] = ["fn", "mut", "unsafe", "async", "extern"];
    let mut words = rest.iter().skip(1).filter(|token| !is_punct(Some(token), '!'));
    words.find_map(|token| match token {
        TokenTree::Ident(ident) if BETWEEN.iter().any(|word| ident == word) => None,
        // The `"C"` of `extern "C"`.
        TokenTree::Literal(_) => None,
        other => Some(word(Some(other))),
    })?
}

/// `a::b::c`, up to the first segment that is no plain name.
fn path(rest: &[TokenTree]) -> Vec<String> {
    let mut path: Vec<String> = word(rest.first()).into_iter().collect();
    while let Some([first, second, name, ..]) = rest.get(path.len() * 3 - 2..)
        && is_joint_colon(first)
        && is_punct(Some(second), ':')
        && let Some(name) = word(Some(name))
    {
        path.push(name);
    }
    path
}

/// Returns true if an attribute makes the item behind it one for unit tests alone.
fn is_for_tests(rest: &[TokenTree]) -> bool {
    let Some(TokenTree::Group(attribute)) = rest.get(1) else { return false };
    let attribute = attribute.to_string();
    attribute.split_whitespace().collect::<String>().starts_with("[cfg(test)")
}

/// The number of tokens from an attribute to the end of its item or, inside of one, of its field or statement.
fn skipped(rest: &[TokenTree], items: bool) -> usize {
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        token => is_punct(Some(token), ';') || (!items && is_punct(Some(token), ',')),
    };
    rest.iter().position(ends).map_or(rest.len(), |last| last + 1)
}

/// Returns true if what follows has a `pub` or a `pub(…)` before it.
fn is_exported(before: &[TokenTree]) -> bool {
    match before {
        [.., public, TokenTree::Group(_)] if word(Some(public)).as_deref() == Some("pub") => true,
        [.., public] => word(Some(public)).as_deref() == Some("pub"),
        [] => false,
    }
}

/// Returns true if what follows is a field or a method; a range's end is neither.
fn is_field(before: &[TokenTree]) -> bool {
    match before {
        [.., first, second] => is_punct(Some(second), '.') && !is_punct(Some(first), '.'),
        _ => false,
    }
}

/// Returns true if what follows belongs to a path that did not begin with a plain name, such as `<T as A>::B` or
/// `::std`.
fn ends_in_colons(before: &[TokenTree]) -> bool {
    matches!(before, [.., first, second] if is_joint_colon(first) && is_punct(Some(second), ':'))
}

fn is_joint_colon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':' && punct.spacing() == Spacing::Joint)
}

fn is_punct(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

fn word(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(ident)) => Some(plain(&ident.to_string())),
        _ => None,
    }
}

/// A name without the sign that lets it be a keyword.
fn plain(name: &str) -> String {
    name.strip_prefix("r#").unwrap_or(name).to_owned()
}

/// From 1.
fn line(token: Option<&TokenTree>) -> usize {
    token.map_or(0, |token| token.span().start().line)
}

fn list(tokens: TokenStream) -> Vec<TokenTree> {
    tokens.into_iter().collect()
}
