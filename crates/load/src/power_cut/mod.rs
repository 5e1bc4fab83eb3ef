//! The power goes: what was acknowledged before must be there after, on a disk that keeps no byte that was not synced.
//!
//! The server runs once, under strace, while people post. Its calls tell what was written, synced and acknowledged, in
//! one order. Then, for many moments of that run, the files are put together as a disk may have them after a cut at that
//! moment, the server starts on them, and each write that was acknowledged by then must be in its place of the log.

mod disk;
mod sound;
mod trace;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use fastrand::Rng;
use futures_util::future::try_join_all;
use madang_protocol::{ClientFrame, Cmid, RoomId, ServerFrame};

use crate::chaos::audit;
use crate::chaos::server::Server;
use crate::socket::{self, Protocol, Target};
use disk::{Disk, Unsynced};
use trace::Call;

/// Options of the server that are in the way of fast writers.
const OPTIONS: [&str; 5] = ["--post-rate", "0", "--frame-rate", "0", "--no-compression"];

/// Longest text of a message. Characters.
const TEXT: usize = 2_000;

/// A run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program `madang`.
    pub program: PathBuf,
    /// People who post at a time.
    pub writers: usize,
    /// Posts of each.
    pub posts: usize,
    /// Moments at which the power goes.
    pub cuts: usize,
    /// Decides when, and what is left of what was not synced.
    pub seed: u64,
    /// A disk that takes syncs for done and does nothing: the check must notice.
    pub ignores_syncs: bool,
}

/// Findings of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    /// Moments that were tried.
    pub cuts: usize,
    /// Those among them at which the database itself was being written.
    pub in_checkpoints: usize,
    /// Writes that were acknowledged before some cut, counted once for each cut.
    pub acked: usize,
    /// Those of them that were not in their place afterwards.
    pub lost: usize,
    /// Cuts after which the server did not start, or its database was broken.
    pub broken: usize,
}

/// An acknowledged write, and its place in the log.
type Acked = BTreeMap<u64, Cmid>;

/// Plays a run, and all its cuts.
///
/// # Errors
/// If the run itself cannot be made: no strace, a server that does not start, a call that is not modelled.
pub async fn run(plan: &Plan) -> Result<Report> {
    let folder = tempfile::tempdir()?;
    let calls = record(plan, folder.path()).await?;
    let mut random = Rng::with_seed(plan.seed);
    let moments = moments(&calls, plan.cuts, &mut random)?;
    let (mut disk, mut acked, mut report) = (Disk::default(), Acked::new(), Report::default());
    let mut done = 0;
    for moment in moments {
        for call in calls.get(done..moment).unwrap_or_default() {
            if !(plan.ignores_syncs && matches!(call, Call::SyncEnded { .. })) {
                disk.apply(call);
            }
            acked.extend(acknowledged(call));
        }
        done = moment;
        let unsynced = match report.cuts % 3 {
            0 => Unsynced::Lost,
            1 => Unsynced::Torn,
            _ => Unsynced::Kept,
        };
        report.cuts += 1;
        report.in_checkpoints += usize::from(calls.get(moment - 1).is_some_and(is_of_database));
        report.acked += acked.len();
        let after = tempfile::tempdir()?;
        fs::create_dir(after.path().join("data"))?;
        disk.after_a_cut(unsynced, &mut random, &after.path().join("data"))?;
        match lost(plan, after.path(), &acked).await {
            Ok(lost) => report.lost += lost,
            Err(error) => {
                println!("after call {moment}, {unsynced:?}: {error:#}");
                report.broken += 1;
            }
        }
    }
    Ok(report)
}

/// Runs the server while people post, until it is killed, and returns what it did.
async fn record(plan: &Plan, folder: &Path) -> Result<Vec<Call>> {
    let log = folder.join("calls");
    let mut strace: Vec<_> =
        ["strace", "-f", "-y", "-xx", "-e", "signal=none", "-s", trace::LONGEST, "-e", trace::CALLS, "-o"]
            .map(Into::into)
            .into();
    strace.push(log.clone().into());
    let mut server = Server::start_under(strace, &plan.program, folder, &OPTIONS).await?;
    let target = Target { address: server.address(), speaks: Protocol::Madang };
    try_join_all((0..plan.writers).map(|number| write(target, number, plan))).await?;
    server.kill_below().await?;
    let data = folder.join("data");
    trace::read(BufReader::new(File::open(&log)?), data.to_str().context("a folder with a plain name")?)
}

