//! A disk that keeps what was synced when the power goes, and of the rest what it likes.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fastrand::Rng;

use super::trace::Call;

/// Unit that a disk writes whole or not at all. Bytes.
const SECTOR: u64 = 512;

/// Fates of what was written and not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsynced {
    Lost,
    /// Any part of it, in any order.
    Torn,
    /// All of it, as after the end of the process alone.
    Kept,
}

/// The files below one folder, while they are written.
#[derive(Debug, Default)]
pub(super) struct Disk {
    files: BTreeMap<PathBuf, File>,
    syncing: HashMap<u32, Sync>,
}

#[derive(Debug, Default)]
struct File {
    synced: Vec<u8>,
    since: Vec<Change>,
    /// Its folder was synced after it was made, so that it can be found again.
    is_listed: bool,
}

#[derive(Clone, Debug)]
enum Change {
    Write(u64, Vec<u8>),
    Cut(u64),
}

/// A sync that has begun.
#[derive(Debug)]
enum Sync {
    /// Of so many changes of a file.
    File(PathBuf, usize),
    /// Of a folder with these files.
    Folder(Vec<PathBuf>),
}

impl Disk {
    /// Takes the next thing that happened.
    pub(super) fn apply(&mut self, call: &Call) {
        match call {
            Call::Opened { path, created, emptied } => {
                if *created {
                    self.files.entry(path.clone()).or_default();
                }
                if let Some(file) = self.files.get_mut(path).filter(|_| *emptied) {
                    file.since.push(Change::Cut(0));
                }
            }
            Call::Wrote { path, offset, bytes } => {
                self.file(path).since.push(Change::Write(*offset, bytes.clone()));
            }
            Call::Cut { path, length } => self.file(path).since.push(Change::Cut(*length)),
            Call::Removed(path) => drop(self.files.remove(path)),
            // A file; sockets have names, too.
            Call::Renamed { from, to } => {
                if let Some(file) = self.files.remove(from) {
                    self.files.insert(to.clone(), File { is_listed: false, ..file });
                }
            }
            Call::SyncBegan { by, path } => {
                let sync = match self.files.get(path) {
                    Some(file) => Sync::File(path.clone(), file.since.len()),
                    None => Sync::Folder(
                        self.files.keys().filter(|file| file.parent() == Some(path)).cloned().collect(),
                    ),
                };
                self.syncing.insert(*by, sync);
            }
            Call::SyncEnded { by } => self.synced(*by),
            Call::Sent(_) => {}
        }
    }

    fn file(&mut self, path: &Path) -> &mut File {
        self.files.entry(path.to_owned()).or_default()
    }

    fn synced(&mut self, by: u32) {
        match self.syncing.remove(&by) {
            Some(Sync::File(path, changes)) => {
                if let Some(File { synced, since, .. }) = self.files.get_mut(&path) {
                    since.drain(..changes.min(since.len())).for_each(|change| change.apply(synced));
                }
            }
            Some(Sync::Folder(files)) => {
                for path in files {
                    if let Some(file) = self.files.get_mut(&path) {
                        file.is_listed = true;
                    }
                }
            }
            None => {}
        }
    }

    /// Writes into `folder` what is there after the power went now.
    ///
    /// # Errors
    /// The file system's.
    pub(super) fn after_a_cut(&self, unsynced: Unsynced, random: &mut Rng, folder: &Path) -> Result<()> {
        for (path, file) in &self.files {
            let name = path.file_name().context("a file has a name")?;
            let is_there = file.is_listed
                || match unsynced {
                    Unsynced::Lost => false,
                    Unsynced::Torn => random.bool(),
                    Unsynced::Kept => true,
                };
            // What is shared in memory alone never comes back.
            if is_there && !name.to_string_lossy().ends_with("-shm") {
                fs::write(folder.join(name), file.after_a_cut(unsynced, random))?;
            }
        }
        Ok(())
    }
}

impl File {
    fn after_a_cut(&self, unsynced: Unsynced, random: &mut Rng) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        for change in &self.since {
            match (unsynced, change) {
                (Unsynced::Lost, _) => {}
                (Unsynced::Kept, change) => change.clone().apply(&mut bytes),
                (Unsynced::Torn, Change::Cut(_)) if random.bool() => {}
                (Unsynced::Torn, Change::Cut(_)) => change.clone().apply(&mut bytes),
                (Unsynced::Torn, Change::Write(offset, text)) => {
                    for (offset, sector) in sectors(*offset, text) {
                        if random.bool() {
                            Change::Write(offset, sector.to_vec()).apply(&mut bytes);
                        }
                    }
                }
            }
        }
        bytes
    }
}

impl Change {
    fn apply(self, bytes: &mut Vec<u8>) {
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        match self {
            Self::Cut(length) => bytes.resize(size(length), 0),
            Self::Write(offset, text) => {
                let (begin, end) = (size(offset), size(offset) + text.len());
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes.splice(begin..end, text);
            }
        }
    }
}

/// Cuts a write where sectors begin.
fn sectors(mut offset: u64, mut text: &[u8]) -> Vec<(u64, &[u8])> {
    let mut sectors = Vec::new();
    while !text.is_empty() {
        let room = usize::try_from(SECTOR - offset % SECTOR).unwrap_or(usize::MAX).min(text.len());
        let (sector, rest) = text.split_at(room);
        sectors.push((offset, sector));
        offset += room as u64;
        text = rest;
    }
    sectors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrote(offset: u64, text: &str) -> Call {
        Call::Wrote { path: "/d/a".into(), offset, bytes: text.into() }
    }

    fn after(calls: &[Call], unsynced: Unsynced) -> Option<String> {
        let mut disk = Disk::default();
        calls.iter().for_each(|call| disk.apply(call));
        let folder = tempfile::tempdir().unwrap();
        disk.after_a_cut(unsynced, &mut Rng::with_seed(1), folder.path()).unwrap();
        fs::read_to_string(folder.path().join("a")).ok()
    }

    fn sync(path: &str) -> [Call; 2] {
        [Call::SyncBegan { by: 1, path: path.into() }, Call::SyncEnded { by: 1 }]
    }

    #[test]
    fn synced_bytes_stay_and_others_may_go() {
        let opened = Call::Opened { path: "/d/a".into(), created: true, emptied: false };
        let mut calls = vec![opened, wrote(0, "one")];
        calls.extend(sync("/d/a"));
        assert_eq!(after(&calls, Unsynced::Lost), None, "its folder was not synced");
        calls.extend(sync("/d"));
        calls.push(wrote(3, " two"));
        assert_eq!(after(&calls, Unsynced::Lost).unwrap(), "one");
        assert_eq!(after(&calls, Unsynced::Kept).unwrap(), "one two");
        calls.push(Call::SyncBegan { by: 1, path: "/d/a".into() });
        calls.push(wrote(7, " three"));
        assert_eq!(after(&calls, Unsynced::Lost).unwrap(), "one", "it has not ended");
        calls.push(Call::SyncEnded { by: 1 });
        assert_eq!(after(&calls, Unsynced::Lost).unwrap(), "one two", "what came during it is not synced");
    }

    #[test]
    fn writes_are_torn_between_sectors() {
        let text = [1; 1_300];
        let lengths: Vec<usize> = sectors(500, &text).iter().map(|(_, sector)| sector.len()).collect();
        assert_eq!(lengths, [12, 512, 512, 264]);
    }
}
