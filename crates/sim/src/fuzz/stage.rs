//! One server and two people's sessions, moved by hand.

use std::sync::Arc;

use madang_protocol::{
    ClientFrame, Cmid, Epoch, Limits, Operation, Person, ResumePoint, RoomId, Seq, ServerFrame, UnixMs,
    UserId,
};
use madang_server::broker::Broker;
use madang_server::hub::{Hub, Taken};
use madang_server::metrics::Metrics;
use madang_server::network::Network;
use madang_server::protocols::madang;
use madang_server::rate_limit::Rate;
use madang_server::room::Rooms;
use madang_server::session::{Outgoing, Session, SessionOptions};
use madang_server::store::manual::{Disk, Fault, Stepper};
use madang_server::store::{Committed, Store};

use crate::model::Log;
use crate::poll::{at_once, ready};
use crate::wire::Wire;

/// The people: each has one session.
pub(super) const PEOPLE: [&str; 2] = ["ada", "bora"];

/// The second room.
pub(super) const ROOM: &str = "garden";

/// Time at which every life of the server begins: what it makes by itself must not differ between them.
const BEGIN: UnixMs = 1_000;

const TERMS: SessionOptions = SessionOptions {
    from: Network::NOWHERE,
    frame_rate: Rate { per_second: 0, burst: 0 },
    heartbeat_ms: 25_000,
};

/// A disk, and the log that is on it.
#[derive(Clone)]
pub(super) struct Kept {
    disk: Disk,
    log: Log,
}

/// The server, and who talks to it.
pub(super) struct Stage {
    disk: Disk,
    log: Log,
    now: UnixMs,
    server: Server,
    seats: Vec<Seat>,
}

struct Server {
    store: Store,
    stepper: Stepper,
    hub: Arc<Hub>,
    rooms: Rooms,
}

/// One person's session, and what it sent.
struct Seat {
    person: Person,
    session: Option<Session>,
    wire: Wire,
}

impl Kept {
    /// Both people, two rooms, and `posts` messages by each in the lobby.
    pub(super) fn new(posts: u32) -> Self {
        let epoch: Epoch = "epoch".parse().unwrap();
        let disk = Disk::new().unwrap();
        let mut log = Log::new(epoch.clone());
        let mut server = Server::open(&disk, &epoch);
        let mut guests = Vec::new();
        for (number, id) in (0..).zip(PEOPLE) {
            guests.push(server.store.add_guest(id.parse().unwrap(), [number; 32], 0));
        }
        let by: UserId = PEOPLE[0].parse().unwrap();
        let garden = server.store.open_room(ROOM.parse().unwrap(), "Garden".into(), by, 0);
        for entry in at_once(server.store.entries_after(RoomId::lobby(), 0, 1)).unwrap().unwrap() {
            log.commit(&entry.entry).unwrap();
        }
        server.step(Fault::None, &mut log);
        drop((guests, garden));
        for number in 0..posts {
            let post = |(order, id): (u128, &str)| {
                let cmid = Cmid(u128::from(number) << 8 | order);
                let operation = Operation::post(number.to_string(), None);
                server.store.append(operation.into_draft(RoomId::lobby(), id.parse().unwrap(), cmid, 0))
            };
            let posted: Vec<_> = (0..).zip(PEOPLE).map(post).collect();
            server.step(Fault::None, &mut log);
            drop(posted);
        }
        Self { disk, log }
    }
}

impl Stage {
    /// A server on a copy of what was kept; both people have sent hello.
    pub(super) fn on(kept: &Kept) -> Self {
        let (disk, log) = (kept.disk.backup().unwrap(), kept.log.clone());
        let server = Server::open(&disk, &log.epoch);
        let seats = PEOPLE.map(|id| Seat::of(id.parse().unwrap())).into();
        let mut stage = Self { disk, log, now: BEGIN, server, seats };
        (0..PEOPLE.len()).for_each(|who| stage.hello(who, Vec::new(), true));
        stage
    }

