//! Rules about the text of sources.

use super::source::{Finding, Source};

/// Longer than this, a file is two files: it no longer tells one story.
const MAX_LINES: usize = 400;
/// Files of `web` that may know whether they run in the server or in the browser.
const MAX_CFG_FILES: usize = 3;

/// A word that is banned from some files.
struct Ban {
    words: &'static [&'static str],
    applies: fn(&str) -> bool,
    reason: &'static str,
}

const BANS: [Ban; 5] = [
    Ban {
        words: &[
            "inner_html",
            "innerHTML",
            "outer_html",
            "outerHTML",
            "insert_adjacent_html",
            "insertAdjacentHTML",
        ],
        applies: |path| path.starts_with("crates/"),
        reason: "no string from a user becomes markup; build views instead",
    },
    Ban {
        words: &["#[ignore", "test.skip", "test.fixme", "describe.skip", ".only("],
        applies: is_ours_but_not_these_rules,
        reason: "a test that does not run protects nothing; mend it or delete it",
    },
    Ban {
        words: &["waitForTimeout"],
        applies: is_ours_but_not_these_rules,
        reason: "a test that waits for time is slow on a quick machine and fails on a slow one; wait for the condition",
    },
    Ban {
        words: &["rusqlite"],
        applies: |path| path.starts_with("crates/") && !is_of_the_store(path),
        reason: "only the store sees SQL, so that a second implementation fits in",
    },
    Ban {
        words: &["TODO", "FIXME", "XXX", "todo!(", "unimplemented!("],
        applies: is_ours_but_not_these_rules,
        reason: "what is left to do stands in the tracker, where someone looks for it",
    },
];

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        findings.extend(too_long(source));
        findings.extend(unexplained_unsafe(source));
        findings.extend(pinned_toolchain(source));
        findings.extend(banned_words(source));
    }
    findings.extend(too_many_cfgs(sources));
    findings
}

fn is_ours_but_not_these_rules(path: &str) -> bool {
    !path.starts_with("xtask/src/checks/")
}

fn is_of_the_store(path: &str) -> bool {
    // Those that count a database's rows from outside, to see what an attack left in it; SQLite alone, measured; and its
    // verdict on what a cut of the power left.
    const FROM_OUTSIDE: [&str; 5] = [
        "crates/load/src/flood/disk.rs",
        "crates/load/src/floor.rs",
        "crates/load/src/power_cut/sound.rs",
        "crates/server/tests/server/logins.rs",
        "crates/server/tests/server/newcomers.rs",
    ];
    path.starts_with("crates/server/src/store")
        || path.starts_with("crates/server/tests/store")
        || FROM_OUTSIDE.contains(&path)
}

fn is_code(source: &Source) -> bool {
    source.has_extension(&["rs", "ts", "js", "jsx", "mjs", "css", "py", "sh"])
}

fn too_long(source: &Source) -> Option<Finding> {
    let lines = source.text.lines().count();
    (is_code(source) && lines > MAX_LINES).then(|| Finding {
        place: source.path.clone(),
        reason: format!("{lines} lines; more than {MAX_LINES} are two files"),
    })
}

fn banned_words(source: &Source) -> Vec<Finding> {
    if !is_code(source) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for ban in BANS.iter().filter(|ban| (ban.applies)(&source.path)) {
        for (number, line) in source.code() {
            for word in ban.words.iter().filter(|word| line.contains(**word)) {
                findings.push(Finding {
                    place: format!("{}:{number}", source.path),
                    reason: format!("`{word}`: {}", ban.reason),
                });
            }
        }
    }
    findings
}

/// The compiler cannot check what is in `unsafe`, so a person must be able to.
fn unexplained_unsafe(source: &Source) -> Option<Finding> {
    if !source.has_extension(&["rs"]) || source.text.contains("SAFETY:") {
        return None;
    }
    let mut words = source
        .code()
        .filter(|(_, line)| ["unsafe {", "unsafe fn", "unsafe impl"].iter().any(|word| line.contains(word)));
    let (number, _) = words.next().filter(|_| is_ours_but_not_these_rules(&source.path))?;
    Some(Finding {
        place: format!("{}:{number}", source.path),
        reason: "`unsafe` without a comment `SAFETY:` that says why it holds".to_owned(),
    })
}

