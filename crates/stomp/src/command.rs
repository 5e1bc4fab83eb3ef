//! Commands of frames: a closed set for each side.

use std::fmt::Debug;

use crate::Version;

/// The commands of one side.
pub trait Command: Copy + Eq + Debug + 'static {
    /// Every command.
    const ALL: &[Self];

    /// Its name on the wire.
    fn as_str(self) -> &'static str;

    /// Returns true if its frame may have a body. In 1.0 any may.
    fn has_body(self) -> bool;

    /// The header that names a version, for a command that agrees on one: its frame is never escaped.
    fn version_header(self) -> Option<&'static str>;

    /// The first version that has it.
    fn since(self) -> Version;

    /// The command of this name, if `version` has it; without a version, if any has.
    fn parse(name: &str, version: Option<Version>) -> Option<Self> {
        let mut known = Self::ALL.iter().copied();
        known.find(|it| it.as_str() == name && version.is_none_or(|version| it.since() <= version))
    }
}

/// Commands that a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientCommand {
    /// Begins the session.
    Connect,
    /// The same as [`ClientCommand::Connect`], for clients that have no 1.0.
    Stomp,
    /// Sends a message to a destination.
    Send,
    /// Asks for the messages of a destination.
    Subscribe,
    /// Ends a subscription.
    Unsubscribe,
    /// The message was consumed.
    Ack,
    /// The message was not consumed. Since 1.1.
    Nack,
    /// Begins a transaction.
    Begin,
    /// Carries a transaction out.
    Commit,
    /// Drops a transaction.
    Abort,
    /// Ends the session.
    Disconnect,
}

/// Commands that a server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServerCommand {
    /// The session has begun.
    Connected,
    /// A message of a subscription.
    Message,
    /// A frame that asked for it was carried out.
    Receipt,
    /// Something was wrong; the connection ends.
    Error,
}

impl Command for ClientCommand {
    const ALL: &[Self] = &[
        Self::Connect,
        Self::Stomp,
        Self::Send,
        Self::Subscribe,
        Self::Unsubscribe,
        Self::Ack,
        Self::Nack,
        Self::Begin,
        Self::Commit,
        Self::Abort,
        Self::Disconnect,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "CONNECT",
            Self::Stomp => "STOMP",
            Self::Send => "SEND",
            Self::Subscribe => "SUBSCRIBE",
            Self::Unsubscribe => "UNSUBSCRIBE",
            Self::Ack => "ACK",
            Self::Nack => "NACK",
            Self::Begin => "BEGIN",
            Self::Commit => "COMMIT",
            Self::Abort => "ABORT",
            Self::Disconnect => "DISCONNECT",
        }
    }

    fn has_body(self) -> bool {
        self == Self::Send
    }

    fn version_header(self) -> Option<&'static str> {
        matches!(self, Self::Connect | Self::Stomp).then_some("accept-version")
    }

    fn since(self) -> Version {
        if self == Self::Nack { Version::V11 } else { Version::V10 }
    }
}

impl Command for ServerCommand {
    const ALL: &[Self] = &[Self::Connected, Self::Message, Self::Receipt, Self::Error];

    fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "CONNECTED",
            Self::Message => "MESSAGE",
            Self::Receipt => "RECEIPT",
            Self::Error => "ERROR",
        }
    }

    fn has_body(self) -> bool {
        matches!(self, Self::Message | Self::Error)
    }

    fn version_header(self) -> Option<&'static str> {
        (self == Self::Connected).then_some("version")
    }

    fn since(self) -> Version {
        Version::V10
    }
}
