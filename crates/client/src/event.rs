//! Events of the core.

use madang_protocol::{Cmid, Person, RoomId, RoomInfo, Seq, ServerFrame, UserId};

use crate::{Conn, Locale, Role, TabId, TabMessage, Theme, Write};

/// A random number, even over its whole range: the jitter of the next attempt to connect.
pub type Roll = u32;

/// An event of the page or the connection, or a command of the person.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The page lives: bring back the writes that an earlier page could not send. It connects once it knows its
    /// [`Role`].
    Started {
        /// True if the page is on screen.
        visible: bool,
    },
    /// The time that [`crate::Effect::WakeAt`] asked for is reached (too early is harmless).
    Woke {
        /// For the wait before the next attempt, should this tick lose the connection.
        roll: Roll,
    },
    /// The browser reports a network again.
    Online,
    /// The browser reports no network.
    Offline,
    /// The page came on screen, or left it.
    Visible(bool),
    /// A person asked to connect now.
    Reconnect,
    /// The page goes away.
    Stopped,
    /// Role of this tab among the tabs of its browser, at first and whenever that changes.
    Role(Role),
    /// Another tab sent this one something, by [`crate::Effect::SendToTabs`].
    Tab {
        /// The sender.
        from: TabId,
        /// The message.
        message: TabMessage,
        /// For the wait before the next attempt, should this tab find its connection lost meanwhile.
        roll: Roll,
    },

    /// The carrier can take frames. A WebSocket: its handshake is over. The others: at once.
    Opened {
        /// The carrier.
        conn: Conn,
    },
    /// The carrier brought a frame.
    Frame {
        /// The carrier.
        conn: Conn,
        /// The frame.
        frame: ServerFrame,
    },
    /// The carrier has ended, or could not be opened.
    Closed {
        /// The carrier.
        conn: Conn,
        /// The close code; 1006 if there was none, 4001 for a session that is gone (410).
        code: u16,
        /// For the wait before the next attempt.
        roll: Roll,
    },
    /// Writes found by [`crate::Effect::Restore`], in any order.
    Restored {
        /// The person.
        user: UserId,
        /// The writes that an earlier page saved and never saw acknowledged.
        writes: Vec<Write>,
    },

    /// The person looks at another room, or follows a permanent link.
    OpenRoom {
        /// The room.
        room: RoomId,
        /// The message that the link names.
        around: Option<Seq>,
    },
    /// Post a message. The text is checked as the server will; what fails becomes [`crate::Model::notice`].
    Post {
        /// The room.
        room: RoomId,
        /// A new random id.
        cmid: Cmid,
        /// The text, as typed.
        body: String,
        /// The message that this one answers.
        reply_to: Option<Seq>,
    },
    /// Replace the text of a message of one's own.
    Edit {
        /// The room.
        room: RoomId,
        /// A new random id.
        cmid: Cmid,
        /// The message.
        seq: Seq,
        /// Its new text.
        body: String,
    },
    /// Take back a message of one's own.
    Delete {
        /// The room.
        room: RoomId,
        /// A new random id.
        cmid: Cmid,
        /// The message.
        seq: Seq,
    },
    /// React to a message with an emoji, or take that back.
    React {
        /// The room.
        room: RoomId,
        /// A new random id.
        cmid: Cmid,
        /// The message.
        seq: Seq,
        /// The emoji.
        emoji: String,
        /// True to react, false to take it back.
        on: bool,
    },
    /// Send a failed write again, under the same id.
    Retry {
        /// The write.
        cmid: Cmid,
    },
    /// Give up a failed write, or one that waits and was never sent.
    Discard {
        /// The write.
        cmid: Cmid,
    },
    /// The person typed something into the composer. Told to others at most every 3 s.
    Typed {
        /// The room.
        room: RoomId,
    },
    /// The timeline was scrolled to its bottom, or away from it. Tell each change. A room that the person
    /// moved to counts as at its bottom until told otherwise, unless by a permanent link; the first room of a
    /// page does not. While a visible page is at the bottom of a room, all new messages are read.
    AtBottom {
        /// The room.
        room: RoomId,
        /// True if the newest row is on screen.
        at_bottom: bool,
    },
    /// The reader comes near the top: load older messages, if there are any.
    Older {
        /// The room.
        room: RoomId,
    },
    /// The reader comes near the bottom of a window that is not the newest: load newer messages.
    Newer {
        /// The room.
        room: RoomId,
    },
    /// Jump to the newest message.
    Latest {
        /// The room.
        room: RoomId,
    },

    /// The person's own name changed (the answer to `POST /me`).
    Renamed {
        /// The person, as they are now.
        you: Person,
    },
    /// The person opened a room (the answer to `POST /rooms`).
    RoomMade {
        /// The room.
        info: RoomInfo,
    },
    /// The person chose a language.
    LocaleChosen(Locale),
    /// The person chose a theme.
    ThemeChosen(Theme),
    /// The person has read the notice.
    NoticeDismissed,
}
