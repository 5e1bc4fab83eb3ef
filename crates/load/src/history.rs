//! The checker: what every receiver saw, against each other and against what was acknowledged.
//!
//! A room is a log, so one rule covers all faults: each receiver must see every seq after its cursor exactly
//! once, in ascending order, with the same write in it as everybody else, up to the newest that anyone knows.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// A write of the generator: its writer and the writer's own count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WriteId {
    /// The writer.
    pub sender: u32,
    /// The how-manieth of this writer, from 1.
    pub n: u32,
}

/// One entry, as one party saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The log it belongs to. A server without logs has one for each writer, counted by the writer.
    pub room: u32,
    /// The position in the log.
    pub seq: u64,
    /// The write in it; `None` for an entry that is not the generator's.
    pub write: Option<WriteId>,
}

impl Sighting {
    /// A write on a server that keeps no log: each writer counts one of its own.
    pub fn unlogged(write: WriteId) -> Self {
        Self { room: write.sender, seq: u64::from(write.n), write: Some(write) }
    }
}

/// Messages that one receiver saw, in the order of arrival.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Cursor of each room; a room that is not named is read from its beginning.
    pub cursors: HashMap<u32, u64>,
    /// The logs that it follows; all of them if `None`.
    pub only: Option<HashSet<u32>>,
    /// Everything it was delivered.
    pub seen: Vec<Sighting>,
    /// Times that the server replaced the log by a snapshot.
    pub resets: u64,
    /// Frames that could not be read, or held something else than what was sent.
    pub garbled: u64,
}

/// Findings of the checker. All faults are counts over all receivers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Receivers checked.
    pub receivers: u64,
    /// Entries that they saw.
    pub sightings: u64,
    /// Writes that the server acknowledged.
    pub acknowledged: u64,
    /// Entries that a receiver never saw, and acknowledged writes that nobody did.
    pub lost: u64,
    /// Entries that a receiver saw again, and writes that are in the log twice.
    pub doubled: u64,
    /// Entries that came after one that follows them.
    pub reordered: u64,
    /// Entries in which two parties saw different writes.
    pub contradicted: u64,
    /// Times that a receiver was given a snapshot instead of the log.
    pub resets: u64,
    /// Frames that could not be read, or held something else than what was sent.
    pub garbled: u64,
}

impl Verdict {
    /// Returns true if there is no fault at all.
    pub fn is_clean(&self) -> bool {
        self.lost + self.doubled + self.reordered + self.contradicted + self.resets + self.garbled == 0
    }
}

/// Holds all `records` and all `acknowledged` writes against each other.
pub fn check(acknowledged: &[Sighting], records: &[Record]) -> Verdict {
    let mut verdict = Verdict {
        receivers: records.len() as u64,
        acknowledged: acknowledged.len() as u64,
        ..Verdict::default()
    };
    let mut log = Log::default();
    for sighting in acknowledged.iter().chain(records.iter().flat_map(|record| &record.seen)) {
        log.take(*sighting, &mut verdict);
    }
    for record in records {
        check_record(record, &log, &mut verdict);
    }
    verdict
}

/// The log that all parties together describe.
#[derive(Default)]
struct Log {
    rooms: HashMap<u32, HashMap<u64, Option<WriteId>>>,
    heads: HashMap<u32, u64>,
    written: HashSet<WriteId>,
}

impl Log {
    fn take(&mut self, sighting: Sighting, verdict: &mut Verdict) {
        let Sighting { room, seq, write } = sighting;
        let entries = self.rooms.entry(room).or_default();
        match entries.get(&seq) {
            Some(known) if *known != write => verdict.contradicted += 1,
            Some(_) => {}
            None => {
                entries.insert(seq, write);
                let head = self.heads.entry(room).or_default();
                *head = seq.max(*head);
                if write.is_some_and(|write| !self.written.insert(write)) {
                    verdict.doubled += 1;
                }
            }
        }
    }
}

fn check_record(record: &Record, log: &Log, verdict: &mut Verdict) {
    verdict.sightings += record.seen.len() as u64;
    verdict.resets += record.resets;
    verdict.garbled += record.garbled;
    let mut readers: HashMap<u32, Reader> = HashMap::new();
    for (room, cursor) in &record.cursors {
        readers.insert(*room, Reader::after(*cursor));
    }
    for sighting in &record.seen {
        let reader = readers.entry(sighting.room).or_insert_with(|| Reader::after(0));
        match reader.read(sighting.seq) {
            Order::Next => {}
            Order::Late => verdict.reordered += 1,
            Order::Again => verdict.doubled += 1,
        }
    }
    let follows = |room: &u32| record.only.as_ref().is_none_or(|only| only.contains(room));
    verdict.garbled += record.seen.iter().filter(|sighting| !follows(&sighting.room)).count() as u64;
    for (room, head) in log.heads.iter().filter(|(room, _)| follows(room)) {
        verdict.lost += readers.entry(*room).or_insert_with(|| Reader::after(0)).missing(*head);
    }
}

/// Order of an entry among those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// After all of them.
    Next,
    /// In a hole that was left.
    Late,
    /// It was there already.
    Again,
}

/// A receiver's position in one room.
#[derive(Debug)]
pub(crate) struct Reader {
    next: u64,
    /// Ranges that it jumped over and has not seen since; empty unless something is wrong.
    holes: Vec<Range<u64>>,
}

impl Reader {
    pub(crate) fn after(cursor: u64) -> Self {
        Self { next: cursor.saturating_add(1), holes: Vec::new() }
    }

