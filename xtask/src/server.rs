//! Building the program, and serving.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, anyhow};

use crate::command::{Cmd, cargo, cmd};
use crate::project::Project;
use crate::site;
use crate::step::{step, step_telling};

/// Profile of the program.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Dev,
    Release,
}

const ADDRESS: &str = "127.0.0.1:3000";

/// Builds everything and serves until stopped.
///
/// The page and the program are compiled at the same time: linking the wasm keeps one core busy, and the program
/// needs nothing of it, as it reads the site from the folder here.
pub(crate) fn run(project: &Project, options: &[String]) -> Result<()> {
    let (program, site) = thread::scope(|scope| {
        let program = scope.spawn(|| build_reading_site_folder(project));
        let site = site::build(project);
        let program = program.join().unwrap_or_else(|_| Err(anyhow!("the build of the program panicked")));
        Ok::<_, anyhow::Error>((program?, site?))
    })?;
    let serve = cmd(&program.to_string_lossy())
        .arg("serve")
        .args(options)
        .env("LEPTOS_SITE_ROOT", &site)
        .within(&project.root);
    println!("▸ Madang at http://{} (Ctrl-C stops it)", address(options));
    serve.become_it()
}

/// Builds the program with the site inside.
pub(crate) fn build_one_file(project: &Project, profile: Profile) -> Result<PathBuf> {
    let site = site::build(project)?;
    step_telling("program with its page inside", || {
        compile(project, profile)
            // Cargo's own freshness covers the rest: the build script watches this variable and the folder.
            .env("MADANG_SITE", site)
            .args(["--features", "embed"])
            .show()?;
        let program = program(project, profile);
        let size = std::fs::metadata(&program)?.len();
        let told = format!("{}, {} MB", program.display(), size.div_ceil(1_000_000));
        Ok((program, told))
    })
}

/// Builds the program with an echo beside its protocols.
pub(crate) fn build_echo(project: &Project) -> Result<PathBuf> {
    step("program with an echo", || {
        compile(project, Profile::Dev).args(["--features", "echo"]).quiet(&project.log("echo"))
    })?;
    Ok(program(project, Profile::Dev))
}

/// A copy of a program that no later build replaces; gone with this value.
pub(crate) struct Kept {
    folder: PathBuf,
    program: PathBuf,
}

impl Kept {
    /// Copies the program. A hard link would not do: some linkers write into the file that is there.
    pub(crate) fn aside(project: &Project, program: &Path) -> Result<Self> {
        let name = program.file_name().context("a program without a name")?;
        let own = format!("{}-{}", std::process::id(), name.to_string_lossy());
        let folder = project.scratch().join("running").join(own);
        fs::create_dir_all(&folder)?;
        let kept = Self { program: folder.join(name), folder };
        fs::copy(program, &kept.program).with_context(|| format!("Cannot copy {}", program.display()))?;
        Ok(kept)
    }

    /// The copy.
    pub(crate) fn path(&self) -> &Path {
        &self.program
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // Remains are found by no one, and go with the target folder.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn build_reading_site_folder(project: &Project) -> Result<PathBuf> {
    step("program", || compile(project, Profile::Dev).quiet(&project.log("program")))?;
    Ok(program(project, Profile::Dev))
}

fn compile(project: &Project, profile: Profile) -> Cmd {
    let leptos = &project.leptos;
    let cargo = cargo(project).args(["build", "--package", &leptos.bin_package, "--bin", &leptos.bin_target]);
    match profile {
        Profile::Dev => cargo,
        Profile::Release => cargo.arg("--release"),
    }
}

fn program(project: &Project, profile: Profile) -> PathBuf {
    let folder = match profile {
        Profile::Dev => "debug",
        Profile::Release => "release",
    };
    let name = format!("{}{}", project.leptos.bin_target, std::env::consts::EXE_SUFFIX);
    project.native.join(folder).join(name)
}

/// The address that the program will serve at, by the same order as its own: option, environment, default.
fn address(options: &[String]) -> String {
    let mut options = options.iter();
    while let Some(option) = options.next() {
        match option.strip_prefix("--addr") {
            Some("") => return options.next().cloned().unwrap_or_default(),
            Some(rest) => return rest.trim_start_matches('=').to_owned(),
            None => {}
        }
    }
    std::env::var("MADANG_ADDR").unwrap_or_else(|_| ADDRESS.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_program_outlives_its_replacement() {
        let folder = tempfile::tempdir().unwrap();
        let mut project = Project::load().unwrap();
        project.native = folder.path().to_owned();
        let built = folder.path().join("madang");
        fs::write(&built, "with its page").unwrap();
        let kept = Kept::aside(&project, &built).unwrap();
        fs::write(&built, "without it").unwrap();
        assert_eq!(fs::read_to_string(kept.path()).unwrap(), "with its page");
        let path = kept.path().to_owned();
        drop(kept);
        assert!(!path.exists());
    }

    #[test]
    fn reported_address_is_the_requested_one() {
        let of = |options: &[&str]| {
            address(&options.iter().map(|option| (*option).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(of(&["--data", "x", "--addr", "0.0.0.0:80"]), "0.0.0.0:80");
        assert_eq!(of(&["--addr=[::1]:81"]), "[::1]:81");
    }
}
