//! A server, clients, what is on its way between them, and time: all of it moved by hand.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use madang_client::{
    Conn, Effect, Event, Locale, Model, PageData, Role, Row, Theme, Write, timeline, update, utc_day,
};
use madang_protocol::{ClientFrame, Cmid, Limits, Person, RoomId, Seq, UnixMs, UserId};

use crate::server::{Server, Session};

pub(crate) struct Client {
    pub(crate) user: UserId,
    pub(crate) model: Model,
    pub(crate) up: VecDeque<ClientFrame>,
    /// The socket: its number, and whether the client was told that it is open.
    pub(crate) socket: Option<(Conn, bool)>,
    pub(crate) wake: Option<UnixMs>,
    /// Posts in the order in which the person made them here.
    pub(crate) posted: Vec<(RoomId, Cmid)>,
}

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) clients: Vec<Client>,
    /// What the browsers of a person keep over a reload.
    pub(crate) storage: BTreeMap<UserId, BTreeMap<Cmid, Write>>,
    pub(crate) rooms: Vec<RoomId>,
    pub(crate) now: UnixMs,
    pub(crate) cmids: u128,
}

impl World {
    pub(crate) fn new(rooms: &[&str], users: &[&str]) -> Self {
        let rooms: Vec<RoomId> = rooms.iter().map(|room| room.parse().unwrap()).collect();
        let server = Server::new(&rooms);
        let (now, storage) = (server.now, BTreeMap::new());
        let mut world = Self { server, clients: Vec::new(), storage, rooms, now, cmids: 0 };
        users.iter().for_each(|user| world.join(user));
        world
    }

    /// Somebody opens the page of the first room.
    pub(crate) fn join(&mut self, user: &str) {
        let user: UserId = user.parse().unwrap();
        let model = Model::from_page(&self.page(&user, &self.rooms[0]));
        let (up, posted) = (VecDeque::new(), Vec::new());
        self.clients.push(Client { user, model, up, socket: None, wake: None, posted });
        self.start(self.clients.len() - 1);
    }

    /// What the server renders for `user`.
    pub(crate) fn page(&self, user: &UserId, room: &RoomId) -> PageData {
        PageData {
            you: Some(Person { id: user.clone(), name: user.to_string() }),
            epoch: self.server.epoch(),
            snapshot: self.server.snapshot(room),
            people: Vec::new(),
            rooms: self.server.rooms(user),
            limits: Limits::default(),
            heartbeat_ms: 25_000,
            locale: Locale::En,
            locale_chosen: false,
            theme: Theme::Auto,
            focus: None,
            editing: None,
            after: false,
            notice: None,
            cmid: Cmid(0),
        }
    }

    pub(crate) fn cmid(&mut self) -> Cmid {
        self.cmids += 1;
        Cmid(self.cmids)
    }

    /// Lets something happen to a client, and carries out what it wants.
    pub(crate) fn event(&mut self, id: usize, event: Event) {
        let effects = update(&mut self.clients[id].model, event, self.now);
        for effect in effects {
            let client = &mut self.clients[id];
            match effect {
                Effect::Connect { conn, .. } => {
                    client.socket = Some((conn, false));
                    client.up.clear();
                    self.server.sessions.remove(&id);
                }
                Effect::Close { .. } => {
                    self.server.sessions.get_mut(&id).into_iter().for_each(|s| s.watched.clear())
                }
                Effect::Send { conn, frame } => {
                    if client.socket == Some((conn, true)) {
                        client.up.push_back(frame);
                    }
                }
                Effect::WakeAt(at) => client.wake = Some(at),
                Effect::Restore { user } => {
                    let writes = self.storage.entry(user.clone()).or_default().values().cloned().collect();
                    self.event(id, Event::Restored { user, writes });
                }
                Effect::SaveWrite { user, write } => {
                    self.storage.entry(user).or_default().insert(write.cmid, write);
                }
                Effect::ForgetWrite { user, cmid } => {
                    self.storage.entry(user).or_default().remove(&cmid);
                }
                Effect::SignOfLife { .. } | Effect::Tell { .. } => {}
            }
        }
        self.check_rows(id);
    }

