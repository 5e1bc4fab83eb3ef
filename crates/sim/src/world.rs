//! The world of one story: its events in the order of their times, and what they happen to.

use std::collections::BTreeMap;

use madang_client::{PageData, Write};
use madang_protocol::{Cmid, Epoch, RoomId, UnixMs, UserId};
use madang_server::simulation::{Bounds, set_bounds, set_pauses};
use madang_server::store::Committed;
use madang_server::store::manual::Disk;

use crate::browser::{Browser, Page};
use crate::device::Device;
use crate::link::{Link, LinkId};
use crate::model::{Log, Made};
use crate::rng::Rng;
use crate::scenario::{Act, Ms, Scene, Step};
use crate::server::Server;
use crate::{BEGIN, BROWSERS, Broken, Check, Counts, DEVICES, ROOMS, broken};

/// More events than this mean that something goes round in circles.
const STEPS_MAX: u64 = 150_000;

/// Result of a story.
#[derive(Clone, Debug)]
pub struct Run {
    /// The broken promise, if there is one.
    pub broken: Option<Broken>,
    /// Counts of events.
    pub tally: Counts,
    /// Fingerprint of all wires with their times: the same story has the same one.
    pub fingerprint: u64,
    /// The story line by line, if that was asked for.
    pub trace: Vec<String>,
}

/// Events that are due at some time.
#[derive(Debug)]
pub(crate) enum Ev {
    Scene(Act),
    /// A connection reaches the server, or finds nobody there.
    Knock(LinkId),
    Opened(LinkId),
    /// The first of what is on its way arrives.
    Up(LinkId),
    Down(LinkId),
    /// A side notices that the connection is gone.
    ClientLost(LinkId, u16),
    ServerLost(LinkId),
    /// The server's loop for a connection goes round.
    Turn(LinkId),
    /// A timer of it fires.
    Due(LinkId),
    Woke(usize, u64),
    /// The device reads on what it left unread.
    Reads(usize),
    Network(usize),
    Hydrate(usize, u32, Option<Box<PageData>>),
    Role(Page),
    /// The device's tabs see whether the leader is frozen.
    Steal(usize),
    /// The first message to a tab reaches it.
    Told(usize, u32),
    Restored(Page, UserId, Vec<Write>),
    Form {
        device: usize,
        room: RoomId,
        cmids: Vec<Cmid>,
    },
    Writer(u32, Step),
    Broker(u32, Box<Committed>),
    Carry(u32),
    Announce(u32),
    Presence(u32),
    /// The disk can be read again.
    Readable,
    Stop(u32),
    Start,
}

/// Faults of the server's surroundings, and until when.
#[derive(Debug, Default)]
pub(crate) struct Weather {
    pub(crate) clock: i64,
    pub(crate) disk_fails: Ms,
    pub(crate) disk_full: Ms,
    pub(crate) disk_slow: Ms,
    pub(crate) unreadable: Ms,
    pub(crate) broker: Ms,
    /// A crash right after this step, for so long.
    pub(crate) crash_at: Option<(Step, Ms)>,
}

/// Everything.
pub(crate) struct World {
    pub(crate) now: Ms,
    queue: BTreeMap<(Ms, u64), Ev>,
    counter: u64,
    pub(crate) chance: Rng,
    pub(crate) devices: Vec<Device>,
    pub(crate) browsers: Vec<Browser>,
    pub(crate) links: Vec<Link>,
    pub(crate) rooms: Vec<RoomId>,
    pub(crate) disk: Disk,
    pub(crate) backup: Option<(Disk, Log)>,
    pub(crate) server: Option<Server>,
    pub(crate) lives: u32,
    pub(crate) weather: Weather,
    /// The logs of all epochs, the present one last.
    pub(crate) logs: Vec<Log>,
    pub(crate) made: BTreeMap<Cmid, Made>,
    pub(crate) cmids: u128,
    /// Budgets of addresses are so narrow that they are used up.
    pub(crate) is_narrow: bool,
    /// No more faults: the story comes to its end.
    pub(crate) calm: bool,
    pub(crate) tally: Counts,
    fingerprint: u64,
    trace: Option<Vec<String>>,
}

/// Plays a story, with the choices of `seed`. `traced`: with what happened, line by line.
pub fn play(seed: u64, scenes: &[Scene], traced: bool) -> Run {
    set_pauses(Some(seed));
    set_bounds(Some(Bounds { ring_entries: 6, queue_bytes: 4_000, replay_step: 4 }));
    let mut world = World::new(seed, traced);
    let broken = world.begin().and_then(|()| world.tell(scenes)).err();
    world.tally.seeds = 1;
    let World { tally, fingerprint, trace, .. } = world;
    Run { broken, tally, fingerprint, trace: trace.unwrap_or_default() }
}