    /// The person sends hello, with these cursors. An earlier session of theirs ends.
    pub(super) fn hello(&mut self, who: usize, resume: Vec<ResumePoint>, same_epoch: bool) {
        let epoch = same_epoch.then(|| self.log.epoch.clone());
        let frame = ClientFrame::Hello { resume, epoch, locale: None };
        self.begin(who, &serde_json::to_string(&frame).unwrap());
    }

    /// The person's first frame is `text`, whatever it is.
    pub(super) fn begin(&mut self, who: usize, text: &str) {
        let seat = &mut self.seats[who];
        // Frames that the old session was owed are owed no more.
        *seat = Seat::of(seat.person.id.clone());
        if let Ok(frame @ ClientFrame::Hello { .. }) = serde_json::from_str(text) {
            seat.wire.heard(&frame, &self.log);
        }
        let mut out = Vec::new();
        let (rooms, you) = (self.server.rooms.clone(), seat.person.clone());
        if let Ok(hello) = madang::hello(text) {
            let mut session = Session::join(rooms, you, &TERMS, self.now);
            let welcomed = at_once(session.welcome(hello, self.now, &mut out)).unwrap();
            seat.session = welcomed.ok().map(|()| session);
        }
        seat.said(&mut out, &self.log);
        self.settle();
    }

    /// The person sends `text`.
    pub(super) fn say(&mut self, who: usize, text: &str) {
        let seat = &mut self.seats[who];
        let Some(session) = &mut seat.session else { return };
        if let Ok(frame) = serde_json::from_str(text) {
            seat.wire.heard(&frame, &self.log);
        }
        let mut out = Vec::new();
        if at_once(madang::receive(session, text, self.now, &mut out)).unwrap().is_err() {
            seat.session = None;
        }
        self.now += 1_000;
        seat.said(&mut out, &self.log);
        self.settle();
    }

    /// The writer commits what is queued, or fails to.
    pub(super) fn commit(&mut self, fault: Fault) {
        self.server.step(fault, &mut self.log);
        self.settle();
    }

    /// The writer commits what is queued; the broker brings the hub its part in this order.
    pub(super) fn commit_reordered(&mut self, order: impl FnOnce(&mut Vec<Committed>)) {
        let mut entries = self.server.commit(Fault::None, &mut self.log);
        order(&mut entries);
        entries.into_iter().for_each(|entry| self.server.deliver(entry));
        self.server.stepper.answer();
        self.settle();
    }

    /// The queue of a person's session was too long: it was dropped.
    pub(super) fn overflow(&mut self, who: usize) {
        let seat = &mut self.seats[who];
        let Some(session) = &mut seat.session else { return };
        let mut batch = Vec::new();
        while session.queue().try_take(&mut batch).is_some() {
            batch.clear();
        }
        let mut out = Vec::new();
        at_once(session.recover(&mut out)).unwrap();
        seat.said(&mut out, &self.log);
        self.settle();
    }

    /// The server dies and starts again; everybody reconnects with their cursors.
    pub(super) fn crash(&mut self) {
        let resumes = self.leave();
        self.server = Server::open(&self.disk, &self.log.epoch);
        self.come_back(resumes, true);
    }

    /// A backup takes the place of everything, under a new epoch; everybody reconnects with the old one's cursors.
    pub(super) fn restore(&mut self, backup: &Kept) {
        let resumes = self.leave();
        let epoch = if self.log.epoch == backup.log.epoch { "other" } else { "another" };
        self.disk = backup.disk.backup().unwrap();
        self.log = backup.log.clone();
        self.log.epoch = epoch.parse().unwrap();
        self.server = Server::open(&self.disk, &self.log.epoch);
        self.come_back(resumes, false);
    }

    /// Returns the newest entry of `room` in the log; `None` if there is no such room.
    pub(super) fn head(&self, room: &RoomId) -> Option<Seq> {
        Some(self.log.head(room)).filter(|head| *head > 0)
    }

