//! A compiler that can make wasm.

use std::fs;

use anyhow::{Result, bail};

use super::{TARGET, apt, debian};
use crate::command::{cmd, which};
use crate::project::Project;
use crate::step::step;

/// The toolchain to compile wasm with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// The one that cargo uses here anyway.
    Default,
    /// Debian's own, known to rustup by this name.
    Debian,
}

impl Toolchain {
    /// Returns the value for RUSTUP_TOOLCHAIN, if it has to be set.
    pub(crate) fn name(&self) -> Option<&'static str> {
        match self {
            Self::Default => None,
            Self::Debian => Some(debian::NAME),
        }
    }

    /// Each, in the order of preference.
    pub(crate) fn all() -> [Self; 2] {
        [Self::Default, Self::Debian]
    }

    /// True if it can compile at least for this machine.
    pub(crate) fn is_installed(&self) -> bool {
        match self {
            Self::Default => true,
            Self::Debian => debian::is_linked(),
        }
    }
}

/// The toolchain that can make wasm, if there is one already.
pub(crate) fn present() -> Option<Toolchain> {
    Toolchain::all().into_iter().find(has_target)
}

/// Gets a toolchain that can make wasm.
///
/// rustup's own way comes first. Where rustup's server cannot be reached, Debian's packages hold a complete
/// compiler with the standard library's source, from which the target is built.
pub(crate) fn ensure(project: &Project) -> Result<Toolchain> {
    if let Some(toolchain) = present() {
        return Ok(toolchain);
    }
    step("wasm target", || {
        let log = project.log("rustup");
        let added =
            which("rustup").is_some() && cmd("rustup").args(["target", "add", TARGET]).quiet(&log).is_ok();
        if added && has_target(&Toolchain::Default) {
            return Ok(Toolchain::Default);
        }
        if !apt::is_there() {
            bail!(
                "The compiler has no target {TARGET}: install Rust with rustup, then run \
                 `rustup target add {TARGET}`."
            );
        }
        debian::install(project)?;
        if has_target(&Toolchain::Debian) {
            return Ok(Toolchain::Debian);
        }
        bail!("Debian's compiler was installed, but still has no target {TARGET}.")
    })
}

/// True if the standard library is where the compiler looks for it.
fn has_target(toolchain: &Toolchain) -> bool {
    if *toolchain == Toolchain::Debian && !debian::is_usable() {
        return false;
    }
    let folder =
        cmd("rustc").toolchain(toolchain.name()).args(["--print", "target-libdir", "--target", TARGET]).ask();
    folder.and_then(|folder| fs::read_dir(folder).ok()).is_some_and(|parts| {
        parts.flatten().any(|part| part.file_name().to_string_lossy().starts_with("libstd-"))
    })
}
