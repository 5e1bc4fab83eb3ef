//! The store's writer, step by step, and the way of what it committed to the hub.

use madang_protocol::EntryKind;
use madang_server::store::Committed;
use madang_server::store::manual::Fault;

use crate::poll::ready;
use crate::scenario::Step;
use crate::world::{Ev, World};
use crate::{Check, broken};

impl World {
    /// Something may be queued for the writer.
    pub(crate) fn kick_writer(&mut self) {
        let Some(server) = self.server.as_mut().filter(|server| !server.writing) else { return };
        server.writing = true;
        let delay = self.chance.below(3);
        self.after(delay, Ev::Writer(self.lives, Step::Take));
    }

    /// One step of the writer; a crash may follow it.
    pub(crate) fn writer(&mut self, step: Step) -> Check {
        let next = self.step(step)?;
        if let Some((at, ms)) = self.weather.crash_at
            && at == step
            && next.is_some()
        {
            self.weather.crash_at = None;
            let resets = self.chance.chance(60);
            self.crash(ms, resets);
            return Ok(());
        }
        match (next, &mut self.server) {
            (Some(next), _) => {
                let slow = self.weather.disk_slow > self.now;
                let delay = match next {
                    Step::Commit if slow => self.chance.between(50, 1_500),
                    Step::Commit => self.chance.between(1, 8),
                    _ => self.chance.below(3),
                };
                self.after(delay, Ev::Writer(self.lives, next));
            }
            (None, Some(server)) => server.writing = false,
            (None, None) => {}
        }
        Ok(())
    }

    /// Does a step, and returns which one is next.
    pub(crate) fn step(&mut self, step: Step) -> Check<Option<Step>> {
        let Some(server) = &mut self.server else { return Ok(None) };
        match step {
            Step::Take => Ok((server.stepper.take() > 0).then_some(Step::Commit)),
            Step::Commit => {
                let fault = if self.weather.disk_fails > self.now {
                    Fault::Fails(self.chance.pick(4))
                } else if self.weather.disk_full > self.now {
                    Fault::Full
                } else {
                    Fault::None
                };
                let committed = server.stepper.commit(fault);
                self.tally.disk_errors += u64::from(fault != Fault::None);
                self.committed(&committed)?;
                if let Some(server) = &mut self.server {
                    server.committed = committed;
                }
                Ok(Some(Step::Publish))
            }
            Step::Publish => {
                let committed = std::mem::take(&mut server.committed);
                committed.into_iter().for_each(|committed| self.publish(committed));
                Ok(Some(Step::Answer))
            }
            Step::Answer => {
                server.stepper.answer();
                self.answer_forms()?;
                Ok(Some(Step::Take))
            }
        }
    }

    /// Checks that committed entries are what somebody meant, once, and in their order.
    fn committed(&mut self, committed: &[Committed]) -> Check {
        for Committed { entry, .. } in committed {
            self.tally.writes += 1;
            let words = format!("committed: {} {} {:?}", entry.room, entry.seq, entry.what);
            self.note(|| words.clone(), words.as_bytes());
            let log = self.log();
            if let Some(cmid) = entry.cmid {
                let Some(made) = self.made.get(&cmid) else {
                    return broken(format!("entry {} of {} was made by nobody", entry.seq, entry.room));
                };
                log.check_meant(entry, made)?;
                let earlier = log.entries(&entry.room).iter().filter_map(|entry| self.made.get(&entry.cmid?));
                let of_device = |place: (usize, usize)| made.place.filter(|(device, _)| *device == place.0);
                // One that a restore has lost may be sent again behind those that it once came before.
                let is_lost = self.logs.iter().rev().skip(1).any(|log| log.find(&entry.by, cmid).is_some());
                let overtaken = earlier
                    .filter_map(|made| made.place.filter(|_| !is_lost))
                    .find(|place| of_device(*place).is_some_and(|(_, number)| number < place.1));
                if let Some((device, number)) = overtaken {
                    let who = crate::DEVICES[device].1;
                    let room = &entry.room;
                    return broken(format!("in {room}, write {number} of {who} overtook {:?}", made.place));
                }
            }
            match &entry.what {
                EntryKind::Reacted { seq, emoji } => {
                    let message = self.log().message(&entry.room, *seq);
                    let others = message.is_some_and(|message| message.has_emoji(emoji));
                    self.tally.joined += u64::from(others);
                }
                EntryKind::Renamed { .. } => self.tally.renames += 1,
                EntryKind::Closed {} => self.tally.closings += 1,
                _ => {}
            }
            self.log_mut().commit(entry)?;
        }
        Ok(())
    }

