//! CPU and memory of a process, as Linux reports them under /proc.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::{Instant, sleep};

/// The unit of utime and stime in /proc/PID/stat: USER_HZ, 100 on every Linux that Rust builds for.
const TICKS_PER_SECOND: u64 = 100;

/// Longest that a server takes to close the connections that ended.
const CLOSED_WITHIN: Duration = Duration::from_secs(60);

/// The CPU time that all threads of `pid` have used, in the kernel too. A loopback socket's receive side runs
/// within its sender's `send`, so this holds the whole way of a frame up to the receiver's queue.
pub fn cpu(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let ticks = parse_ticks(&stat).with_context(|| format!("{path} is not as proc(5) describes it"))?;
    Ok(Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
}

/// The memory of `pid` in bytes: its own pages, and its share of those that it shares (Pss).
pub fn memory(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let rollup = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    parse_pss(&rollup).with_context(|| format!("{path} has no Pss line"))
}

/// Returns the files that `pid` has open, its sockets among them.
pub fn open_files(pid: u32) -> Result<usize> {
    let path = format!("/proc/{pid}/fd");
    Ok(fs::read_dir(&path).with_context(|| format!("reading {path}"))?.count())
}

/// Waits until `pid` has closed all but so many files and its memory no longer falls; returns that.
///
/// # Errors
/// If it still has more after a minute, or /proc does not show it.
pub async fn memory_after(pid: u32, files: usize) -> Result<u64> {
    let deadline = Instant::now() + CLOSED_WITHIN;
    while open_files(pid)? > files {
        ensure!(Instant::now() < deadline, "the server still has {} open files", open_files(pid)?);
        sleep(Duration::from_millis(20)).await;
    }
    let mut least = memory(pid)?;
    loop {
        sleep(Duration::from_secs(1)).await;
        let now = memory(pid)?;
        // Less than one part in a hundred: what comes and goes anyway.
        if now > least - least / 100 {
            return Ok(least.min(now));
        }
        least = now;
    }
}

/// Raises the limit of open files to at least `files`: each connection is one here, and one in a server that is started
/// from here.
///
/// # Errors
/// If the hard limit is lower.
pub fn raise_file_limit(files: u64) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= files) {
        return Ok(());
    }
    ensure!(
        limit.maximum.is_none_or(|maximum| maximum >= files),
        "{files} open files are needed, and {:?} allowed: raise the hard limit (`ulimit -Hn`)",
        limit.maximum
    );
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?)
}

/// utime + stime: the 14th and 15th field, counted after the command's name, which may hold anything.
fn parse_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11);
    Some(times.next()?.parse::<u64>().ok()? + times.next()?.parse::<u64>().ok()?)
}

fn parse_pss(rollup: &str) -> Option<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_odd_process_name() {
        let stat = "42 (a) b (c)) S 1 1 1 0 -1 4194304 100 0 0 0 150 25 0 0 20 0 3 0 100 1000 10 184467";
        assert_eq!(parse_ticks(stat), Some(175));
    }

    #[test]
    fn the_share_is_read_in_bytes() {
        assert_eq!(parse_pss("5500-ffff ---p [rollup]\nRss:  2048 kB\nPss:    1536 kB\n"), Some(1_572_864));
    }

    #[test]
    fn a_living_process_has_both() {
        let me = std::process::id();
        assert!(memory(me).unwrap() > 0);
        assert!(open_files(me).unwrap() > 2);
        cpu(me).unwrap();
    }
}
