//! Where things are, read from the same table of the root manifest that cargo-leptos reads.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

/// The checkout and what its root manifest says about the site.
pub(crate) struct Project {
    /// The folder of the root manifest.
    pub(crate) root: PathBuf,
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
    /// The first entry of `[[workspace.metadata.leptos]]`.
    pub(crate) leptos: Leptos,
}

/// The part of cargo-leptos' table that xtask uses; cargo-leptos documents each field.
#[derive(Deserialize)]
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
        Ok(Self { root, target, leptos })
    }

    /// The finished site. `site-root` may begin with a marker for the target folder, as cargo-leptos defines it.
    pub(crate) fn site(&self) -> PathBuf {
        match self.leptos.site_root.strip_prefix("CARGO_TARGET_DIR") {
            Ok(rest) => self.target.join(rest),
            Err(_) => self.root.join(&self.leptos.site_root),
        }
    }

    /// Where the wasm is compiled: the same folder as cargo-leptos', so that what one compiled the other finds.
    pub(crate) fn front_target(&self) -> PathBuf {
        self.target.join("front")
    }

    /// xtask's own corner of the target folder.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.target.join("xtask")
    }

    /// Where a quiet program's output is kept.
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
}
