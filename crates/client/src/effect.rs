//! What the core wants done.

use madang_protocol::{ClientFrame, Cmid, UnixMs, UserId};

use crate::{Conn, Write};

/// What whoever runs the core must do, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Open a socket, and report its life under this number. An older socket is dropped, with its listeners.
    Connect {
        /// The new socket's number.
        conn: Conn,
    },
    /// Close the socket; its `Closed` is still to be reported.
    Close {
        /// Which socket.
        conn: Conn,
    },
    /// Send a frame, if this socket is still the one that is open; otherwise drop it.
    Send {
        /// Which socket.
        conn: Conn,
        /// The frame.
        frame: ClientFrame,
    },
    /// Report `Woke` at this time. Replaces what was asked before.
    WakeAt(UnixMs),
    /// Read all writes of this person that were saved, and report them as `Restored`, even if there are none.
    Restore {
        /// Whose.
        user: UserId,
    },
    /// Keep this write over a reload, in place of what was kept under its id.
    SaveWrite {
        /// Whose.
        user: UserId,
        /// The write.
        write: Write,
    },
    /// The write need not be kept any longer.
    ForgetWrite {
        /// Whose.
        user: UserId,
        /// The write.
        cmid: Cmid,
    },
}
