//! Returns whether the site is newer than all it was made of.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use anyhow::{Context, Result};

use super::files;
use crate::project::Project;

/// Lies in the site itself: whoever makes the folder anew also removes it. Files with a leading dot are not served.
const FILE: &str = ".stamp";

/// One number for everything that goes into the site, the code of this xtask included.
pub(super) fn of(project: &Project, compiled: &Path) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    // Modification times and lengths: reading a megabyte would cost more than the rest of a second start.
    let known = fs::metadata(compiled).with_context(|| format!("{} is missing", compiled.display()))?;
    (compiled, known.len(), known.modified()?).hash(&mut hasher);
    project.itself.hash(&mut hasher);
    let style = project.root.join(&project.leptos.style_file);
    let style = style.parent().unwrap_or(&project.root);
    for folder in [style, &project.root.join(&project.leptos.assets_dir)] {
        for file in files(folder)? {
            let bytes = fs::read(&file)?;
            (file, bytes).hash(&mut hasher);
        }
    }
    Ok(format!("{:016x}", hasher.finish()))
}

pub(super) fn is_on(site: &Path, stamp: &str) -> bool {
    fs::read_to_string(site.join(FILE)).is_ok_and(|found| found == stamp)
}

pub(super) fn put(site: &Path, stamp: &str) -> Result<()> {
    Ok(fs::write(site.join(FILE), stamp)?)
}
