//! Guard against restored databases: is this one the one that was here last? An older copy in its place would give out
//! seqs a second time, which clients have seen as something else: its cursors must not count any more.
//!
//! A small file beside the database tells what the database must at least contain. The writer keeps it in step with
//! every commit before it answers. It is not synced: a crash of the process cannot lose it, and after a crash of the
//! machine it tells less than is true, or nothing that can be believed, which costs every client one snapshot.

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use madang_protocol::Epoch;

/// Maximum distance between the time in the file and the times of the file. Milliseconds. A file that was copied back
/// has times of its own; changing its owner or its rights has the same effect.
const TOUCHED: i64 = 10_000;

/// The file.
pub(super) struct RestoreGuard {
    file: File,
    epoch: Epoch,
    entries: u64,
}

/// Content of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Marked {
    epoch: Epoch,
    /// Entries of all rooms together.
    entries: u64,
    /// Time of writing.
    at: i64,
}

impl Marked {
    /// Reads the file in `folder`, if there is one that was written here and not put there.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let file = File::open(path(folder)).ok()?;
        let mut text = vec![0; 256];
        let length = file.read_at(&mut text, 0).ok()?;
        let marked = Self::parse(std::str::from_utf8(text.get(..length)?).ok()?)?;
        let times = file.metadata().ok()?;
        let written = |seconds: i64, nanos: i64| {
            let at = seconds.saturating_mul(1_000).saturating_add(nanos / 1_000_000);
            at.abs_diff(marked.at) <= TOUCHED.unsigned_abs()
        };
        let ours = written(times.mtime(), times.mtime_nsec()) && written(times.ctime(), times.ctime_nsec());
        ours.then_some(marked)
    }

    /// Returns true if a database of this epoch with so many entries may be the one that was here last.
    pub(super) fn fits(&self, epoch: &Epoch, entries: u64) -> bool {
        self.epoch == *epoch && self.entries <= entries
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.lines().next()?.split(' ');
        let marked = Self {
            epoch: words.next()?.parse().ok()?,
            entries: words.next()?.parse().ok()?,
            at: words.next()?.parse().ok()?,
        };
        words.next().is_none().then_some(marked)
    }
}

impl RestoreGuard {
    /// Begins to keep the file in `folder`.
    pub(super) fn begin(folder: &Path, epoch: Epoch, entries: u64) -> std::io::Result<Self> {
        let mark = Self { file: super::private::file().open(path(folder))?, epoch, entries };
        mark.write();
        Ok(mark)
    }

    /// The epoch that it is kept for.
    pub(super) fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// So many entries more were committed.
    pub(super) fn add(&mut self, entries: usize) {
        self.entries += entries as u64;
        self.write();
    }

    /// Always of the same length, in place. A failure leaves what was true before, and less is claimed.
    fn write(&self) {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let line = format!("{} {:020} {at:020}\n", self.epoch, self.entries);
        if let Err(error) = self.file.write_all_at(line.as_bytes(), 0) {
            tracing::debug!(%error, "the file beside the database could not be written");
        }
    }
}

fn path(folder: &Path) -> std::path::PathBuf {
    folder.join("madang.mark")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(text: &str) -> Epoch {
        text.parse().unwrap()
    }

    #[test]
    fn guard_fits_databases_with_as_many_entries() {
        let folder = tempfile::tempdir().unwrap();
        let mut mark = RestoreGuard::begin(folder.path(), epoch("e"), 7).unwrap();
        mark.add(3);
        let marked = Marked::read(folder.path()).unwrap();
        assert_eq!((&marked.epoch, marked.entries), (&epoch("e"), 10));
        assert!(marked.fits(&epoch("e"), 10) && marked.fits(&epoch("e"), 11));
        assert!(!marked.fits(&epoch("e"), 9) && !marked.fits(&epoch("f"), 10));
    }

    #[test]
    fn missing_broken_or_copied_file_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Marked::read(folder.path()), None);
        for text in ["", "e", "e 1", "e 1 x\n", "e 1 2 3\n", "\u{feff}", "e 0000 17\n"] {
            std::fs::write(path(folder.path()), text).unwrap();
            assert_eq!(Marked::read(folder.path()), None, "{text:?}");
        }
    }
}
