//! The scenes of a seed.

use crate::rng::Rng;
use crate::scenario::{Act, Ms, Noticed, Scene, Step};
use crate::{DEVICES, ROOMS};

/// The kinds of things that go wrong. A story has some of them, so that each gets stories in which it is alone.
const KINDS: u64 = 13;

/// The scenes of a seed.
pub fn scenes(seed: u64) -> Vec<Scene> {
    let mut rng = Rng::new(seed, 1);
    let mut kinds: Vec<u64> = (0..KINDS).filter(|_| rng.chance(30)).collect();
    if kinds.is_empty() {
        kinds.push(rng.below(KINDS));
    }
    let count = rng.between(10, 70);
    let pace = [150, 800, 3_000][rng.pick(3)];
    let mut at = 500;
    let mut scenes = Vec::new();
    for _ in 0..count {
        at += if rng.chance(4) { rng.between(5_000, 30_000) } else { rng.below(pace) };
        let act = if rng.chance(60) { daily(&mut rng) } else { trouble(&mut rng, &kinds) };
        scenes.push((at, act));
        // A person who does not read misses something only if somebody writes.
        if let Act::Slow { .. } = act {
            let (device, room) = (rng.pick(DEVICES.len()), rng.pick(ROOMS.len()));
            let posts = rng.between(10, 40) as usize;
            scenes.push((at + 50, Act::Burst { device, room, posts, bytes: 500 }));
        }
    }
    scenes.extend(owner(seed, at));
    scenes.extend(at_one_message(seed, at));
    scenes.sort_by_key(|(at, _)| *at);
    scenes
}

fn daily(rng: &mut Rng) -> Act {
    let (device, room) = (rng.pick(DEVICES.len()), rng.pick(ROOMS.len()));
    match rng.below(100) {
        0..44 => {
            let bytes = if rng.chance(20) { 700 } else { 10 };
            Act::Post { device, room, bytes, reply: rng.chance(25) }
        }
        44..50 => Act::React { device, room },
        50..56 => {
            let (posts, bytes) = (rng.between(3, 40) as usize, [10, 400][rng.pick(2)]);
            Act::Burst { device, room, posts, bytes }
        }
        56..64 => Act::Edit { device, room },
        64..68 => Act::Delete { device, room },
        68..71 => Act::Form { device, room, again: rng.below(3_000) },
        71..73 => Act::Repeat { device },
        73 => Act::Stranger { device, salt: rng.below(1_000) },
        74..82 => Act::Open { device, room },
        82..85 => Act::Link { device, room, seq: rng.between(1, 30) },
        85..88 => Act::Older { device, room },
        88..91 => Act::Newer { device, room },
        91..93 => Act::Latest { device, room },
        93..97 => Act::Bottom { device, room, at: rng.chance(50) },
        _ => Act::Visible { device, visible: rng.chance(60) },
    }
}

fn trouble(rng: &mut Rng, kinds: &[u64]) -> Act {
    let device = rng.pick(DEVICES.len());
    let kind = kinds[rng.pick(kinds.len())];
    let noticed = [Noticed::Both, Noticed::Client, Noticed::Server, Noticed::Nobody][rng.pick(4)];
    match kind {
        0 => Act::Cut { device, noticed },
        1 => Act::Stall { device, ms: rng.between(50, 20_000) },
        2 => Act::Slow { device, ms: rng.between(1_500, 15_000) },
        3 => Act::Lose { device },
        4 => Act::Offline { device, ms: rng.between(100, 30_000) },
        5 if rng.chance(60) => Act::Freeze { device, ms: rng.between(1_000, 30_000) },
        5 => Act::Sleep { device, ms: rng.between(1_000, 90_000) },
        6 => Act::Reload { device, page: rng.chance(60) },
        7 => Act::Crash { ms: rng.between(10, 6_000), resets: rng.chance(60) },
        8 => {
            let step = [Step::Take, Step::Commit, Step::Publish, Step::Answer][rng.pick(4)];
            Act::CrashAt { step, ms: rng.between(10, 3_000) }
        }
        9 => match rng.below(3) {
            0 => Act::Backup,
            1 => Act::Restore { ms: rng.between(10, 3_000) },
            _ => Act::Drain { ms: rng.between(10, 3_000) },
        },
        10 => Act::Proxy { device, ms: rng.between(1_000, 120_000), buffers: rng.chance(40) },
        11 => match rng.below(5) {
            3 => Act::Unreadable { ms: rng.between(10, 3_000) },
            0 => Act::DiskFails { ms: rng.between(10, 4_000) },
            1 => Act::DiskFull { ms: rng.between(10, 4_000) },
            2 => Act::SlowDisk { ms: rng.between(500, 5_000) },
            _ => Act::Broker { ms: rng.between(500, 10_000) },
        },
        _ => {
            let by = rng.between(0, 7_200_000) as i64 - 3_600_000;
            if rng.chance(50) { Act::Clock { device, by } } else { Act::ServerClock { by } }
        }
    }
}

/// Acts of the owner until `end`, in some stories.
fn owner(seed: u64, end: Ms) -> Vec<Scene> {
    let mut rng = Rng::new(seed, 8);
    let count = if rng.chance(30) { rng.between(1, 4) } else { 0 };
    let mut act = || {
        let (at, room) = (rng.between(500, end), rng.pick(ROOMS.len()));
        // The lobby is never closed.
        if room > 0 && rng.chance(40) { (at, Act::Close { room }) } else { (at, Act::Rename { room }) }
    };
    (0..count).map(|_| act()).collect()
}

/// Several people at one message until `end`, in some stories: by chance alone they rarely meet there.
fn at_one_message(seed: u64, end: Ms) -> Vec<Scene> {
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
