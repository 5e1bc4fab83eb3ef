//! The client's edge: what a browser does for the core, and what comes to it over the network.

use madang_client::{Conn, Effect, Event, Locale, Model, PageData, Theme, Transport, update};
use madang_protocol::{ClientFrame, ServerFrame};

use crate::device::Shown;
use crate::link::{Down, Link, LinkId, Up};
use crate::world::{Ev, World};
use crate::{Check, broken};

impl World {
    /// Lets something happen to a page, and carries out what the core wants.
    pub(crate) fn event(&mut self, device: usize, event: Event) -> Check {
        self.dispatch(device, event);
        self.check_screen(device)
    }

    fn dispatch(&mut self, device: usize, event: Event) {
        let time = self.devices[device].time(self.now);
        let Some(model) = &mut self.devices[device].model else { return };
        for effect in update(model, event, time) {
            self.effect(device, effect);
        }
    }

    fn effect(&mut self, device: usize, effect: Effect) {
        match effect {
            Effect::Connect { conn, transport } => self.connect(device, conn, transport),
            Effect::Close { conn } => self.close(device, conn),
            Effect::Send { conn, frame } => self.send(device, conn, frame),
            Effect::WakeAt(at) => {
                let device_now = self.devices[device].time(self.now);
                self.devices[device].timer += 1;
                let wait = u64::try_from(at - device_now).unwrap_or(0);
                self.after(wait, Ev::Woke(device, self.devices[device].timer));
            }
            Effect::SignOfLife { conn } => {
                if let Some(link) = self.open_link(device, conn) {
                    self.push_up(link, Up::Pong);
                }
            }
            Effect::SendToTabs { to, message } => self.tell_tabs(device, &to, &message),
            Effect::Restore { user } => self.read_storage(device, user),
            Effect::SaveWrite { write, .. } => _ = self.browser(device).storage.insert(write.cmid, write),
            Effect::ForgetWrite { cmid, .. } => _ = self.browser(device).storage.remove(&cmid),
        }
    }

    // --- The page's life.

    /// The page comes alive, from what the server has rendered, or from nothing.
    pub(crate) fn hydrate(&mut self, device: usize, page: u32, data: Option<Box<PageData>>) -> Check {
        if self.devices[device].page != page {
            return Ok(());
        }
        if self.devices[device].asleep > self.now {
            self.at(self.devices[device].asleep, Ev::Hydrate(device, page, data));
            return Ok(());
        }
        let model = match &data {
            Some(data) => Model::from_page(data),
            None => Model::new(self.rooms[0].clone(), Locale::En, Theme::Auto),
        };
        if let Some(data) = data {
            let log = self.logs.iter().position(|log| log.epoch == data.epoch).unwrap_or_default();
            // Its list has the counts.
            let shown = Shown { log, ..Shown::default() };
            self.devices[device].shown.insert(data.snapshot.room.clone(), shown);
        }
        self.devices[device].model = Some(model);
        self.event(device, Event::Started { visible: true })?;
        self.seek_role(device)
    }

    pub(crate) fn woke(&mut self, device: usize, timer: u64) -> Check {
        let body = &mut self.devices[device];
        if body.timer != timer {
            return Ok(());
        }
        if body.asleep > self.now {
            let at = body.asleep;
            self.at(at, Ev::Woke(device, timer));
            return Ok(());
        }
        let roll = body.chance.roll();
        self.event(device, Event::Woke { roll })
    }

    /// The device reads on what came while it did not.
    pub(crate) fn reads_on(&mut self, device: usize) -> Check {
        while self.devices[device].asleep.max(self.devices[device].slow) <= self.now {
            let Some((link, down)) = self.devices[device].unread.pop_front() else { break };
            self.take(link, down)?;
        }
        Ok(())
    }

