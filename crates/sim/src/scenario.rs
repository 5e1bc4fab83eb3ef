//! Steps of a story: acts of people, and faults.

use std::fmt;

use crate::DEVICES;

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