/// rustup would fetch that channel before any of our code runs, and fail where its server cannot be reached.
fn pinned_toolchain(source: &Source) -> Option<Finding> {
    let name = source.path.rsplit('/').next().unwrap_or_default();
    matches!(name, "rust-toolchain" | "rust-toolchain.toml").then(|| Finding {
        place: source.path.clone(),
        reason: "state the oldest compiler as `rust-version` instead: rustup would try to download this one"
            .to_owned(),
    })
}

/// A page whose every view asks where it runs can be read by nobody, and hydrates by luck.
fn too_many_cfgs(sources: &[Source]) -> Vec<Finding> {
    let depends = |line: &str| {
        let asks = line.contains("cfg(") || line.contains("cfg!(") || line.contains("cfg_attr(");
        let about = ["target_", "\"ssr\"", "\"hydrate\"", "\"csr\""];
        asks && about.iter().any(|word| line.contains(word))
    };
    let of_web = sources
        .iter()
        .filter(|source| source.path.starts_with("crates/web/") && source.has_extension(&["rs"]));
    let files: Vec<&str> = of_web
        .filter(|source| source.code().any(|(_, line)| depends(line)))
        .map(|source| source.path.as_str())
        .collect();
    if files.len() <= MAX_CFG_FILES {
        return Vec::new();
    }
    vec![Finding {
        place: files.join(", "),
        reason: format!(
            "`cfg` for target, ssr, hydrate or csr stands in {} files; at most {MAX_CFG_FILES} may know where they run",
            files.len()
        ),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        let source = Source { path: path.to_owned(), text: text.to_owned() };
        check(&[source]).into_iter().map(|finding| finding.place).collect()
    }

    #[test]
    fn file_over_400_lines_is_too_long() {
        assert_eq!(findings("a.rs", &"//\n".repeat(401)), ["a.rs"]);
        assert!(findings("a.rs", &"//\n".repeat(400)).is_empty());
        assert!(findings("a.md", &"x\n".repeat(401)).is_empty());
    }

    #[test]
    fn markup_from_strings_is_found_outside_comments() {
        assert_eq!(
            findings("crates/web/src/a.rs", "ok\nview! { <p inner_html=x/> }"),
            ["crates/web/src/a.rs:2"]
        );
        assert!(findings("crates/web/src/a.rs", "// never inner_html").is_empty());
    }

    #[test]
    fn ignored_and_time_waiting_tests_are_found() {
        assert_eq!(findings("crates/a/tests/b.rs", "#[ignore]\nfn x() {}").len(), 1);
        assert_eq!(
            findings("end2end/a.spec.ts", "test.only('x')\nawait page.waitForTimeout(5)\ntest.skip()").len(),
            3
        );
    }

    #[test]
    fn only_the_store_names_its_database() {
        assert_eq!(findings("crates/server/src/room.rs", "use rusqlite::Row;").len(), 1);
        assert!(findings("crates/server/src/store/sqlite.rs", "use rusqlite::Row;").is_empty());
    }

    #[test]
    fn unsafe_without_reason_and_pinned_toolchain_are_found() {
        assert_eq!(findings("crates/a/src/a.rs", "fn a() {\n unsafe { b() }\n}"), ["crates/a/src/a.rs:2"]);
        assert!(findings("crates/a/src/a.rs", "// SAFETY: b only reads\nunsafe { b() }").is_empty());
        assert_eq!(findings("rust-toolchain.toml", "").len(), 1);
    }

    #[test]
    fn fourth_page_file_with_cfgs_is_found() {
        let source = |name: &str| Source {
            path: format!("crates/web/src/{name}.rs"),
            text: "#[cfg(feature = \"ssr\")]\nfn a() {}".to_owned(),
        };
        assert!(check(&["a", "b", "c"].map(source)).is_empty());
        assert_eq!(check(&["a", "b", "c", "d"].map(source)).len(), 1);
    }
}
