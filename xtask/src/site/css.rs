//! The styles in one file: imports put in, comments and indentation taken out.
//!
//! A real CSS parser (lightningcss) takes longer to compile than all the rest of xtask, and after compression it
//! saves little more than this does. cargo-leptos uses it (`style-bundle`), so the styles stay what it can read.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// The text of a style file with all that it imports, small.
pub(super) fn bundle(file: &Path) -> Result<String> {
    let text =
        fs::read_to_string(file).with_context(|| format!("Cannot read the styles {}", file.display()))?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut bundled = String::new();
    for line in without_comments(&text).lines() {
        let line = line.trim();
        match line.strip_prefix("@import") {
            Some(rest) => bundled
                .push_str(&import(folder, rest.trim()).with_context(|| format!("In {}", file.display()))?),
            None if line.is_empty() => {}
            None => {
                bundled.push_str(line);
                bundled.push('\n');
            }
        }
    }
    Ok(bundled)
}

/// One `@import "file.css";` or `@import "file.css" layer(name);`, a line of its own.
fn import(folder: &Path, rest: &str) -> Result<String> {
    let parts =
        rest.strip_suffix(';').and_then(|rest| rest.strip_prefix('"')).and_then(|rest| rest.split_once('"'));
    let Some((name, condition)) = parts else {
        bail!("`@import {rest}` cannot be read: write `@import \"file.css\";` in one line.");
    };
    let text = bundle(&folder.join(name))?;
    match condition.trim() {
        "" => Ok(text),
        condition => match condition.strip_prefix("layer(").and_then(|layer| layer.strip_suffix(')')) {
            Some(layer) => Ok(format!("@layer {layer}{{\n{text}}}\n")),
            None => bail!("`@import … {condition}` cannot be put into one file: only `layer(name)` can."),
        },
    }
}

/// Takes comments out, but not what only looks like one inside a string.
fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut quote = None;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match (quote, char) {
            (None, '/') if chars.peek() == Some(&'*') => {
                let mut last = ' ';
                chars.next();
                for inside in chars.by_ref() {
                    if last == '*' && inside == '/' {
                        break;
                    }
                    last = inside;
                }
                continue;
            }
            (None, '"' | '\'') => quote = Some(char),
            (Some(open), _) if open == char => quote = None,
            (Some(_), '\\') => {
                kept.push(char);
                kept.extend(chars.next());
                continue;
            }
            _ => {}
        }
        kept.push(char);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_comments_and_indentation_go() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write(
            "main.css",
            "/* all */\n@import \"tokens.css\";\n@import \"rows.css\" layer(rows);\n\nbody {\n  margin: 0;\n}\n",
        );
        write("tokens.css", ":root {\n  --space: 4px; /* the grid */\n}\n");
        write("rows.css", ".row { color: red; }\n");
        let bundled = bundle(&folder.path().join("main.css")).unwrap();
        assert_eq!(
            bundled,
            ":root {\n--space: 4px;\n}\n@layer rows{\n.row { color: red; }\n}\nbody {\nmargin: 0;\n}\n"
        );
    }

    #[test]
    fn a_string_that_looks_like_a_comment_stays() {
        let text = r#"a::after { content: "/* not \" one */"; }"#;
        assert_eq!(without_comments(text), text);
    }

    #[test]
    fn unresolvable_import_is_refused_with_reason() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("main.css");
        fs::write(&file, "@import url(x.css);\n").unwrap();
        let error = format!("{:#}", bundle(&file).unwrap_err());
        assert!(error.contains("write `@import \"file.css\";`"), "{error}");
    }
}
