//! The kernel's floor: a bare send for each delivery, a bare sync, and bare commits of SQLite, with nothing around them.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use hdrhistogram::Histogram;
use rusqlite::Connection;
use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;

use crate::process;
use crate::stats::{Latency, latency};

/// Bytes of a message.
const BYTES: usize = 200;

/// Bytes of the file that is written over and over, as a log is that keeps its size.
const FILE_BYTES: usize = 4 * 1024 * 1024;

/// Files of the process besides its sockets.
const SPARE_FILES: u64 = 64;

/// Sends to sockets.
#[derive(Clone, Copy, Debug)]
pub struct Sends {
    /// Connections over loopback.
    pub receivers: u32,
    /// Of them are sent each message, in turn.
    pub at_once: u32,
    /// Messages a second.
    pub rate: u32,
    /// Messages are sent for so long.
    pub length: Duration,
    /// CPU of the thread that sends; any if `None`.
    pub core: Option<usize>,
}

/// Measurements of sends.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SendsOutcome {
    /// Messages that reached a receiver.
    pub deliveries: u64,
    /// CPU of the sending thread for each.
    pub server_cpu_us_per_delivery: f64,
    /// The same the other way round.
    pub deliveries_per_cpu_second: f64,
    /// From before the first send of a message to each receiver's hands.
    pub delivery: Latency,
}

/// Measurements of syncs and commits.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct PostsOutcome {
    /// Rows that were on disk, for one second.
    pub acknowledged_per_second: f64,
    /// CPU for each.
    pub server_cpu_us_per_post: f64,
    /// From the first byte written to the end of the sync.
    pub acknowledgement: Latency,
}

/// Sends each message to some sockets, one system call each, from one thread; the others only read.
///
/// # Errors
/// If loopback fails, or a message does not arrive.
pub async fn sends(plan: Sends) -> Result<SendsOutcome> {
    ensure!(plan.at_once > 0 && plan.receivers.is_multiple_of(plan.at_once), "equally many for each message");
    process::raise_file_limit(u64::from(plan.receivers) * 2 + SPARE_FILES)?;
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let (clock, mut senders, mut readers) = (Instant::now(), Vec::new(), JoinSet::new());
    for _ in 0..plan.receivers {
        let receiver = TcpStream::connect(listener.local_addr()?)?;
        let (sender, _) = listener.accept()?;
        sender.set_nodelay(true)?;
        senders.push(sender);
        receiver.set_nonblocking(true)?;
        readers.spawn(read(tokio::net::TcpStream::from_std(receiver)?, clock));
    }
    let sending = thread::spawn(move || send(plan, senders, clock));
    let mut delays = histogram()?;
    while let Some(read) = readers.join_next().await {
        delays.add(read??)?;
    }
    let (sent, cpu) = sending.join().map_err(|_| anyhow!("the sending thread panicked"))??;
    ensure!(delays.len() == sent, "{sent} messages were sent, and {} arrived", delays.len());
    let cpu = cpu.as_secs_f64();
    Ok(SendsOutcome {
        deliveries: sent,
        server_cpu_us_per_delivery: cpu * 1e6 / (sent as f64).max(1.0),
        deliveries_per_cpu_second: sent as f64 / cpu,
        delivery: latency(&delays),
    })
}

/// Sends until the time is over; returns how often, and this thread's CPU for it.
fn send(plan: Sends, mut sockets: Vec<TcpStream>, clock: Instant) -> Result<(u64, Duration)> {
    use std::io::Write;
    pin(plan.core)?;
    let (mut sent, before, begun) = (0, own_cpu()?, Instant::now());
    let groups = plan.receivers / plan.at_once;
    for turn in 0_u32.. {
        let due = begun + Duration::from_secs(1) * turn / plan.rate.max(1);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if begun.elapsed() >= plan.length {
            break;
        }
        let mut message = [b'x'; BYTES];
        let (stamp, _) = message.split_at_mut(8);
        stamp.copy_from_slice(&now_ns(clock).to_le_bytes());
        let first = (turn % groups) * plan.at_once;
        for socket in sockets.iter_mut().skip(first as usize).take(plan.at_once as usize) {
            socket.write_all(&message)?;
            sent += 1;
        }
    }
    Ok((sent, own_cpu()? - before))
}

/// Reads messages to the end of the connection; returns how long each was on its way, in microseconds.
async fn read(mut socket: tokio::net::TcpStream, clock: Instant) -> Result<Histogram<u64>> {
    let (mut delays, mut message) = (histogram()?, [0; BYTES]);
    while socket.read_exact(&mut message).await.is_ok() {
        let stamp = message.first_chunk().context("a message without a stamp")?;
        delays.saturating_record(now_ns(clock).saturating_sub(u64::from_le_bytes(*stamp)) / 1_000);
    }
    Ok(delays)
}

