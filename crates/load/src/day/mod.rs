//! A mixed day: people in many rooms, most of whom only read, while some write, some come and go, and some look up
//! what was written before. Nothing is to be lost for any of them.

mod schedule;

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use madang_protocol::{ClientFrame, ServerFrame};
use serde::{Deserialize, Serialize};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use self::schedule::{Act, Kind};
use crate::history::{self, Record, Verdict};
use crate::mark;
use crate::process;
use crate::receiver::{self, Care, Notes, Reader};
use crate::rooms;
use crate::socket::{self, Protocol, Socket, Target};
use crate::stats::{Latency, Parties, Settles, Stats};

/// One day.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The server.
    pub target: Target,
    /// Its process.
    pub server_pid: u32,
    /// People, equally many in each room.
    pub people: u32,
    /// Rooms.
    pub rooms: u32,
    /// Decides what everybody does when.
    pub seed: u64,
    /// Bytes of a message's frame.
    pub frame_bytes: usize,
    /// Not measured, at the day's beginning.
    pub warm_up: Duration,
    /// Measured.
    pub length: Duration,
}

/// Measurements of a day.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Messages that reached somebody.
    pub deliveries: u64,
    /// Posts that were acknowledged.
    pub acknowledged: u64,
    /// Times that somebody came back, and pages of history, in the whole day.
    pub returns: u64,
    /// Pages of history.
    pub pages: u64,
    /// Milliseconds of the server's CPU for each person and minute.
    pub cpu_ms_per_person_minute: f64,
    /// Microseconds of it for each delivery, everything else included.
    pub server_cpu_us_per_delivery: f64,
    /// From a post to its acknowledgement.
    pub acknowledgement: Latency,
    /// True if everybody had everything at the end.
    pub settled: bool,
    /// Lost, doubled, reordered.
    pub verdict: Verdict,
    /// Other faults; the first few.
    pub complaints: Vec<String>,
}

impl Outcome {
    /// Returns true if nothing was lost, and nobody complained.
    pub fn is_clean(&self) -> bool {
        self.settled && self.verdict.is_clean() && self.complaints.is_empty()
    }
}

/// People who come at once in the morning.
const COMING: usize = 64;

/// Longest wait at the end, and for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A person, and what all share.
struct Person {
    target: Target,
    number: u32,
    run: u32,
    frame_bytes: usize,
    reader: Reader,
    board: Rc<Stats>,
    shared: Rc<Shared>,
    /// Answers that are still to come: to a post, to a request for a page.
    waits: u32,
}

#[derive(Default)]
struct Shared {
    /// Newest acknowledged seq of each room.
    heads: Vec<Cell<u64>>,
    returns: Cell<u64>,
    pages: Cell<u64>,
}

/// Lives the day.
///
/// # Errors
/// If somebody cannot come in, or /proc does not show the server.
pub async fn run(plan: Plan) -> Result<Outcome> {
    LocalSet::new().run_until(run_here(plan)).await
}

async fn run_here(plan: Plan) -> Result<Outcome> {
    process::raise_file_limit(u64::from(plan.people) + 64)?;
    let parties = Parties { receivers: 0, acknowledges: true, settles: Settles::Acknowledged };
    let board = Rc::new(Stats::new(plan.people, 1, parties)?);
    let rooms = rooms::open(plan.target, plan.rooms)?;
    let heads = rooms.iter().map(|_| Cell::new(0)).collect();
    let shared = Rc::new(Shared { heads, ..Shared::default() });
    let present: Vec<_> = stream::iter(0..plan.people as usize)
        .zip(stream::iter(rooms::in_turn(&rooms)))
        .map(|(number, room)| receiver::attach(plan.target, number, room))
        .buffered(COMING)
        .try_collect()
        .await?;
    let (begin, run) = (Instant::now(), RandomState::new().hash_one(std::process::id()) as u32);
    let day = plan.warm_up + plan.length;
    let (mut lives, mut notes): (_, Vec<(u32, Notes)>) = (JoinSet::new(), Vec::new());
    for ((socket, room, own), number) in present.into_iter().zip(0..) {
        notes.push((room.number, Rc::clone(&own)));
        let reader = Reader { room, speaks: Protocol::Madang, care: Care::Parse, notes: own };
        let (board, shared) = (Rc::clone(&board), Rc::clone(&shared));
        let (target, frame_bytes) = (plan.target, plan.frame_bytes);
        let person = Person { target, number, run, frame_bytes, reader, board, shared, waits: 0 };
        let acts = schedule::of(plan.seed, number as usize, day);
        lives.spawn_local(person.live(socket, acts, begin));
    }
    sleep_until(begin + plan.warm_up).await;
    let (before, cpu) = (board.counts(), process::cpu(plan.server_pid)?);
    board.measure(true);
    sleep_until(begin + day).await;
    board.measure(false);
    let (after, cpu) = (board.counts(), process::cpu(plan.server_pid)? - cpu);
    let settled = settle(&board, &shared, &notes).await;
    lives.shutdown().await;
    let records: Vec<Record> = notes.iter().map(|(_, notes)| notes.take()).collect();
    let (deliveries, minutes) = (after.deliveries - before.deliveries, plan.length.as_secs_f64() / 60.0);
    Ok(Outcome {
        deliveries,
        acknowledged: after.acknowledged - before.acknowledged,
        returns: shared.returns.get(),
        pages: shared.pages.get(),
        cpu_ms_per_person_minute: cpu.as_secs_f64() * 1e3 / f64::from(plan.people.max(1)) / minutes,
        server_cpu_us_per_delivery: cpu.as_secs_f64() * 1e6 / (deliveries as f64).max(1.0),
        acknowledgement: board.acknowledgement_latency(),
        settled,
        verdict: history::check(&board.owed(), &records),
        complaints: board.complaints(),
    })
}

