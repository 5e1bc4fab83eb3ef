//! Paths of the project, read from the same table of the root manifest that cargo-leptos reads.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

/// The checkout and its root manifest's table about the site.
pub(crate) struct Project {
    /// The folder of the root manifest.
    pub(crate) root: PathBuf,
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
    /// Folder of native programs and the site: the target folder, or a folder in it that is a task's own.
    pub(crate) native: PathBuf,
    /// Fingerprint of this xtask when it started. A build beside it may replace its file.
    pub(crate) itself: String,
    /// The first entry of `[[workspace.metadata.leptos]]`.
    pub(crate) leptos: Leptos,
}

/// The part of cargo-leptos' table that xtask uses; cargo-leptos documents each field.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Leptos {
    pub(crate) output_name: String,
    pub(crate) bin_package: String,
    pub(crate) bin_target: String,
    pub(crate) lib_package: String,
    pub(crate) lib_features: Vec<String>,
    pub(crate) lib_profile_release: String,
    pub(crate) site_root: PathBuf,
    pub(crate) site_pkg_dir: PathBuf,
    pub(crate) style_file: PathBuf,
    pub(crate) assets_dir: PathBuf,
}

#[derive(Deserialize)]
struct Manifest {
    workspace: Workspace,
}

#[derive(Deserialize)]
struct Workspace {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    leptos: [Leptos; 1],
}

impl Project {
    /// Reads the root manifest of the checkout that this xtask was compiled in.
    pub(crate) fn load() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask stands in no workspace")?
            .to_owned();
        let text = std::fs::read_to_string(root.join("Cargo.toml"))
            .with_context(|| format!("{} is no longer the checkout; build xtask again", root.display()))?;
        let manifest: Manifest =
            toml::from_str(&text).context("[[workspace.metadata.leptos]] of Cargo.toml cannot be read")?;
        let [leptos] = manifest.workspace.metadata.leptos;
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => root.join(folder),
            None => root.join("target"),
        };
        let known = std::fs::metadata(std::env::current_exe()?).context("xtask's own file is gone")?;
        let itself = format!("{:?} {}", known.modified()?, known.len());
        Ok(Self { root, native: target.clone(), target, itself, leptos })
    }

    /// The same checkout, built where no other task and no plain cargo builds: what one of them replaces in the
    /// target folder, such as `debug/madang` by one with other features, is then not what is being run. The page's
    /// wasm and what was fetched are shared all the same: nobody's features or profiles differ there.
    pub(crate) fn apart(&self) -> Self {
        Self {
            root: self.root.clone(),
            target: self.target.clone(),
            native: self.target.join("test"),
            itself: self.itself.clone(),
            leptos: self.leptos.clone(),
        }
    }

    /// Keeps every other process that asks for this out until the file is dropped; waits for its turn, saying so.
    pub(crate) fn alone(&self) -> Result<File> {
        std::fs::create_dir_all(&self.native)?;
        let path = self.native.join(".xtask-lock");
        let file = File::create(&path).with_context(|| format!("Cannot write {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                println!("▸ another run in {} is not finished: waiting for it …", self.native.display());
                file.lock()?;
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("Cannot lock {}", path.display()));
            }
        }
        Ok(file)
    }

    /// The finished site. `site-root` may begin with a marker for the target folder, as cargo-leptos defines it.
    pub(crate) fn site(&self) -> PathBuf {
        match self.leptos.site_root.strip_prefix("CARGO_TARGET_DIR") {
            Ok(rest) => self.native.join(rest),
            Err(_) => self.root.join(&self.leptos.site_root),
        }
    }

    /// Returns the folder of the compiled wasm: the same as cargo-leptos', so that what one compiled the other finds.
    pub(crate) fn front_target(&self) -> PathBuf {
        self.target.join("front")
    }

    /// xtask's own corner of the target folder.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.native.join("xtask")
    }

    /// Returns the file that keeps a quiet program's output.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.scratch().join(format!("{name}.log"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_manifest_holds_what_the_site_needs() {
        let project = Project::load().unwrap();
        assert_eq!(project.leptos.output_name, "madang");
        assert_eq!(project.leptos.lib_features, ["hydrate"]);
        assert_eq!(project.site(), project.target.join("site"));
    }

    #[test]
    fn a_task_apart_shares_no_output_with_others() {
        let project = Project::load().unwrap();
        let apart = project.apart();
        for (theirs, ours) in [
            (project.native.join("debug/madang"), apart.native.join("debug/madang")),
            (project.site(), apart.site()),
            (project.scratch(), apart.scratch()),
            (project.log("apt-install"), apart.log("apt-install")),
        ] {
            assert_ne!(theirs, ours);
            assert!(ours.starts_with(project.target.join("test")), "{}", ours.display());
        }
        assert_eq!(project.front_target(), apart.front_target());
    }

    #[test]
    fn the_second_of_two_runs_waits() {
        let folder = tempfile::tempdir().unwrap();
        let mut project = Project::load().unwrap();
        project.native = folder.path().join("deep/test");
        let first = project.alone().unwrap();
        let lock = File::open(project.native.join(".xtask-lock")).unwrap();
        assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
        drop(first);
        assert!(project.alone().is_ok());
    }
}
