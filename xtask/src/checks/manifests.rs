//! Rules about Cargo.toml files.

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::source::{Finding, Source};

/// Dependencies that the pure crates may not have.
const IMPURE: [&str; 6] = ["axum", "gloo-net", "leptos", "rusqlite", "tokio", "web-sys"];

pub(super) fn check(sources: &[Source]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.path.ends_with("Cargo.toml")) {
        let manifest: Table =
            toml::from_str(&source.text).with_context(|| format!("{} cannot be read", source.path))?;
        findings.extend(hydrate_by_default(source, &manifest));
        findings.extend(impure(source, &manifest));
        findings.extend(simulated(source, &manifest));
    }
    Ok(findings)
}

/// A native build of the workspace unifies features: `hydrate` named by one member would run effects on the server.
/// The page may define the feature, and cargo-leptos' table may turn it on for its wasm build; nobody else may.
fn hydrate_by_default(source: &Source, manifest: &Table) -> Vec<Finding> {
    let mut named = Vec::new();
    let default = manifest.get("features").and_then(|features| features.get("default"));
    if default.is_some_and(names_hydrate) {
        named.push("the default features".to_owned());
    }
    for (name, dependency) in dependencies(manifest) {
        if dependency.get("features").is_some_and(names_hydrate) {
            named.push(format!("the dependency {name}"));
        }
    }
    let finding = |what: String| Finding {
        place: source.path.clone(),
        reason: format!("{what} must not turn on `hydrate`: the wasm build alone does, on its command line"),
    };
    named.into_iter().map(finding).collect()
}

/// The wire and the client's state do no I/O, so that a simulation can drive the real code.
fn impure(source: &Source, manifest: &Table) -> Vec<Finding> {
    if !matches!(source.path.as_str(), "crates/protocol/Cargo.toml" | "crates/client/Cargo.toml") {
        return Vec::new();
    }
    let normal = manifest.get("dependencies").and_then(Value::as_table);
    let names = normal.into_iter().flatten().map(|(name, _)| name.as_str());
    let forbidden = names.filter(|name| IMPURE.iter().any(|impure| name.starts_with(impure)));
    let finding = |name: &str| Finding {
        place: source.path.clone(),
        reason: format!("depends on {name}, but this crate does no I/O"),
    };
    forbidden.map(finding).collect()
}

/// The feature `simulation` opens the store to be moved by hand: the simulation alone may turn it on, and no package
/// builds with it by default.
fn simulated(source: &Source, manifest: &Table) -> Option<Finding> {
    let names = |features: &Value| {
        let list = features.as_array().into_iter().flatten().filter_map(Value::as_str);
        list.into_iter().any(|feature| feature == "simulation")
    };
    let by_default = manifest.get("features").and_then(|features| features.get("default"));
    let named = by_default.is_some_and(names)
        || dependencies(manifest)
            .into_iter()
            .any(|(_, dependency)| dependency.get("features").is_some_and(names));
    (named && source.path != "crates/sim/Cargo.toml").then(|| Finding {
        place: source.path.clone(),
        reason: "turns on `simulation`, which nothing that ships may have".to_owned(),
    })
}

fn names_hydrate(features: &Value) -> bool {
    let list = features.as_array().into_iter().flatten().filter_map(Value::as_str);
    list.into_iter().any(|feature| feature.rsplit('/').next() == Some("hydrate"))
}

/// Each entry of each dependency table, wherever in the manifest it stands.
fn dependencies(table: &Table) -> Vec<(&String, &Value)> {
    let mut found = Vec::new();
    for (name, value) in table {
        let Some(inner) = value.as_table() else { continue };
        if name.ends_with("dependencies") {
            found.extend(inner);
        } else if name != "metadata" {
            found.extend(dependencies(inner));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> usize {
        check(&[Source { path: path.to_owned(), text: text.to_owned() }]).unwrap().len()
    }

    #[test]
    fn only_the_wasm_build_enables_hydrate() {
        assert_eq!(findings("a/Cargo.toml", "[features]\ndefault = [\"hydrate\"]"), 1);
        assert_eq!(
            findings(
                "a/Cargo.toml",
                "[dependencies]\nleptos = { version = \"1\", features = [\"hydrate\"] }"
            ),
            1
        );
        assert_eq!(
            findings(
                "Cargo.toml",
                "[workspace.dependencies]\nweb = { path = \"w\", features = [\"hydrate\"] }"
            ),
            1
        );
        assert_eq!(
            findings(
                "a/Cargo.toml",
                "[target.'cfg(unix)'.dependencies.web]\nfeatures = [\"leptos/hydrate\"]"
            ),
            1
        );
        assert_eq!(findings("a/Cargo.toml", "[features]\nhydrate = [\"leptos/hydrate\"]"), 0);
        assert_eq!(findings("Cargo.toml", "[[workspace.metadata.leptos]]\nlib-features = [\"hydrate\"]"), 0);
    }

    #[test]
    fn only_the_simulation_turns_its_feature_on() {
        let dependency = "[dependencies]\nserver = { path = \"s\", features = [\"simulation\"] }";
        assert_eq!(findings("crates/load/Cargo.toml", dependency), 1);
        assert_eq!(findings("crates/sim/Cargo.toml", dependency), 0);
        assert_eq!(findings("crates/server/Cargo.toml", "[features]\ndefault = [\"simulation\"]"), 1);
        assert_eq!(findings("crates/server/Cargo.toml", "[features]\nsimulation = []"), 0);
    }

    #[test]
    fn the_pure_crates_stay_pure() {
        assert_eq!(findings("crates/client/Cargo.toml", "[dependencies]\nweb-sys = \"1\"\nserde = \"1\""), 1);
        assert_eq!(findings("crates/client/Cargo.toml", "[dev-dependencies]\ntokio = \"1\""), 0);
        assert_eq!(findings("crates/web/Cargo.toml", "[dependencies]\nweb-sys = \"1\""), 0);
    }
}