    /// Returns the next number to expect.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    pub(crate) fn read(&mut self, seq: u64) -> Order {
        if seq >= self.next {
            if seq > self.next {
                self.holes.push(self.next..seq);
            }
            self.next = seq.saturating_add(1);
            return Order::Next;
        }
        let Some(at) = self.holes.iter().position(|hole| hole.contains(&seq)) else { return Order::Again };
        let hole = self.holes.swap_remove(at);
        self.holes.extend([hole.start..seq, seq + 1..hole.end].into_iter().filter(|part| !part.is_empty()));
        Order::Late
    }

    fn missing(&self, head: u64) -> u64 {
        let jumped: u64 = self.holes.iter().map(|hole| hole.end - hole.start).sum();
        jumped + head.saturating_add(1).saturating_sub(self.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(n: u32) -> Option<WriteId> {
        Some(WriteId { sender: 0, n })
    }

    /// A receiver that started after seq 10 and saw `seqs`, with write n at seq 10 + n.
    fn receiver(seqs: &[u64]) -> Record {
        let seen = seqs.iter().map(|&seq| Sighting { room: 0, seq, write: write(seq as u32 - 10) }).collect();
        Record { cursors: HashMap::from([(0, 10)]), seen, ..Record::default() }
    }

    fn acknowledged(seqs: &[u64]) -> Vec<Sighting> {
        receiver(seqs).seen
    }

    #[test]
    fn a_contiguous_log_seen_by_all_is_clean() {
        let verdict =
            check(&acknowledged(&[11, 12, 13]), &[receiver(&[11, 12, 13]), receiver(&[11, 12, 13])]);
        assert!(verdict.is_clean(), "{verdict:?}");
        assert_eq!((verdict.receivers, verdict.sightings, verdict.acknowledged), (2, 6, 3));
    }

    #[test]
    fn an_entry_that_one_receiver_missed_is_lost() {
        let verdict = check(&[], &[receiver(&[11, 12, 13]), receiver(&[11, 13])]);
        assert_eq!(verdict, Verdict { receivers: 2, sightings: 5, lost: 1, ..Verdict::default() });
    }

    #[test]
    fn early_stopped_receiver_loses_end_of_log() {
        assert_eq!(check(&[], &[receiver(&[11, 12, 13]), receiver(&[11])]).lost, 2);
        assert_eq!(check(&[], &[receiver(&[11, 12, 13]), receiver(&[])]).lost, 3);
    }

    #[test]
    fn unseen_acknowledged_write_is_lost_for_each() {
        assert_eq!(check(&acknowledged(&[11, 12]), &[receiver(&[11]), receiver(&[11])]).lost, 2);
    }

    #[test]
    fn unseen_room_is_lost_whole() {
        let elsewhere = Sighting { room: 7, seq: 2, write: write(1) };
        assert_eq!(check(&[elsewhere], &[receiver(&[])]).lost, 2);
    }

    #[test]
    fn room_not_followed_is_not_lost() {
        let elsewhere = Sighting { room: 7, seq: 2, write: write(1) };
        let of_one_room = |seqs| Record { only: Some([0].into()), ..receiver(seqs) };
        assert!(check(&[elsewhere], &[of_one_room(&[])]).is_clean());
        assert_eq!(check(&acknowledged(&[11]), &[of_one_room(&[])]).lost, 1);
        let mut astray = of_one_room(&[11]);
        astray.seen.push(Sighting { write: write(2), ..elsewhere });
        assert_eq!(
            check(&[], &[astray]),
            Verdict { receivers: 1, sightings: 2, garbled: 1, ..Verdict::default() }
        );
    }

    #[test]
    fn an_entry_seen_twice_is_doubled() {
        let verdict = check(&[], &[receiver(&[11, 12, 12, 13, 11])]);
        assert_eq!((verdict.doubled, verdict.lost, verdict.reordered), (2, 0, 0));
    }

    #[test]
    fn an_entry_from_before_the_cursor_is_doubled() {
        let mut early = receiver(&[11]);
        early.seen.insert(0, Sighting { room: 0, seq: 10, write: None });
        assert_eq!(check(&[], &[early]).doubled, 1);
    }

    #[test]
    fn write_twice_in_log_is_doubled() {
        let mut repeated = receiver(&[11, 12]);
        repeated.seen.push(Sighting { room: 0, seq: 13, write: write(1) });
        assert_eq!(check(&[], &[repeated]).doubled, 1);
    }

    #[test]
    fn a_late_entry_is_reordered_and_not_lost() {
        let verdict = check(&[], &[receiver(&[11, 14, 12, 13, 15])]);
        assert_eq!((verdict.reordered, verdict.lost, verdict.doubled), (2, 0, 0));
    }

    #[test]
    fn late_entry_seen_twice_is_reordered_and_doubled() {
        let verdict = check(&[], &[receiver(&[11, 14, 13, 13, 12])]);
        assert_eq!((verdict.reordered, verdict.doubled, verdict.lost), (2, 1, 0));
    }

    #[test]
    fn two_receivers_that_saw_different_orders_are_contradicted() {
        let mut other = receiver(&[11, 12]);
        other.seen[0].write = write(2);
        other.seen[1].write = write(1);
        assert_eq!(check(&[], &[receiver(&[11, 12]), other]).contradicted, 2);
    }

    #[test]
    fn an_acknowledgement_that_names_another_seq_is_contradicted() {
        let wrong = Sighting { room: 0, seq: 12, write: write(1) };
        assert_eq!(check(&[wrong], &[receiver(&[11, 12])]).contradicted, 1);
    }

    #[test]
    fn snapshots_and_garbled_frames_are_no_clean_run() {
        assert!(!check(&[], &[Record { resets: 1, ..Record::default() }]).is_clean());
        assert!(!check(&[], &[Record { garbled: 1, ..Record::default() }]).is_clean());
    }
}
