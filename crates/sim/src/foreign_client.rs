//! A client that is not ours: it asks for what it likes, with cursors that it made up. The frames that it gets are
//! checked like everything else.

use madang_client::Transport;
use madang_protocol::{ClientFrame, ResumePoint, RoomId};

use crate::link::{Link, Up};
use crate::rng::Rng;
use crate::world::{Ev, World};

/// No page of any device.
const NO_PAGE: u32 = u32::MAX;

impl World {
    pub(crate) fn stranger(&mut self, device: usize, salt: u64) {
        let mut rng = Rng::new(salt, 4);
        let link = self.links.len();
        self.links.push(Link::new(device, 0, Transport::WebSocket, NO_PAGE));
        if !self.accept(link) {
            return;
        }
        self.tally.strangers += 1;
        let mut resume = Vec::new();
        for _ in 0..rng.below(4) {
            let room = self.some_room(&mut rng);
            resume.push(ResumePoint { seq: self.some_seq(&mut rng, &room), room });
        }
        // Twice the same room would be answered twice, in one go.
        resume.sort_by(|a, b| a.room.cmp(&b.room));
        resume.dedup_by(|a, b| a.room == b.room);
        let epochs = [None, "epoch-1".parse().ok(), Some(self.log().epoch.clone())];
        let epoch = epochs[rng.pick(epochs.len())].clone();
        let hello = ClientFrame::Hello { resume, epoch, locale: None };
        self.push_up(link, Up::Frame(hello));
        for req in 0..rng.below(8) {
            let room = self.some_room(&mut rng);
            let seq = self.some_seq(&mut rng, &room);
            let frame = match rng.below(7) {
                0 | 1 => ClientFrame::Watch { room, after: rng.chance(70).then_some(seq) },
                2 => ClientFrame::Unwatch { room },
                3 => ClientFrame::Read { room, seq },
                4 => ClientFrame::Present { room: rng.chance(70).then_some(room) },
                5 => ClientFrame::Typing { room },
                _ => {
                    let place = |which| (rng.below(3) == which).then_some(seq);
                    let [before, after, around] = [0, 1, 2].map(place);
                    ClientFrame::History { req: req as u32, room, before, after, around, limit: 7 }
                }
            };
            self.push_up(link, Up::Frame(frame));
        }
        self.after(rng.between(100, 20_000), Ev::ServerLost(link));
    }

    /// A room, mostly one that exists.
    fn some_room(&self, rng: &mut Rng) -> RoomId {
        let room = self.rooms.get(rng.pick(self.rooms.len() + 1)).cloned();
        room.unwrap_or_else(|| "nowhere".parse().expect("a room id"))
    }

    /// A seq, mostly one that exists.
    fn some_seq(&self, rng: &mut Rng, room: &RoomId) -> u64 {
        if rng.chance(5) { u64::MAX } else { rng.below(self.log().head(room) + 3) }
    }
}
