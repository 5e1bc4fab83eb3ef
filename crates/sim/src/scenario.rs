//! Steps of a story: acts of people, and faults.

use std::fmt;

use crate::rng::Rng;
use crate::{DEVICES, encounters};

/// Milliseconds of virtual time.
pub(crate) type Ms = u64;

/// The sides that notice that a connection is cut. A side that does not holds on to a connection that is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noticed {
    Both,
    Client,
    Server,
    Nobody,
}

/// The steps of the store's writer, between which a crash can fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Take,
    Commit,
    Publish,
    Answer,
}

/// One thing that happens. A device is an index into [`DEVICES`], a room an index into [`crate::ROOMS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Post {
        device: usize,
        room: usize,
        bytes: usize,
        reply: bool,
    },
    Burst {
        device: usize,
        room: usize,
        posts: usize,
        bytes: usize,
    },
    Edit {
        device: usize,
        room: usize,
    },
    Delete {
        device: usize,
        room: usize,
    },
    /// Reacts to a message on screen, or takes that back.
    React {
        device: usize,
        room: usize,
    },
    /// Reacts to the newest message as others did, or takes that back.
    Join {
        device: usize,
        room: usize,
    },
    /// Takes a reaction to the newest message back, which mostly is not there.
    TakeBack {
        device: usize,
        room: usize,
    },
    /// Edits the newest message of one's own, several times.
    Revise {
        device: usize,
        room: usize,
        times: usize,
    },
    /// A form without JavaScript, sent twice.
    Form {
        device: usize,
        room: usize,
        again: Ms,
    },
    /// Somebody else's program, signed in as this person, asks for this and that.
    Stranger {
        device: usize,
        salt: u64,
    },
    /// The client sends its last write again, on the same connection.
    Repeat {
        device: usize,
    },
    Open {
        device: usize,
        room: usize,
    },
    Link {
        device: usize,
        room: usize,
        seq: u64,
    },
    Older {
        device: usize,
        room: usize,
    },
    Newer {
        device: usize,
        room: usize,
    },
    Latest {
        device: usize,
        room: usize,
    },
    Bottom {
        device: usize,
        room: usize,
        at: bool,
    },
    Visible {
        device: usize,
        visible: bool,
    },

    Cut {
        device: usize,
        noticed: Noticed,
    },
    Stall {
        device: usize,
        ms: Ms,
    },
    Slow {
        device: usize,
        ms: Ms,
    },
    /// One frame to the client is lost on a connection that goes on, as a bad proxy does it.
    Lose {
        device: usize,
    },
    Offline {
        device: usize,
        ms: Ms,
    },
    /// Something on the way lets no WebSocket through, and keeps streams back if it `buffers`.
    Proxy {
        device: usize,
        ms: Ms,
        buffers: bool,
    },
    Sleep {
        device: usize,
        ms: Ms,
    },
    Freeze {
        device: usize,
        ms: Ms,
    },
    Reload {
        device: usize,
        page: bool,
    },
    Clock {
        device: usize,
        by: i64,
    },

    Crash {
        ms: Ms,
        resets: bool,
    },
    CrashAt {
        step: Step,
        ms: Ms,
    },
    Drain {
        ms: Ms,
    },
    Backup,
    Restore {
        ms: Ms,
    },
    ServerClock {
        by: i64,
    },
    DiskFails {
        ms: Ms,
    },
    DiskFull {
        ms: Ms,
    },
    Unreadable {
        ms: Ms,
    },
    SlowDisk {
        ms: Ms,
    },
    Broker {
        ms: Ms,
    },
    /// The owner gives a room another title.
    Rename {
        room: usize,
    },
    /// The owner closes a room, for ever.
    Close {
        room: usize,
    },
}

/// A step, and its time.
pub type Scene = (Ms, Act);

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
            let (device, room) = (rng.pick(DEVICES.len()), rng.pick(crate::ROOMS.len()));
            let posts = rng.between(10, 40) as usize;
            scenes.push((at + 50, Act::Burst { device, room, posts, bytes: 500 }));
        }
    }
    scenes.extend(encounters::owner(seed, at));
    scenes.extend(encounters::at_one_message(seed, at));
    scenes.sort_by_key(|(at, _)| *at);
    scenes
}