/// Waits until every post was acknowledged, and everybody has the newest entry of their room. True if that came.
async fn settle(board: &Stats, shared: &Shared, notes: &[(u32, Notes)]) -> bool {
    let deadline = Instant::now() + PATIENCE;
    let has_all = |(room, notes): &(u32, Notes)| {
        let head = shared.heads.get(*room as usize).map_or(0, Cell::get);
        head == 0 || notes.borrow().seen.last().is_some_and(|last| last.seq >= head)
    };
    while !board.quiet(Duration::from_millis(20)).await || !notes.iter().all(has_all) {
        if Instant::now() > deadline {
            return false;
        }
        sleep(Duration::from_millis(20)).await;
    }
    true
}

impl Person {
    /// Does what the schedule says, then only reads; ends with the task.
    async fn live(mut self, mut socket: Socket, acts: Vec<Act>, begin: Instant) {
        for act in acts {
            if let Err(error) = self.act(&mut socket, act, begin).await {
                self.board.complain(format!("person {}: {error:#}", self.number));
                return;
            }
        }
        let why = self.read(&mut socket).await;
        self.board.complain(format!("person {}: {why:?}", self.number));
    }

    async fn act(&mut self, socket: &mut Socket, act: Act, begin: Instant) -> Result<()> {
        if let Ok(ended) = timeout_at(begin + act.at, self.read(socket)).await {
            return ended;
        }
        // One thing after the other, as people do.
        let deadline = Instant::now() + PATIENCE;
        while self.waits > 0 {
            timeout_at(deadline, self.read_one(socket)).await.context("no answer")??;
        }
        let room = self.reader.room.id.clone();
        match act.kind {
            Kind::Post => {
                let mark = self.board.send(self.number);
                let body = mark.body(mark::body_bytes(self.frame_bytes));
                let cmid = mark::cmid(self.run, mark.write);
                self.waits += 1;
                socket::send(socket, &ClientFrame::Post { room, cmid, body, reply_to: None }).await
            }
            Kind::Page => {
                let before = Some(self.cursor() + 1);
                self.waits += 1;
                let (after, around) = (None, None);
                let ask = ClientFrame::History { req: 1, room, before, after, around, limit: 50 };
                socket::send(socket, &ask).await
            }
            Kind::Leave(away) => {
                socket.close(None).await?;
                // What was under way still comes, and is to be read only once.
                while let Some(Ok(message)) = socket.next().await {
                    self.take(&message.into_data());
                }
                sleep(away).await;
                *socket = self.come_back().await?;
                Ok(())
            }
        }
    }

    /// Comes back, and goes on from the last entry.
    async fn come_back(&self) -> Result<Socket> {
        let room = &self.reader.room;
        let mut socket = socket::connect(self.target, "/ws", self.number as usize).await?;
        socket::hello(&mut socket).await?;
        let after = Some(self.cursor());
        socket::send(&mut socket, &ClientFrame::Watch { room: room.id.clone(), after }).await?;
        self.shared.returns.set(self.shared.returns.get() + 1);
        Ok(socket)
    }

    /// The newest entry of the room that this person has.
    fn cursor(&self) -> u64 {
        let notes = self.reader.notes.borrow();
        let first = || notes.cursors.get(&self.reader.room.number).copied();
        notes.seen.last().map(|last| last.seq).or_else(first).unwrap_or_default()
    }

    /// Reads until the connection ends, which is an error.
    async fn read(&mut self, socket: &mut Socket) -> Result<()> {
        loop {
            self.read_one(socket).await?;
        }
    }

    async fn read_one(&mut self, socket: &mut Socket) -> Result<()> {
        let text = socket::next_text(socket).await?;
        self.take(text.as_bytes());
        Ok(())
    }

    fn take(&mut self, frame: &[u8]) {
        let room = self.reader.room.number;
        match serde_json::from_slice(frame) {
            Ok(ServerFrame::Done { cmid, seq, .. }) => {
                self.waits = self.waits.saturating_sub(1);
                if let Some(head) = self.shared.heads.get(room as usize) {
                    head.set(head.get().max(seq));
                }
                self.board.acknowledged(mark::write_of(cmid), room, seq);
            }
            Ok(ServerFrame::Page { .. }) => {
                self.waits = self.waits.saturating_sub(1);
                self.shared.pages.set(self.shared.pages.get() + 1);
            }
            // A close frame's code, or nothing.
            Err(_) if frame.first() != Some(&b'{') => {}
            _ => receiver::take(frame, &self.reader, &self.board),
        }
    }
}
