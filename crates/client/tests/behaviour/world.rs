//! A server, clients, what is on its way between them, and time: all of it moved by hand.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use madang_client::{
    Conn, Effect, Event, Locale, Model, PageData, Role, Row, TabId, TabMessage, Theme, Transport, Write,
    timeline, update, utc_day,
};
use madang_protocol::{ClientFrame, Cmid, Limits, Person, RoomId, Seq, UnixMs, UserId};

use crate::server::{Server, Session};

pub(crate) struct Client {
    pub(crate) user: UserId,
    pub(crate) model: Model,
    pub(crate) carriers: Vec<Carrier>,
    pub(crate) wake: Option<UnixMs>,
    /// Posts in the order in which the person made them here.
    pub(crate) posted: Vec<(RoomId, Cmid)>,
    /// Its name among the tabs of its browser; `None` where tabs cannot tell each other.
    pub(crate) tab: Option<TabId>,
    /// Messages from other tabs to this one, by sender.
    pub(crate) told: BTreeMap<TabId, VecDeque<TabMessage>>,
}

pub(crate) struct Carrier {
    pub(crate) conn: Conn,
    pub(crate) transport: Transport,
    pub(crate) state: Carried,
    pub(crate) up: VecDeque<ClientFrame>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Carried {
    Opening,
    Open,
    /// The client closed it, and did not receive the close yet.
    Closing,
}

impl Client {
    /// Returns the frames that wait on the present carrier.
    pub(crate) fn waits(&self) -> impl Iterator<Item = &ClientFrame> {
        let conn = self.model.link().conn;
        self.carriers.iter().filter(move |carrier| carrier.conn == conn).flat_map(|carrier| &carrier.up)
    }

    pub(crate) fn up(&mut self) -> &mut VecDeque<ClientFrame> {
        let conn = self.model.link().conn;
        &mut self.carriers.iter_mut().find(|carrier| carrier.conn == conn).expect("a carrier").up
    }
}

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) clients: Vec<Client>,
    /// Storage of each person's browsers, kept over a reload.
    pub(crate) storage: BTreeMap<UserId, BTreeMap<Cmid, Write>>,
    pub(crate) rooms: Vec<RoomId>,
    pub(crate) now: UnixMs,
    pub(crate) cmids: u128,
    /// Something on the way lets no WebSocket through.
    pub(crate) blocked: bool,
}

impl World {
    pub(crate) fn new(rooms: &[&str], users: &[&str]) -> Self {
        let rooms: Vec<RoomId> = rooms.iter().map(|room| room.parse().unwrap()).collect();
        let server = Server::new(&rooms);
        let (now, storage) = (server.now, BTreeMap::new());
        let mut world = Self { server, clients: Vec::new(), storage, rooms, now, cmids: 0, blocked: false };
        users.iter().for_each(|user| world.join(user));
        world
    }

    /// Somebody opens the page of the first room, in a browser whose tabs know nothing of each other.
    pub(crate) fn join(&mut self, user: &str) {
        let id = self.page_of(user);
        self.start(id);
    }

    pub(crate) fn page_of(&mut self, user: &str) -> usize {
        let user: UserId = user.parse().unwrap();
        let model = Model::from_page(&self.page(&user, &self.rooms[0]));
        let (carriers, posted) = (Vec::new(), Vec::new());
        let told = BTreeMap::new();
        self.clients.push(Client { user, model, carriers, wake: None, posted, tab: None, told });
        self.clients.len() - 1
    }

    pub(crate) fn start(&mut self, id: usize) {
        self.event(id, Event::Started { visible: true });
        if self.clients[id].tab.is_none() {
            self.event(id, Event::Role(Role::Alone));
        }
    }

