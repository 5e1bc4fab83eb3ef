//! The power goes while the program as it ships is being written to, on a disk that keeps what was synced alone.

use std::path::Path;

use anyhow::{Result, bail};

use crate::bench;
use crate::command::{Cmd, cmd, which};
use crate::project::Project;
use crate::server::{self, Kept, Profile};
use crate::setup::apt;
use crate::step::step;

/// Cuts, and posts of each writer, in the run that must lose something.
const SABOTAGED: (u32, u32) = (20, 50);

/// Many cuts, after which nothing may be missing, and some on a disk that ignores syncs, which must be noticed.
pub(crate) fn run(project: &Project, cuts: u32, seed: u64) -> Result<()> {
    if which("strace").is_none() {
        if !apt::is_there() {
            bail!("This needs strace: install it with your package manager.");
        }
        step("strace", || apt::install(project, &["strace"]))?;
    }
    let program = Kept::aside(project, &server::build_one_file(project, Profile::Release)?)?;
    let load = Kept::aside(project, &bench::build_load(project)?)?;
    println!("▸ {cuts} cuts of the power, seed {seed} …");
    call(load.path(), program.path(), cuts, seed).show()?;
    step("cuts with a disk that ignores syncs, which must be noticed", || {
        let (cuts, posts) = SABOTAGED;
        let log = project.log("power-cut");
        let sabotaged = call(load.path(), program.path(), cuts, seed)
            .args(["--ignore-syncs", "--posts", &posts.to_string()])
            .quiet(&log);
        let said = std::fs::read_to_string(&log)?;
        match sabotaged {
            Ok(()) => bail!("A disk that keeps nothing was found sound."),
            // By its verdict, and not because it could not be made.
            Err(_)
                if said
                    .lines()
                    .any(|line| line.starts_with("cuts=") && !line.ends_with("lost=0 broken=0")) =>
            {
                Ok(())
            }
            Err(_) => bail!("The run with a disk that ignores syncs came to no verdict:\n{said}"),
        }
    })
}

fn call(load: &Path, program: &Path, cuts: u32, seed: u64) -> Cmd {
    cmd(&load.to_string_lossy()).args(["power-cut", "--program"]).arg(program).args([
        "--cuts",
        &cuts.to_string(),
        "--seed",
        &seed.to_string(),
    ])
}
