//! cargo-leptos and what it calls: for `cargo xtask dev`, and for those who like to run these tools by hand.

use anyhow::{Context, Result, bail};

use super::node;
use super::wasm::{self, Toolchain};
use crate::command::{cargo, cmd, which};
use crate::e2e::Tools;
use crate::project::Project;
use crate::step::step;

/// Major and minor version of a compiler.
type Compiler = (u32, u32);

/// The releases of cargo-leptos that this project was tried with, newest first, each with the oldest compiler that
/// its lock file allows.
const LEPTOS: [(&str, Compiler); 2] = [("0.3.11", (1, 96)), ("0.3.10", (1, 95))];
/// Equal to the version of the crate wasm-bindgen in Cargo.lock.
const BINDGEN: &str = "0.2.129";
/// The newest that the oldest compiler of this project builds.
const TRUNK: &str = "0.21.14";
/// The release of binaryen that understands what every compiler here emits. Debian's is too old.
const BINARYEN: &str = "132.0.0";

/// Crates that wasm-bindgen spends its time in: at each change of the page, so they are worth being optimised.
const OPTIMISED: [&str; 4] = ["walrus", "wasm-bindgen-cli-support", "wasm-encoder", "wasmparser"];

/// Tools to install, and with what.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    version: &'static str,
    toolchain: Toolchain,
}

/// True if the cargo-leptos on PATH starts, and is not older than what this project was tried with.
pub(crate) fn is_there() -> bool {
    installed("cargo-leptos", &["leptos", "--version"]).is_some_and(|version| serves(&version))
}

/// True if the wasm-bindgen on PATH is the one that the wasm was made for: it reads that of no other.
pub(crate) fn bindgen_is_there() -> bool {
    installed("wasm-bindgen", &["--version"]).is_some_and(|version| version == BINDGEN)
}

/// True if trunk is there, and not older than the one that this project was tried with.
pub(crate) fn trunk_is_there() -> bool {
    installed("trunk", &["--version"]).is_some_and(|version| numbers(&version) >= numbers(TRUNK))
}

/// True if wasm-opt is there, which `cargo leptos build --release` calls.
pub(crate) fn wasm_opt_is_there() -> bool {
    which("wasm-opt").is_some()
}

/// The command that gets cargo-leptos with the compilers that are here, or what else there is to do.
pub(crate) fn leptos_by_hand() -> String {
    match plan() {
        Ok(plan) => by_hand(
            &plan.toolchain,
            &format!("cargo-leptos --locked --version {} --features no_downloads", plan.version),
        ),
        Err(error) => error.to_string(),
    }
}

/// The command that gets wasm-bindgen.
pub(crate) fn bindgen_by_hand() -> String {
    by_hand(&Toolchain::Default, &format!("wasm-bindgen-cli --locked --version {BINDGEN}"))
}

/// The command that gets trunk.
pub(crate) fn trunk_by_hand() -> String {
    by_hand(&Toolchain::Default, &format!("trunk --locked --version {TRUNK}"))
}

/// The command that gets wasm-opt.
pub(crate) fn wasm_opt_by_hand() -> String {
    format!("npm install --global binaryen@{BINARYEN}")
}

/// Gets what `cargo leptos watch` needs.
pub(crate) fn ensure(project: &Project) -> Result<()> {
    // Planned first, so that nobody waits for a download before they are told that it was in vain.
    let plan = if is_there() { None } else { Some(plan()?) };
    if !bindgen_is_there() {
        step("wasm-bindgen (about a minute on two cores)", || {
            install(project, &Toolchain::Default, "wasm-bindgen-cli", BINDGEN, &[])
        })?;
    }
    if let Some(plan) = plan {
        step(&format!("cargo-leptos {} (about six minutes on two cores)", plan.version), || {
            let features = ["--features", "no_downloads"];
            install(project, &plan.toolchain, "cargo-leptos", plan.version, &features)
        })?;
    }
    Ok(())
}

/// Gets the rest too: what `cargo leptos build --release`, `cargo leptos end-to-end` and `trunk serve` need.
pub(crate) fn ensure_all(project: &Project) -> Result<()> {
    wasm::ensure(project)?;
    Tools::ensure(project)?;
    ensure(project)?;
    if !trunk_is_there() {
        step("trunk (about six minutes on two cores)", || {
            install(project, &Toolchain::Default, "trunk", TRUNK, &[])
        })?;
    }
    if !wasm_opt_is_there() {
        if !node::is_there() {
            bail!("wasm-opt comes with npm: install `nodejs` and `npm` with your package manager.");
        }
        step("wasm-opt", || {
            let binaryen = format!("binaryen@{BINARYEN}");
            cmd("npm")
                .args(["install", "--global", "--no-audit", "--no-fund", &binaryen])
                .quiet(&project.log("binaryen"))
        })?;
    }
    Ok(())
}

/// Returns the version that a program prints, `name 1.2.3`, if it starts.
fn installed(program: &str, arguments: &[&str]) -> Option<String> {
    cmd(program).args(arguments).ask()?.split_whitespace().nth(1).map(str::to_owned)
}

fn serves(version: &str) -> bool {
    LEPTOS.iter().any(|(tried, _)| numbers(version) >= numbers(tried))
}

