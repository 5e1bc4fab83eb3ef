//! Writers against receivers, measured in the steady state, checked at the end.

use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use madang_protocol::RoomId;
use serde::{Deserialize, Serialize};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep_until};

use crate::history::{self, Record, Verdict};
use crate::process;
use crate::receiver::{self, Care, Notes, Reader};
use crate::rooms;
use crate::socket::Target;
use crate::stats::{Counts, Latency, Parties, Settles, Stats};
use crate::writer::{self, Orders};

/// One run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The server.
    pub target: Target,
    /// The server's process, if its CPU is to be measured.
    pub server_pid: Option<u32>,
    /// Rooms, the lobby among them; only a server that has rooms can have more than one.
    pub rooms: u32,
    /// Connections that each watch one room, equally many in each.
    pub receivers: u32,
    /// Connections that each post into one room.
    pub writers: u32,
    /// True if each writer is a receiver of its room, too.
    pub follow: bool,
    /// The pace.
    pub pace: Pace,
    /// Bytes of a message's frame at the receivers.
    pub frame_bytes: usize,
    /// Not measured: compilers warm up, caches fill.
    pub warm_up: Duration,
    /// Measured.
    pub length: Duration,
    /// After the last write: how long nothing at all may arrive before it counts as lost.
    pub patience: Duration,
}

/// Pace of the writers.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// So many messages a second, all writers together.
    Rate(u32),
    /// Each writer has at most so many messages on their way to the slowest receiver.
    Saturated(usize),
    /// Each writer waits for `done` before the next write.
    OneByOne,
}

/// Measurements of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// The measured time.
    pub seconds: f64,
    /// Messages that reached a receiver.
    pub deliveries: u64,
    /// The same for one second.
    pub deliveries_per_second: f64,
    /// Writes that the server acknowledged.
    pub acknowledged: u64,
    /// The same for one second.
    pub acknowledged_per_second: f64,
    /// CPU that the server used, in its process and in the kernel for it.
    pub server_cpu_seconds: Option<f64>,
    /// The same for one acknowledged write.
    pub server_cpu_us_per_post: Option<f64>,
    /// The same for one delivery.
    pub server_cpu_us_per_delivery: Option<f64>,
    /// The same the other way round.
    pub deliveries_per_cpu_second: Option<f64>,
    /// Share of the time that the generator worked; near 1 it is the generator that was measured.
    pub generator_busy: f64,
    /// Payload bytes of a frame at a receiver.
    pub bytes_per_frame: f64,
    /// From the sending to each delivery.
    pub delivery: Latency,
    /// From the sending to `done`.
    pub acknowledgement: Latency,
    /// True if everybody had received everything before the plan's patience ended.
    pub settled: bool,
    /// Lost, doubled, reordered.
    pub verdict: Verdict,
    /// Other faults; the first few.
    pub complaints: Vec<String>,
}

impl Outcome {
    /// Returns true if the figures may be believed: all arrived, once, in order, and nobody complained.
    pub fn is_clean(&self) -> bool {
        self.settled && self.verdict.is_clean() && self.complaints.is_empty()
    }
}

/// Connections opened at once.
const OPENING: usize = 64;

/// Files of the generator besides its connections.
const SPARE_FILES: u64 = 64;

/// One receiver in so many parses every frame; the others scan, or the generator would be the bottleneck.
const PARSES: usize = 50;

/// A paced writer never waits for its window: the pace is what bounds it.
pub(crate) const UNBOUNDED: usize = 1 << 20;

/// Runs `plan`.
///
/// # Errors
/// If a connection cannot be opened, or /proc does not show the server.
pub async fn run(plan: Plan) -> Result<Outcome> {
    ensure!(plan.writers > 0, "at least one writer");
    process::raise_file_limit(u64::from(plan.receivers + plan.writers) + SPARE_FILES)?;
    ensure!(
        plan.rooms > 0 && plan.receivers.is_multiple_of(plan.rooms),
        "equally many receivers in each room"
    );
    ensure!(!plan.follow || plan.writers.is_multiple_of(plan.rooms), "equally many who follow each room");
    ensure!(
        plan.rooms == 1 || plan.target.speaks.has_rooms(),
        "only madang.v1 and the peers have rooms here"
    );
    LocalSet::new().run_until(run_here(plan)).await
}

async fn run_here(plan: Plan) -> Result<Outcome> {
    let Plan { target, receivers, writers, .. } = plan;
    let acknowledges = target.speaks.acknowledges();
    let (window, settles) = match plan.pace {
        Pace::Rate(_) => (UNBOUNDED, Settles::SeenByAll),
        Pace::Saturated(window) => (window, Settles::SeenByAll),
        Pace::OneByOne => (1, Settles::Acknowledged),
    };
    let followers = if plan.follow { writers } else { 0 };
    let receivers = (receivers + followers) / plan.rooms;
    let board = Rc::new(Stats::new(writers, window, Parties { receivers, acknowledges, settles })?);
    let rooms: Rc<[RoomId]> = rooms::open(target, plan.rooms)?.into();
    let mut notes = spawn_receivers(plan, &rooms, &board).await?;
    let (until, followers) = spawn_writers(plan, &rooms, &board).await?;
    notes.extend(followers);

    sleep_until(until - plan.length).await;
    let before = Sample::take(plan, &board)?;
    board.measure(true);
    sleep_until(until).await;
    board.measure(false);
    let after = Sample::take(plan, &board)?;

    let settled = settle(&board, plan.patience).await;
    let records: Vec<Record> = notes.iter().map(|notes| notes.take()).collect();
    let verdict = history::check(&board.owed(), &records);
    Ok(outcome(&before, &after, &board, settled, verdict))
}

