//! Rules about the English of docs and names, as far as it can be checked.

use super::source::{Finding, Source};

/// Words that leave open whether a doc means a value, a person or a truth.
const BARE: [&str; 5] = ["What", "Who", "Whose", "Whom", "Whether"];

/// Words that begin the name of a function without a subject.
const PRONOUNS: [&str; 7] = ["it", "they", "what", "whatever", "who", "whoever", "whose"];

/// Maximum words in the name of a function; a test's is subject, condition, result.
const MAX_WORDS: usize = 8;

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let rust = sources.iter().filter(|source| source.has_extension(&["rs"]));
    rust.flat_map(|source| docs(source).chain(names(source))).collect()
}

fn docs(source: &Source) -> impl Iterator<Item = Finding> {
    source.text.lines().enumerate().filter_map(|(index, line)| {
        let doc = line.trim_start();
        let doc = doc.strip_prefix("///").or_else(|| doc.strip_prefix("//!"))?;
        Some(finding(source, index + 1, wrong_with_doc(doc.trim())?.to_owned()))
    })
}

fn wrong_with_doc(doc: &str) -> Option<&'static str> {
    let is_bare = |sentence: &str| {
        let word = sentence.split(|letter: char| !letter.is_alphanumeric()).next();
        word.is_some_and(|word| BARE.contains(&word))
    };
    if doc.split(". ").any(is_bare) {
        return Some(
            "a doc begins with a noun or a verb (\"Returns …\", \"True if …\"), not with What, Who or Whether",
        );
    }
    doc.to_lowercase()
        .contains("none:")
        .then_some("say \"`None` if …\" or \"empty if …\" in place of \"none: …\"")
}

fn names(source: &Source) -> impl Iterator<Item = Finding> {
    source.code().filter_map(|(number, line)| {
        let name = function(line)?;
        Some(finding(source, number, wrong_with_name(name)?))
    })
}

/// Returns the name of the function that a line begins.
fn function(line: &str) -> Option<&str> {
    let (before, rest) = line.split_once("fn ")?;
    let begins = before.chars().all(|letter| letter.is_alphanumeric() || " _():".contains(letter));
    let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
    (begins && (before.is_empty() || before.ends_with(' '))).then(|| rest.split_at(end).0)
}

fn wrong_with_name(name: &str) -> Option<String> {
    let words = name.split('_').count();
    if words > MAX_WORDS {
        return Some(format!("`{name}` has {words} words; at most {MAX_WORDS}: subject, condition, result"));
    }
    let (first, _) = name.split_once('_')?;
    PRONOUNS.contains(&first).then(|| format!("`{name}` begins with a pronoun; name its subject"))
}

fn finding(source: &Source, number: usize, reason: String) -> Finding {
    Finding { place: format!("{}:{number}", source.path), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<String> {
        let source = Source { path: "crates/a/src/a.rs".to_owned(), text: text.to_owned() };
        check(&[source]).into_iter().map(|finding| finding.place).collect()
    }

    #[test]
    fn doc_with_bare_opening_is_found() {
        for doc in ["/// Whether it is.", "//! What it holds.", "  /// Its author. Who reads it waits."] {
            assert_eq!(findings(&format!("//\n{doc}")), ["crates/a/src/a.rs:2"], "{doc}");
        }
        for fine in ["/// Returns what it holds.", "/// Whatever it is", "// What follows is code.", "///"] {
            assert!(findings(fine).is_empty(), "{fine}");
        }
    }

    #[test]
    fn doc_with_none_and_colon_is_found() {
        assert_eq!(findings("/// The next one; none: it is over.").len(), 1);
        assert!(findings("/// The next one; `None` if it is over.").is_empty());
    }

    #[test]
    fn long_or_pronoun_name_is_found() {
        for (name, found) in [
            ("a_b_c_d_e_f_g_h", 0),
            ("a_b_c_d_e_f_g_h_i", 1),
            ("what_is_lost_is_found", 1),
            ("it_works", 1),
            ("item_works", 0),
            ("what", 0),
        ] {
            for begin in ["fn", "    pub(crate) async fn"] {
                assert_eq!(findings(&format!("{begin} {name}() {{")).len(), found, "{begin} {name}");
            }
        }
        assert!(findings("// fn who_knows() {").is_empty());
    }
}
