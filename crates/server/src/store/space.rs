//! The room that is left for the database: on its disk, of which a reserve stays free, and below its own bound.
//!
//! The writer's thread looks at most once a second, so that a write costs no call of the system.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use prometheus_client::metrics::gauge::Gauge;
use rusqlite::{Connection, ffi};

/// Time between two looks.
const LOOKS: Duration = Duration::from_secs(1);

/// Time between two looks while nobody writes.
pub(super) const IDLE: Duration = Duration::from_secs(5);

/// Share from which on a full storage is warned of. Percent.
pub const WARNED_FROM: i64 = 80;

/// Share below which the next warning is a new one. Percent.
const FORGOTTEN_BELOW: i64 = 75;

/// Maximum of the reserve that nobody chose. Bytes.
const RESERVE_MAX: u64 = 1024 * 1024 * 1024;

/// Space to keep free on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reserve {
    /// Nothing.
    #[default]
    None,
    /// 5 % of the disk, at most 1 GiB.
    Usual,
    /// So many bytes.
    Bytes(u64),
}

/// Space that the store is to keep free, and where it reports the rest.
#[derive(Clone, Debug, Default)]
pub struct SpaceOptions {
    /// Space to keep free on the disk.
    pub reserve: Reserve,
    /// Bytes that the disk has free, at the last look.
    pub available: Gauge,
    /// Share in use, in percent: of the database's bound or of the disk without its reserve, whichever is more.
    pub used: Gauge,
}

/// Sizes of a disk, by the system. Bytes.
#[derive(Clone, Copy, Debug)]
struct Measured {
    used: u64,
    available: u64,
}

impl Measured {
    /// None where the system does not know.
    fn of(folder: &std::path::Path) -> Option<Self> {
        let disk = rustix::fs::statvfs(folder).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        // A file system that has no size, as some over a network, has no end either.
        (disk.f_blocks > 0).then(|| Self {
            used: bytes(disk.f_blocks.saturating_sub(disk.f_bfree)),
            available: bytes(disk.f_bavail),
        })
    }

    /// Returns the space for users; the system's own reserve is no part of it.
    fn whole(self) -> u64 {
        self.used.saturating_add(self.available)
    }
}

impl Reserve {
    fn bytes(self, disk: Measured) -> u64 {
        match self {
            Self::None => 0,
            Self::Usual => (disk.whole() / 20).min(RESERVE_MAX),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// The writer's knowledge of the space that is left.
pub(super) struct Space {
    folder: PathBuf,
    max_bytes: Option<u64>,
    options: SpaceOptions,
    looked: Option<Instant>,
    is_short: bool,
    is_warned: bool,
}

impl Space {
    /// Nothing was looked at so far.
    pub(super) fn new(folder: PathBuf, max_bytes: Option<u64>, options: SpaceOptions) -> Self {
        Self { folder, max_bytes, options, looked: None, is_short: false, is_warned: false }
    }

    /// Returns how a write fails now, if the reserve is reached. Looks if the last look is older than a second.
    pub(super) fn refusal(&mut self, sql: &Connection) -> Option<rusqlite::Error> {
        if self.looked.is_none_or(|at| at.elapsed() >= LOOKS) {
            self.look(sql);
        }
        self.is_short.then(|| {
            let words = "the disk has no more free than its reserve (--disk-reserve)";
            rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), Some(words.into()))
        })
    }

    /// Looks at the disk and at the database.
    pub(super) fn look(&mut self, sql: &Connection) {
        self.looked = Some(Instant::now());
        let database = self.max_bytes.and_then(|max| Some(percent(database_bytes(sql).ok()?, max)));
        self.assess(Measured::of(&self.folder), database.unwrap_or_default());
    }

    /// Takes what was seen of the disk, and the share of its bound that the database has.
    fn assess(&mut self, disk: Option<Measured>, database: i64) {
        let mut used = database;
        let was_short = self.is_short;
        self.is_short = false;
        if let Some(disk) = disk {
            let reserve = self.options.reserve.bytes(disk);
            used = used.max(percent(disk.used, disk.whole().saturating_sub(reserve)));
            self.options.available.set(i64::try_from(disk.available).unwrap_or(i64::MAX));
            self.is_short = disk.available < reserve;
            let (free, reserve) = (disk.available / 1_048_576, reserve / 1_048_576);
            if self.is_short && !was_short {
                tracing::error!(
                    free,
                    reserve,
                    "nothing is written: the disk has less free, in MiB, than its reserve"
                );
            }
        }
        if was_short && !self.is_short {
            tracing::info!("the disk has room again");
        }
        self.options.used.set(used);
        if used >= WARNED_FROM && !self.is_warned {
            tracing::warn!(
                percent = used,
                "the storage is nearly full: the disk without its reserve, or --max-database"
            );
        }
        self.is_warned = used >= if self.is_warned { FORGOTTEN_BELOW } else { WARNED_FROM };
    }
}

/// Returns the size of the database, without its free pages.
fn database_bytes(sql: &Connection) -> rusqlite::Result<u64> {
    let number = |pragma| sql.query_row(pragma, [], |row| row.get::<_, u32>(0)).map(u64::from);
    let pages = number("PRAGMA page_count")?.saturating_sub(number("PRAGMA freelist_count")?);
    Ok(pages * number("PRAGMA page_size")?)
}

/// Percent, at most 100; of nothing everything is used.
fn percent(part: u64, whole: u64) -> i64 {
    let share = u128::from(part) * 100 / u128::from(whole.max(1));
    i64::try_from(share.min(100)).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn disk(used: u64, available: u64) -> Option<Measured> {
        Some(Measured { used: used * MIB, available: available * MIB })
    }

    fn space(reserve: Reserve) -> Space {
        Space::new(PathBuf::new(), None, SpaceOptions { reserve, ..SpaceOptions::default() })
    }

    #[test]
    fn default_reserve_is_a_twentieth_within_gibibyte() {
        for (used, available, reserve) in
            [(0, 1_000, 50), (600, 400, 50), (0, 20_480, 1_024), (9, 999_999, 1_024)]
        {
            let bytes = disk(used, available).map(|disk| Reserve::Usual.bytes(disk) / MIB);
            assert_eq!(bytes, Some(reserve), "{used} {available}");
        }
    }

    #[test]
    fn writes_stop_at_reserve_and_resume_above() {
        let mut space = space(Reserve::Bytes(100 * MIB));
        for (available, is_short) in
            [(100, false), (99, true), (0, true), (101, false), (50, true), (200, false)]
        {
            space.assess(disk(1_000, available), 0);
            assert_eq!(space.is_short, is_short, "{available} MiB free");
        }
        space.assess(disk(1_000, 1), 0);
        space.assess(None, 0);
        assert!(!space.is_short, "what cannot be measured refuses nothing");
    }

    #[test]
    fn zero_reserve_refuses_nothing_by_itself() {
        let mut space = space(Reserve::None);
        space.assess(disk(1_000, 0), 0);
        assert!(!space.is_short);
        assert_eq!(space.options.used.get(), 100);
    }

    #[test]
    fn a_warning_is_given_once_for_each_time() {
        let mut space = space(Reserve::Bytes(100 * MIB));
        for (used, is_warned) in
            [(719, false), (720, true), (700, true), (676, true), (674, false), (719, false)]
        {
            space.assess(disk(used, 1_000 - used), 0);
            assert_eq!(space.is_warned, is_warned, "{used} of 900 MiB");
        }
        space.assess(disk(1, 999), 81);
        assert!(space.is_warned, "the database's own bound");
        assert_eq!(space.options.used.get(), 81);
    }
}
