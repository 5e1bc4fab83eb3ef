//! The server's process: its start, its ends, and what its disk keeps.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use madang_client::{Locale, PageData, Theme};
use madang_protocol::Operation;
use madang_protocol::{Cmid, Entry, Limits, RoomId, UserId};
use madang_server::access::Action;
use madang_server::broker::Broker;
use madang_server::budgets::{Allowance, Budgets, Rates};
use madang_server::clock::Clock;
use madang_server::hub::Hub;
use madang_server::metrics::Metrics;
use madang_server::refusal::Refusal;
use madang_server::room::{Post, Rooms};
use madang_server::store::RoomChange;
use madang_server::store::manual::Fault;
use tokio_util::sync::CancellationToken;

use crate::connection::HEARTBEAT;
use crate::link::LinkId;
use crate::poll::at_once;
use crate::scenario::{Ms, Step};
use crate::server::Server;
use crate::world::{Ev, World};
use crate::{BEGIN, Check, DEVICES, broken};

/// Budgets of an address that stories use up: a burst of frames, and of what is replayed.
fn narrow() -> Rates {
    let frames = Allowance { burst: 25, per_hour: 8 * 3_600 };
    // One answer is paid for before its size is known.
    let reads = Allowance { burst: 256 * 1024 + 4_000, per_hour: 8_000 * 3_600 };
    Rates { frames: Some(frames), reads: Some(reads), ..Rates::default() }
}

impl World {
    /// The first start, with the people and the rooms of the story.
    pub(crate) fn begin(&mut self) -> Check {
        self.start()?;
        let Some(server) = &mut self.server else { return broken("no server") };
        let mut queued = Vec::new();
        for (index, user) in ["ada", "bora", "chae"].iter().enumerate() {
            let user: UserId = user.parse().expect("a user id");
            queued.push(server.store.add_guest(user, [index as u8; 32], BEGIN));
        }
        let by: UserId = DEVICES[0].0.parse().expect("a user id");
        for room in &self.rooms[1..] {
            drop(server.store.open_room(room.clone(), room.to_string(), by.clone(), BEGIN));
        }
        server.stepper.take();
        let committed = server.stepper.commit(Fault::None);
        server.stepper.answer();
        for committed in committed {
            at_once(server.hub.deliver(committed.clone(), &server.store))?;
            self.logs[0].commit(&committed.entry)?;
        }
        for device in 0..self.devices.len() {
            self.load(device, true, 300)?;
        }
        Ok(())
    }

    /// The process starts on what the disk has.
    pub(crate) fn start(&mut self) -> Check {
        if self.server.is_some() {
            return Ok(());
        }
        self.lives += 1;
        let (store, stepper) = match self.disk.open(&self.log().epoch.clone(), BEGIN) {
            Ok(opened) => opened,
            Err(error) => return broken(format!("the server does not start: {error}")),
        };
        let metrics = Metrics::default();
        let (broker, _, inbox) = Broker::new();
        let heads = store.heads();
        let hub = Arc::new(Hub::new(heads, metrics.clone()));
        let rates = if self.is_narrow { narrow() } else { Rates::default() };
        let within = (Budgets::new(rates, metrics.clone()), Clock::default());
        let rooms = Rooms::within(store.clone(), hub.clone(), broker, Limits::default(), within, metrics);
        self.server = Some(Server {
            connections: BTreeMap::new(),
            forms: Vec::new(),
            rooms,
            hub,
            inbox,
            store,
            stepper,
            writing: false,
            committed: Vec::new(),
            broker_at: 0,
            arrived: VecDeque::new(),
            delivering: None,
            announcing: false,
            draining: false,
            stop: CancellationToken::new(),
        });
        self.after(1_000, Ev::Presence(self.lives));
        self.note(|| "the server starts".into(), &[3]);
        self.check_disk()
    }

    /// Checks that all committed entries are on the disk, and nothing else.
    pub(crate) fn check_disk(&mut self) -> Check {
        let Some(server) = &self.server else { return Ok(()) };
        self.disk.set_readable(true);
        for room in &self.rooms {
            let Ok(stored) = at_once(server.store.entries_after(room.clone(), 0, 1_000_000))? else {
                continue;
            };
            let stored: Vec<Entry> =
                stored.into_iter().map(|committed| Arc::unwrap_or_clone(committed.entry)).collect();
            if self.logs.len() == 1 && self.log().head(room) == 0 && stored.len() == 1 {
                // Entries that the first start wrote by itself.
                self.logs[0].commit(&stored[0])?;
            }
            self.logs[self.logs.len() - 1].check_stored(room, &stored)?;
        }
        self.disk.set_readable(self.weather.unreadable <= self.now);
        Ok(())
    }

    /// The process is gone, for so long.
    pub(crate) fn crash(&mut self, ms: Ms, resets: bool) {
        let Some(server) = self.server.take() else { return };
        self.tally.crashes += 1;
        self.tally.torn += u64::from(server.writing);
        self.note(|| "the server crashes".into(), &[4]);
        self.end(server, resets);
        self.after(ms, Ev::Start);
    }

    /// Ends a process; the clients notice, or do not.
    fn end(&mut self, server: Server, resets: bool) {
        self.lives += 1;
        let links: Vec<LinkId> = server.connections.keys().copied().collect();
        drop(server);
        for link in links {
            if resets && !self.links[link].cut {
                let delay = self.devices[self.links[link].device].delay();
                self.after(delay, Ev::ClientLost(link, 1006));
            }
        }
    }