/// Writes 200 bytes into a file that keeps its size, and syncs them, for `length`.
///
/// # Errors
/// If the disk fails.
pub fn syncs(folder: &Path, length: Duration, core: Option<usize>) -> Result<PostsOutcome> {
    pin(core)?;
    fs::create_dir_all(folder)?;
    let file = File::create(folder.join("floor"))?;
    file.write_all_at(&vec![0; FILE_BYTES], 0)?;
    file.sync_all()?;
    let places = FILE_BYTES / BYTES;
    measure(length, 1, |turn| {
        let place = turn as usize % places * BYTES;
        file.write_all_at(&[b'x'; BYTES], place as u64)?;
        Ok(file.sync_data()?)
    })
}

/// Commits `batch` rows of 200 bytes at a time to SQLite, as safely as the server does (WAL, `synchronous=FULL`), for `length`.
///
/// # Errors
/// If the disk fails.
pub fn commits(folder: &Path, batch: u32, length: Duration, core: Option<usize>) -> Result<PostsOutcome> {
    pin(core)?;
    fs::create_dir_all(folder)?;
    let mut sql = Connection::open(folder.join("floor.db"))?;
    sql.pragma_update(None, "journal_mode", "WAL")?;
    sql.pragma_update(None, "synchronous", "FULL")?;
    sql.execute("CREATE TABLE rows (number INTEGER PRIMARY KEY, body BLOB NOT NULL)", [])?;
    measure(length, batch, |_| {
        let transaction = sql.transaction()?;
        let mut insert = transaction.prepare_cached("INSERT INTO rows (body) VALUES (?1)")?;
        for _ in 0..batch {
            insert.execute([[b'x'; BYTES].as_slice()])?;
        }
        drop(insert);
        Ok(transaction.commit()?)
    })
}

/// Calls `turn` for `length`; each puts `rows` rows on disk.
fn measure(length: Duration, rows: u32, mut turn: impl FnMut(u64) -> Result<()>) -> Result<PostsOutcome> {
    let (mut delays, before, begun) = (histogram()?, own_cpu()?, Instant::now());
    let mut turns = 0;
    while begun.elapsed() < length {
        let at = Instant::now();
        turn(turns)?;
        turns += 1;
        delays.saturating_record(u64::try_from(at.elapsed().as_micros())?);
    }
    let all = (turns * u64::from(rows)) as f64;
    Ok(PostsOutcome {
        acknowledged_per_second: all / begun.elapsed().as_secs_f64(),
        server_cpu_us_per_post: (own_cpu()? - before).as_secs_f64() * 1e6 / all.max(1.0),
        acknowledgement: latency(&delays),
    })
}

fn histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 60_000_000, 3)?)
}

fn now_ns(clock: Instant) -> u64 {
    u64::try_from(clock.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Keeps this thread to a CPU.
fn pin(core: Option<usize>) -> Result<()> {
    let Some(core) = core else { return Ok(()) };
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).with_context(|| format!("there is no CPU {core} for this process"))
}

/// Returns the CPU time of this thread.
fn own_cpu() -> Result<Duration> {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Ok(Duration::new(u64::try_from(time.tv_sec)?, u32::try_from(time.tv_nsec)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(100);

    #[tokio::test]
    async fn each_message_reaches_its_group() {
        let plan = Sends { receivers: 6, at_once: 3, rate: 100, length: SHORT, core: None };
        let outcome = sends(plan).await.unwrap();
        assert!(outcome.deliveries > 0 && outcome.deliveries.is_multiple_of(3), "{outcome:?}");
        assert!(outcome.server_cpu_us_per_delivery > 0.0, "{outcome:?}");
    }

    #[test]
    fn rows_are_counted_by_the_batch() {
        let folder = tempfile::tempdir().unwrap();
        let outcome = commits(folder.path(), 32, SHORT, None).unwrap();
        let sql = Connection::open(folder.path().join("floor.db")).unwrap();
        let rows: i64 = sql.query_row("SELECT count(*) FROM rows", [], |row| row.get(0)).unwrap();
        assert!(rows > 0 && rows % 32 == 0 && outcome.acknowledged_per_second > 0.0, "{outcome:?}");
        assert!(syncs(folder.path(), SHORT, None).unwrap().acknowledgement.max_us > 0);
    }
}
