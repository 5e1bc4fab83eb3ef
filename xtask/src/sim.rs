//! The simulation: optimised, over as many seeds as one likes.

use anyhow::Result;

use crate::command::cargo;
use crate::project::Project;

/// Plays `seeds` stories, the first being that of `from`.
pub(crate) fn run(project: &Project, seeds: u64, from: u64) -> Result<()> {
    let (seeds, from) = (seeds.to_string(), from.to_string());
    // By its package alone, so that nothing that ships is built with the simulation's features.
    cargo(project)
        .args(["run", "--quiet", "--release", "--package", "madang-sim", "--"])
        .args(["--seeds", &seeds, "--from", &from])
        .show()
}
