//! Chaos: the program as it ships, hundreds of real clients, and a network and an operator that break everything
//! that can be broken from outside. A checker compares what every client saw and did, while it happens.
//!
//! In reading order: `run`, `faults` (what goes wrong), `server`, `network` (the proxy), `person` (a
//! client of the page), `programs` (clients of the other protocols), `checker`, `audit` (the log at the end).
//!
//! The seed decides which faults happen when, and what each client does; what the machine makes of it is its own.

pub(crate) mod audit;
pub mod checker;
mod events;
pub mod faults;
mod http;
pub mod network;
pub mod person;
pub mod programs;
mod route;
pub mod server;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use fastrand::Rng;
use madang_client::{Model, Transport};
use madang_protocol::{RoomId, Seq};
use tokio::sync::watch;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep};

use crate::rooms;
use crate::socket::{Protocol, Target};
use checker::log::Truth;
use checker::{Checker, Verdict, screen};
use network::{Conditions, Fault, Line, Network, Sabotage};
use person::{Phase, Screen, World, intruder, narrow, person};
use programs::{Program, program};
use server::Server;

/// Counts of events by name.
pub type Counts = BTreeMap<&'static str, u64>;

/// One run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program `madang`.
    pub program: PathBuf,
    /// Duration of the faults.
    pub length: Duration,
    /// Decides what happens when.
    pub seed: u64,
    /// Clients.
    pub clients: usize,
    /// Rooms; the lobby is one of them.
    pub rooms: usize,
    /// A network that is worse than any, to show that the checker notices.
    pub sabotage: Option<Fault>,
}

/// A short heartbeat finds half-open connections while the run lasts; a shorter one would find a busy machine.
const OPTIONS: &[&str] = &["--heartbeat", "5"];

/// All clients are there by then, or the machine is too slow for so many.
const ARRIVAL: Duration = Duration::from_secs(60);

/// After the last fault, every client has everything by then: twice the longest wait before an attempt, and some
/// seconds for the machine.
const BOUND: Duration = Duration::from_secs(70);

/// Runs `plan`; answers what the checker found.
///
/// # Errors
/// If the server does what was not asked of it, or the run cannot be set up.
pub async fn run(plan: Plan) -> Result<Verdict> {
    LocalSet::new().run_until(run_here(plan)).await
}

async fn run_here(plan: Plan) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut server = Server::start(&plan.program, folder.path(), OPTIONS).await?;
    let target = Target { address: server.address(), speaks: Protocol::Madang };
    let network = Network::open(server.address(), plan.sabotage.map(Sabotage::new)).await?;
    let mut rng = Rng::with_seed(plan.seed);
    let (phase, world) = world(&plan, &server, &network)?;
    let mut screens = Vec::new();
    for number in 1..=plan.clients {
        condition(&network.line(number), number);
        let (screen, life) = person(number, world.clone(), rng.fork());
        spawn_local(life);
        screens.push(screen);
    }
    let others = plan.clients + 1;
    let cursors = follow_one_room_each(others, &world);
    let first = others + cursors.len();
    let programs = run_programs(first, &server, &network, &world, &mut rng)?;
    spawn_local(intruder(first + programs.len(), world.clone(), rng.fork()));
    wait(ARRIVAL, || screens.iter().all(|screen| screen.model.borrow().link().connected))
        .await
        .context("not all clients arrived")?;

    eprintln!("seed {}: {} clients in {} rooms", plan.seed, plan.clients, plan.rooms);
    phase.send_replace(Phase::Live);
    let end = Instant::now() + plan.length;
    let lines = (1..first + programs.len()).map(|number| network.line(number)).collect();
    let trouble = spawn_local(faults::lines(lines, rng.fork(), end));
    let mut faults = faults::server(&mut server, rng.fork(), end).await?;
    faults.extend(trouble.await?);
    tell("faults", &faults);
    phase.send_replace(Phase::Settle);
    let participants = Participants { screens, cursors, programs };
    let mut verdict = settle(target, &participants, &world.checker).await?;
    let welcomes = world.welcomes.borrow();
    tell("sessions", &welcomes);
    for transport in [Transport::WebSocket, Transport::EventSource, Transport::Poll] {
        if !welcomes.contains_key(transport.as_str()) && plan.clients >= LINES {
            verdict.stuck(|| format!("nobody came by {}", transport.as_str()));
        }
    }
    for program in participants.programs.iter().filter(|program| program.connections() == 0) {
        verdict.stuck(|| format!("a program saw nothing by {}", program.speaks().name()));
    }
    for panic in server.panics() {
        verdict.stuck(|| format!("the server panicked: {panic}"));
    }
    Ok(verdict)
}

/// Lines that differ for good; client n has line n modulo this.
const LINES: usize = 10;

/// Some lines are behind a proxy that makes a rung of the ladder impossible, or cuts every connection in time.
fn condition(line: &Line, number: usize) {
    match number % LINES {
        1 | 2 => line.conditions(Conditions { blocks_upgrades: true, ..Conditions::default() }),
        3 | 4 => line.conditions(Conditions {
            blocks_upgrades: true,
            buffers_answers: true,
            ..Conditions::default()
        }),
        5 => line.conditions(Conditions { life: Some(LIFE), ..Conditions::default() }),
        6 => line.conditions(Conditions { blocks_upgrades: true, life: Some(LIFE), ..Conditions::default() }),
        _ => {}
    }
}

/// Proxies cut at 60 s; here sooner, so that it happens often, but later than a client counts a connection as steady.
const LIFE: Duration = Duration::from_secs(12);

