//! Cursors: any cursor, under any epoch, through crashes, lost frames and restored backups.

use madang_protocol::{ClientFrame, Cmid, ResumePoint, RoomId, Seq};
use madang_server::store::manual::Fault;

use super::stage::{Kept, ROOM, Stage};

/// Steps that are played; the rest is left out.
const STEPS: usize = 48;

thread_local! {
    // Long enough that a cursor at its start is too far behind for a replay.
    static KEPT: Kept = Kept::new(520);
}

/// Plays steps of four bytes: what, who and where, and a number.
///
/// # Panics
/// If a reader is sent something that does not follow what it has, is sent `live` when it is
/// not, or is not sent all.
pub fn cursor(bytes: &[u8]) {
    let mut stage = KEPT.with(Stage::on);
    let backup = KEPT.with(Kept::clone);
    let mut posts = 0;
    for step in bytes.chunks_exact(4).take(STEPS) {
        let (who, room) = (usize::from(step[1] & 1), room(step[1]));
        let number = i64::from(i16::from_le_bytes([step[2], step[3]]));
        match step[0] % 12 {
            0 | 1 => {
                let after = near(&stage, &room, number);
                say(&mut stage, who, &ClientFrame::Watch { room, after });
            }
            2 => say(&mut stage, who, &ClientFrame::Watch { room, after: None }),
            3 => say(&mut stage, who, &ClientFrame::Unwatch { room }),
            4 | 5 => {
                let body = format!("{number}");
                posts += 1;
                let cmid = Cmid(1 << 64 | posts);
                say(&mut stage, who, &ClientFrame::Post { room, cmid, body, reply_to: None });
            }
            6 => {
                posts += 1;
                let (cmid, seq) = (Cmid(1 << 64 | posts), near(&stage, &room, number).unwrap_or(0));
                say(&mut stage, who, &ClientFrame::Delete { room, cmid, seq });
            }
            7 => stage.commit(Fault::None),
            8 => stage.commit_reordered(|entries| match number & 3 {
                0 => entries.reverse(),
                1 => entries.clear(),
                2 => drop(entries.pop()),
                _ => entries.extend(entries.clone()),
            }),
            9 => stage.overflow(who),
            10 if number & 1 == 0 => stage.crash(),
            10 => stage.restore(&backup),
            _ => {
                let seq = near(&stage, &room, number).unwrap_or(0);
                stage.hello(who, vec![ResumePoint { room, seq }], number & 4 != 0);
            }
        }
    }
    say_something_everywhere(&mut stage);
    stage.all_was_said();
}

/// The broker may have lost the last entries of a room; the next one brings them.
fn say_something_everywhere(stage: &mut Stage) {
    stage.commit(Fault::None);
    for (number, room) in [RoomId::lobby(), room(2)].into_iter().enumerate() {
        let cmid = Cmid(1 << 65 | number as u128);
        say(stage, 0, &ClientFrame::Post { room, cmid, body: "the end".into(), reply_to: None });
    }
    stage.commit(Fault::None);
}

fn room(byte: u8) -> RoomId {
    if byte & 2 == 0 { RoomId::lobby() } else { ROOM.parse().unwrap() }
}

/// A cursor near the room's head, or at the ends of what a number can be.
fn near(stage: &Stage, room: &RoomId, number: i64) -> Option<Seq> {
    match number {
        i64::MIN..=-30_000 => Some(Seq::MAX),
        30_000.. => Some(0),
        _ => stage.head(room)?.checked_add_signed(number),
    }
}

fn say(stage: &mut Stage, who: usize, frame: &ClientFrame) {
    stage.say(who, &serde_json::to_string(frame).unwrap());
}