    /// Returns the page that the server renders for `user`.
    pub(crate) fn page(&self, user: &UserId, room: &RoomId) -> PageData {
        PageData {
            you: Some(Person::new(user.clone(), user.to_string())),
            epoch: self.server.epoch(),
            snapshot: self.server.snapshot(room),
            people: Vec::new(),
            rooms: self.server.rooms(user),
            limits: Limits::default(),
            heartbeat_ms: 25_000,
            locale: Locale::En,
            locale_chosen: false,
            theme: Theme::Auto,
            enter: Default::default(),
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
        for effect in update(&mut self.clients[id].model, event, self.now) {
            self.run(id, effect);
        }
        self.check_rows(id);
    }

    fn run(&mut self, id: usize, effect: Effect) {
        let client = &mut self.clients[id];
        match effect {
            Effect::Connect { conn, transport } => {
                let (state, up) = (Carried::Opening, VecDeque::new());
                client.carriers.push(Carrier { conn, transport, state, up });
            }
            Effect::Close { conn } => {
                self.server.sessions.remove(&(id, conn));
                let carriers = client.carriers.iter_mut().filter(|carrier| carrier.conn == conn);
                carriers.for_each(|carrier| carrier.state = Carried::Closing);
            }
            Effect::Send { conn, frame } => {
                let open = |carrier: &&mut Carrier| carrier.conn == conn && carrier.state == Carried::Open;
                client
                    .carriers
                    .iter_mut()
                    .filter(open)
                    .for_each(|carrier| carrier.up.push_back(frame.clone()));
            }
            Effect::SignOfLife { .. } => {}
            Effect::SendToTabs { to, message } => self.tell(id, &to, &message),
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
        }
    }

    fn tell(&mut self, id: usize, to: &[TabId], message: &TabMessage) {
        let from = self.clients[id].tab.expect("only tabs tell");
        for other in &mut self.clients {
            if other.tab.is_some_and(|tab| tab != from && (to.is_empty() || to.contains(&tab))) {
                other.told.entry(from).or_default().push_back(message.clone());
            }
        }
    }

    /// Delivers the first waiting message of one tab to this one.
    pub(crate) fn hear(&mut self, id: usize, from: TabId) {
        let message = self.clients[id].told.get_mut(&from).and_then(VecDeque::pop_front);
        if let Some(message) = message {
            self.event(id, Event::Tab { from, message, roll: 1 << 31 });
        }
    }

    /// A carrier opens, or is found closed.
    pub(crate) fn open_on(&mut self, id: usize, conn: Conn) {
        let carriers = &mut self.clients[id].carriers;
        let Some(index) = carriers.iter().position(|carrier| carrier.conn == conn) else { return };
        let carrier = &mut carriers[index];
        let refused = self.blocked && carrier.transport == Transport::WebSocket;
        match carrier.state {
            Carried::Opening if !refused => {
                carrier.state = Carried::Open;
                let user = self.clients[id].user.clone();
                let session = Session { user, watched: Vec::new(), down: VecDeque::new() };
                self.server.sessions.insert((id, conn), session);
                self.event(id, Event::Opened { conn });
            }
            Carried::Opening | Carried::Closing => {
                carriers.remove(index);
                self.event(id, Event::Closed { conn, code: 1006, roll: 1 << 31 });
            }
            Carried::Open => {}
        }
    }

    /// The present carrier opens, if it is being opened.
    pub(crate) fn open(&mut self, id: usize) {
        self.open_on(id, self.clients[id].model.link().conn);
    }

    /// One frame of the client arrives.
    pub(crate) fn up_on(&mut self, id: usize, conn: Conn) {
        let carrier = self.clients[id].carriers.iter_mut().find(|carrier| carrier.conn == conn);
        if self.server.sessions.contains_key(&(id, conn))
            && let Some(frame) = carrier.and_then(|carrier| carrier.up.pop_front())
        {
            self.server.frame((id, conn), frame);
        }
    }

    pub(crate) fn up(&mut self, id: usize) {
        self.up_on(id, self.clients[id].model.link().conn);
    }

    /// The session of the present carrier.
    pub(crate) fn session(&mut self, id: usize) -> Option<&mut Session> {
        self.server.sessions.get_mut(&(id, self.clients[id].model.link().conn))
    }

    /// One frame of the server arrives, `times` over.
    pub(crate) fn down_on(&mut self, id: usize, conn: Conn, times: u8) {
        let session = self.server.sessions.get_mut(&(id, conn));
        let Some(frame) = session.and_then(|session| session.down.pop_front()) else { return };
        for _ in 0..times {
            self.event(id, Event::Frame { conn, frame: frame.clone() });
        }
    }

    pub(crate) fn down(&mut self, id: usize, times: u8) {
        self.down_on(id, self.clients[id].model.link().conn, times);
    }

    /// The present carrier breaks, with all that was on its way.
    pub(crate) fn cut(&mut self, id: usize, roll: u32) {
        self.cut_on(id, self.clients[id].model.link().conn, roll);
    }

    pub(crate) fn cut_on(&mut self, id: usize, conn: Conn, roll: u32) {
        let carriers = &mut self.clients[id].carriers;
        if let Some(index) = carriers.iter().position(|carrier| carrier.conn == conn) {
            carriers.remove(index);
            self.server.sessions.remove(&(id, conn));
            self.event(id, Event::Closed { conn, code: 1006, roll });
        }
    }

    /// Something happens to a carrier that is not the present one: a trial, or one that is being closed.
    pub(crate) fn beside(&mut self, id: usize, what: u8) {
        let present = self.clients[id].model.link().conn;
        let Some(conn) = self.conns(id).into_iter().find(|conn| *conn != present) else { return };
        match what {
            0 => self.open_on(id, conn),
            1 => self.up_on(id, conn),
            2 => self.down_on(id, conn, 1),
            _ => self.cut_on(id, conn, 1 << 31),
        }
    }

    /// The database comes back from a backup, and with it the server: nothing of the one before is still open.
    pub(crate) fn restore_backup(&mut self) {
        self.server.restore_backup();
        for id in 0..self.clients.len() {
            self.conns(id).into_iter().for_each(|conn| self.cut_on(id, conn, 0));
        }
    }

    /// The page is gone: all that is left is what was stored.
    pub(crate) fn crash(&mut self, id: usize) {
        self.server.sessions.retain(|(client, _), _| *client != id);
        let (user, room) = (self.clients[id].user.clone(), self.clients[id].model.room().clone());
        let page = self.page(&user, &room);
        let client = &mut self.clients[id];
        client.model = Model::from_page(&page);
        client.carriers.clear();
        client.told.clear();
        client.wake = None;
    }

    /// The tab is loaded anew.
    pub(crate) fn reload(&mut self, id: usize) {
        self.crash(id);
        self.start(id);
    }

    /// Time passes, and whoever wants to be woken is.
    pub(crate) fn pass(&mut self, ms: i64, roll: u32) {
        let until = self.now + ms;
        for rings in 0.. {
            assert!(rings < 10_000, "a timer that is due is done with");
            let due = self.clients.iter().filter_map(|client| client.wake).min();
            self.now = due.map_or(until, |due| due.clamp(self.now, until));
            self.server.now = self.now;
            let Some(id) = self.due() else { return };
            self.clients[id].wake = None;
            self.event(id, Event::Woke { roll });
        }
    }

    fn due(&self) -> Option<usize> {
        self.clients.iter().position(|client| client.wake.is_some_and(|wake| wake <= self.now))
    }

    fn conns(&self, id: usize) -> Vec<Conn> {
        self.clients[id].carriers.iter().map(|carrier| carrier.conn).collect()
    }

    /// Delivers one thing of a client. Returns true if there was any.
    fn deliver_one(&mut self, id: usize) -> bool {
        let before = self.clients[id].model.link();
        let mut moved = false;
        for conn in self.conns(id) {
            self.open_on(id, conn);
            while self.clients[id]
                .carriers
                .iter()
                .any(|carrier| carrier.conn == conn && !carrier.up.is_empty())
                && self.server.sessions.contains_key(&(id, conn))
            {
                self.up_on(id, conn);
                moved = true;
            }
            while self.server.sessions.get(&(id, conn)).is_some_and(|session| !session.down.is_empty()) {
                self.down_on(id, conn, 1);
                moved = true;
            }
        }
        let heard: Vec<TabId> = self.clients[id].told.keys().copied().collect();
        for from in heard {
            while self.clients[id].told.get(&from).is_some_and(|told| !told.is_empty()) {
                self.hear(id, from);
                moved = true;
            }
        }
        moved || self.clients[id].model.link() != before
    }

    /// Brings everything that is on its way to its end.
    pub(crate) fn deliver(&mut self) {
        loop {
            let moved: Vec<bool> = (0..self.clients.len()).map(|id| self.deliver_one(id)).collect();
            if !moved.contains(&true) {
                return;
            }
        }
    }

    /// Lets trouble end, and time pass, until nothing is left to be done.
    pub(crate) fn settle(&mut self) {
        self.server.refuse = 0;
        self.blocked = false;
        for _ in 0..8 {
            self.deliver();
            for _ in 0..25 {
                self.pass(1_000, 1 << 31);
                self.deliver();
            }
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
