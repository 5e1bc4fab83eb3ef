//! Everybody comes back at once: the server dies under thousands of clients and is started again. How long until
//! they are live, and what that cost the database.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fastrand::Rng;
use madang_protocol::{ClientFrame, Cmid, RoomId, ServerFrame};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep};

use crate::chaos::checker::Checker;
use crate::chaos::person::{Phase, Screen, World, person};
use crate::chaos::server::Server;
use crate::chaos::wait;
use crate::process;
use crate::socket::{self, Protocol, Target};

/// One storm.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program `madang`.
    pub program: PathBuf,
    /// The CPU that the server is kept to, as `taskset` takes it.
    pub server_core: Option<String>,
    /// Clients that watch the lobby.
    pub clients: usize,
    /// Between the server's death and its next start.
    pub down: Duration,
}

/// Measurements of a storm. Times are from the moment in which the server is started again.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Clients that watched the lobby when the server died.
    pub clients: usize,
    /// Half of them were live again after so many milliseconds.
    pub live_p50_ms: f64,
    /// 99 of 100.
    pub live_p99_ms: f64,
    /// All.
    pub live_max_ms: f64,
    /// Until each had a message that was posted after.
    pub heard_ms: f64,
    /// The server's memory before the first client, in its first life.
    pub bytes_before: u64,
    /// In its second, once all had left.
    pub bytes_left: u64,
    /// That by the other.
    pub left_ratio: f64,
    /// Reads of the database since the start, for all of this.
    pub store_reads: u64,
}

/// 99 of 100 must be back by then.
const BACK: Duration = Duration::from_secs(10);

/// No client needs longer, or it is stuck: twice the longest wait before an attempt.
const BOUND: Duration = Duration::from_secs(70);

/// Messages that the lobby holds, so that a return has something to go on from.
const MESSAGES: u32 = 100;

/// Clients that come for the first time at once; only the return is to be a storm.
const ARRIVING: usize = 100;

/// Makes the storm.
///
/// # Errors
/// If it cannot be set up, or a client does not come back at all.
pub async fn run(plan: Plan) -> Result<Outcome> {
    LocalSet::new().run_until(run_here(plan)).await
}

impl Outcome {
    /// Returns true if 99 of 100 were live soon enough.
    pub fn is_good(&self) -> bool {
        self.live_p99_ms <= BACK.as_secs_f64() * 1e3
    }
}

async fn run_here(plan: Plan) -> Result<Outcome> {
    process::raise_file_limit(plan.clients as u64 + 200)?;
    let folder = tempfile::tempdir()?;
    let options = ["--post-rate", "0", "--frame-rate", "0"];
    let mut server =
        Server::start_on(plan.server_core.as_deref(), &plan.program, folder.path(), &options).await?;
    let target = Target { address: server.address(), speaks: Protocol::Madang };
    post(target, MESSAGES).await?;
    let pid = |server: &Server| server.pid().context("the server has no process");
    let (bytes_before, files) = (process::memory(pid(&server)?)?, process::open_files(pid(&server)?)?);
    let checker = Rc::new(RefCell::new(Checker::default()));
    let (screens, mut lives) = arrive(&plan, target, &checker).await?;

    server.kill().await?;
    let live = |screen: &&Rc<Screen>| screen.live_since.get().is_some();
    wait(BOUND, || !screens.iter().any(|screen| live(&screen))).await.context("not all clients noticed")?;
    sleep(plan.down).await;
    // Before it listens, so that no wait is told too short.
    let back = Instant::now();
    server.restart().await?;
    if wait(BOUND, || screens.iter().all(|screen| live(&screen))).await.is_err() {
        let away = screens.iter().filter(|screen| !live(screen)).count();
        let one = screens.iter().find(|screen| !live(screen)).map(|screen| screen.model.borrow().link());
        bail!("{away} clients did not come back; the first: {one:?}");
    }
    let mut waits: Vec<Duration> = screens
        .iter()
        .filter_map(|screen| Some(screen.live_since.get()?.saturating_duration_since(back)))
        .collect();
    waits.sort_unstable();
    ensure!(!waits.is_empty(), "nobody is live");
    let store_reads = store_reads(target)?;

    let head = post(target, 1).await?;
    let posted = Instant::now();
    wait(BOUND, || screens.iter().all(|screen| screen.newest.get() >= head))
        .await
        .context("not all clients had the message after")?;
    let heard_ms = posted.elapsed().as_secs_f64() * 1e3;
    lives.shutdown().await;
    let bytes_left = process::memory_after(pid(&server)?, files).await?;
    ensure!(checker.borrow().verdict.is_clean(), "{:?}", checker.borrow().verdict);
    let at = |part: f64| {
        let index = ((waits.len() - 1) as f64 * part).ceil() as usize;
        waits.get(index).map_or(0.0, |wait| wait.as_secs_f64() * 1e3)
    };
    Ok(Outcome {
        clients: plan.clients,
        live_p50_ms: at(0.5),
        live_p99_ms: at(0.99),
        live_max_ms: at(1.0),
        heard_ms,
        bytes_before,
        bytes_left,
        left_ratio: bytes_left as f64 / bytes_before.max(1) as f64,
        store_reads,
    })
}

/// Each client has a core of its own, and comes back by its rules.
async fn arrive(
    plan: &Plan,
    target: Target,
    checker: &Rc<RefCell<Checker>>,
) -> Result<(Vec<Rc<Screen>>, JoinSet<()>)> {
    let (_phase, phase) = watch::channel(Phase::Arrive);
    let world = World {
        address: target.address,
        rooms: Rc::new(vec![RoomId::lobby()]),
        checker: Rc::clone(checker),
        welcomes: Rc::default(),
        sessions: Rc::default(),
        phase,
        // They do nothing; this only says how often they look whether they should.
        pause: Duration::from_secs(60),
    };
    let mut rng = Rng::with_seed(1);
    let (mut screens, mut lives) = (Vec::new(), JoinSet::new());
    for number in 1..=plan.clients {
        let (screen, life) = person(number, world.clone(), rng.fork());
        lives.spawn_local(life);
        screens.push(screen);
        if number % ARRIVING == 0 || number == plan.clients {
            wait(BOUND, || screens.iter().all(|screen| screen.live_since.get().is_some()))
                .await
                .context("not all clients arrived")?;
        }
    }
    Ok((screens, lives))
}

/// Posts so many messages into the lobby; answers the place of the last.
pub(crate) async fn post(target: Target, messages: u32) -> Result<u64> {
    let mut socket = socket::connect(target, "/ws", 0).await?;
    socket::hello(&mut socket).await?;
    let mut rng = Rng::new();
    let mut last = 0;
    for number in 0..messages {
        let body = format!("message {number}");
        let post =
            ClientFrame::Post { room: RoomId::lobby(), cmid: Cmid(rng.u128(..)), body, reply_to: None };
        socket::send(&mut socket, &post).await?;
        last = loop {
            if let ServerFrame::Done { seq, .. } = socket::next(&mut socket).await? {
                break seq;
            }
        };
    }
    Ok(last)
}

fn store_reads(target: Target) -> Result<u64> {
    let text = ureq::get(format!("http://{}/metrics", target.address)).call()?.body_mut().read_to_string()?;
    let line = text.lines().find_map(|line| line.strip_prefix("madang_store_reads_total "));
    line.context("the server does not tell madang_store_reads_total")?.trim().parse().context("a count")
}
