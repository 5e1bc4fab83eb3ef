//! Needs of the tasks, and how to install them by hand.

use anyhow::Result;

use crate::command::which;
use crate::project::Project;
use crate::setup::wasm::present;
use crate::setup::{autobahn, browser, curl, engines, leptos, node, python};

struct Need {
    name: &'static str,
    purpose: &'static str,
    there: bool,
    /// Command that installs it; xtask does so by itself where it can.
    command: String,
}

/// Lists each need, whether it is there, and the command that gets it.
pub(crate) fn report(project: &Project) -> Result<()> {
    let needs = needs(project);
    for need in &needs {
        let mark = if need.there { "✓" } else { "✗" };
        println!("{mark} {:<16} {}", need.name, need.purpose);
        if !need.there {
            println!("    {}", need.command);
        }
    }
    let missing = needs.iter().filter(|need| !need.there).count();
    println!(
        "\n{missing} missing; `cargo xtask run`, `test` and `dev` get what they need by themselves, \
         and `cargo xtask tools` what `cargo leptos` and `trunk` need."
    );
    Ok(())
}

fn needs(project: &Project) -> Vec<Need> {
    let need =
        |name, purpose, there, command: &str| Need { name, purpose, there, command: command.to_owned() };
    vec![
        need("C compiler", "SQLite and linking", which("cc").is_some(), "apt-get install gcc libc6-dev"),
        need("make", "the allocator", which("make").is_some(), "apt-get install make"),
        need(
            "wasm target",
            "the page",
            present().is_some(),
            "rustup target add wasm32-unknown-unknown (or `cargo xtask site`, which knows Debian's way)",
        ),
        need("Node and npm", "browser tests", node::is_there(), "apt-get install nodejs npm"),
        need(
            "node packages",
            "browser tests, examples",
            node::packages_are_there(project),
            "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci",
        ),
        need(
            "Python 3.11",
            "tests with Python's clients, examples",
            python::is_there(),
            "apt-get install python3 python3-venv",
        ),
        need("Python 2.7", "conformance of WebSockets", autobahn::python().is_some(), "pyenv install 2.7.18"),
        need(
            "Python packages",
            "tests with Python's clients",
            python::present(project).is_some(),
            "cargo xtask e2e (makes an environment below the target folder)",
        ),
        need("curl", "tests of the HTTP protocol", curl::is_there(), "apt-get install curl"),
        need(
            "Chromium",
            "browser tests",
            browser::present().is_some(),
            "apt-get install chromium (or `cd end2end && npx playwright install chromium`)",
        ),
        need("Firefox, WebKit", "tests in other engines", engines::are_there(), engines::BY_HAND),
        need(
            "Korean font",
            "browser tests' pictures",
            browser::has_korean_font(),
            "apt-get install fonts-noto-cjk",
        ),
        need(
            "wasm-bindgen",
            "cargo leptos, trunk serve",
            leptos::bindgen_is_there(),
            &leptos::bindgen_by_hand(),
        ),
        need("cargo-leptos", "cargo xtask dev", leptos::is_there(), &leptos::leptos_by_hand()),
        need(
            "wasm-opt",
            "cargo leptos build --release, trunk serve --release",
            leptos::wasm_opt_is_there(),
            &leptos::wasm_opt_by_hand(),
        ),
        need("trunk", "trunk serve (the page alone)", leptos::trunk_is_there(), &leptos::trunk_by_hand()),
    ]
}
