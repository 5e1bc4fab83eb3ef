//! Execution of each step of a scenario.

use madang_client::{Event, MessageRow, Row, timeline, utc_day};
use madang_protocol::{Cmid, RoomId};
use madang_server::store::RoomChange;

use crate::link::LinkId;
use crate::model::{Made, Meant};
use crate::scenario::{Act, Noticed};
use crate::world::{Ev, World};
use crate::{Check, DEVICES};

impl World {
    pub(crate) fn scene(&mut self, act: Act) -> Check {
        self.note(|| format!("--- {act}"), &[0]);
        match act {
            Act::Post { device, room, bytes, reply } => self.post(device, room, bytes, reply),
            Act::Burst { device, room, posts, bytes } => {
                (0..posts).try_for_each(|_| self.post(device, room, bytes, false))
            }
            Act::Edit { device, room } => self.edit(device, room),
            Act::Delete { device, room } => self.delete(device, room),
            Act::React { device, room } => self.react(device, room),
            Act::Join { device, room } => self.join(device, room),
            Act::TakeBack { device, room } => self.take_back(device, room),
            Act::Revise { device, room, times } => self.revise(device, room, times),
            Act::Form { device, room, again } => {
                self.send_form(device, room, again);
                Ok(())
            }
            Act::Repeat { device } => {
                self.repeat(device);
                Ok(())
            }
            Act::Stranger { device, salt } => {
                self.stranger(device, salt);
                Ok(())
            }
            Act::Open { device, room } => {
                self.person(device, room, |room| Event::OpenRoom { room, around: None })
            }
            Act::Link { device, room, seq } => {
                self.paged(device, room);
                self.person(device, room, |room| Event::OpenRoom { room, around: Some(seq) })
            }
            Act::Older { device, room } => {
                self.paged(device, room);
                self.person(device, room, |room| Event::Older { room })
            }
            Act::Newer { device, room } => {
                self.paged(device, room);
                self.person(device, room, |room| Event::Newer { room })
            }
            Act::Latest { device, room } => self.person(device, room, |room| Event::Latest { room }),
            Act::Bottom { device, room, at } => {
                self.person(device, room, |room| Event::AtBottom { room, at_bottom: at })
            }
            Act::Visible { device, visible } => self.person(device, 0, |_| Event::Visible(visible)),
            _ => self.trouble(act),
        }
    }

    fn trouble(&mut self, act: Act) -> Check {
        match act {
            Act::Cut { device, noticed } => self.cut(device, noticed),
            Act::Stall { device, ms } => {
                let until = self.now + ms;
                let links = self.links.iter_mut().filter(|link| link.device == device && !link.cut);
                links.for_each(|link| link.stalled = link.stalled.max(until));
            }
            Act::Slow { device, ms } => {
                let body = &mut self.devices[device];
                body.slow = body.slow.max(self.now + ms);
                self.at(self.devices[device].slow, Ev::Reads(device));
            }
            Act::Lose { device } => {
                if let Some(link) = self.links.iter_mut().rfind(|link| link.device == device) {
                    link.to_lose += 1;
                }
            }
            Act::Offline { device, ms } => {
                return Self::tabs(device).try_for_each(|tab| self.offline(tab, ms));
            }
            Act::Proxy { device, ms, buffers } => {
                let body = &mut self.devices[device];
                body.blocked = self.now + ms;
                if buffers {
                    body.buffered = self.now + ms;
                }
                self.cut(device, Noticed::Both);
            }
            // A laptop sleeps with all its tabs; a tab may be frozen alone.
            Act::Sleep { device, ms } => Self::tabs(device).for_each(|tab| self.sleep(tab, ms)),
            Act::Freeze { device, ms } => self.sleep(device, ms),
            Act::Reload { device, page } => return self.reload(device, page),
            Act::Clock { device, by } => {
                self.tally.jumps += 1;
                self.devices[device].clock += by;
            }
            Act::ServerClock { by } => {
                self.tally.jumps += 1;
                self.weather.clock += by;
            }
            Act::Crash { ms, resets } => self.crash(ms, resets),
            Act::CrashAt { step, ms } => self.weather.crash_at = Some((step, ms)),
            Act::Drain { ms } => self.drain(ms),
            Act::Backup => return self.back_up(),
            Act::Restore { ms } => return self.restore(ms),
            Act::DiskFails { ms } => self.weather.disk_fails = self.now + ms,
            Act::DiskFull { ms } => self.weather.disk_full = self.now + ms,
            Act::Unreadable { ms } => {
                self.weather.unreadable = self.now + ms;
                self.disk.set_readable(false);
                self.after(ms, Ev::Readable);
            }
            Act::SlowDisk { ms } => self.weather.disk_slow = self.now + ms,
            Act::Broker { ms } => self.weather.broker = self.now + ms,
            Act::Rename { room } => {
                let title = format!("{} since {}", crate::ROOMS[room], self.now);
                self.change_room(room, RoomChange::Rename { title });
            }
            Act::Close { room } => self.change_room(room, RoomChange::Close { unused: false }),
            _ => {}
        }
        Ok(())
    }

    // --- What people do.

    /// Returns true if the device may act: it is neither asleep nor loading its page, and its page knows already who
    /// they are; otherwise it could not keep over a reload what they write.
    pub(crate) fn is_there(&self, device: usize) -> bool {
        let body = &self.devices[device];
        body.asleep <= self.now && body.model.as_ref().is_some_and(|model| model.you().is_some())
    }

    fn person(&mut self, device: usize, room: usize, event: impl FnOnce(RoomId) -> Event) -> Check {
        if !self.is_there(device) {
            return Ok(());
        }
        let room = self.rooms[room].clone();
        self.event(device, event(room))
    }