/// Waits until everybody has received everything, for as long as there is progress: a slow server is not a
/// wrong one. True if that came.
pub(crate) async fn settle(board: &Stats, patience: Duration) -> bool {
    loop {
        let before = board.counts().deliveries;
        if board.quiet(patience).await {
            return true;
        }
        if board.counts().deliveries == before {
            return false;
        }
    }
}

pub(crate) async fn spawn_receivers(
    plan: Plan,
    rooms: &Rc<[RoomId]>,
    board: &Rc<Stats>,
) -> Result<Vec<Notes>> {
    let attached: Vec<_> = stream::iter(0..plan.receivers as usize)
        .zip(stream::iter(rooms::in_turn(rooms)))
        .map(|(number, room)| receiver::attach(plan.target, number, room))
        .buffer_unordered(OPENING)
        .try_collect()
        .await?;
    let mut all = Vec::new();
    for (number, (socket, room, notes)) in attached.into_iter().enumerate() {
        let care = if number % PARSES == 0 { Care::Parse } else { Care::Scan };
        if !plan.target.speaks.is_logged() {
            let in_room = |sender: &u32| sender % plan.rooms == room.number;
            notes.borrow_mut().only = Some((0..plan.writers).filter(in_room).collect());
        }
        let reader = Reader { room, speaks: plan.target.speaks, care, notes: Rc::clone(&notes) };
        spawn_local(receiver::receive(socket, reader, Rc::clone(board)));
        all.push(notes);
    }
    Ok(all)
}

/// Starts the writers; returns when they will stop, and the notes of those who follow.
pub(crate) async fn spawn_writers(
    plan: Plan,
    rooms: &Rc<[RoomId]>,
    board: &Rc<Stats>,
) -> Result<(Instant, Vec<Notes>)> {
    let first = plan.receivers as usize;
    let attached: Vec<_> = stream::iter(first..first + plan.writers as usize)
        .zip(stream::iter(rooms::in_turn(rooms)))
        .zip(stream::iter(0..))
        .map(|((number, room), sender)| writer::attach(plan.target, (number, sender), room, plan.follow))
        // In order: a writer's room is known by its number.
        .buffered(OPENING)
        .try_collect()
        .await?;
    // Enough to keep runs on one database apart; nothing secret.
    let run = RandomState::new().hash_one(std::process::id()) as u32;
    let until = Instant::now() + plan.warm_up + plan.length;
    let mut followers = Vec::new();
    for ((socket, room, notes), sender) in attached.into_iter().zip(0..) {
        let number = room.number;
        let follower = notes.map(|notes| {
            followers.push(Rc::clone(&notes));
            Reader { room: room.clone(), speaks: plan.target.speaks, care: Care::Scan, notes }
        });
        let every = match plan.pace {
            Pace::Rate(rate) => Some(Duration::from_secs(1) * plan.writers / rate.max(1)),
            Pace::Saturated(_) | Pace::OneByOne => None,
        };
        let (speaks, frame_bytes) = (plan.target.speaks, plan.frame_bytes);
        let orders = Orders { sender, room: room.id, speaks, every, frame_bytes, run };
        let (sink, stream) = socket.split();
        spawn_local(writer::write(sink, orders, until, Rc::clone(board)));
        spawn_local(writer::hear(stream, speaks, number, follower, Rc::clone(board)));
    }
    Ok((until, followers))
}

/// Counters at one moment.
struct Sample {
    at: Instant,
    counts: Counts,
    server_cpu: Option<Duration>,
    own_cpu: Duration,
}

impl Sample {
    fn take(plan: Plan, board: &Stats) -> Result<Self> {
        Ok(Self {
            at: Instant::now(),
            counts: board.counts(),
            server_cpu: plan.server_pid.map(process::cpu).transpose()?,
            own_cpu: process::cpu(std::process::id())?,
        })
    }
}

fn outcome(before: &Sample, after: &Sample, board: &Stats, settled: bool, verdict: Verdict) -> Outcome {
    let seconds = (after.at - before.at).as_secs_f64();
    let deliveries = after.counts.deliveries - before.counts.deliveries;
    let bytes = after.counts.bytes - before.counts.bytes;
    let cpu = after.server_cpu.zip(before.server_cpu).map(|(after, before)| (after - before).as_secs_f64());
    let acknowledged = after.counts.acknowledged - before.counts.acknowledged;
    let each = |sum: f64| if deliveries == 0 { 0.0 } else { sum / deliveries as f64 };
    Outcome {
        seconds,
        deliveries,
        deliveries_per_second: deliveries as f64 / seconds,
        acknowledged,
        acknowledged_per_second: acknowledged as f64 / seconds,
        server_cpu_seconds: cpu,
        server_cpu_us_per_post: cpu.map(|cpu| cpu * 1e6 / (acknowledged as f64).max(1.0)),
        server_cpu_us_per_delivery: cpu.map(|cpu| each(cpu * 1e6)),
        // At least one tick of the clock that CPU is told by.
        deliveries_per_cpu_second: cpu.map(|cpu| deliveries as f64 / cpu.max(0.01)),
        generator_busy: (after.own_cpu - before.own_cpu).as_secs_f64() / seconds,
        bytes_per_frame: each(bytes as f64),
        delivery: board.delivery_latency(),
        acknowledgement: board.acknowledgement_latency(),
        settled,
        verdict,
        complaints: board.complaints(),
    }
}