    /// Returns true if the person has a session.
    pub(super) fn is_there(&self, who: usize) -> bool {
        self.seats[who].session.is_some()
    }

    /// Everybody who is there was sent everything.
    ///
    /// # Panics
    /// If not.
    pub(super) fn all_was_said(&self) {
        for seat in self.seats.iter().filter(|seat| seat.session.is_some()) {
            for (room, cursor) in seat.wire.cursors() {
                assert_eq!(cursor, self.log.head(room), "{} was not told all of {room}", seat.person.id);
            }
        }
    }

    fn leave(&mut self) -> Vec<Vec<ResumePoint>> {
        let leave = |seat: &mut Seat| {
            seat.session = None;
            let point = |(room, seq): (&RoomId, Seq)| ResumePoint { room: room.clone(), seq };
            seat.wire.cursors().map(point).collect()
        };
        self.seats.iter_mut().map(leave).collect()
    }

    fn come_back(&mut self, resumes: Vec<Vec<ResumePoint>>, same_epoch: bool) {
        for (who, resume) in resumes.into_iter().enumerate() {
            self.hello(who, resume, same_epoch);
        }
    }

    /// Lets every session send what it has.
    fn settle(&mut self) {
        self.seats.iter_mut().for_each(|seat| seat.settle(&self.log));
    }
}

impl Server {
    fn open(disk: &Disk, epoch: &Epoch) -> Self {
        let (store, stepper) = disk.open(epoch, BEGIN).unwrap();
        let metrics = Metrics::default();
        let hub = Arc::new(Hub::new(store.heads(), metrics.clone()));
        let (broker, _, _) = Broker::new();
        let limits = Limits { post_rate: 0, ..Limits::default() };
        let rooms = Rooms::new(store.clone(), hub.clone(), broker, limits, metrics);
        Self { store, stepper, hub, rooms }
    }

    fn step(&mut self, fault: Fault, log: &mut Log) {
        for entry in self.commit(fault, log) {
            self.deliver(entry);
        }
        self.stepper.answer();
    }

    fn commit(&mut self, fault: Fault, log: &mut Log) -> Vec<Committed> {
        self.stepper.take();
        let entries = self.stepper.commit(fault);
        entries.iter().for_each(|entry| log.commit(&entry.entry).unwrap());
        entries
    }

    fn deliver(&self, entry: Committed) {
        at_once(self.hub.deliver(entry, &self.store)).unwrap();
    }
}

impl Seat {
    fn of(id: UserId) -> Self {
        let wire = Wire::new(id.clone());
        Self { person: Person::new(id, ""), session: None, wire }
    }

    fn settle(&mut self, log: &Log) {
        let Some(session) = &mut self.session else { return };
        let (mut out, mut batch): (Vec<Outgoing>, _) = (Vec::new(), Vec::new());
        loop {
            match session.queue().try_take(&mut batch) {
                Some(Taken::Frames) => session.deliver(&mut batch, &mut out),
                Some(Taken::Overflowed) => at_once(session.recover(&mut out)).unwrap(),
                Some(Taken::Close(_)) => {
                    self.session = None;
                    break;
                }
                None if session.is_behind() => at_once(session.catch_up(0, &mut out)).unwrap(),
                None if session.pending() > 0 && ready(session.settled(&mut out)).is_some() => {}
                None => break,
            }
        }
        self.said(&mut out, log);
    }

    fn said(&mut self, out: &mut Vec<Outgoing>, log: &Log) {
        for text in out.drain(..).map(Outgoing::encoded) {
            let frame: ServerFrame = serde_json::from_str(&text).unwrap();
            assert_ne!(frame, ServerFrame::Unknown, "{text}");
            // Under the id of a write that is in the log, somebody may well send what can only be refused.
            if matches!(frame, ServerFrame::Refused { cmid: Some(_), .. }) {
                continue;
            }
            self.wire.said(&frame, log).unwrap_or_else(|broken| panic!("{broken}: {text}"));
        }
    }
}
