//! Plays the stories of many seeds, and prints one line; or the shortest story that fails.
#![allow(clippy::expect_used)]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;
use madang_sim::{Broken, Counts, shrink, tell};

/// A deterministic simulation of Madang: clients, network, server and disk, with all that can go wrong.
#[derive(Parser)]
#[command(max_term_width = 100)]
struct Cli {
    /// Stories to play
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 0, value_name = "S")]
    from: u64,
    /// Threads; as many as there are processors if not given
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Do not look for the shortest story that fails
    #[arg(long)]
    no_shrink: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let began = Instant::now();
    // A panic in a story is a finding, told with the story.
    std::panic::set_hook(Box::new(|_| {}));
    let threads = cli.threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from));
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let (sum, first) = (Mutex::new(Counts::default()), Mutex::new(None::<(u64, Broken)>));
    std::thread::scope(|scope| {
        for _ in 0..threads.unwrap_or(1).max(1) {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= cli.seeds {
                        break;
                    }
                    match tell(cli.from + number) {
                        Ok(tally) => *sum.lock().expect("no panic here") += tally,
                        Err(broken) => {
                            failed.store(true, Ordering::Relaxed);
                            let seed = cli.from + number;
                            let mut first = first.lock().expect("no panic here");
                            if first.as_ref().is_none_or(|(earlier, _)| seed < *earlier) {
                                *first = Some((seed, broken));
                            }
                        }
                    }
                }
            });
        }
    });
    let sum = sum.into_inner().expect("no panic here");
    println!("{sum} seconds={:.1}", began.elapsed().as_secs_f64());
    match first.into_inner().expect("no panic here") {
        None => ExitCode::SUCCESS,
        Some((seed, broken)) if cli.no_shrink => {
            println!("seed {seed}: {broken}");
            ExitCode::FAILURE
        }
        Some((seed, _)) => {
            match shrink(seed) {
                Some(story) => println!("{story}\nagain: cargo xtask sim --seeds 1 --from {seed}"),
                None => println!("seed {seed} failed, and then did not: the same seed is not the same story"),
            }
            ExitCode::FAILURE
        }
    }
}