    /// The socket opens, if one is being opened.
    pub(crate) fn open(&mut self, id: usize) {
        if let Some((conn, false)) = self.clients[id].socket {
            self.clients[id].socket = Some((conn, true));
            let user = self.clients[id].user.clone();
            let session = Session { user, watched: Vec::new(), down: VecDeque::new() };
            self.server.sessions.insert(id, session);
            self.event(id, Event::Opened { conn });
        }
    }

    /// One frame of the client arrives.
    pub(crate) fn up(&mut self, id: usize) {
        if self.server.sessions.contains_key(&id)
            && let Some(frame) = self.clients[id].up.pop_front()
        {
            self.server.frame(id, frame);
        }
    }

    /// One frame of the server arrives, `times` over.
    pub(crate) fn down(&mut self, id: usize, times: u8) {
        let Some((conn, true)) = self.clients[id].socket else { return };
        let Some(frame) = self.server.sessions.get_mut(&id).and_then(|session| session.down.pop_front())
        else {
            return;
        };
        for _ in 0..times {
            self.event(id, Event::Frame { conn, frame: frame.clone() });
        }
    }

    /// The connection breaks, with all that was on its way.
    pub(crate) fn cut(&mut self, id: usize, roll: u32) {
        self.server.sessions.remove(&id);
        self.clients[id].up.clear();
        if let Some((conn, _)) = self.clients[id].socket.take() {
            self.event(id, Event::Closed { conn, code: 1006, roll });
        }
    }

    /// The tab is loaded anew: all that is left is what was stored.
    pub(crate) fn reload(&mut self, id: usize) {
        self.server.sessions.remove(&id);
        let (user, room) = (self.clients[id].user.clone(), self.clients[id].model.room().clone());
        let page = self.page(&user, &room);
        let client = &mut self.clients[id];
        client.model = Model::from_page(&page);
        client.up.clear();
        client.socket = None;
        client.wake = None;
        self.start(id);
    }

    fn start(&mut self, id: usize) {
        self.event(id, Event::Started { visible: true });
        self.event(id, Event::Role(Role::Alone));
    }

    pub(crate) fn pass(&mut self, ms: i64, roll: u32) {
        self.now += ms;
        self.server.now = self.now;
        for id in 0..self.clients.len() {
            if self.clients[id].wake.is_some_and(|wake| wake <= self.now) {
                self.clients[id].wake = None;
                self.event(id, Event::Woke { roll });
            }
        }
    }

    /// Brings everything that is on its way to its end.
    pub(crate) fn deliver(&mut self) {
        loop {
            let mut moved = false;
            for id in 0..self.clients.len() {
                self.open(id);
                while self.server.sessions.contains_key(&id) && !self.clients[id].up.is_empty() {
                    self.up(id);
                    moved = true;
                }
                while self.server.sessions.get(&id).is_some_and(|session| !session.down.is_empty()) {
                    self.down(id, 1);
                    moved = true;
                }
            }
            if !moved {
                return;
            }
        }
    }

    /// Lets trouble end, and time pass, until nothing is left to be done.
    pub(crate) fn settle(&mut self) {
        self.server.refuse = 0;
        for _ in 0..8 {
            self.deliver();
            self.pass(25_000, 1 << 31);
            self.server.heads();
        }
        self.deliver();
    }

    pub(crate) fn post(&mut self, id: usize, room: &RoomId) {
        let cmid = self.cmid();
        self.clients[id].posted.push((room.clone(), cmid));
        let body = format!("{} {}", self.clients[id].user, cmid.0);
        self.event(id, Event::Post { room: room.clone(), cmid, body, reply_to: None });
    }

    /// Messages of the rows: number, text, and whether they are on their way.
    pub(crate) fn rows(&self, id: usize, room: &RoomId) -> Vec<(Option<Seq>, Option<String>)> {
        let message = |row: Row| match row {
            Row::Message(row) => Some((row.seq, row.body.map(|body| body.to_string()))),
            _ => None,
        };
        timeline(&self.clients[id].model, room, &utc_day).into_iter().filter_map(message).collect()
    }

    fn check_rows(&self, id: usize) {
        for room in &self.rooms {
            let rows = timeline(&self.clients[id].model, room, &utc_day);
            let keys: BTreeSet<_> = rows.iter().map(Row::key).collect();
            assert_eq!(keys.len(), rows.len(), "a key stands for one row: {rows:?}");
        }
    }
}
