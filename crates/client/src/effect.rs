//! Effects that the core asks for.

use madang_protocol::{ClientFrame, Cmid, UnixMs, UserId};

use crate::{Conn, TabId, TabMessage, Transport, Write};

/// Effects that whoever runs the core must carry out, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Open a further carrier, and report its life under this number. It lives beside the others until its
    /// `Close` or until it ends by itself. Never [`Transport::Tab`]: that one goes by [`Effect::SendToTabs`].
    Connect {
        /// The new carrier's number.
        conn: Conn,
        /// The transport to open.
        transport: Transport,
    },
    /// Close this carrier: it brings no further frames. Its `Closed` is still to be reported.
    Close {
        /// The carrier.
        conn: Conn,
    },
    /// Show the server that this carrier is still read: `POST /rt/{session}?ack=N` with `[]`. Only for
    /// [`Transport::EventSource`]; a poll's next `GET` shows it by itself.
    SignOfLife {
        /// The carrier.
        conn: Conn,
    },
    /// Send something to other tabs of this browser. They get it as [`crate::Event::Tab`], what one tab sends in the
    /// order in which it sent it.
    SendToTabs {
        /// The tabs; empty for all others.
        to: Vec<TabId>,
        /// The message.
        message: TabMessage,
    },
    /// Send a frame on this carrier, if it is open; otherwise drop it.
    Send {
        /// The carrier.
        conn: Conn,
        /// The frame.
        frame: ClientFrame,
    },
    /// Report `Woke` at this time. Replaces what was asked before.
    WakeAt(UnixMs),
    /// Read all writes of this person that were saved, and report them as `Restored`, even if there are none.
    Restore {
        /// The person.
        user: UserId,
    },
    /// Keep this write over a reload (begin with it before the next effect, so that no tab that receives a write,
    /// or reads the store after, finds it missing), in place of what was kept under its id.
    SaveWrite {
        /// The person.
        user: UserId,
        /// The write.
        write: Write,
    },
    /// The write need not be kept any longer.
    ForgetWrite {
        /// The person.
        user: UserId,
        /// The write.
        cmid: Cmid,
    },
}
