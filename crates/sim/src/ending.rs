//! The end of a story: nothing goes wrong any more, and all must come to rest in the same state.

use madang_protocol::{RoomInfo, UserId};

use crate::model::Meant;
use crate::server::Server;
use crate::wire::check_unread;
use crate::world::{Ev, Weather, World};
use crate::{Check, DEVICES, broken};

/// Maximum time of the ending.
const PATIENCE: u64 = 240_000;

impl World {
    pub(crate) fn come_to_an_end(&mut self) -> Check {
        // A sleeper wakes by itself: events that wait for that must not be overtaken.
        let awake = self.devices.iter().map(|device| device.asleep).max().unwrap_or_default();
        self.run_until(awake.max(self.now) + 1)?;
        self.calm_down()?;
        // A last word of everyone in every room: what the broker lost silently shows by what follows it.
        self.run_until(self.now + 3_000)?;
        for device in 0..self.devices.len() {
            for room in 0..self.rooms.len() {
                self.post(device, room, 10, false)?;
            }
        }
        let until = self.now + PATIENCE;
        loop {
            self.run_until(self.now + 2_000)?;
            match self.settled() {
                Ok(()) => break,
                Err(_) if self.now < until => {}
                Err(reason) => return broken(format!("all is calm, and yet: {reason}")),
            }
        }
        self.check_disk()?;
        self.check_snapshots()?;
        self.check_writes()
    }

    /// Ends all that goes wrong.
    fn calm_down(&mut self) -> Check {
        self.calm = true;
        self.note(|| "--- all is calm".into(), &[9]);
        self.weather = Weather { clock: self.weather.clock, ..Weather::default() };
        self.disk.set_readable(true);
        for link in &mut self.links {
            link.stalled = 0;
            link.to_lose = 0;
        }
        for device in 0..self.devices.len() {
            let body = &mut self.devices[device];
            (body.slow, body.offline, body.blocked, body.buffered) = (0, 0, 0, 0);
            self.reads_on(device)?;
            self.after(100, Ev::Network(device));
        }
        self.after(5_000, Ev::Start);
        Ok(())
    }

    /// Checks that all have all.
    fn settled(&self) -> Check {
        let Some(server) = &self.server else { return broken("there is no server") };
        for (device, body) in self.devices.iter().enumerate() {
            let who = DEVICES[device].1;
            let Some(model) = &body.model else { return broken(format!("{who} has no page")) };
            if !model.link().connected {
                return broken(format!("{who} is not connected: {:?}", model.link()));
            }
            if model.unsent() > 0 {
                return broken(format!("{who} has {} writes to send", model.unsent()));
            }
            let browser = &self.browsers[DEVICES[device].2];
            if let Some(left) = browser.storage.values().find(|write| write.failure.is_none()) {
                return broken(format!("{who} still keeps write {}", left.cmid));
            }
            for room in &self.rooms {
                if let Err(broken) = self.check_settled(device, room) {
                    return crate::broken(format!("{who} in {room}: {broken}"));
                }
            }
        }
        for device in &self.devices {
            self.check_list(server, &device.user)?;
        }
        if server.connections.len() != self.connections_at_rest() {
            return broken(format!("the server has {} connections", server.connections.len()));
        }
        Ok(())
    }

    /// Checks that the server shows those who come now the log's projection.
    fn check_snapshots(&self) -> Check {
        let Some(server) = &self.server else { return broken("there is no server") };
        for (user, ..) in &DEVICES[2..] {
            let user: UserId = user.parse().expect("a user id");
            for room in self.rooms.iter().filter(|room| !self.log().is_closed(room)) {
                let Ok(seen) = server.snapshot(&user, room)? else {
                    return broken(format!("all is calm, and there is no snapshot of {room}"));
                };
                self.log().check_snapshot(&seen.snapshot)?;
            }
        }
        Ok(())
    }

    /// Checks that the server's list for a person is right, and known to all of their pages.
    fn check_list(&self, server: &Server, user: &UserId) -> Check {
        let Ok(rooms) = server.list(user)? else {
            return broken("there is no list of rooms");
        };
        rooms.iter().try_for_each(|info| {
            check_unread(info, user, self.log())?;
            self.check_marks(user, info)
        })
    }

    /// On all pages of a person the same is read as on the server. (Where nobody has read anything yet, the server's
    /// marker moves with what is no message.)
    fn check_marks(&self, user: &UserId, info: &RoomInfo) -> Check {
        let of_user = self.devices.iter().filter(|device| device.user == *user);
        for model in of_user.filter_map(|device| device.model.as_ref()) {
            let read = model.read_marker(&info.room).unwrap_or_default();
            let unread = self.log().unread(&info.room, info.head, read, user);
            if unread != info.unread as usize {
                let (room, marked) = (&info.room, info.read);
                return broken(format!("{user} has read {room} up to {marked}, and a page up to {read}"));
            }
        }
        Ok(())
    }

    /// Every write that somebody made is in the log, unless there was a reason.
    fn check_writes(&self) -> Check {
        for (cmid, made) in &self.made {
            let found = |log: &crate::model::Log| log.find(&made.by, *cmid).is_some();
            // A form may have been refused; a change may have come too late; a restore loses what it loses.
            let excused = made.place.is_none()
                || !matches!(made.what, Meant::Post { .. })
                || self.logs.iter().any(|log| log.is_closed(&made.room));
            if !excused && !self.logs.iter().any(found) {
                return broken(format!("write {cmid} is lost: {made:?}"));
            }
        }
        Ok(())
    }
}