fn daily(rng: &mut Rng) -> Act {
    let (device, room) = (rng.pick(DEVICES.len()), rng.pick(crate::ROOMS.len()));
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

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = |device: &usize| DEVICES[*device].1;
        let place = |room: &usize| crate::ROOMS[*room];
        match self {
            Self::Post { device, room, bytes, reply } => {
                let how = if *reply { ", as an answer" } else { "" };
                write!(f, "{} posts to {} ({bytes} bytes{how})", who(device), place(room))
            }
            Self::Burst { device, room, posts, bytes } => {
                write!(f, "{} posts {posts} times to {} ({bytes} bytes each)", who(device), place(room))
            }
            Self::Edit { device, room } => write!(f, "{} edits in {}", who(device), place(room)),
            Self::Delete { device, room } => write!(f, "{} deletes in {}", who(device), place(room)),
            Self::React { device, room } => write!(f, "{} reacts in {}", who(device), place(room)),
            Self::Join { device, room } => {
                write!(f, "{} reacts in {} as others did", who(device), place(room))
            }
            Self::TakeBack { device, room } => {
                write!(f, "{} takes a reaction in {} back, there or not", who(device), place(room))
            }
            Self::Revise { device, room, times } => {
                write!(f, "{} edits the same message in {} {times} times", who(device), place(room))
            }
            Self::Form { device, room, again } => {
                write!(f, "{} sends a form to {}, and again after {again} ms", who(device), place(room))
            }
            Self::Stranger { device, salt } => {
                write!(f, "a stranger asks for this and that as {} ({salt})", who(device))
            }
            Self::Repeat { device } => write!(f, "{} says the last write again", who(device)),
            Self::Open { device, room } => write!(f, "{} looks at {}", who(device), place(room)),
            Self::Link { device, room, seq } => {
                write!(f, "{} follows a link to {}/{seq}", who(device), place(room))
            }
            Self::Older { device, room } => write!(f, "{} reads older ones in {}", who(device), place(room)),
            Self::Newer { device, room } => write!(f, "{} reads newer ones in {}", who(device), place(room)),
            Self::Latest { device, room } => {
                write!(f, "{} jumps to the newest in {}", who(device), place(room))
            }
            Self::Bottom { device, room, at } => {
                let where_to = if *at { "to" } else { "away from" };
                write!(f, "{} scrolls {where_to} the bottom of {}", who(device), place(room))
            }
            Self::Visible { device, visible } => {
                write!(f, "{} {} the page", who(device), if *visible { "shows" } else { "hides" })
            }
            Self::Cut { device, noticed } => {
                write!(f, "the connection of {} is cut; noticed by {noticed:?}", who(device))
            }
            Self::Stall { device, ms } => write!(f, "the network of {} stalls for {ms} ms", who(device)),
            Self::Slow { device, ms } => write!(f, "{} does not read for {ms} ms", who(device)),
            Self::Lose { device } => write!(f, "one frame to {} is lost", who(device)),
            Self::Offline { device, ms } => write!(f, "{} has no network for {ms} ms", who(device)),
            Self::Proxy { device, ms, buffers } => {
                let also = if *buffers { ", nor streams" } else { "" };
                write!(f, "a proxy lets no WebSocket of {} through for {ms} ms{also}", who(device))
            }
            Self::Sleep { device, ms } => write!(f, "{} sleeps for {ms} ms", who(device)),
            Self::Freeze { device, ms } => write!(f, "{} is frozen for {ms} ms", who(device)),
            Self::Reload { device, page } => {
                let from = if *page { "from the server's page" } else { "from nothing" };
                write!(f, "{} is loaded anew, {from}", who(device))
            }
            Self::Clock { device, by } => write!(f, "the clock of {} jumps by {by} ms", who(device)),
            Self::Crash { ms, resets } => {
                let how = if *resets { "its connections are reset" } else { "nobody hears of it" };
                write!(f, "the server crashes for {ms} ms; {how}")
            }
            Self::CrashAt { step, ms } => {
                write!(f, "the server crashes for {ms} ms right after the writer's next {step:?}")
            }
            Self::Drain { ms } => write!(f, "the server restarts in order, within {ms} ms"),
            Self::Backup => write!(f, "a backup is made"),
            Self::Restore { ms } => write!(f, "the server is stopped for {ms} ms and its backup put back"),
            Self::ServerClock { by } => write!(f, "the server's clock jumps by {by} ms"),
            Self::DiskFails { ms } => write!(f, "the disk fails for {ms} ms"),
            Self::DiskFull { ms } => write!(f, "the disk is full for {ms} ms"),
            Self::Unreadable { ms } => write!(f, "the disk cannot be read for {ms} ms"),
            Self::SlowDisk { ms } => write!(f, "the disk is slow for {ms} ms"),
            Self::Rename { room } => write!(f, "the owner renames {}", place(room)),
            Self::Close { room } => write!(f, "the owner closes {}", place(room)),
            Self::Broker { ms } => write!(f, "the broker loses and reorders for {ms} ms"),
        }
    }
}