    /// The process is asked to end: it sends all away, and stops within so long.
    pub(crate) fn drain(&mut self, ms: Ms) {
        let Some(server) = &mut self.server else { return };
        if !server.draining {
            server.draining = true;
            server.stop.cancel();
            server.hub.close_all();
            self.after(ms, Ev::Stop(self.lives));
        }
    }

    /// The end of a drain: what is queued is written, and the process ends.
    pub(crate) fn stop(&mut self) -> Check {
        while let Some(server) = &mut self.server
            && (server.writing || server.stepper.take() > 0)
        {
            for step in [Step::Answer, Step::Commit, Step::Answer] {
                self.step(step)?;
            }
            if let Some(server) = &mut self.server {
                server.writing = false;
            }
        }
        if let Some(server) = self.server.take() {
            self.tally.drains += 1;
            self.note(|| "the server stops".into(), &[5]);
            self.end(server, true);
        }
        let delay = self.chance.between(10, 2_000);
        self.after(delay, Ev::Start);
        Ok(())
    }

    pub(crate) fn back_up(&mut self) -> Check {
        let disk = self.disk.backup().map_err(|error| error.to_string())?;
        self.backup = Some((disk, self.log().clone()));
        Ok(())
    }

    /// Puts the backup in the place of the database: a new epoch begins.
    pub(crate) fn restore(&mut self, ms: Ms) -> Check {
        let Some((disk, log)) = self.backup.clone() else { return Ok(()) };
        let Some(server) = self.server.take() else { return Ok(()) };
        self.end(server, true);
        self.disk.restore(&disk).map_err(|error| error.to_string())?;
        let epoch = format!("epoch-{}", self.logs.len() + 1).parse().expect("an epoch");
        let kept: u64 = self.rooms.iter().map(|room| log.head(room)).sum();
        let had: u64 = self.rooms.iter().map(|room| self.log().head(room)).sum();
        self.tally.lost += had - kept.min(had);
        self.tally.restores += 1;
        let mut log = log;
        log.epoch = epoch;
        self.logs.push(log);
        // Sent again, these would be writes that nobody waits for.
        self.devices.iter_mut().for_each(|device| device.last_write = None);
        self.note(|| "a backup is put back".into(), &[6]);
        self.after(ms, Ev::Start);
        Ok(())
    }

    // --- What comes by plain requests.

    /// Loads the page anew: from the server's rendering, if there is a server, or from nothing.
    pub(crate) fn load(&mut self, device: usize, page: bool, within: Ms) -> Check {
        let data = if page && self.devices[device].offline <= self.now { self.page(device)? } else { None };
        let number = self.devices[device].page;
        let delay = self.devices[device].chance.between(5, within.max(5));
        self.after(delay, Ev::Hydrate(device, number, data.map(Box::new)));
        Ok(())
    }

    /// Returns the data that the server renders a page from.
    fn page(&mut self, device: usize) -> Check<Option<PageData>> {
        let Some(server) = &self.server else { return Ok(None) };
        let (user, room) = (self.devices[device].user.clone(), self.rooms[device % self.rooms.len()].clone());
        let Ok(seen) = server.snapshot(&user, &room)? else { return Ok(None) };
        let Ok(rooms) = server.list(&user)? else { return Ok(None) };
        self.log().check_snapshot(&seen.snapshot)?;
        rooms.iter().try_for_each(|info| self.log().check_listed(info))?;
        Ok(Some(PageData {
            you: Some(madang_protocol::Person::new(user, "")),
            epoch: server.rooms.epoch().clone(),
            snapshot: seen.snapshot,
            people: seen.people,
            rooms,
            limits: Limits::default(),
            heartbeat_ms: HEARTBEAT as u32,
            locale: Locale::En,
            locale_chosen: false,
            theme: Theme::Auto,
            enter: Default::default(),
            focus: None,
            editing: None,
            after: false,
            notice: None,
            cmid: Cmid(0),
        }))
    }

    /// The owner asks for a change of a room on the command line, and does not wait for the answer.
    pub(crate) fn change_room(&mut self, room: usize, change: RoomChange) {
        let now = self.server_time();
        let Some(server) = self.server.as_mut().filter(|server| !server.draining) else { return };
        drop(server.store.change_room(self.rooms[room].clone(), change, now));
        self.kick_writer();
    }

    /// A plain form arrives, for the first or the second time.
    pub(crate) fn form(&mut self, device: usize, room: RoomId, cmids: Vec<Cmid>) -> Check {
        let now = self.server_time();
        let user = self.devices[device].user.clone();
        let Some(server) = self.server.as_mut().filter(|server| !server.draining) else { return Ok(()) };
        let body = |cmid: &Cmid| format!("form {cmid}");
        if let [cmid] = cmids[..] {
            let operation = Operation::post(body(&cmid), None);
            let asked = server.allow(&user, &room, Action::Post);
            if let Ok(answer) = asked.and_then(|grant| server.rooms.write(&grant, cmid, operation, now)) {
                server.forms.push((user, cmids, Box::pin(async { answer.await.ok().map(|one| vec![one]) })));
            }
        } else {
            let post = |cmid: &Cmid| {
                let (room, headers) = (room.clone(), [("x-form", "1\n2")].into_iter().collect());
                Post { room, cmid: *cmid, body: body(cmid), headers }
            };
            let granted = |cmid| Ok((server.allow(&user, &room, Action::Post)?, post(cmid)));
            let Ok(posts) = cmids.iter().map(granted).collect::<Result<Vec<_>, Refusal>>() else {
                return Ok(());
            };
            let count = posts.len();
            if let Ok(answer) = server.rooms.write_all((posts, Vec::new()), count, now) {
                server.forms.push((user, cmids, Box::pin(async { answer.await.ok() })));
            }
        }
        self.kick_writer();
        Ok(())
    }
}