    pub(crate) fn network_back(&mut self, device: usize) -> Check {
        let body = &self.devices[device];
        if body.offline > self.now || body.asleep > self.now {
            return Ok(());
        }
        self.event(device, Event::Online)
    }

    // --- Its connections.

    /// A WebSocket has to reach the server to be open; the others are open at once, and are seen by the server
    /// with their first frame.
    fn connect(&mut self, device: usize, conn: Conn, transport: Transport) {
        let link = self.links.len();
        self.links.push(Link::new(device, conn, transport, self.devices[device].page));
        let body = &mut self.devices[device];
        let (delay, offline, blocked) = (body.delay(), body.offline > self.now, body.blocked > self.now);
        let refused = offline || (blocked && transport == Transport::WebSocket);
        self.after(
            delay,
            match transport {
                _ if refused => Ev::ClientLost(link, 1006),
                Transport::WebSocket => Ev::Knock(link),
                _ => Ev::Opened(link),
            },
        );
    }

    fn close(&mut self, device: usize, conn: Conn) {
        let Some(link) = self.open_link(device, conn) else { return };
        // Of the others the server learns by their silence.
        if self.links[link].transport == Transport::WebSocket {
            self.push_up(link, Up::Close);
        }
        self.links[link].open = false;
        let delay = self.devices[device].chance.between(1, 500);
        self.after(delay, Ev::ClientLost(link, 1005));
    }

    pub(crate) fn send(&mut self, device: usize, conn: Conn, frame: ClientFrame) {
        let Some(link) = self.open_link(device, conn) else { return };
        if let ClientFrame::Post { reply_to: None, .. } = frame {
            self.devices[device].last_write = Some(frame.clone());
        }
        self.push_up(link, Up::Frame(frame));
    }

    pub(crate) fn push_up(&mut self, link: LinkId, up: Up) {
        if self.links[link].cut {
            return;
        }
        let delay = self.devices[self.links[link].device].delay();
        let at = self.links[link].up_at.max(self.now + delay);
        self.links[link].up_at = at;
        self.links[link].up.push_back(up);
        self.at(at, Ev::Up(link));
    }

    pub(crate) fn open_link(&self, device: usize, conn: Conn) -> Option<LinkId> {
        let page = self.devices[device].page;
        let is = |link: &Link| link.open && (link.device, link.conn, link.page) == (device, conn, page);
        self.links.iter().rposition(is)
    }

    /// Returns true if the page that opened the connection is still there to notice.
    fn is_heard(&self, link: LinkId) -> bool {
        self.links[link].page == self.devices[self.links[link].device].page
    }

    pub(crate) fn opened(&mut self, link: LinkId) -> Check {
        let Link { device, conn, cut, open, .. } = self.links[link];
        if cut || !open || !self.is_heard(link) {
            return Ok(());
        }
        if self.devices[device].asleep > self.now {
            self.at(self.devices[device].asleep, Ev::Opened(link));
            return Ok(());
        }
        self.event(device, Event::Opened { conn })
    }

    pub(crate) fn client_lost(&mut self, link: LinkId, code: u16) -> Check {
        let Link { device, conn, ended, .. } = self.links[link];
        if ended || !self.is_heard(link) {
            return Ok(());
        }
        if self.devices[device].asleep > self.now {
            self.at(self.devices[device].asleep, Ev::ClientLost(link, code));
            return Ok(());
        }
        self.links[link].open = false;
        self.links[link].ended = true;
        self.note(|| format!("{} loses connection {conn} ({code})", crate::DEVICES[device].1), &[1]);
        let roll = self.devices[device].chance.roll();
        self.event(device, Event::Closed { conn, code, roll })
    }

