//! The tabs of one browser: one of them holds the connection, and the others go through it.

use madang_protocol::{ClientFrame, Cmid, ServerFrame, UserId};

use crate::{Conn, Write};

/// A tab's name among the tabs of its browser: a random number, new with each page.
pub type TabId = u64;

/// Role of a tab among the tabs of its browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The browser cannot tell tabs of each other: this one has a connection of its own.
    Alone,
    /// This tab holds the connection, for all.
    Leader,
    /// Another tab holds it, or is about to.
    Follower,
}

/// Messages between tabs. Whoever runs the core carries them, as text ([`TabMessage::to_text`]), and need not look
/// inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TabMessage {
    /// A leader to all: there is a new session; what tabs had through an earlier one is over.
    Leading,
    /// A follower to whoever leads: take me in.
    Ask {
        /// The follower's connection; `Opened` names it.
        conn: Conn,
    },
    /// A leader to a tab: send hello.
    Opened {
        /// As asked.
        conn: Conn,
    },
    /// A follower to its leader: a frame for the server.
    Up {
        /// The frame.
        frame: ClientFrame,
    },
    /// A leader to tabs that it took in: a frame from the server.
    Down {
        /// The frame.
        frame: ServerFrame,
    },
    /// A follower to its leader, with each heartbeat: this tab is still there.
    Alive,
    /// A follower to its leader: this tab goes away.
    Left,
    /// A leader to tabs that it took in, or did not: there is no session.
    Closed {
        /// The close code.
        code: u16,
    },
    /// A follower to whoever leads: look whether the connection is alive; do not sit out a wait.
    Nudge {
        /// A person asked for it.
        by_person: bool,
    },
    /// A tab to all: it has this open write.
    Wrote {
        /// The person.
        user: UserId,
        /// The write.
        write: Write,
    },
    /// A tab to all: this write failed, or is to be sent again.
    Changed {
        /// The person.
        user: UserId,
        /// The write, as it is now.
        write: Write,
    },
    /// A tab to all: this write is settled, or was given up.
    Forgot {
        /// The person.
        user: UserId,
        /// The write.
        cmid: Cmid,
    },
}
