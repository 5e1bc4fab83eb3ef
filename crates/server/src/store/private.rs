//! The data folder is its owner's alone: what is made in it, and what was looser, is closed to others.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::Result;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// The rights of others.
const OTHERS: u32 = 0o077;

/// Prefix of Madang's files in the folder: the database with what SQLite puts beside it, the mark, the lock, the
/// socket.
const OURS: &str = "madang.";

/// Makes the folder, and those above it, for the owner alone. One that is there stays as it is.
pub(super) fn folder(folder: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Opens or makes a file for writing; for the owner alone, if it is made.
pub(super) fn file() -> OpenOptions {
    File::options().create(true).truncate(false).write(true).mode(0o600).clone()
}

/// Closes Madang's files in the folder to others, and logs it. A folder that is open to others may be theirs for a
/// reason: that is only logged.
pub(super) fn mend(folder: &Path) {
    if let Ok(of) = std::fs::metadata(folder)
        && of.permissions().mode() & OTHERS != 0
    {
        let folder = folder.display();
        tracing::warn!(%folder, "the data folder is open to other users of this machine: chmod 700 closes it");
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(of) = entry.metadata() else { continue };
        let mode = of.permissions().mode();
        if !of.is_file() || mode & OTHERS == 0 || !entry.file_name().to_string_lossy().starts_with(OURS) {
            continue;
        }
        let file = entry.file_name();
        match std::fs::set_permissions(entry.path(), Permissions::from_mode(mode & 0o700)) {
            Ok(()) => {
                tracing::info!(?file, "a file was open to other users of this machine, and is closed now")
            }
            Err(error) => tracing::warn!(?file, %error, "a file is open to other users of this machine"),
        }
    }
}
