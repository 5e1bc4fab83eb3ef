//! The table of mutants, and the places of their texts in the sources.

use std::ops::Range;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The table, from the checkout's root.
pub(crate) const PATH: &str = "crates/sim/mutants.toml";

/// A deliberate fault: a small bug that somebody might write.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mutant {
    /// The fault in a few words, without a full stop.
    pub(crate) name: String,
    /// The promise that it breaks.
    pub(crate) breaks: String,
    /// Its changes, at least one.
    pub(super) change: Vec<Change>,
}

/// A change of one file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// The file, from the checkout's root.
    pub(super) file: String,
    /// An expression or statements, as they stand there exactly once.
    right: String,
    /// Code that stands there with the mutant.
    wrong: String,
}

#[derive(Deserialize)]
struct Table {
    mutant: Vec<Mutant>,
}

/// One change at its place.
struct Place<'m> {
    number: usize,
    change: &'m Change,
    range: Range<usize>,
}

/// Reads the table.
pub(crate) fn parse(text: &str) -> Result<Vec<Mutant>> {
    let table: Table = toml::from_str(text).with_context(|| format!("{PATH} cannot be read"))?;
    Ok(table.mutant)
}

/// Returns what is wrong with the table: changes whose text is not where it should be. `source` has the text of a file.
pub(crate) fn misplaced<'s>(mutants: &[Mutant], source: impl Fn(&str) -> Option<&'s str>) -> Vec<String> {
    let mut files: Vec<&str> = mutants.iter().flat_map(|it| &it.change).map(|it| it.file.as_str()).collect();
    files.sort_unstable();
    files.dedup();
    let mut findings = Vec::new();
    for file in files {
        match source(file) {
            Some(source) => findings.extend(places(mutants, file, source).err()),
            None => findings.push(format!("there is no {file}")),
        }
    }
    findings
}

/// Puts the changes of one file into its source, each behind the switch of its mutant.
pub(super) fn applied(mutants: &[Mutant], file: &str, source: &str) -> Result<String> {
    let places = match places(mutants, file, source) {
        Ok(places) => places,
        Err(reason) => bail!("{PATH}: {reason}"),
    };
    let (mut text, mut rest) = (String::new(), source);
    let mut done = 0;
    for Place { number, change, range } in places {
        let (before, behind) = rest.split_at(range.start - done);
        text.push_str(before);
        text.push_str(&switched(number, change));
        rest = behind.split_at(range.len()).1;
        done = range.end;
    }
    text.push_str(rest);
    Ok(text)
}

fn switched(number: usize, Change { right, wrong, .. }: &Change) -> String {
    let both = format!("if crate::mutant_is({number}) {{ {wrong} }} else {{ {right} }}");
    // Statements need none, and an expression may stand anywhere with them.
    if right.ends_with([';', '}']) { both } else { format!("({both})") }
}

/// Returns the changes of one file in the order of their places, or what is wrong with one.
fn places<'m>(mutants: &'m [Mutant], file: &str, source: &str) -> Result<Vec<Place<'m>>, String> {
    let mut places: Vec<Place<'_>> = Vec::new();
    for (number, mutant) in mutants.iter().enumerate() {
        for change in mutant.change.iter().filter(|change| change.file == file) {
            let mut found = source.match_indices(&change.right);
            let (Some((start, right)), None) = (found.next(), found.next()) else {
                let count = source.matches(&change.right).count();
                return Err(format!(
                    "mutant \"{}\": {file} has its text {count} times, and not once; put there what the code \
                     is by now: {:?}",
                    mutant.name, change.right
                ));
            };
            places.push(Place { number, change, range: start..start + right.len() });
        }
    }
    places.sort_by_key(|place| place.range.start);
    let overlap =
        places.iter().zip(places.iter().skip(1)).find(|(one, next)| one.range.end > next.range.start);
    match overlap {
        Some((one, _)) => Err(format!("two mutants change the same code of {file}: {:?}", one.change.right)),
        None => Ok(places),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[(&str, &str)]) -> Vec<Mutant> {
        let change = |(right, wrong): (&str, &str)| Change {
            file: "a.rs".to_owned(),
            right: right.to_owned(),
            wrong: wrong.to_owned(),
        };
        let mutant = |row: &(&str, &str)| Mutant {
            name: format!("not {}", row.0),
            breaks: String::new(),
            change: vec![change(*row)],
        };
        rows.iter().map(mutant).collect()
    }

    #[test]
    fn all_mutants_stand_behind_their_switches() {
        let mutants = table(&[("x + 1", "x"), ("f(x);", ""), ("g", "h")]);
        assert_eq!(
            applied(&mutants, "a.rs", "f(x);\nlet y = g(x + 1);").unwrap(),
            "if crate::mutant_is(1) {  } else { f(x); }\n\
             let y = (if crate::mutant_is(2) { h } else { g })((if crate::mutant_is(0) { x } else { x + 1 }));"
        );
        assert_eq!(applied(&mutants, "b.rs", "f(x);").unwrap(), "f(x);");
    }

    #[test]
    fn a_text_that_moved_is_named() {
        let mutants = table(&[("x + 1", "x")]);
        let found = |source| misplaced(&mutants, |_| source);
        assert_eq!(found(Some("y = x + 1")), Vec::<String>::new());
        assert!(found(Some("y = x + 2")).concat().contains("\"not x + 1\": a.rs has its text 0 times"));
        assert!(found(Some("x + 1 + x + 1")).concat().contains("has its text 2 times"));
        assert_eq!(found(None), ["there is no a.rs"]);
        let overlapping = table(&[("x + 1", "x"), ("1 + y", "y")]);
        assert_eq!(misplaced(&overlapping, |_| Some("x + 1 + y")).len(), 1);
    }
}