    fn paged(&mut self, device: usize, room: usize) {
        let room = self.rooms[room].clone();
        self.devices[device].shown.entry(room).or_default().paged = true;
    }

    /// The messages that a device shows as the server has them.
    pub(crate) fn shown_messages(&self, device: usize, room: &RoomId) -> Vec<MessageRow> {
        let Some(model) = &self.devices[device].model else { return Vec::new() };
        let rows = timeline(model, room, &utc_day).into_iter();
        rows.filter_map(|row| if let Row::Message(row) = row { Some(row) } else { None })
            .filter(|row| row.seq.is_some())
            .collect()
    }

    pub(crate) fn made(&mut self, device: usize, room: &RoomId, what: Meant) -> Cmid {
        let cmid = self.new_cmid();
        let body = &mut self.devices[device];
        let number = body.places.entry(room.clone()).or_default();
        *number += 1;
        let made = Made { by: body.user.clone(), room: room.clone(), what, place: Some((device, *number)) };
        self.made.insert(cmid, made);
        cmid
    }

    pub(crate) fn post(&mut self, device: usize, room: usize, bytes: usize, reply: bool) -> Check {
        if !self.is_there(device) {
            return Ok(());
        }
        let room = self.rooms[room].clone();
        let log = self.devices[device].shown.get(&room).map_or(0, |shown| shown.log);
        let answered = self.shown_messages(device, &room).pop().filter(|_| reply).and_then(|row| row.seq);
        let cmid_of = |seq| self.logs[log].entry(&room, seq).and_then(|entry| entry.cmid);
        let reply_to = answered.and_then(|seq| Some((seq, cmid_of(seq)?)));
        let body = format!("{:x<bytes$}", self.cmids + 1);
        let meant = Meant::Post { body: body.clone(), reply_to: reply_to.map(|(_, cmid)| cmid) };
        let cmid = self.made(device, &room, meant);
        let reply_to = reply_to.map(|(seq, _)| seq);
        self.event(device, Event::Post { room, cmid, body, reply_to })
    }

    fn send_form(&mut self, device: usize, room: usize, again: u64) {
        let room = self.rooms[room].clone();
        // Every second one is a program's instead, which posts some together or not at all.
        let count = if again.is_multiple_of(2) { 1 } else { 3 };
        let cmids: Vec<Cmid> = (0..count).map(|_| self.new_cmid()).collect();
        for cmid in &cmids {
            let by = self.devices[device].user.clone();
            let what = Meant::Post { body: format!("form {cmid}"), reply_to: None };
            self.made.insert(*cmid, Made { by, room: room.clone(), what, place: None });
        }
        self.after(0, Ev::Form { device, room: room.clone(), cmids: cmids.clone() });
        self.after(again, Ev::Form { device, room, cmids });
    }

    fn repeat(&mut self, device: usize) {
        let body = &self.devices[device];
        let (Some(frame), Some(model)) = (body.last_write.clone(), &body.model) else { return };
        let link = model.link();
        if link.connected {
            self.send(device, link.conn, frame);
        }
    }

    // --- What goes wrong.

    fn cut(&mut self, device: usize, noticed: Noticed) {
        let is = |link: &LinkId| {
            self.links[*link].device == device && !self.links[*link].cut && !self.links[*link].ended
        };
        let links: Vec<LinkId> = (0..self.links.len()).filter(is).collect();
        for link in links {
            self.tally.cuts += 1;
            self.tally.half_open += u64::from(noticed != Noticed::Both);
            self.links[link].cut = true;
            let delay = self.devices[device].delay();
            if matches!(noticed, Noticed::Both | Noticed::Client) {
                self.after(delay, Ev::ClientLost(link, 1006));
            }
            let delay = self.devices[device].delay();
            if matches!(noticed, Noticed::Both | Noticed::Server) {
                self.after(delay, Ev::ServerLost(link));
            }
        }
    }

    fn sleep(&mut self, device: usize, ms: u64) {
        self.tally.absences += 1;
        let body = &mut self.devices[device];
        body.asleep = body.asleep.max(self.now + ms);
        let until = body.asleep;
        self.at(until, Ev::Reads(device));
        self.at(until, Ev::Network(device));
        let patience = self.devices[device].chance.between(750, 1_500);
        self.after(patience, Ev::Steal(device));
    }

    fn offline(&mut self, device: usize, ms: u64) -> Check {
        self.tally.absences += 1;
        let body = &mut self.devices[device];
        body.offline = body.offline.max(self.now + ms);
        let until = body.offline;
        let tells = body.chance.chance(60);
        self.cut(device, Noticed::Nobody);
        self.at(until, Ev::Network(device));
        if tells && self.is_there(device) { self.event(device, Event::Offline) } else { Ok(()) }
    }

    fn reload(&mut self, device: usize, page: bool) -> Check {
        if self.devices[device].asleep > self.now {
            return Ok(());
        }
        self.tally.reloads += 1;
        let (noticed, in_order) =
            (self.devices[device].chance.chance(80), self.devices[device].chance.chance(70));
        if in_order {
            self.event(device, Event::Stopped)?;
        }
        self.let_go(device);
        let is = |link: &LinkId| self.links[*link].device == device && !self.links[*link].ended;
        let links: Vec<LinkId> = (0..self.links.len()).filter(is).collect();
        for link in links {
            self.links[link].open = false;
            self.links[link].ended = true;
            if noticed {
                self.after(20, Ev::ServerLost(link));
            }
        }
        let body = &mut self.devices[device];
        body.model = None;
        body.page += 1;
        body.timer += 1;
        body.shown.clear();
        body.marks.clear();
        body.told.clear();
        body.roles.clear();
        self.note(|| format!("{} is loaded anew", DEVICES[device].1), &[8]);
        self.load(device, page, 2_000)
    }
}
