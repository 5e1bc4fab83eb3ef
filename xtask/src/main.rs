//! Set-up, builds and checks of Madang, on a bare machine and on a furnished one.
//!
//! Each step prints what it does and how long it took, asks nothing, is skipped when done, and fails with the one
//! sentence that helps.

mod autobahn;
mod bench;
mod chaos;
mod checks;
mod command;
mod contract;
mod dev;
mod doctor;
mod e2e;
mod mutants;
mod power_cut;
mod project;
mod served;
mod server;
mod setup;
mod sim;
mod site;
mod soak;
mod step;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use project::Project;
use server::Profile;
use setup::leptos;

/// Set-up, builds and checks of Madang.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Get what is missing, build everything, and serve at http://127.0.0.1:3000
    Run {
        /// Options of `madang serve`, such as `-- --addr 127.0.0.1:4000`
        #[arg(last = true)]
        serve: Vec<String>,
    },
    /// Watch the sources, rebuild and reload at each change (cargo leptos watch)
    Dev {
        /// Options of `cargo leptos watch`
        #[arg(last = true)]
        leptos: Vec<String>,
    },
    /// Get cargo-leptos, trunk and what both call, as far as they are missing
    Tools,
    /// Build the program with its page inside: one file
    Build {
        /// Optimised: target/release/madang instead of target/debug/madang
        #[arg(long)]
        release: bool,
    },
    /// Build the site alone: wasm, JavaScript, styles, icons
    Site,
    /// Get what is missing and run every check and every test
    Test,
    /// Run the browser tests
    E2e {
        /// Options of `playwright test`, such as `-- --project phone`
        #[arg(last = true)]
        playwright: Vec<String>,
    },
    /// Measure the server under load, beside its peers, and print one table
    Bench {
        /// Options of the benchmark
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Play seeded stories of everything that can go wrong, on a virtual clock, and check every promise
    Sim {
        /// Number of stories
        #[arg(long, default_value_t = 1_000)]
        seeds: u64,
        /// The first seed
        #[arg(long, default_value_t = 0)]
        from: u64,
    },
    /// Break promises on purpose, one after the other, and see that the simulation finds each
    Mutants {
        /// Words of the names of some; all if there are none
        names: Vec<String>,
    },
    /// Play everything that is random with other seeds, and print the one that fails
    Soak {
        /// Minutes; a round that has begun is finished
        #[arg(long, default_value_t = 10.0)]
        minutes: f64,
        /// The first seed; another one each time if it is not given
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Break everything around the program as it ships, and count the broken promises
    Chaos {
        /// Minutes of faults
        #[arg(long, default_value_t = 10.0)]
        minutes: f64,
        /// Decides what happens when; another one each time if it is not given
        #[arg(long)]
        seed: Option<u64>,
        /// Clients
        #[arg(long, default_value_t = 200)]
        clients: u32,
    },
    /// Cut the power while the program as it ships is written to, and look for what it had acknowledged
    PowerCut {
        /// Moments at which the power goes
        #[arg(long, default_value_t = 200)]
        cuts: u32,
        /// Decides when, and what the disk keeps of what was not synced
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Hold the WebSocket against the public conformance suite, Autobahn|Testsuite
    Autobahn {
        /// Cases, such as `7.*`; all if there are none
        cases: Vec<String>,
    },
    /// List what the other tasks need, what is missing, and the command that gets it
    Doctor,
    /// Run the checks that compile nothing: formatting, style rules, licences
    Tidy,
}

fn main() -> ExitCode {
    match Project::load().and_then(|project| perform(&project, Cli::parse().task)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n✗ {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(project: &Project, task: Task) -> anyhow::Result<()> {
    match task {
        Task::Run { serve } => server::run(project, &serve),
        Task::Dev { leptos } => dev::watch(project, &leptos),
        Task::Tools => leptos::ensure_all(project),
        Task::Build { release } => {
            let profile = if release { Profile::Release } else { Profile::Dev };
            server::build_one_file(project, profile).map(drop)
        }
        Task::Site => site::build(project).map(drop),
        Task::Test => test::run(project),
        Task::E2e { playwright } => e2e::run(project, &playwright),
        Task::Bench { args } => bench::run(project, &args),
        Task::Sim { seeds, from } => sim::run(project, seeds, from),
        Task::Mutants { names } => mutants::run(project, &names),
        Task::Soak { minutes, seed } => soak::run(project, minutes, seed),
        Task::Chaos { minutes, seed, clients } => chaos::run(project, minutes, seed, clients),
        Task::PowerCut { cuts, seed } => power_cut::run(project, cuts, seed),
        Task::Autobahn { cases } => autobahn::run(project, &cases),
        Task::Doctor => doctor::report(project),
        Task::Tidy => checks::without_compiling(project),
    }
}