impl World {
    fn new(seed: u64, traced: bool) -> Self {
        let epoch: Epoch = "epoch-1".parse().expect("an epoch");
        let devices = DEVICES.iter().enumerate();
        let devices = devices.map(|(index, (user, ..))| Device::new(user, Rng::new(seed, 10 + index as u64)));
        let mut chance = Rng::new(seed, 3);
        let browser = |_| Browser { lonely: chance.chance(25), ..Browser::default() };
        Self {
            now: 0,
            queue: BTreeMap::new(),
            counter: 0,
            chance: Rng::new(seed, 2),
            devices: devices.collect(),
            browsers: (0..BROWSERS).map(browser).collect(),
            links: Vec::new(),
            rooms: ROOMS.iter().map(|room| room.parse().expect("a room id")).collect(),
            disk: Disk::new().expect("a disk"),
            backup: None,
            server: None,
            lives: 0,
            weather: Weather::default(),
            logs: vec![Log::new(epoch)],
            made: BTreeMap::new(),
            cmids: u128::from(seed) << 32,
            is_narrow: Rng::new(seed, 7).chance(30),
            calm: false,
            tally: Counts::default(),
            fingerprint: 0xcbf2_9ce4_8422_2325,
            trace: traced.then(Vec::new),
        }
    }

    /// Plays the scenes, and what follows from them until all have settled.
    fn tell(&mut self, scenes: &[Scene]) -> Check {
        for (at, act) in scenes {
            self.at(*at, Ev::Scene(*act));
        }
        let last = scenes.iter().map(|(at, _)| *at).max().unwrap_or_default();
        self.run_until(last + 1)?;
        self.come_to_an_end()
    }

    /// Lets everything happen that is due by then.
    pub(crate) fn run_until(&mut self, until: Ms) -> Check {
        while let Some(next) = self.queue.first_entry()
            && next.key().0 <= until
        {
            let ((at, _), event) = next.remove_entry();
            self.now = at;
            self.tally.steps += 1;
            if self.tally.steps > STEPS_MAX {
                return broken(format!("after {STEPS_MAX} steps there is no end: {event:?}"));
            }
            self.happen(event)?;
            self.kick_woken();
        }
        self.now = until;
        Ok(())
    }

    pub(crate) fn at(&mut self, at: Ms, event: Ev) {
        self.counter += 1;
        self.queue.insert((at.max(self.now), self.counter), event);
    }

    pub(crate) fn after(&mut self, ms: Ms, event: Ev) {
        self.at(self.now + ms, event);
    }

    fn happen(&mut self, event: Ev) -> Check {
        match event {
            Ev::Scene(act) => self.scene(act),
            Ev::Knock(link) => self.knock(link),
            Ev::Opened(link) => self.opened(link),
            Ev::Up(link) => self.arrived_up(link),
            Ev::Down(link) => self.arrived_down(link),
            Ev::ClientLost(link, code) => self.client_lost(link, code),
            Ev::ServerLost(link) => self.server_lost(link),
            Ev::Turn(link) => self.turn(link),
            Ev::Due(link) => {
                self.kick(link);
                Ok(())
            }
            Ev::Woke(device, wake) => self.woke(device, wake),
            Ev::Reads(device) => self.reads_on(device),
            Ev::Network(device) => self.network_back(device),
            Ev::Hydrate(device, page, data) => self.hydrate(device, page, data),
            Ev::Role(page) => self.role(page),
            Ev::Steal(device) => self.steal(device),
            Ev::Told(device, page) => self.told(device, page),
            Ev::Restored(page, user, writes) => self.restored(page, user, writes),
            Ev::Form { device, room, cmids } => self.form(device, room, cmids),
            Ev::Writer(life, step) if life == self.lives => self.writer(step),
            Ev::Broker(life, committed) if life == self.lives => self.arrives(*committed),
            Ev::Carry(life) if life == self.lives => self.carry(),
            Ev::Announce(life) if life == self.lives => self.announce(),
            Ev::Presence(life) if life == self.lives => self.presence(),
            Ev::Stop(life) if life == self.lives => self.stop(),
            // Of a server that is no more.
            Ev::Writer(..)
            | Ev::Broker(..)
            | Ev::Carry(_)
            | Ev::Announce(_)
            | Ev::Presence(_)
            | Ev::Stop(_) => Ok(()),
            Ev::Readable => {
                self.disk.set_readable(self.weather.unreadable <= self.now);
                Ok(())
            }
            Ev::Start => self.start(),
        }
    }

    /// The server's clock.
    pub(crate) fn server_time(&self) -> UnixMs {
        BEGIN + self.now as i64 + self.weather.clock
    }

    pub(crate) fn log(&self) -> &Log {
        self.logs.last().expect("there is always a log")
    }

    pub(crate) fn log_mut(&mut self) -> &mut Log {
        self.logs.last_mut().expect("there is always a log")
    }

    pub(crate) fn new_cmid(&mut self) -> Cmid {
        self.cmids += 1;
        Cmid(self.cmids)
    }

    /// Notes what happened: into the fingerprint, and into the trace if one is kept.
    pub(crate) fn note(&mut self, words: impl FnOnce() -> String, bytes: &[u8]) {
        for byte in self.now.to_le_bytes().iter().chain(bytes) {
            self.fingerprint = (self.fingerprint ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>9.3} {}", self.now as f64 / 1000.0, words()));
        }
    }
}
