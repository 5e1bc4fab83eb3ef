//! The suite's report: a summary by category, and each case that is worth a look.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// Cases by their numbers.
pub(crate) struct Report(BTreeMap<Vec<u32>, Case>);

/// One case: its verdict, and the reason of one that is not simply good.
struct Case {
    verdict: String,
    close: String,
    reason: String,
}

/// One case in the index.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    behavior: String,
    behavior_close: String,
    reportfile: String,
}

/// Parts of a case's own file.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Told {
    result: String,
    result_close: String,
}

impl Report {
    /// Reads what the suite has written.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("index.json");
        let text = fs::read_to_string(&path).with_context(|| format!("{} is missing", path.display()))?;
        Self::of(&text, |file| fs::read_to_string(folder.join(file)).unwrap_or_default())
    }

    fn of(index: &str, file: impl Fn(&str) -> String) -> Result<Self> {
        // By the server's name, of which there is one.
        let servers: BTreeMap<String, BTreeMap<String, Listed>> =
            serde_json::from_str(index).context("The index of the report cannot be read")?;
        let cases = servers.into_values().flatten().map(|(id, listed)| {
            let number = id.split('.').filter_map(|part| part.parse().ok()).collect();
            let told: Told = serde_json::from_str(&file(&listed.reportfile)).unwrap_or_default();
            let reason = format!("{} {}", told.result, told.result_close).trim().to_owned();
            (number, Case { verdict: listed.behavior, close: listed.behavior_close, reason })
        });
        Ok(Self(cases.collect()))
    }

    /// Returns the number of cases.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the number of cases that are bad.
    pub(crate) fn failed(&self) -> usize {
        self.0.values().filter(|case| !case.is_sound()).count()
    }

    /// Returns a line for each category, and one for each case that is not simply good.
    pub(crate) fn summary(&self) -> String {
        let mut categories: BTreeMap<u32, BTreeMap<&str, usize>> = BTreeMap::new();
        for (number, case) in &self.0 {
            let category = categories.entry(number.first().copied().unwrap_or_default()).or_default();
            *category.entry(case.name()).or_default() += 1;
        }
        let counted = |verdicts: &BTreeMap<&str, usize>| {
            let each: Vec<_> = verdicts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
            each.join(", ")
        };
        let mut text = String::new();
        for (category, verdicts) in &categories {
            text.push_str(&format!("{category:>3}: {}\n", counted(verdicts)));
        }
        let mut all: BTreeMap<&str, usize> = BTreeMap::new();
        self.0.values().for_each(|case| *all.entry(case.name()).or_default() += 1);
        text.push_str(&format!("all: {}\n", counted(&all)));
        for (number, case) in self.0.iter().filter(|(_, case)| case.name() != "OK") {
            let number: Vec<_> = number.iter().map(u32::to_string).collect();
            text.push_str(&format!("  {} {}: {}\n", number.join("."), case.name(), case.reason));
        }
        text
    }
}

impl Case {
    /// A case is as good as its worse half: what was sent, and how the connection ended.
    fn name(&self) -> &str {
        if matches!(self.close.as_str(), "OK" | "INFORMATIONAL") { &self.verdict } else { &self.close }
    }

    /// Returns true for what the suite itself takes for right: also a right answer that came late, and cases without one.
    fn is_sound(&self) -> bool {
        matches!(self.name(), "OK" | "NON-STRICT" | "INFORMATIONAL")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_cases_are_counted_and_named_with_reasons() {
        let case = |behavior: &str, close: &str| {
            format!(
                r#"{{"behavior":"{behavior}","behaviorClose":"{close}","duration":1,"remoteCloseCode":1000,"reportfile":"x.json"}}"#
            )
        };
        let index = format!(
            r#"{{"Madang":{{"1.1.2":{},"1.1.10":{},"6.4.3":{},"7.1.6":{},"9.1.1":{}}}}}"#,
            case("OK", "OK"),
            case("OK", "UNCLEAN"),
            case("NON-STRICT", "OK"),
            case("INFORMATIONAL", "INFORMATIONAL"),
            case("FAILED", "OK"),
        );
        let told = |_: &str| r#"{"result":"Why.","resultClose":"How."}"#.to_owned();
        let report = Report::of(&index, told).unwrap();
        assert_eq!((report.len(), report.failed()), (5, 2));
        let expected = [
            "  1: 1 OK, 1 UNCLEAN",
            "  6: 1 NON-STRICT",
            "  7: 1 INFORMATIONAL",
            "  9: 1 FAILED",
            "all: 1 FAILED, 1 INFORMATIONAL, 1 NON-STRICT, 1 OK, 1 UNCLEAN",
            "  1.1.10 UNCLEAN: Why. How.",
            "  6.4.3 NON-STRICT: Why. How.",
            "  7.1.6 INFORMATIONAL: Why. How.",
            "  9.1.1 FAILED: Why. How.",
        ];
        assert_eq!(report.summary().lines().collect::<Vec<_>>(), expected);
        assert_eq!(Report::of("{}", told).unwrap().len(), 0);
    }
}
