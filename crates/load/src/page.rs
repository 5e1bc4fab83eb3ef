//! Files of a first visit: the page and every file that it names, compressed as a browser asks for them.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// One answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct File {
    /// Path of the file.
    pub path: String,
    /// Its `content-encoding`, empty if it has none.
    pub encoding: String,
    /// Its body as it crossed the wire.
    pub bytes: u64,
}

/// The first visit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// All bodies together.
    pub bytes: u64,
    /// The wasm alone.
    pub wasm_bytes: u64,
    /// Each body.
    pub files: Vec<File>,
}

/// Visits `path` on the server at `address` with `accept-encoding: br`.
///
/// # Errors
/// If the page or a file that it names does not answer 200.
pub fn run(address: SocketAddr, path: &str) -> Result<Outcome> {
    let fetch = |path: &str, encoding: &str| fetch(address, path, encoding);
    let (_, page) = fetch(path, "identity")?;
    let mut named = BTreeSet::new();
    files_in(&String::from_utf8_lossy(&page), "/", &mut named);
    for path in named.clone() {
        if has_imports(&path) {
            let (_, source) = fetch(&path, "identity")?;
            imports_in(&String::from_utf8_lossy(&source), &path, &mut named);
        }
    }
    let mut files = Vec::new();
    for path in std::iter::once(path.to_owned()).chain(named) {
        let (encoding, body) = fetch(&path, "br")?;
        files.push(File { path, encoding, bytes: body.len() as u64 });
    }
    let sum = |wanted: &dyn Fn(&File) -> bool| {
        files.iter().filter(|file| wanted(file)).map(|file| file.bytes).sum()
    };
    Ok(Outcome {
        bytes: sum(&|_| true),
        wasm_bytes: sum(&|file| place(&file.path).ends_with(".wasm")),
        files,
    })
}

fn fetch(address: SocketAddr, path: &str, encoding: &str) -> Result<(String, Vec<u8>)> {
    let url = format!("http://{address}{path}");
    let mut answer =
        ureq::get(&url).header("accept-encoding", encoding).call().with_context(|| url.clone())?;
    let encoding = answer.headers().get("content-encoding").and_then(|value| value.to_str().ok());
    let encoding = encoding.unwrap_or_default().to_owned();
    Ok((encoding, answer.body_mut().read_to_vec().with_context(|| url)?))
}

/// Every quoted path to a file of this server: what `href`, `src` and the starting script name.
fn files_in(page: &str, from: &str, named: &mut BTreeSet<String>) {
    let quoted = page.split(['"', '\'']).filter(|part| part.starts_with(from) && !part.starts_with("//"));
    named.extend(quoted.filter(|path| is_file(path)).map(str::to_owned));
}

/// Collects what a script imports and a style sheet refers to, relative to itself.
fn imports_in(source: &str, of: &str, named: &mut BTreeSet<String>) {
    let of = place(of);
    let folder = of.rsplit_once('/').map_or("", |(folder, _)| folder);
    let parts: Vec<&str> = source.split(['"', '\'', '(', ')']).collect();
    for (before, part) in parts.iter().zip(parts.iter().skip(1)).filter(|(_, part)| is_file(part)) {
        let imported = before.trim_end().ends_with("from") || before.trim_end().ends_with("import");
        match part.strip_prefix("./") {
            Some(below) if imported => _ = named.insert(format!("{folder}/{below}")),
            None if of.ends_with(".css") && part.starts_with('/') => _ = named.insert((*part).to_owned()),
            _ => {}
        }
    }
}

fn has_imports(path: &str) -> bool {
    place(path).ends_with(".js") || place(path).ends_with(".css")
}

/// A path without its query, which may hold a version.
fn place(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}

fn is_file(path: &str) -> bool {
    let name = place(path).rsplit('/').next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~/%?=".contains(c);
    name.contains('.') && !name.starts_with('.') && path.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_files_are_found_and_links_ignored() {
        let page = r#"<link rel="stylesheet" href="/pkg/madang.css?v=a1"><a href="/r/lobby">x</a><a href="//else.where/a.js">
            <script type=module>import('/pkg/madang.js')</script><img src="/icon.svg"> "/not a file.txt""#;
        let mut named = BTreeSet::new();
        files_in(page, "/", &mut named);
        assert_eq!(
            named.into_iter().collect::<Vec<_>>(),
            ["/icon.svg", "/pkg/madang.css?v=a1", "/pkg/madang.js"]
        );
    }

    #[test]
    fn imports_are_found_next_to_their_script() {
        let mut named = BTreeSet::new();
        imports_in(
            "import { a } from './snippets/b/inline0.js'; new URL('x.wasm'); { './m_bg.js': a }",
            "/pkg/m.js?v=a1",
            &mut named,
        );
        imports_in("a { background: url(/dots.svg) } b { margin: .5rem }", "/pkg/m.css", &mut named);
        assert_eq!(named.into_iter().collect::<Vec<_>>(), ["/dots.svg", "/pkg/snippets/b/inline0.js"]);
    }
}