    pub(crate) fn arrived_down(&mut self, link: LinkId) -> Check {
        if self.links[link].cut {
            return Ok(());
        }
        let Link { device, transport, mut stalled, .. } = self.links[link];
        if transport == Transport::EventSource {
            stalled = stalled.max(self.devices[device].buffered);
        }
        if stalled > self.now {
            self.at(stalled, Ev::Down(link));
            return Ok(());
        }
        let Some(down) = self.links[link].down.pop_front() else { return Ok(()) };
        let body = &mut self.devices[device];
        if body.asleep.max(body.slow) > self.now || !body.unread.is_empty() {
            body.unread.push_back((link, down));
            return Ok(());
        }
        self.take(link, down)
    }

    /// The browser takes something from the network.
    fn take(&mut self, link: LinkId, down: Down) -> Check {
        self.links[link].in_flight -= down.bytes();
        self.kick(link);
        let Link { device, conn, open, .. } = self.links[link];
        if !self.is_heard(link) || self.links[link].cut {
            return Ok(());
        }
        let transport = self.links[link].transport;
        if open && transport == Transport::Poll {
            // The frame behind this is answered by the next poll.
            self.push_up(link, Up::Pong);
        }
        match down {
            Down::Ping => {
                if open && transport == Transport::WebSocket {
                    self.push_up(link, Up::Pong);
                }
                Ok(())
            }
            Down::Close(code) => self.client_lost(link, code),
            Down::Frame(text) => {
                let Ok(frame) = serde_json::from_str::<ServerFrame>(&text) else {
                    return broken(format!("the server says what no client reads: {text}"));
                };
                // A read marker is told once: that it may get lost is known.
                if self.links[link].to_lose > 0 && !matches!(frame, ServerFrame::Read { .. }) {
                    self.links[link].to_lose -= 1;
                    self.tally.frames_lost += 1;
                    self.note(|| format!("lost: {text}"), &[2]);
                    return Ok(());
                }
                self.note(
                    || format!("{} hears on {conn}: {text}", crate::DEVICES[device].1),
                    text.as_bytes(),
                );
                let log = self.links[link].log;
                self.hear(device, &frame.clone(), log, Event::Frame { conn, frame })
            }
        }
    }

    /// A page is brought a frame by `event`; the server sent it when it had the log of that number.
    pub(crate) fn hear(&mut self, device: usize, frame: &ServerFrame, log: usize, event: Event) -> Check {
        let (room, paged) = match frame {
            ServerFrame::Snapshot(snapshot) => (Some(snapshot.room.clone()), false),
            ServerFrame::Page { room, .. } => (Some(room.clone()), true),
            _ => (None, false),
        };
        let resets = |world: &Self| {
            let model = world.devices[device].model.as_ref()?;
            Some(model.room_view(room.as_ref()?)?.resets)
        };
        let before = resets(self);
        self.count(device, frame);
        self.dispatch(device, event);
        // A state that the core took: what is on screen belongs to this log from now on.
        if resets(self) != before
            && let Some(room) = room
        {
            self.devices[device].shown.entry(room).or_default().reset(log, paged);
        }
        match frame {
            // Frames that change no row.
            ServerFrame::Heads { .. }
            | ServerFrame::Presence { .. }
            | ServerFrame::People { .. }
            | ServerFrame::Typing { .. }
            | ServerFrame::Live { .. } => Ok(()),
            ServerFrame::Read { room, .. } => self.check_room(device, room),
            ServerFrame::Entry(entry) => self.check_room(device, &entry.room),
            _ => self.check_screen(device),
        }
    }

    /// Counts what stories should contain.
    fn count(&mut self, device: usize, frame: &ServerFrame) {
        let Some(model) = &self.devices[device].model else { return };
        match frame {
            ServerFrame::Page { room, head, .. } => {
                self.tally.ahead += u64::from(model.cursor(room).is_some_and(|cursor| cursor < *head));
            }
            ServerFrame::Done { cmid, .. } => {
                let known = self.logs.iter().any(|log| log.find(&self.devices[device].user, *cmid).is_some());
                self.tally.idle_writes += u64::from(!known);
            }
            _ => {}
        }
    }
}