    /// Gives an entry to the broker, which is as unreliable as it may be.
    fn publish(&mut self, committed: Committed) {
        let lossy = self.weather.broker > self.now;
        let jitter = self.chance.below(3);
        let Some(server) = &mut self.server else { return };
        server.broker_at = server.broker_at.max(self.now) + jitter;
        let mut at = server.broker_at;
        if lossy {
            // Nothing follows the end of a room that would show that it was lost.
            if self.chance.chance(20) && !matches!(committed.entry.what, EntryKind::Closed {}) {
                self.tally.broker += 1;
                return;
            }
            if self.chance.chance(30) {
                self.tally.broker += 1;
                at += self.chance.between(1, 300);
            }
        }
        self.at(at, Ev::Broker(self.lives, Box::new(committed)));
    }

    /// An entry reaches this node: it is handed to the hub when the one before has been.
    pub(crate) fn arrives(&mut self, committed: Committed) -> Check {
        if let Some(server) = &mut self.server {
            server.arrived.push_back(committed);
        }
        self.carry()
    }

    /// Hands entries to the hub, one after the other; it may have to wait for the store.
    pub(crate) fn carry(&mut self) -> Check {
        loop {
            let Some(server) = &mut self.server else { return Ok(()) };
            if server.delivering.is_none() {
                let Some(committed) = server.arrived.pop_front() else { break };
                let (hub, store) = (server.hub.clone(), server.store.clone());
                server.delivering = Some(Box::pin(async move { hub.deliver(committed, &store).await }));
            }
            if server.delivering.as_mut().is_some_and(|work| ready(work.as_mut()).is_none()) {
                let delay = self.chance.between(1, 12);
                self.after(delay, Ev::Carry(self.lives));
                break;
            }
            server.delivering = None;
        }
        Ok(())
    }

    pub(crate) fn kick_announce(&mut self) {
        let Some(server) = self.server.as_mut().filter(|server| !server.announcing) else { return };
        server.announcing = true;
        let delay = self.chance.below(3);
        self.after(delay, Ev::Announce(self.lives));
    }

    /// Passes events besides entries to the hub.
    pub(crate) fn announce(&mut self) -> Check {
        let Some(server) = &mut self.server else { return Ok(()) };
        server.announcing = false;
        // The one task that feeds the hub is busy.
        if server.delivering.is_some() {
            self.kick_announce();
            return Ok(());
        }
        while let Some(event) = server.inbox.next_event() {
            server.hub.announce(event);
        }
        Ok(())
    }

    pub(crate) fn presence(&mut self) -> Check {
        let Some(server) = &self.server else { return Ok(()) };
        server.hub.tell_presence();
        self.after(1_000, Ev::Presence(self.lives));
        Ok(())
    }

    /// Forms get the outcome of their write.
    fn answer_forms(&mut self) -> Check {
        let Some(server) = &mut self.server else { return Ok(()) };
        let mut answered = Vec::new();
        server.forms.retain_mut(|(user, cmids, answer)| match ready(answer.as_mut()) {
            Some(result) => {
                answered.push((user.clone(), cmids.clone(), result));
                false
            }
            None => true,
        });
        for (user, cmids, result) in answered {
            let Some(all) = result else { continue };
            for (cmid, appended) in cmids.iter().zip(&all) {
                self.tally.repeats += u64::from(appended.repeat);
                if self.log().find(&user, *cmid) != Some(&(appended.room.clone(), appended.seq)) {
                    return broken(format!("form {cmid} was said to be {appended:?}, and is not"));
                }
            }
            let whole = all.windows(2).all(|two| {
                two[0].seq + 1 == two[1].seq && two[0].repeat == two[1].repeat && two[0].room == two[1].room
            });
            if !whole || all.len() != cmids.len() {
                return broken(format!("{cmids:?} were to be posted together, and became {all:?}"));
            }
        }
        self.kick_announce();
        Ok(())
    }
}
