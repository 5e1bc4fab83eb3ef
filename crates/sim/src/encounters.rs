//! Scenes that some stories have besides the others, by a chance of their own: what rarely comes about by itself.

use crate::rng::Rng;
use crate::scenario::{Act, Ms, Scene};
use crate::{DEVICES, ROOMS};

/// Acts of the owner until `end`, in some stories.
pub(crate) fn owner(seed: u64, end: Ms) -> Vec<Scene> {
    let mut rng = Rng::new(seed, 8);
    let count = if rng.chance(30) { rng.between(1, 4) } else { 0 };
    let mut act = || {
        let (at, room) = (rng.between(500, end), rng.pick(ROOMS.len()));
        // The lobby is never closed.
        if room > 0 && rng.chance(40) { (at, Act::Close { room }) } else { (at, Act::Rename { room }) }
    };
    (0..count).map(|_| act()).collect()
}

/// Several people at one message until `end`, in some stories.
pub(crate) fn at_one_message(seed: u64, end: Ms) -> Vec<Scene> {
    let mut rng = Rng::new(seed, 9);
    let count = if rng.chance(65) { 0 } else { rng.between(1, 3) };
    let mut scenes = Vec::new();
    for _ in 0..count {
        let (at, room) = (rng.between(500, end.max(500)), rng.pick(ROOMS.len()));
        let devices = [rng.pick(DEVICES.len()), rng.pick(DEVICES.len())];
        match rng.below(3) {
            0 => scenes.extend((0..rng.between(2, 5)).map(|_| {
                let device = rng.pick(DEVICES.len());
                (at + rng.below(1_500), Act::Join { device, room })
            })),
            1 => scenes.extend(devices.map(|device| (at + rng.below(300), Act::TakeBack { device, room }))),
            _ => scenes.extend(missed_edits(&mut rng, at, room, devices)),
        }
    }
    scenes
}

/// One is away while the other edits and reacts, and then follows a link to that: the page is there before its edits.
fn missed_edits(rng: &mut Rng, at: Ms, room: usize, [away, editor]: [usize; 2]) -> Vec<Scene> {
    let ms = rng.between(1_500, 4_000);
    let absence =
        if rng.chance(50) { Act::Offline { device: away, ms } } else { Act::Slow { device: away, ms } };
    let posts = rng.between(1, 12) as usize;
    let times = rng.between(2, 6) as usize;
    vec![
        (at, Act::Open { device: editor, room }),
        (at, absence),
        (at + 100, Act::Burst { device: editor, room, posts, bytes: 10 }),
        (at + ms / 3, Act::Revise { device: editor, room, times }),
        (at + ms / 2, Act::Join { device: editor, room }),
        (at + ms - rng.below(1_000), Act::Link { device: away, room, seq: rng.between(1, 30) }),
    ]
}