/// A program for each room that follows no other; answers how far each is.
fn follow_one_room_each(first: usize, world: &World) -> Vec<(RoomId, Rc<Cell<Seq>>)> {
    let cursors: Vec<_> = world.rooms.iter().map(|room| (room.clone(), Rc::default())).collect();
    for ((room, cursor), number) in cursors.iter().zip(first..) {
        spawn_local(narrow(number, world.clone(), room.clone(), Rc::clone(cursor)));
    }
    cursors
}

/// Programs of each kind.
const PROGRAMS: usize = 4;

/// Programs at each of the other protocols, in all the rooms.
fn run_programs(
    first: usize,
    server: &Server,
    network: &Network,
    world: &World,
    rng: &mut Rng,
) -> Result<Vec<Rc<Program>>> {
    let kinds = programs::Protocol::ALL.into_iter().cycle().take(PROGRAMS * programs::Protocol::ALL.len());
    let mut all = Vec::new();
    for ((speaks, number), room) in kinds.zip(first..).zip(world.rooms.iter().cycle()) {
        // Every third line cuts each connection in time. Where upgrades never pass, no socket is.
        let life = (number % 3 == 0).then_some(LIFE);
        network.line(number).conditions(Conditions { life, ..Conditions::default() });
        let token = server.make_token(number)?;
        let (program, life) = program(number, speaks, room.clone(), token, world.clone(), rng.fork());
        spawn_local(life);
        all.push(program);
    }
    Ok(all)
}

fn world(plan: &Plan, server: &Server, network: &Network) -> Result<(watch::Sender<Phase>, World)> {
    let rooms = rooms::open(
        Target { address: server.address(), speaks: Protocol::Madang },
        u32::try_from(plan.rooms)?,
    )?;
    let (sender, phase) = watch::channel(Phase::Arrive);
    let world = World {
        address: network.address,
        rooms: Rc::new(rooms),
        checker: Rc::default(),
        welcomes: Rc::default(),
        sessions: Rc::default(),
        phase,
        // About fifty deeds a second, however many clients share them.
        pause: Duration::from_millis(20) * u32::try_from(plan.clients)?,
    };
    Ok((sender, world))
}

/// Clients that are there at the end.
struct Participants {
    screens: Vec<Rc<Screen>>,
    cursors: Vec<(RoomId, Rc<Cell<Seq>>)>,
    programs: Vec<Rc<Program>>,
}

/// Nothing goes wrong any more: every client must come to show what the log has.
async fn settle(target: Target, participants: &Participants, checker: &RefCell<Checker>) -> Result<Verdict> {
    let Participants { screens, cursors, programs } = participants;
    let began = Instant::now();
    let idle = |screen: &Rc<Screen>| {
        let model = screen.model.borrow();
        model.link().connected && model.unsent() == 0
    };
    let nothing_waits = || {
        let nothing = Truth::new();
        screens.iter().all(idle) && programs.iter().all(|program| program.lacks(&nothing).is_none())
    };
    let mut late = wait(BOUND, nothing_waits).await.is_err();
    let truth = audit::read(target, checker).await?;
    let behind = |screen: &Rc<Screen>| {
        let model = screen.model.borrow();
        screen::behind(&model, model.room(), &truth)
    };
    late |= wait(BOUND, || screens.iter().all(|screen| behind(screen).is_none())).await.is_err();
    let heads: HashMap<RoomId, Seq> =
        checker.borrow().log.heads().map(|(room, head)| (room.clone(), head)).collect();
    let there = |(room, cursor): &(RoomId, Rc<Cell<Seq>>)| heads.get(room) == Some(&cursor.get());
    late |= wait(BOUND, || cursors.iter().all(there)).await.is_err();
    late |= wait(BOUND, || programs.iter().all(|program| program.lacks(&truth).is_none())).await.is_err();
    eprintln!("settled after {:.1} s", began.elapsed().as_secs_f64());
    let mut checker = checker.borrow_mut();
    for (screen, number) in screens.iter().zip(1..) {
        if let Some(why) = behind(screen).filter(|_| late) {
            checker.verdict.stuck(|| format!("{number}: {why}"));
        }
        compare(number, &screen.model.borrow(), &truth, &mut checker);
    }
    for (room, cursor) in cursors.iter().filter(|cursor| !there(cursor)) {
        checker.verdict.stuck(|| format!("{} of {:?} of {room} alone", cursor.get(), heads.get(room)));
    }
    for program in programs {
        if let Some(what) = program.lacks(&truth) {
            checker.verdict.broke(checker::Broken::Hole, || what);
        }
        if let Some(seq) = program.imagined(&truth) {
            checker
                .verdict
                .broke(checker::Broken::Lost, || format!("{program:?} saw {seq}, and it is not there"));
        }
    }
    checker.conclude(&truth);
    eprintln!("refused: {:?}", checker.ledger.refusals());
    Ok(checker.verdict.clone())
}

fn compare(number: usize, model: &Model, truth: &Truth, checker: &mut Checker) {
    screen::check(number, model, model.room(), &mut checker.verdict);
    screen::compare(number, model, model.room(), truth, &mut checker.verdict);
}

/// Waits until `there`, for `bound` at most.
pub(crate) async fn wait(bound: Duration, there: impl Fn() -> bool) -> Result<()> {
    let until = async {
        while !there() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(bound, until).await.context("it took too long")
}

fn tell(what: &str, counts: &Counts) {
    let told: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    eprintln!("{what}: {}", told.join(", "));
}