/// Returns the numbers of a version, to compare by. Anything after a hyphen counts for nothing.
fn numbers(version: &str) -> Vec<u32> {
    let release = version.split(['-', '+']).next().unwrap_or_default();
    release.split('.').map_while(|number| number.parse().ok()).collect()
}

fn plan() -> Result<Plan> {
    let here: Vec<(Toolchain, Compiler)> = Toolchain::all()
        .into_iter()
        .filter_map(|toolchain| Some((compiler_of(&toolchain)?, toolchain)))
        .map(|(compiler, toolchain)| (toolchain, compiler))
        .collect();
    choose(&here).with_context(|| {
        let oldest = LEPTOS.iter().map(|(_, oldest)| oldest).min().map_or((1, 0), |oldest| *oldest);
        format!(
            "No compiler here can build cargo-leptos: it needs Rust {}.{} or newer (`rustup update`).",
            oldest.0, oldest.1
        )
    })
}

/// The newest release that the first compiler builds, or else the next, and so on.
fn choose(here: &[(Toolchain, Compiler)]) -> Option<Plan> {
    here.iter().find_map(|(toolchain, compiler)| {
        let (version, _) = LEPTOS.iter().find(|(_, oldest)| compiler >= oldest)?;
        Some(Plan { version, toolchain: toolchain.clone() })
    })
}

fn compiler_of(toolchain: &Toolchain) -> Option<Compiler> {
    if !toolchain.is_installed() {
        return None;
    }
    let said = cmd("rustc").toolchain(toolchain.name()).arg("--version").ask()?;
    match numbers(said.split(' ').nth(1)?).as_slice() {
        [major, minor, ..] => Some((*major, *minor)),
        _ => None,
    }
}

fn by_hand(toolchain: &Toolchain, what: &str) -> String {
    let toolchain = toolchain.name().map(|name| format!("RUSTUP_TOOLCHAIN={name} ")).unwrap_or_default();
    format!("{toolchain}cargo install {what} (quicker: `cargo xtask tools`)")
}

fn install(project: &Project, toolchain: &Toolchain, name: &str, version: &str, more: &[&str]) -> Result<()> {
    let overrides = OPTIMISED.iter().map(|package| format!("profile.release.package.{package}.opt-level=2"));
    let overrides = overrides.filter(|_| name == "wasm-bindgen-cli");
    cargo(project)
        .toolchain(toolchain.name())
        // `--force`: one that does not start, or came by another way, stands in its place.
        .args(["install", name, "--force", "--locked", "--version", version])
        .args(more)
        .args(overrides.flat_map(|value| ["--config".to_owned(), value]))
        // An interrupted build goes on from there the next time, and what the tools share is compiled once.
        .env("CARGO_TARGET_DIR", project.scratch().join("tools"))
        // They spend their time waiting for cargo. With their own profiles (fat LTO) they take four times as long.
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
        .show()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(here: &[(Toolchain, Compiler)]) -> Option<(&'static str, Toolchain)> {
        choose(here).map(|plan| (plan.version, plan.toolchain))
    }

    #[test]
    fn the_newest_cargo_leptos_a_compiler_builds() {
        use Toolchain::{Debian, Default};
        assert_eq!(chosen(&[(Default, (1, 95))]), Some(("0.3.10", Default)));
        assert_eq!(chosen(&[(Default, (1, 96))]), Some(("0.3.11", Default)));
        assert_eq!(chosen(&[(Default, (1, 120))]), Some(("0.3.11", Default)));
        assert_eq!(chosen(&[(Default, (2, 0))]), Some(("0.3.11", Default)));
        assert_eq!(chosen(&[(Default, (1, 95)), (Debian, (1, 96))]), Some(("0.3.10", Default)));
    }

    #[test]
    fn another_compiler_helps_one_too_old() {
        use Toolchain::{Debian, Default};
        assert_eq!(chosen(&[(Default, (1, 94)), (Debian, (1, 96))]), Some(("0.3.11", Debian)));
        assert_eq!(chosen(&[(Default, (1, 9)), (Debian, (1, 95))]), Some(("0.3.10", Debian)));
        assert_eq!(chosen(&[(Default, (1, 94))]), None);
        assert_eq!(chosen(&[]), None);
    }

    #[test]
    fn an_older_cargo_leptos_does_not_serve() {
        for good in ["0.3.10", "0.3.11", "0.3.12-beta1", "0.4.0", "1.0.0"] {
            assert!(serves(good), "{good}");
        }
        for bad in ["0.2.47", "0.3.9", "0.3.9+build", "", "cargo-leptos"] {
            assert!(!serves(bad), "{bad}");
        }
    }

    #[test]
    fn bindgen_equals_the_locked_crate() {
        let project = Project::load().unwrap();
        let lock = std::fs::read_to_string(project.root.join("Cargo.lock")).unwrap();
        for name in ["wasm-bindgen", "wasm-bindgen-cli-support"] {
            let entry = format!("name = \"{name}\"\nversion = \"{BINDGEN}\"");
            assert!(lock.contains(&entry), "{name} in Cargo.lock is not {BINDGEN}");
        }
    }
}
