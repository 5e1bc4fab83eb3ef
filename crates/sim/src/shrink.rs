//! From a story that fails to the shortest one that still does.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::scenario::Scene;
use crate::scenes::scenes;
use crate::world::{Run, play};
use crate::{Broken, Counts};

/// So many stories are tried, at most.
const TRIES: usize = 1_500;

/// A story that ends badly.
#[derive(Clone, Debug)]
pub struct Story {
    /// Its seed.
    pub seed: u64,
    scenes: Vec<Scene>,
    /// The promise that it breaks.
    pub broken: Broken,
    /// The last of what happened in it.
    trace: Vec<String>,
}

/// Plays the story of `seed`; of one that ends badly, that is all.
///
/// # Errors
/// A promise that was broken; a panic breaks one too.
pub fn tell(seed: u64) -> Result<Counts, Broken> {
    let run = attempt(seed, &scenes(seed), false);
    match run.broken {
        None => Ok(run.tally),
        Some(broken) => Err(broken),
    }
}

/// Returns the shortest story of `seed` that fails; `None` if it ends well.
pub fn shrink(seed: u64) -> Option<Story> {
    let mut shortest = scenes(seed);
    let fails = |scenes: &[Scene]| attempt(seed, scenes, false).broken.is_some();
    if !fails(&shortest) {
        return None;
    }
    let mut tries = 0;
    let mut chunk = shortest.len().div_ceil(2);
    loop {
        let mut from = 0;
        let before = shortest.len();
        while from < shortest.len() && tries < TRIES {
            let to = (from + chunk).min(shortest.len());
            let rest: Vec<Scene> = shortest[..from].iter().chain(&shortest[to..]).copied().collect();
            tries += 1;
            if fails(&rest) {
                shortest = rest;
            } else {
                from = to;
            }
        }
        if tries >= TRIES || (chunk == 1 && shortest.len() == before) {
            break;
        }
        chunk = (chunk / 2).max(1);
    }
    let Run { broken, trace, .. } = attempt(seed, &shortest, true);
    Some(Story { seed, scenes: shortest, broken: broken?, trace })
}

fn attempt(seed: u64, scenes: &[Scene], traced: bool) -> Run {
    catch_unwind(AssertUnwindSafe(|| play(seed, scenes, traced))).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_owned()));
        let broken = Some(Broken(format!("a panic: {}", words.unwrap_or_default())));
        Run { broken, tally: Counts::default(), fingerprint: 0, trace: Vec::new() }
    })
}

/// Lines of the trace that are shown.
const TRACE: usize = 60;

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {}", self.seed, self.broken)?;
        writeln!(f, "the shortest story:")?;
        for (at, act) in &self.scenes {
            writeln!(f, "  {:>9.3} s  {act}", *at as f64 / 1000.0)?;
        }
        writeln!(f, "its last steps:")?;
        for line in &self.trace[self.trace.len().saturating_sub(TRACE)..] {
            let line: String = line.chars().take(220).collect();
            writeln!(f, "  {line}")?;
        }
        Ok(())
    }
}
