//! A lying server: the client takes any frames in any order, and whatever its person does meanwhile.

use std::collections::HashSet;

use madang_client::{Conn, Effect, Event, Locale, Model, Role, Theme, Transport, timeline, update, utc_day};
use madang_protocol::{Cmid, RoomId, UnixMs};

/// Lines of a script that are played; the rest is left out.
const LINES: usize = 64;

struct Page {
    model: Model,
    now: UnixMs,
    /// Carriers that were asked for, and neither closed nor lost.
    carriers: HashSet<Conn>,
    opened: HashSet<Conn>,
    newest: Conn,
    cmids: u128,
}

/// Plays a script. A line is a frame from the server on the newest connection; one that begins with `>` is posted
/// by the person. `o` opens the connection, `c` cuts it, `w` lets a minute pass, `r` opens another room, `^` reads
/// on at the top.
///
/// # Panics
/// If the client dies, or sends on a connection that it does not have.
pub fn client(bytes: &[u8]) {
    let Ok(script) = std::str::from_utf8(bytes) else { return };
    let model = Model::new(RoomId::lobby(), Locale::Ko, Theme::Auto);
    let (carriers, opened) = (HashSet::new(), HashSet::new());
    let mut page = Page { model, now: 1_000, carriers, opened, newest: 0, cmids: 0 };
    page.event(Event::Started { visible: true });
    page.event(Event::Role(Role::Alone));
    for line in script.lines().take(LINES) {
        page.play(line);
        page.now += 10;
    }
    page.event(Event::Stopped);
}

impl Page {
    fn play(&mut self, line: &str) {
        let (conn, room) = (self.newest, self.model.room().clone());
        match (line, line.strip_prefix('>')) {
            ("o", _) => self.open(conn),
            ("c", _) => self.lose(conn),
            ("w", _) => {
                self.now += 60_000;
                self.event(Event::Woke { roll: 1 << 31 });
            }
            ("r", _) => {
                let other = self.model.room_lines().into_iter().map(|line| line.room).find(|id| *id != room);
                self.event(Event::OpenRoom { room: other.unwrap_or(room), around: Some(self.cmids as u64) });
            }
            ("^", _) => self.event(Event::Older { room }),
            (_, Some(body)) => {
                self.cmids += 1;
                let (cmid, body) = (Cmid(self.cmids), body.to_owned());
                self.event(Event::Post { room, cmid, body, reply_to: None });
            }
            (text, None) => {
                // A carrier brings nothing before it is open, and nothing after it was closed.
                let open = self.carriers.contains(&conn) && self.opened.contains(&conn);
                let (true, Ok(frame)) = (open, serde_json::from_str(text)) else { return };
                self.event(Event::Frame { conn, frame });
            }
        }
    }

    fn open(&mut self, conn: Conn) {
        if self.carriers.contains(&conn) && self.opened.insert(conn) {
            self.event(Event::Opened { conn });
        }
    }

    fn lose(&mut self, conn: Conn) {
        if self.carriers.remove(&conn) {
            self.event(Event::Closed { conn, code: 1006, roll: 1 << 30 });
        }
    }

    fn event(&mut self, event: Event) {
        let effects = update(&mut self.model, event, self.now);
        for effect in effects {
            self.run(effect);
        }
        let rooms: Vec<RoomId> = self.model.room_lines().into_iter().map(|line| line.room).collect();
        for room in rooms.iter().chain([self.model.room()]) {
            let _ = timeline(&self.model, room, &utc_day);
        }
    }

    fn run(&mut self, effect: Effect) {
        match effect {
            Effect::Connect { conn, transport } => {
                assert_ne!(transport, Transport::Tab, "the core opens that one by itself");
                assert!(conn > self.newest, "a connection's number is new");
                self.newest = conn;
                self.carriers.insert(conn);
            }
            Effect::Close { conn } => {
                self.carriers.remove(&conn);
            }
            Effect::Send { conn, .. } => {
                assert!(self.carriers.contains(&conn), "sent on a connection that is not there");
            }
            Effect::Restore { user } => self.event(Event::Restored { user, writes: Vec::new() }),
            _ => {}
        }
    }
}