/// Posts one message after the other, each once the one before is acknowledged.
async fn write(target: Target, number: usize, plan: &Plan) -> Result<()> {
    let mut random = Rng::with_seed(plan.seed ^ (number as u64 + 1));
    let mut socket = socket::connect(target, "/ws", number).await?;
    socket::hello(&mut socket).await?;
    for _ in 0..plan.posts {
        let cmid = Cmid(random.u128(..));
        // Of many lengths, so that pages split at many places.
        let body = "x".repeat(random.usize(1..TEXT));
        let post = ClientFrame::Post { room: RoomId::lobby(), cmid, body, reply_to: None };
        socket::send(&mut socket, &post).await?;
        loop {
            match socket::next(&mut socket).await? {
                ServerFrame::Done { cmid: done, .. } if done == cmid => break,
                ServerFrame::Refused { message, .. } => bail!("a post was refused: {message}"),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Chooses moments after the first acknowledgement: half of them anywhere, half where the database itself is written.
fn moments(calls: &[Call], cuts: usize, random: &mut Rng) -> Result<Vec<usize>> {
    let first = calls.iter().position(|call| !acknowledged(call).is_empty());
    let first = first.context("nothing was acknowledged")?;
    let checkpoints: Vec<usize> =
        (first..calls.len()).filter(|at| calls.get(*at).is_some_and(is_of_database)).collect();
    let mut moments: Vec<usize> = (0..cuts)
        .map(|cut| match random.choice(&checkpoints).filter(|_| cut % 2 == 0) {
            Some(at) => at + 1,
            None => random.usize(first..calls.len()) + 1,
        })
        .collect();
    moments.sort_unstable();
    Ok(moments)
}

fn is_of_database(call: &Call) -> bool {
    matches!(call, Call::Wrote { path, .. } if path.ends_with("madang.db"))
}

/// Returns the writes that this tells somebody to be durable.
fn acknowledged(call: &Call) -> Acked {
    let Call::Sent(bytes) = call else { return Acked::new() };
    let mut acked = Acked::new();
    for at in memchr::memmem::find_iter(bytes, br#"{"t":"done""#) {
        let rest = bytes.get(at..).unwrap_or_default();
        let frame = serde_json::Deserializer::from_slice(rest).into_iter::<ServerFrame>().next();
        if let Some(Ok(ServerFrame::Done { cmid, seq, .. })) = frame {
            acked.insert(seq, cmid);
        }
    }
    acked
}

/// Starts the server on what is left, and returns how many acknowledged writes are not in their place.
async fn lost(plan: &Plan, folder: &Path, acked: &Acked) -> Result<usize> {
    let mut server = Server::start(&plan.program, folder, &OPTIONS).await?;
    let target = Target { address: server.address(), speaks: Protocol::Madang };
    let log = audit::messages_of_lobby(target).await?;
    server.kill().await?;
    sound::check(&folder.join("data/madang.db"))?;
    let is_there = |seq: &u64, cmid: &Cmid| log.get(seq).is_some_and(|message| message.cmid == Some(*cmid));
    Ok(acked.iter().filter(|(seq, cmid)| !is_there(seq, cmid)).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements_are_read_from_what_is_sent() {
        let done = |seq| {
            let frame = ServerFrame::Done { cmid: Cmid(7), room: RoomId::lobby(), seq };
            serde_json::to_string(&frame).unwrap()
        };
        let sent = format!("\u{1}x{}\u{1}y{}{{\"t\":\"done\"", done(3), done(4));
        let acked = acknowledged(&Call::Sent(sent.into_bytes()));
        assert_eq!(acked.into_keys().collect::<Vec<_>>(), [3, 4]);
    }
}
